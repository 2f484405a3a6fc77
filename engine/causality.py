"""Does a value change when the future does? Compared bit by bit, because a leak may be small."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tradewind.engine.records import DAY_NS, Bools, Floats, Panel


@dataclass(frozen=True, slots=True)
class Leak:
    """The first value that bars after ``cut - 1`` changed.

    Attributes
    ----------
    cut : int
        Bars known in the shorter run.
    bar, symbol : int
        Where the value stands.
    known, later : float
        What it was when bar ``cut - 1`` had just closed, and what it became afterwards.
    n_values : int
        How many values changed.
    """

    cut: int
    bar: int
    symbol: int
    known: float
    later: float
    n_values: int

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"bar {self.bar} of column {self.symbol} reads {self.known!r} when {self.cut} bars are "
            f"known and {self.later!r} when more are ({self.n_values} values differ)"
        )


def first_leak(
    compute: Callable[[Panel], Floats], panel: Panel, *, cuts: Sequence[int] | None = None
) -> Leak | None:
    """Where ``compute`` lets later bars into earlier values, None where it does not.

    Parameters
    ----------
    compute : callable
        From a panel to an array whose first two axes are (n_bars, n_symbols).
    panel : Panel
        History to try it on; a leak that this history does not excite stays unseen.
    cuts : sequence of int, optional
        Bars kept in each shorter run; default: 12 spread over the panel, the last bar among them.

    Returns
    -------
    Leak or None
        At the smallest cut that shows one.
    """
    whole = compute(panel)
    if cuts is None:
        cuts = sorted({int(cut) for cut in np.linspace(panel.n_bars / 12, panel.n_bars - 1, 12)})
    for cut in cuts:
        part = compute(panel.past(cut))
        leak = first_difference(part, whole, cut)
        if leak is not None:
            return leak
    return None


def first_difference(known: Floats, later: Floats, cut: int) -> Leak | None:
    """Where the first ``cut`` rows of two arrays differ, None where they do not.

    Parameters
    ----------
    known : ndarray of float64, shape (>= cut, n_symbols, ...)
        What was said when the bars from ``cut`` on were not known, or were others.
    later : ndarray of float64, shape (>= cut, n_symbols, ...)
    cut : int
    """
    known, later = known[:cut], later[:cut]
    differs = differing(known, later)
    if not differs.any():
        return None
    at = np.argwhere(differs)[0]
    return Leak(
        cut=cut,
        bar=int(at[0]),
        symbol=int(at[1]),
        known=float(known[tuple(at)]),
        later=float(later[tuple(at)]),
        n_values=int(differs.sum()),
    )


def differing(a: Floats, b: Floats) -> Bools:
    """Where two float64 arrays differ in any bit, NaN payloads apart."""
    bits_a = np.ascontiguousarray(a).view(np.int64)
    bits_b = np.ascontiguousarray(b).view(np.int64)
    return np.asarray((bits_a != bits_b) & ~(np.isnan(a) & np.isnan(b)))


def probe(seed: int = 0, n_bars: int = 400, n_symbols: int = 3) -> Panel:
    """Made-up history that excites what an indicator may do: trends, jumps, flat bars, gaps.

    Parameters
    ----------
    seed : int
    n_bars, n_symbols : int

    Returns
    -------
    Panel
        Random walks with a jump and a stretch of flat bars; from the second symbol on with a
        late start, missing bars and bars without volume.
    """
    draw = np.random.default_rng(seed)
    shape = (n_bars, n_symbols)
    steps = draw.normal(0.0003, 0.015, shape) * np.where(draw.random(shape) < 0.02, 5, 1)
    flat = slice(n_bars // 2, n_bars // 2 + 8)
    steps[flat] = 0.0
    close = 50 * np.exp(np.cumsum(steps, axis=0))
    open_ = close * np.exp(draw.normal(0, 0.004, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(draw.normal(0, 0.004, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(draw.normal(0, 0.004, shape)))
    for prices in (open_, high, low):
        prices[flat] = close[flat]
    volume = np.rint(np.exp(draw.normal(13, 0.5, shape)))
    volume[draw.random(shape) < 0.01] = 0.0
    holes = draw.random(shape) < 0.03
    holes[:, 0] = False
    holes[: n_bars // 10, 1:] = True
    for array in (open_, high, low, close, volume):
        array[holes] = np.nan
    names = tuple(f"P{k}" for k in range(n_symbols))
    ts = (np.arange(n_bars, dtype=np.int64) + 17_000) * DAY_NS
    return Panel(names, ts, open_, high, low, close, volume)
