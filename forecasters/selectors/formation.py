"""What all selectors share: when they rank, whom, and what came of a formation."""

from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Le

from tradewind.engine.bars.formation import Every, formations
from tradewind.engine.records import ELIGIBLE, Floats, Ints, Panel

Return = Annotated[float, Ge(-1), Le(1)]


class Outcomes(NamedTuple):
    """What a holder of each symbol earned from one formation to the next.

    Attributes
    ----------
    simple : ndarray of float64, shape (n_formations, n_symbols)
        Simple return; NaN where the next formation has not come, or there was no price.
    above : ndarray of float64, shape (n_formations, n_symbols)
        1 above the median of the formation's eligible symbols, 0 not above it, NaN unknown.
    """

    simple: Floats
    above: Floats


def formation_bars(panel: Panel, every: Every) -> Ints:
    """Bars at which a portfolio is formed, shape (n_formations,)."""
    return np.flatnonzero(formations(panel, every)).astype(np.int64)


def rankable(panel: Panel, bars: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether each symbol trades at a bar and may be held then, shape (len(bars), n_symbols)."""
    trades = ~np.isnan(panel.close[bars])
    return np.asarray(trades & panel.marked(ELIGIBLE)[bars])


def last_known(close: Floats) -> Floats:
    """Each close, or where there is none the one before it; NaN before the first."""
    rows = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    np.maximum.accumulate(rows, axis=0, out=rows)
    return np.asarray(np.take_along_axis(close, rows, axis=0))


def outcomes(panel: Panel, bars: Ints, *, delisting_return: float = 0.0) -> Outcomes:
    """Returns from each formation to the next.

    Parameters
    ----------
    panel : Panel
        What is known; the last formation's outcome is not.
    bars : ndarray of int64, shape (n_formations,)
    delisting_return : float
        On the last close of a symbol that stops trading before the next formation.

    Notes
    -----
    Who vanishes is not left out: its holder earns what it came to, up to its last close and with
    the return of the delisting. A symbol that merely lacks a bar at the next formation counts with
    its close before that.
    """
    simple = np.full((len(bars), panel.n_symbols), np.nan)
    if len(bars) > 1:
        known = last_known(panel.close)
        begin, end = known[bars[:-1]], known[bars[1:]]
        gone = (panel.ends >= bars[:-1, None]) & (panel.ends < bars[1:, None])
        kept = np.where(gone, 1.0 + delisting_return, 1.0)
        simple[:-1] = np.where(rankable(panel, bars[:-1]), end * kept / begin - 1.0, np.nan)
    return Outcomes(simple, above_median(simple))


def above_median(simple: Floats) -> Floats:
    """1 where a value lies above the median of its row, 0 where not, NaN where it is NaN."""
    above = np.full(simple.shape, np.nan)
    rows = np.flatnonzero(np.isfinite(simple).any(axis=1))
    middle = np.nanmedian(simple[rows], axis=1, keepdims=True)
    above[rows] = np.where(np.isfinite(simple[rows]), simple[rows] > middle, np.nan)
    return above
