"""When exchanges trade, and how many bars a year has."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np

from tradewind.engine.bars.session_book import Days, Sessions, Times, book, cache_folder
from tradewind.engine.errors import ConfigError

__all__ = [
    "ALWAYS",
    "Clock",
    "Sessions",
    "bars_per_year",
    "interval_ns",
    "is_intraday",
    "session_closes",
    "session_days",
    "split_interval",
]

ALWAYS = "24/7"
DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000
UNITS_NS = {"m": MINUTE_NS, "min": MINUTE_NS, "h": 60 * MINUTE_NS, "d": DAY_NS, "wk": 7 * DAY_NS}
REFERENCE = (np.datetime64("2010-01-01"), np.datetime64("2020-01-01"))  # ten whole years
WEEKDAY_SESSIONS = 252.0


class Clock(Protocol):
    """What of a panel says how often it ticks."""

    @property
    def ts(self) -> Times:
        """Close of each bar, UTC nanoseconds."""
        ...

    @property
    def interval(self) -> str:
        """Nominal length of a bar."""
        ...

    @property
    def calendar(self) -> str | None:
        """Exchange calendar, None where none applies."""
        ...


def session_closes(calendar: str, first_day: Any, last_day: Any) -> Sessions:
    """Sessions of ``calendar`` from ``first_day`` to ``last_day``, both included.

    Parameters
    ----------
    calendar : str
        Code known to exchange_calendars (``XNYS``) or one of its aliases, in any case; ``24/7``.
    first_day, last_day : date, datetime64 or ISO text

    Raises
    ------
    ConfigError
        If there is no such calendar; the message names the nearest.
    """
    first, last = np.datetime64(first_day, "D"), np.datetime64(last_day, "D")
    if calendar == ALWAYS:
        return _always(first, last)
    today = np.datetime64(datetime.now(UTC).date(), "D")
    return book(calendar.upper(), cache_folder(), min(last, today)).between(first, last)


def session_days(ts: Times, interval: str, calendar: str | None) -> Days:
    """Day that each bar belongs to, as its exchange counts days.

    Parameters
    ----------
    ts : ndarray of int64, shape (n_bars,)
        Closes, UTC nanoseconds, increasing.
    interval : str
        Of the bars; those of a day or more belong to the day they close in.
    calendar : str or None
        None: days are those of UTC.

    Returns
    -------
    ndarray of datetime64[D], shape (n_bars,)
        A bar outside all sessions belongs to the session that follows.
    """
    # A bar that closes at midnight belongs to the day that ends there.
    days = (ts - 1).astype("datetime64[ns]").astype("datetime64[D]")
    if calendar in (None, ALWAYS) or not is_intraday(interval) or not len(days):
        return days
    assert calendar is not None
    sessions = session_closes(calendar, days[0] - 1, days[-1] + 10)
    if not len(sessions):
        return days
    at = np.searchsorted(sessions.closes, ts, "left")
    found = sessions.days[np.minimum(at, len(sessions) - 1)]
    return np.where(at < len(sessions), found, days)


def _always(first: np.datetime64, last: np.datetime64) -> Sessions:
    days = np.arange(first, last + 1, dtype="datetime64[D]")
    opens = days.astype("datetime64[ns]").astype(np.int64)
    traded = np.full(len(days), DAY_NS, np.int64)
    return Sessions(ALWAYS, days, opens, opens + DAY_NS, traded, (first, last))


def split_interval(interval: str) -> tuple[int, str]:
    """Count and unit of an interval: ``15min`` is (15, "min")."""
    found = re.fullmatch(r"(\d+)(min|m|h|d|wk|mo)", interval)
    if not found or int(found[1]) == 0:
        raise ConfigError(
            f"data.interval: {interval!r} is no length of a bar; wanted for example 1d, 1h, 5min"
        )
    return int(found[1]), found[2]


def is_intraday(interval: str) -> bool:
    """Whether bars are shorter than a day."""
    return split_interval(interval)[1] in ("m", "min", "h")


def interval_ns(interval: str) -> int:
    """Nominal length of a bar in nanoseconds; a month counts 30 days."""
    count, unit = split_interval(interval)
    return count * UNITS_NS.get(unit, 30 * DAY_NS)


def bars_per_year(panel: Clock) -> float:
    """Bars a year of the panel's clock has, for annualising.

    A convention, not an estimate from however much data there happens to be:

    - daily with a calendar: its sessions a year, averaged over 2010 to 2019 and rounded (XNYS 252,
      24/7 365); without one 365 if both Saturdays and Sundays have bars, else 252;
    - weekly 52, monthly 12; several days, weeks or months to a bar divide that;
    - shorter with a calendar: sessions a year times the bars that fit into its usual session (a
      last, shorter bar counts), or the bars a day has in the panel where those are more, as they
      are with extended hours; without a calendar the bars of a median day times 365 or 252;
    - symbols of different calendars: the rows of their clock, daily from the sessions of 2010 to
      2019, else counted in the panel, because no convention knows them.

    Parameters
    ----------
    panel : Clock
        Only ``ts``, ``interval`` and ``calendar`` are read.

    Raises
    ------
    ConfigError
        If the interval or the calendar is unknown.
    """
    count, unit = split_interval(panel.interval)
    differing = getattr(panel, "calendars", ())
    if differing:
        return _rows_per_year(panel, differing)
    if unit in ("wk", "mo"):
        return {"wk": 52.0, "mo": 12.0}[unit] / count
    days = (panel.ts - 1).astype("datetime64[ns]").astype("datetime64[D]")
    a_year = _sessions_per_year(panel.calendar, days)
    if unit == "d":
        return a_year / count
    shown = float(np.median(np.unique(days, return_counts=True)[1])) if len(days) else 0.0
    return a_year * max(shown, _bars_per_session(panel.calendar, days, count * UNITS_NS[unit]))


def _rows_per_year(panel: Clock, calendars: Sequence[str | None]) -> float:
    """Rows a year of a clock that several exchanges share."""
    named = [calendar for calendar in dict.fromkeys(calendars) if calendar is not None]
    if panel.interval == "1d" and len(named) == len(set(calendars)):
        closes = [session_closes(one, REFERENCE[0], REFERENCE[1] - 1).closes for one in named]
        years = int((REFERENCE[1] - REFERENCE[0]).astype(np.int64)) / 365.25
        return float(round(len(np.unique(np.concatenate(closes))) / years))
    if len(panel.ts) < 2:
        return WEEKDAY_SESSIONS
    span = int(panel.ts[-1] - panel.ts[0]) / (365.25 * DAY_NS)
    return (len(panel.ts) - 1) / span


def _sessions_per_year(calendar: str | None, days: Days) -> float:
    if calendar == ALWAYS:
        return 365.0
    if calendar is None:
        weekday = (days.astype(np.int64) + 3) % 7  # Monday is 0; day 0 of the epoch a Thursday
        shares = [float((weekday == k).mean()) for k in (5, 6)] if len(days) else [0.0]
        return 365.0 if min(shares) > 1 / 14 else WEEKDAY_SESSIONS
    known = session_closes(calendar, "1900-01-01", "2100-01-01")
    first, last = max(known.known[0], REFERENCE[0]), min(known.known[1] + 1, REFERENCE[1])
    n_sessions = len(known.between(first, last - 1))
    return float(round(n_sessions * 365.25 / int((last - first).astype(np.int64))))


def _bars_per_session(calendar: str | None, days: Days, length_ns: int) -> float:
    if calendar is None or not len(days):
        return 0.0
    sessions = session_closes(calendar, days[0], days[-1])
    if not len(sessions):
        return 0.0
    return float(np.ceil(np.median(sessions.traded) / length_ns))
