"""Which rows are wrong: one mask for each fault, used by the checks and by the repairs alike."""

import numpy as np

from tradewind.engine import quotes
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.timing import Setting, close_times, in_hours
from tradewind.engine.records import FIELDS, Bools, Floats, Ints

ROUNDING = 1e-9  # relative; an adjusted price may miss its high by the last digit of a float
EXTENDED_NS = 9 * 3_600_000_000_000  # trading before the open and after the close ends within this
STALE_BARS = 5  # identical in price and volume; one such run in 3.4 million bars of US stocks


def prices(bars: RawBars) -> Floats:
    """Open, high, low, close, shape (4, n_rows)."""
    return np.stack([bars.open, bars.high, bars.low, bars.close])


def missing(bars: RawBars) -> Bools:
    """A price is absent or infinite, or the volume of a symbol that has volumes."""
    known = np.isfinite(bars.volume) | np.isnan(bars.volume).all()
    return ~(np.isfinite(prices(bars)).all(axis=0) & known)


def not_positive(bars: RawBars) -> Bools:
    """A price is zero or negative, or the volume negative."""
    return (prices(bars) <= 0).any(axis=0) | (bars.volume < 0)


def outside_range(bars: RawBars) -> Bools:
    """Open or close lies above the high or below the low, beyond rounding."""
    top = np.maximum(bars.open, bars.close)
    bottom = np.minimum(bars.open, bars.close)
    slack = np.abs(top) * ROUNDING
    wrong = (top > bars.high + slack) | (bottom < bars.low - slack) | (bars.high < bars.low)
    return wrong & ~missing(bars) & ~not_positive(bars)


def of_quotes(bars: RawBars) -> dict[str, Bools]:
    """Mask of each fault of the bid and ask bars, empty where the source has none."""
    return quotes.faults(bars.columns) if quotes.has_quotes(bars.columns) else {}


def bad(bars: RawBars) -> Bools:
    """Any fault that makes a single bar unusable."""
    wrong = missing(bars) | not_positive(bars) | outside_range(bars)
    for mask in of_quotes(bars).values():
        wrong = wrong | mask
    return wrong


def in_future(bars: RawBars, setting: Setting) -> Bools:
    """The bar has not closed yet."""
    return np.asarray(close_times(bars.ts, setting) > setting.now_ns)


def late(bars: RawBars) -> Bools:
    """The bar stands behind one that is later."""
    if not len(bars.ts):
        return np.zeros(0, bool)
    return np.asarray(bars.ts < np.maximum.accumulate(bars.ts))


def repeated(bars: RawBars) -> tuple[Bools, Bools]:
    """Rows whose time was there before: word for word, and with other numbers."""
    n = len(bars.ts)
    copies, conflicts = np.zeros(n, bool), np.zeros(n, bool)
    order = np.argsort(bars.ts, kind="stable")
    ts = bars.ts[order]
    if not (ts[1:] == ts[:-1]).any():
        return copies, conflicts
    first = order[np.searchsorted(ts, bars.ts)]
    again = first != np.arange(n)
    values = np.stack([*(getattr(bars, name) for name in FIELDS), *bars.columns.values()])
    alike = ((values == values[:, first]) | (np.isnan(values) & np.isnan(values[:, first]))).all(0)
    copies[again & alike] = True
    conflicts[again & ~alike] = True
    return copies, conflicts


def stale(bars: RawBars) -> tuple[Bools, Bools]:
    """Bars that repeat the one before, in runs that no market makes, and in runs that some do.

    Returns
    -------
    frozen : ndarray of bool, shape (n_rows,)
        All but the first of a run of :data:`STALE_BARS` or more with the same prices and the same
        volume, not zero: copied.
    quiet : ndarray of bool, shape (n_rows,)
        All but the first of as long a run with the same prices, but other volumes or none.
    """
    held = np.stack([bars.open, bars.high, bars.low, bars.close])
    same = np.concatenate([[False], (held[:, 1:] == held[:, :-1]).all(axis=0)])[: len(bars.ts)]
    copied = same & (bars.volume > 0)
    copied[1:] &= bars.volume[1:] == bars.volume[:-1]
    frozen = _long_runs(copied)
    return frozen, _long_runs(same) & ~frozen


def _long_runs(repeats: Bools) -> Bools:
    """Repeats that belong to a run of :data:`STALE_BARS` equal bars."""
    edges = np.diff(np.concatenate([[False], repeats, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    mask = np.zeros(len(repeats), bool)
    for start, stop in zip(starts, stops, strict=True):
        mask[start:stop] = stop - start + 1 >= STALE_BARS
    return mask


def off_session(bars: RawBars, setting: Setting) -> tuple[Bools, Bools]:
    """Bars on days without a session, and bars of a session's day outside its hours."""
    sessions, nothing = setting.sessions, np.zeros(len(bars.ts), bool)
    if sessions is None or not len(sessions) or not _session_bars(setting):
        return nothing, nothing
    if not setting.intraday:
        days = setting.days(bars.ts)
        return (sessions.rows(days) < 0) & sessions.covers(days), nothing
    at, inside = in_hours(bars.ts, sessions, setting.length_ns)
    begins = bars.ts - setting.length_ns
    before = sessions.opens[at] - begins
    after = begins - sessions.closes[(at - 1).clip(min=0)]
    near = (np.abs(before) <= EXTENDED_NS) | ((after >= 0) & (after <= EXTENDED_NS))
    known = sessions.covers(setting.days(bars.ts))
    return ~inside & ~near & known, ~inside & near & known


def _session_bars(setting: Setting) -> bool:
    """Whether one bar belongs to one session: weekly and monthly bars may bear any day's name."""
    return setting.intraday or setting.config.interval == "1d"


def sorted_rows(bars: RawBars) -> Ints:
    """Good rows in order of time, the first of each time."""
    good = np.flatnonzero(~(missing(bars) | not_positive(bars)))
    order = good[np.argsort(bars.ts[good], kind="stable")]
    ts = bars.ts[order]
    return np.asarray(order[np.concatenate([[True], ts[1:] != ts[:-1]])[: len(order)]])
