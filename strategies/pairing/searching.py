"""One formation: which pairs are looked at, which are refused and why, and which are kept."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Bools, Floats, Ints
from tradewind.strategies.pairing.cointegration import engle_granger
from tradewind.strategies.pairing.distance import best, correlations, squared_distances
from tradewind.strategies.pairing.hedge import fitted
from tradewind.strategies.pairing.johansen import LEVELS, TRACE
from tradewind.strategies.pairing.johansen_scan import johansen_pairs
from tradewind.strategies.pairing.reversion import benjamini_hochberg, half_life, hurst
from tradewind.strategies.pairing.scanning import all_pairs
from tradewind.strategies.pairing.settings import Search

THREADS = 2
JOHANSEN_LAGS = 1
COLLINEAR = 1e-12  # sum of squared distances, or 1 - correlation: prices that are one


class Window(NamedTuple):
    """The bars of one formation."""

    close: (
        Floats  # (n_bars, n_symbols) as they are; NaN throughout where a symbol may not take part
    )
    prices: Floats  # the same as logarithms where spreads are made of them
    group: Floats  # (n_symbols,) NaN = none


class Candidates(NamedTuple):
    """Pairs that were looked at, a row each, and what was found; NaN where it was not asked."""

    pairs: Ints  # (n, 2)
    score: Floats  # lower is better; NaN = refused
    p_value: Floats
    half_life: Floats
    hurst: Floats
    correlation: Floats
    n_tested: int
    n_refused: dict[str, int]  # by the filter that refused them


def usable(close: Floats, most_gaps: float) -> Floats:
    """Closes of a formation, gaps taking the close before; NaN for what lacks too many.

    A symbol without a close at the first or the last bar does not take part.
    """
    gap = np.isnan(close)
    out = gap.mean(axis=0) > most_gaps
    out |= gap[0] | gap[-1]
    rows = np.where(gap, 0, np.arange(len(close))[:, None])
    filled = np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)
    return np.asarray(np.where(out, np.nan, filled))


def look(window: Window, search: Search) -> Candidates:
    """Score all pairs of a formation and refuse those that a filter does not let pass."""
    pairs = _within(window, search)
    matrix_score, p = _scores(window, search, pairs)
    refused: dict[str, int] = {}
    alike = correlations(window.close)[pairs[:, 0], pairs[:, 1]] if len(pairs) else np.empty(0)
    ok = ~np.isnan(matrix_score)
    n_tested = int(ok.sum())

    def keep(name: str, passes: Bools) -> None:
        nonlocal ok
        out = int((ok & ~passes).sum())
        if out:
            refused[name] = refused.get(name, 0) + out
        ok = ok & passes

    with np.errstate(invalid="ignore"):
        if search.correlation > -1.0:
            keep("correlation", alike >= search.correlation)
        if search.p_value < 1.0:
            keep("p_value", p <= search.p_value)
        if search.false_discoveries < 1.0:
            keep("false_discoveries", benjamini_hochberg(p) <= search.false_discoveries)
    lives, rough = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
    if search.hurst < 1.0 or search.half_life != (0.0, np.inf):
        spread = _residuals(window.prices, pairs[ok])
        lives[ok], rough[ok] = half_life(spread), hurst(spread)
        with np.errstate(invalid="ignore"):
            least, most = search.half_life
            if (least, most) != (0.0, np.inf):
                keep("half_life", (lives >= least) & (lives <= most))
            if search.hurst < 1.0:
                keep("hurst", rough <= search.hurst)
    score = np.where(ok, matrix_score, np.nan)
    return Candidates(pairs, score, p, lives, rough, alike, n_tested, refused)


def chosen(found: Candidates, search: Search) -> Ints:
    """Rows of the candidates that are kept, best first."""
    return best(found.score, found.pairs, search.most, per_name=search.per_name)


def _within(window: Window, search: Search) -> Ints:
    """Columns of the pairs that may be: unordered, of one group where that is asked."""
    pairs = all_pairs(window.close.shape[1], ordered=search.find == "cointegration")
    ok = ~np.isnan(window.close[0])
    kept = ok[pairs[:, 0]] & ok[pairs[:, 1]]
    if search.within_groups:
        kept &= window.group[pairs[:, 0]] == window.group[pairs[:, 1]]  # NaN equals nothing
    return np.asarray(pairs[kept])


def _scores(window: Window, search: Search, pairs: Ints) -> tuple[Floats, Floats]:
    """(score, p-value) of each pair; lower is better, NaN where it cannot be told."""
    blank = np.full(len(pairs), np.nan)
    if not len(pairs):
        return blank, blank.copy()
    y, x = pairs[:, 0], pairs[:, 1]
    tests = search.p_value < 1.0 or search.false_discoveries < 1.0
    p = blank.copy()
    if tests or search.find == "cointegration":
        tested = engle_granger(window.prices, pairs, threads=THREADS)
        p = tested.p_value
        if search.find == "cointegration":
            return _better_way_round(tested.statistic, tested.slope, p, pairs), p
    if search.find == "distance":
        score = squared_distances(window.close)[y, x]
        return np.where(score > COLLINEAR, score, np.nan), p
    if search.find == "correlation":
        alike = correlations(window.close)[y, x]
        return np.where(1.0 - alike > COLLINEAR, -alike, np.nan), p
    return _traces(window.prices, pairs), p


def _better_way_round(statistic: Floats, slope: Floats, p: Floats, pairs: Ints) -> Floats:
    """Statistic of each ordered pair where it is the lower of the two ways, NaN of the other.

    A pair whose legs move the same way only when both are bought has no hedge: NaN as well.
    """
    del p
    ok = (slope > 0.0) & ~np.isnan(statistic)
    n = int(pairs.max()) + 1
    table = np.full((n, n), np.inf)
    table[pairs[:, 0], pairs[:, 1]] = np.where(ok, statistic, np.inf)
    mine, other = table[pairs[:, 0], pairs[:, 1]], table[pairs[:, 1], pairs[:, 0]]
    first = (mine < other) | ((mine == other) & (pairs[:, 0] < pairs[:, 1]))
    return np.where(ok & first, statistic, np.nan)


def _traces(prices: Floats, pairs: Ints) -> Floats:
    """Johansen's trace statistic over its 95 % critical value, negative: lower is better."""
    told = johansen_pairs(prices, pairs, lags=JOHANSEN_LAGS, threads=THREADS)
    with np.errstate(invalid="ignore"):
        ok = (told.hedge < 0.0) & told.one_stationary()
    return np.where(ok, -told.trace[:, 0] / TRACE[1][LEVELS.index(0.95)], np.nan)


def _residuals(prices: Floats, pairs: Ints | Sequence[tuple[int, int]]) -> Floats:
    """Spread of each pair by least squares over the formation, (n_bars, n_pairs)."""
    rows = np.asarray(pairs, np.int64).reshape(-1, 2)
    y, x = prices[:, rows[:, 0]], prices[:, rows[:, 1]]
    line = fitted(y, x)
    return np.asarray(y - line.slope * x - line.intercept)
