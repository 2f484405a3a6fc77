"""Who has stopped trading, and who is merely closed today."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.bars.sessions import is_intraday, session_closes, split_interval
from tradewind.engine.records import DAY_NS, Bools, Ints


def ends_of(given: Bools, ts: Ints, interval: str, calendars: Sequence[str | None]) -> Ints:
    """Row of the last bar of each symbol that has left, -1 for those that may come back.

    A symbol has left when its own exchange had a whole session after its last bar and the symbol
    was not there: the Friday close of a stock is no end because a coin trades on Sunday, and a
    quiet last minute is none either. Without a calendar, and for bars longer than a day, the
    symbols that share the lack stand for the exchange: whoever misses the last bar (within the
    day: the whole last day) of all of them has left.

    Parameters
    ----------
    given : ndarray of bool, shape (n_bars, n_symbols)
        Where there is a bar.
    ts : ndarray of int64, shape (n_bars,)
    interval : str
    calendars : sequence of (str or None)
        Of each symbol.

    Returns
    -------
    ndarray of int64, shape (n_symbols,)
    """
    count, unit = split_interval(interval)
    by_session = is_intraday(interval) or (unit == "d" and count == 1)
    ends = np.full(given.shape[1], -1, np.int64)
    for calendar in dict.fromkeys(calendars):
        at = np.flatnonzero([one == calendar for one in calendars])
        found = np.where(given[:, at].any(axis=0), _last(given[:, at]), -1)
        if calendar is not None and by_session:
            missed = _missed_a_session(ts, found, calendar)
        else:
            missed = _missed_the_others(given[:, at], ts, found, is_intraday(interval))
        ends[at] = np.where((found >= 0) & missed, found, -1)
    return ends


def _last(given: Bools) -> Ints:
    """Row of the last bar of each symbol."""
    return np.asarray(len(given) - 1 - given[::-1].argmax(axis=0))


def _missed_a_session(ts: Ints, last: Ints, calendar: str) -> Bools:
    """Whether a whole session passed between a symbol's last bar and the end of the data."""
    days = (ts[[0, -1]] - 1).astype("datetime64[ns]").astype("datetime64[D]")
    sessions = session_closes(calendar, days[0] - 10, days[1] + 10)
    if not len(sessions):
        return np.asarray(last < len(ts) - 1)
    following = np.searchsorted(sessions.opens, ts[last])  # first to open at or after the bar
    whole = np.append(sessions.closes, np.iinfo(np.int64).max)
    return np.asarray(whole[following] <= ts[-1])


def _missed_the_others(given: Bools, ts: Ints, last: Ints, intraday: bool) -> Bools:
    """Whether others had the last bar, or all of the last day, to themselves."""
    there = np.flatnonzero(given.any(axis=1))
    if not len(there):
        return np.zeros(given.shape[1], np.bool_)
    if not intraday:
        return np.asarray(last < there[-1])
    return np.asarray((ts[last] - 1) // DAY_NS < (ts[there[-1]] - 1) // DAY_NS)
