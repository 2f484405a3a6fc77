"""Which longer bar each bar of a clock belongs to, by the calendar of its exchange.

Everything here reads times alone, never prices: no value can decide which bar it belongs to.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradewind.engine.bars.sessions import (
    ALWAYS,
    Sessions,
    interval_ns,
    is_intraday,
    session_closes,
    split_interval,
)
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.records import DAY_NS, Bools, Ints, label

NO_BIN = -1


@dataclass(frozen=True, slots=True)
class Bins:
    """Longer bars that a clock of one calendar passes through.

    Attributes
    ----------
    closes : ndarray of int64, shape (n_bins,)
        UTC nanoseconds at which each longer bar is over by the calendar, increasing.
    of : ndarray of int64, shape (n_rows,)
        Longer bar of each row, -1 where it lies outside every one (before the open and after the
        close, where the longer bar spans whole sessions).
    """

    closes: Ints
    of: Ints


def check_longer(fine: str, coarse: str) -> None:
    """Refuse a length that bars of ``fine`` cannot be put together to.

    Raises
    ------
    ConfigError
        If it is shorter, no whole multiple, or its borders fall inside bars (weeks in months).
    """
    n_fine, fine_unit = split_interval(fine)
    n_coarse, coarse_unit = split_interval(coarse)
    if is_intraday(coarse):
        fits = is_intraday(fine) and interval_ns(coarse) % interval_ns(fine) == 0
    elif is_intraday(fine) or (fine == "1d" and coarse_unit != "d"):
        fits = True
    else:
        fits = fine_unit == coarse_unit and n_coarse % n_fine == 0
    if not fits:
        raise ConfigError(
            f"bars of {fine} cannot be put together to bars of {coarse}; wanted a longer bar that "
            "holds whole ones, for example 5min from 1min, 1d from 1h, 1wk or 1mo from 1d"
        )


def bins(ts: Ints, calendar: str | None, fine: str, coarse: str) -> Bins:
    """Longer bar of each row of a clock.

    Bars of minutes and hours are counted from the open of their session and end with it at the
    latest; those before the open are counted back from it, those after the close on from that.
    Days are sessions, an early close ends them early; a week (from Monday), a month, or several
    days end with the close of their last session. Several days, weeks or months are counted from
    a fixed date, so that it does not matter where the data begins. Without a calendar, or round
    the clock, a session is a day in UTC.

    Parameters
    ----------
    ts : ndarray of int64, shape (n_rows,)
        Closes of the bars, increasing.
    calendar : str or None
    fine, coarse : str
        Length of the bars and of those they are put together to.

    Raises
    ------
    ConfigError
        If the lengths do not fit, or the calendar is unknown.
    DataError
        If the calendar does not know the time, or a bar begins in one longer bar and ends in the
        next.
    """
    check_longer(fine, coarse)
    if not len(ts):
        return Bins(np.empty(0, np.int64), np.empty(0, np.int64))
    sessions = _around(ts, calendar, coarse)
    at = np.searchsorted(sessions.closes, ts).clip(max=len(sessions) - 1)  # first not over before
    inside = (ts > sessions.opens[at]) & (ts <= sessions.closes[at])
    if is_intraday(coarse):
        ends = _grid(ts, sessions, at, inside, interval_ns(coarse))
    else:
        ends = np.where(inside, last_closes(sessions, coarse)[at], 0)
    known = ends > 0
    closes = np.unique(ends[known])
    of = np.where(known, np.searchsorted(closes, ends), NO_BIN).astype(np.int64)
    _check_inside(ts, Bins(closes, of), _begins(ts, sessions, at, fine), fine, coarse)
    return Bins(closes, of)


def _around(ts: Ints, calendar: str | None, coarse: str) -> Sessions:
    """Sessions that the clock passes through, and those of the last longer bar to its end."""
    margin = np.timedelta64(interval_ns(coarse) // DAY_NS + 40, "D")
    first, last = (ts[[0, -1]] - 1).astype("datetime64[ns]").astype("datetime64[D]")
    sessions = session_closes(calendar or ALWAYS, first - margin, last + margin)
    if not len(sessions) or not sessions.covers(np.array([first, last])).all():
        raise DataError(
            f"data: the calendar {calendar} knows {sessions.known[0]} to {sessions.known[1]}, the "
            f"bars reach from {first} to {last}; choose another range, or set calendar: none"
        )
    return sessions


def _grid(ts: Ints, sessions: Sessions, at: Ints, inside: Bools, length: int) -> Ints:
    """Close of the bar of ``length`` each row falls into."""
    opens, closes = sessions.opens[at], sessions.closes[at]
    before = sessions.closes[(at - 1).clip(min=0)]  # close of the session before
    during = np.minimum(opens + -((opens - ts) // length) * length, closes)
    early = opens - (opens - ts) // length * length
    late = np.minimum(before - (before - ts) // length * length, opens)
    after = ts - before <= opens - ts  # nearer to the close than to the open
    return np.where(inside, during, np.where(after, late, early))


def last_closes(sessions: Sessions, coarse: str) -> Ints:
    """For each session the close of the last one in the same longer bar."""
    count, unit = split_interval(coarse)
    if unit == "d" and count == 1:
        return sessions.closes
    number = _numbers(sessions, unit) // count
    last = np.searchsorted(number, number, "right") - 1
    return sessions.closes[last]


def _numbers(sessions: Sessions, unit: str) -> npt.NDArray[np.int64]:
    """Number of each session's day, week or month, counted from a fixed date."""
    days = sessions.days.astype(np.int64)
    if unit == "wk":
        return (days + 3) // 7  # the first of January 1970 was a Thursday
    if unit == "mo":
        return sessions.days.astype("datetime64[M]").astype(np.int64)
    if sessions.calendar == ALWAYS:
        return days
    whole = session_closes(sessions.calendar, "1900-01-01", "2100-01-01")
    return np.searchsorted(whole.days, sessions.days)


def _begins(ts: Ints, sessions: Sessions, at: Ints, fine: str) -> Ints:
    """When each bar began; a last bar that its session cut short began on the session's grid."""
    if not is_intraday(fine):
        return ts  # a session, or counted as the longer bars are
    length = interval_ns(fine)
    opens, closes = sessions.opens[at], sessions.closes[at]
    cut = opens + (closes - opens - 1) // length * length
    return np.where(ts == closes, np.maximum(ts - length, cut), ts - length)


def _check_inside(ts: Ints, found: Bins, begins: Ints, fine: str, coarse: str) -> None:
    """Refuse bars that lie in two longer ones."""
    before = np.concatenate([[np.iinfo(np.int64).min], found.closes])[found.of]
    wrong = np.flatnonzero((found.of != NO_BIN) & (begins < before))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"data: the {fine} bar that closes at {label(ts[row])} began before "
            f"{label(before[row])}, where a {coarse} bar ends; bars of {coarse} are counted from "
            "the open of the session: shorter bars would fit, or calendar: none, which counts "
            "from midnight UTC"
        )
