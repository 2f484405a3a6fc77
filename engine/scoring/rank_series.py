"""What came of each formation of a ranking: one number a formation, from which means are taken.

A formation is a bar at which a selector ranks. Its outcome is the simple return to the next one, or
over the horizon; a name that stops trading in between is paid its last close with the delisting
return.
"""

from dataclasses import dataclass

import numpy as np

from tradewind.engine.records import Bools, Floats, Ints, Panel
from tradewind.engine.scoring.proper_scores import ranks, spearman

ABOUT = 0.25  # of a horizon, by which the next formation may be nearer or farther
MIN_RANKED = 3  # symbols, below which a rank correlation says nothing


@dataclass(frozen=True, slots=True)
class RankSeries:
    """One row a formation, in order; NaN where a formation says nothing.

    Attributes
    ----------
    rank_ic : ndarray of float64, shape (n_formations,)
        Spearman correlation of score and return across symbols.
    hits, told : ndarray of float64, shape (n_formations,)
        Symbols on the right side of the median, and those that lie on a side of both medians.
    groups : ndarray of float64, shape (n_formations, n_groups)
        Mean return of each group, lowest scores first.
    traded : ndarray of float64, shape (n_formations,)
        Sum of absolute changes of weight of the top and of the bottom group, each of weight 1,
        against what was held before; a first formation buys both.
    """

    rank_ic: Floats
    hits: Floats
    told: Floats
    groups: Floats
    traded: Floats

    def take(self, formations: Bools) -> "RankSeries":
        """Those formations that a mask of shape (n_formations,) names."""
        return RankSeries(
            self.rank_ic[formations],
            self.hits[formations],
            self.told[formations],
            self.groups[formations],
            self.traded[formations],
        )

    @property
    def spread(self) -> Floats:
        """Return of the top group less that of the bottom one, shape (n_formations,)."""
        return np.asarray(self.groups[:, -1] - self.groups[:, 0])


def ends_of(at: Ints, horizon: int) -> Ints:
    """Bar at which the outcome of each formation is known, shape (n_formations,).

    The next formation where that is about a horizon away, so that months are whole months; else
    the horizon's last bar, which may lie behind the data.
    """
    ends = at + horizon
    apart = np.diff(at)
    near = np.abs(apart - horizon) <= ABOUT * horizon
    ends[:-1][near] = at[1:][near]
    return ends


def outcomes(panel: Panel, at: Ints, ends: Ints, delisting_return: float) -> Floats:
    """Simple return from each formation to its end.

    Parameters
    ----------
    panel : Panel
        Adjusted for splits and dividends.
    at, ends : ndarray of int64, shape (n_formations,)
        Bars; from :func:`ends_of`.
    delisting_return : float
        Lost or won between the last close of a symbol that ends and its sale.

    Returns
    -------
    ndarray of float64, shape (n_formations, n_symbols)
        NaN where a symbol has no bar at the formation, and where the data ends before.
    """
    bars = np.arange(panel.n_bars)[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(panel.close), -1, bars), axis=0)
    stop = np.minimum(ends, panel.n_bars - 1)
    row = np.maximum(last[stop], 0)
    end = np.take_along_axis(panel.close, row, axis=0)
    ended = (panel.ends >= 0) & (panel.ends < stop[:, None])
    end = np.where(ended, end * (1.0 + delisting_return), end)
    found = end / panel.close[at] - 1.0
    found[ends >= panel.n_bars] = np.nan
    return np.asarray(found)


def rank_series(scores: Floats, outcome: Floats, n_groups: int, step: int) -> RankSeries:
    """Measure each formation.

    Parameters
    ----------
    scores, outcome : ndarray of float64, shape (n_formations, n_symbols)
        Symbols with both count.
    n_groups : int
    step : int
        Formations from one to that at which its portfolio is formed again: 1, or more where
        horizons overlap.
    """
    n = len(scores)
    rank_ic, hits, told = np.full(n, np.nan), np.zeros(n), np.zeros(n)
    groups = np.full((n, n_groups), np.nan)
    weights = np.zeros((n, 2, scores.shape[1]))  # of the top and of the bottom group
    for i in range(n):
        known = np.isfinite(scores[i]) & np.isfinite(outcome[i])
        if known.sum() >= MIN_RANKED:
            rank_ic[i] = spearman(scores[i, known], outcome[i, known])
            hits[i], told[i] = _right_half(scores[i, known], outcome[i, known])
        member = group_of(scores[i], known, n_groups)
        for k in range(n_groups):
            if (member == k).any():
                groups[i, k] = outcome[i, member == k].mean()
        for side, k in enumerate((n_groups - 1, 0)):
            weights[i, side] = (member == k) / max(int((member == k).sum()), 1)
    before = np.zeros_like(weights)
    before[step:] = weights[:-step] if n > step else before[step:]
    traded = np.abs(weights - before).sum(axis=(1, 2))
    return RankSeries(rank_ic, hits, told, groups, traded)


def group_of(scores: Floats, known: Bools, n_groups: int) -> Ints:
    """Group of each symbol, 0 for the lowest scores, shape (n_symbols,); -1 in none.

    Equal scores share a group. Where there are fewer symbols than groups, or all scores are equal,
    nobody is in one.
    """
    member = np.full(len(scores), -1, np.int64)
    n = int(known.sum())
    if n < n_groups or np.ptp(scores[known]) == 0.0:
        return member
    place = ranks(scores[known]) - 0.5  # 0.5 ... n - 0.5
    member[known] = np.minimum(place * n_groups / n, n_groups - 1).astype(np.int64)
    return member


def _right_half(scores: Floats, outcome: Floats) -> tuple[int, int]:
    """(symbols on the same side of both medians, symbols on a side of both)."""
    above = np.sign(scores - np.median(scores)), np.sign(outcome - np.median(outcome))
    product = above[0] * above[1]
    return int((product > 0).sum()), int((product != 0).sum())


def formations_a_horizon(at: Ints, horizon: int) -> int:
    """Formations that begin within one horizon, at least 1: how many neighbours share bars."""
    if len(at) < 2:
        return 1
    return max(1, round(horizon / float(np.median(np.diff(at)))))


def classes(score: Floats, *, low: float = 1 / 3, high: float = 2 / 3) -> Ints:
    """Momentum class of each symbol at a formation: -1 low, 0 neutral, 1 high.

    Parameters
    ----------
    score : ndarray of float64, shape (n_symbols,)
        NaN: in none, which is 0 as well.
    low, high : float
        Shares of the ranked symbols below which is low, and from which on is high.

    Returns
    -------
    ndarray of int64, shape (n_symbols,)
        Symbols with equal scores share a class.
    """
    known = np.isfinite(score)
    found = np.zeros(len(score), np.int64)
    share = group_of(score, known, max(int(known.sum()), 1)) / max(int(known.sum()), 1)
    if known.sum() and np.ptp(score[known]) > 0:
        found[known & (share < low)] = -1
        found[known & (share >= high)] = 1
    return found
