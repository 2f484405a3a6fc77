"""Features of the calendar: of a bar's own day, and of the bar some bars ahead.

What an exchange's calendar says is known long before, so it may be read for a bar that lies ahead.
Closures nobody planned (storms, funerals, September 2001) are in the calendar as well; what they
tell about the days before them is a handful of days a century.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tradewind.engine.bars.session_book import Days, Sessions
from tradewind.engine.bars.sessions import is_intraday, session_closes, session_days
from tradewind.engine.errors import DataError
from tradewind.engine.features.tape import Tape
from tradewind.engine.records import Floats, Ints

HOUR_NS = 3_600_000_000_000.0
MARGIN = 40  # days: longer than any month, and than any closure on record but one


def day_feature(tape: Tape, name: str, ahead: int) -> Floats:
    """A feature of the calendar for every row.

    Parameters
    ----------
    tape : Tape
    name : str
        Key of :data:`OF_A_DAY` or :data:`OF_A_SESSION`.
    ahead : int
        Sessions ahead; 0: the bar's own.

    Raises
    ------
    DataError
        If it takes an exchange calendar and a symbol has none, or says nothing of bars this long.
    """
    if ahead and tape.panel.interval != "1d":
        raise DataError(
            f"features: ahead_{ahead}.calendar.{name} counts sessions, and bars are of "
            f"{tape.panel.interval}; use calendar.{name}, or data.resample: 1d"
        )
    if name == "time_of_day" and not is_intraday(tape.panel.interval):
        raise DataError(
            f"features: calendar.time_of_day is 1 on every bar of {tape.panel.interval}; leave it "
            "out"
        )
    calendars = tape.panel.calendar_of_each
    grid = np.empty((len(tape.ts), len(calendars)))
    for calendar in dict.fromkeys(calendars):
        at = [k for k, own in enumerate(calendars) if own == calendar]
        grid[:, at] = _of_clock(tape, name, ahead, calendar)[:, None]
    return tape.take(grid)


def _of_clock(tape: Tape, name: str, ahead: int, calendar: str | None) -> Floats:
    """Values for every row of the clock, as one calendar counts days."""
    days = session_days(tape.ts, tape.panel.interval, calendar)
    if name in OF_A_DAY and not ahead:
        return OF_A_DAY[name][0](days)
    if calendar is None:
        asked = f"ahead_{ahead}.calendar.{name}" if ahead else f"calendar.{name}"
        raise DataError(
            f"features: {asked} takes an exchange calendar, and the data has none; set "
            "data.calendar to the exchange's code (XNYS), or 24/7"
        )
    if not len(days):
        return np.empty(0)
    last = days[-1] + MARGIN + 2 * ahead
    sessions = session_closes(calendar, days[0] - MARGIN, last)
    at = np.searchsorted(sessions.days, days, "left") + ahead
    out = np.full(len(days), np.nan)
    known = at < len(sessions)
    if name in OF_A_DAY:
        out[known] = OF_A_DAY[name][0](sessions.days[at[known]])
    else:
        out[known] = OF_A_SESSION[name][0](sessions, at[known], tape.ts[known])
    out[~sessions.covers(days)] = np.nan
    return out


def _weekday(days: Days) -> Floats:
    return ((days.astype(np.int64) + 3) % 7).astype(np.float64)  # day 0 was a Thursday


def _month(days: Days) -> Floats:
    return (days.astype("datetime64[M]").astype(np.int64) % 12 + 1).astype(np.float64)


def _day_of_month(days: Days) -> Floats:
    first = days.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return (days.astype(np.int64) - first + 1).astype(np.float64)


def _wave(of: Callable[[Days], Floats], period: float, phase: float) -> Callable[[Days], Floats]:
    def turn(days: Days) -> Floats:
        out: Floats = np.sin(2 * np.pi * of(days) / period + phase)
        return out

    return turn


def _months(sessions: Sessions) -> Days:
    return sessions.days.astype("datetime64[M]")


def _to_month_end(sessions: Sessions, at: Ints, ts: Ints) -> Floats:
    """Sessions left in the month; NaN in the last one known, whose end may lie beyond."""
    months = _months(sessions)
    stop = np.searchsorted(months, months[at], "right")
    left = stop - 1.0 - at
    return np.where(stop < len(months), left, np.nan)


def _from_month_start(sessions: Sessions, at: Ints, ts: Ints) -> Floats:
    months = _months(sessions)
    start = np.searchsorted(months, months[at], "left")
    return np.where(start > 0, at - start.astype(np.float64), np.nan)


def _hours(sessions: Sessions, at: Ints, ts: Ints) -> Floats:
    return sessions.traded[at] / HOUR_NS


def _days_off(sessions: Sessions, at: Ints, ts: Ints) -> Floats:
    """Days without a session before the next."""
    known = at + 1 < len(sessions)
    later = sessions.days[np.where(known, at + 1, at)]
    off = (later - sessions.days[at]).astype(np.int64) - 1.0
    return np.where(known, off, np.nan)


def _time_of_day(sessions: Sessions, at: Ints, ts: Ints) -> Floats:
    """Share of the session that is over at the bar's close; beyond 0 and 1 outside it."""
    opens, closes = sessions.opens[at], sessions.closes[at]
    return (ts - opens) / (closes - opens)


QUARTER = np.pi / 2
# name -> (function of days, one line for the list of features)
OF_A_DAY: Mapping[str, tuple[Callable[[Days], Floats], str]] = {
    "weekday": (_weekday, "day of the week, Monday 0"),
    "weekday_sin": (_wave(_weekday, 7.0, 0.0), "day of the week as a point on a circle: sine"),
    "weekday_cos": (_wave(_weekday, 7.0, QUARTER), "and cosine"),
    "month": (_month, "month, January 1"),
    "month_sin": (_wave(_month, 12.0, 0.0), "month as a point on a circle: sine"),
    "month_cos": (_wave(_month, 12.0, QUARTER), "and cosine"),
    "day": (_day_of_month, "day of the month, from 1"),
}
# name -> (function of sessions, their rows and the bars' closes, one line)
OF_A_SESSION: Mapping[str, tuple[Callable[[Sessions, Ints, Ints], Floats], str]] = {
    "month_end": (_to_month_end, "sessions left in the month, 0 on its last"),
    "month_start": (_from_month_start, "sessions since the first of the month, 0 on it"),
    "hours": (_hours, "hours the session trades, early closes and breaks counted"),
    "days_off": (_days_off, "days without a session before the next: 2 on a usual Friday"),
    "time_of_day": (
        _time_of_day,
        "share of the session over at the close; not of daily bars",
    ),
}
