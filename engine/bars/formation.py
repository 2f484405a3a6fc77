"""On which bars a portfolio is formed: the first or the last of a month, a week, a quarter, a year.

The last bar of a period is known to be the last only from a calendar: the exchange says in advance
when its next session is. Without a calendar a portfolio is formed at the first close of the next.
"""

from typing import Literal

import numpy as np

from tradewind.engine.bars.session_book import Days
from tradewind.engine.bars.sessions import ALWAYS, DAY_NS, session_closes
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Bools, Ints, Panel

Every = Literal[
    "day", "week", "month", "quarter", "year", "week_end", "month_end", "quarter_end", "year_end"
]

WEEK_OF_MONDAY = 3  # day 0 of the epoch was a Thursday
CLOSED_DAYS = 15  # no exchange rests longer; the next session lies within


def formations(panel: Panel, every: Every) -> Bools:
    """Whether a portfolio is formed at the close of a bar.

    Parameters
    ----------
    panel : Panel
    every : str
        ``day``: the last bar of each day. ``week``, ``month``, ``quarter``, ``year``: the first bar
        of one; the panel's first bar is no beginning, because what came before it is not known.
        With ``_end``: the last bar, which the exchange's calendar tells in advance.

    Returns
    -------
    ndarray of bool, shape (n_bars,)
        The same for a bar whatever comes after it.

    Raises
    ------
    ConfigError
        If an end is asked for without a calendar that knows it.
    """
    if not panel.n_bars:
        return np.zeros(0, np.bool_)
    days = _days(panel)
    if every == "day":
        return np.ones(panel.n_bars, np.bool_) if panel.daily else _ends(panel, days, "day")
    if every.endswith("_end"):
        return _ends(panel, days, every.removesuffix("_end"))
    return _begins(days, every)


def month_begins(panel: Panel) -> Bools:
    """Whether a bar is the first of a calendar month, shape (n_bars,); see :func:`formations`."""
    begins = np.zeros(panel.n_bars, np.bool_)
    if panel.n_bars:
        # The label of a daily bar that closes at midnight is the day that ends there. Months are
        # fewer than bars, and what tells the month of a bar costs more than to look one up.
        early = int(panel.daily)
        first, last = (panel.ts[[0, -1]] - early).astype("datetime64[ns]").astype("datetime64[M]")
        starts = np.arange(first + 1, last + 1).astype("datetime64[ns]").astype(np.int64)
        begins[np.searchsorted(panel.ts, starts + early)] = True
    return begins


def period_of(days: Days, period: str) -> Ints:
    """Number of the week (from Monday on), month, quarter or year that each day lies in."""
    if period == "day":
        return days.astype("datetime64[D]").astype(np.int64)
    if period == "week":
        return (days.astype("datetime64[D]").astype(np.int64) + WEEK_OF_MONDAY) // 7
    months = days.astype("datetime64[M]").astype(np.int64)
    return months // {"month": 1, "quarter": 3, "year": 12}[period]


def _days(panel: Panel) -> Days:
    """Day that each bar closes in, UTC; a bar that closes at midnight ends the day before."""
    return (panel.ts - 1).astype("datetime64[ns]").astype("datetime64[D]")


def _begins(days: Days, period: str) -> Bools:
    number = period_of(days, period)
    return np.concatenate([[False], np.diff(number) > 0])


def _ends(panel: Panel, days: Days, period: str) -> Bools:
    """Bars after whose day the next session lies in another period."""
    calendar = panel.calendar
    if calendar is None:
        raise ConfigError(
            f"{period}_end: nothing says in advance which bar of a {period} is its last, because "
            f"the data has no calendar; set data.calendar (XNYS, 24/7), or form at the beginning "
            f"of the next {period}"
        )
    if calendar == ALWAYS:
        following = days + 1
    else:
        sessions = session_closes(calendar, days[0], days[-1] + CLOSED_DAYS)
        at = np.searchsorted(sessions.days, days, "right")
        if len(sessions) == 0 or at[-1] >= len(sessions):
            raise ConfigError(
                f"{period}_end: calendar {calendar} knows sessions up to "
                f"{sessions.known[1]}, and the data goes to {days[-1]}; update "
                f"exchange_calendars, or form at the beginning of the next {period}"
            )
        following = sessions.days[at]
    last = period_of(following, period) > period_of(days, period)
    if panel.daily:
        return np.asarray(last)
    # Of the bars of a day the last one: the first bar of which the session's close is reached.
    if calendar == ALWAYS:
        return np.asarray(last & ((panel.ts % DAY_NS) == 0))
    return np.asarray(last & np.isin(panel.ts, sessions.closes))
