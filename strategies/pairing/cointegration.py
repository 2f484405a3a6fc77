"""Engle-Granger over all pairs at once: statistics of a quarter of a million pairs in seconds."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled, unlocked
from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats, Ints
from tradewind.strategies.pairing.mackinnon import p_value

LEAST_BARS = 30  # below it a lag regression has fewer rows than it needs to say anything
CHUNKS = 8  # for each thread
# 1 - r^2 of the first step at or below which the second has only rounding to look at; statsmodels
# draws the line at the same place.
COLLINEAR = 100.0 * np.sqrt(np.finfo(np.float64).eps)
STATISTIC, SLOPE, INTERCEPT, LAG, FAULT = range(5)
SOUND, SAME_LINE = 0.0, 2.0  # Fault, as numba writes it into an array of floats


class Fault(IntEnum):
    """Why a pair has no statistic."""

    NONE = 0
    CONSTANT = 1  # a series does not move
    COLLINEAR = 2  # one series is the other, shifted and stretched
    TOO_SHORT = 3  # fewer bars than LEAST_BARS
    GAPS = 4  # a bar is missing in one of the two


class EngleGranger(NamedTuple):
    """One entry for each pair, shape (n_pairs,)."""

    y: Ints  # column of the dependent series
    x: Ints
    slope: Floats  # of y on x; NaN where there is a fault
    intercept: Floats
    statistic: Floats  # of the augmented Dickey-Fuller regression; NaN likewise
    p_value: Floats
    lag: Ints  # lagged differences used, -1 where there is a fault
    fault: Ints  # Fault


def longest_lag(n_bars: int) -> int:
    """Lagged differences tried at most: 12 (n / 100)^(1/4), Schwert (1989)."""
    most: int = ceil(12.0 * (n_bars / 100.0) ** 0.25)
    return min(n_bars // 2 - 1, most)


def all_pairs(n_symbols: int, *, ordered: bool = True) -> Ints:
    """Columns (y, x) of all pairs, shape (n_pairs, 2); ``ordered``: both ways round."""
    y, x = np.divmod(np.arange(n_symbols * n_symbols), max(n_symbols, 1))
    kept = y != x if ordered else y < x
    return np.stack([y[kept], x[kept]], axis=1)


def engle_granger(
    prices: Floats,
    pairs: Ints | Sequence[tuple[int, int]] | None = None,
    *,
    lags: int | None = None,
    most_lags: int | None = None,
    threads: int = 1,
) -> EngleGranger:
    """Test pairs of series for cointegration.

    Parameters
    ----------
    prices : ndarray of float64, shape (n_bars, n_symbols)
        Logarithms or prices as they are, oldest first.
    pairs : array of int, shape (n_pairs, 2), optional
        Columns (y, x); by default all ordered pairs.
    lags : int, optional
        Lagged differences; by default as many as Akaike's criterion prefers.
    most_lags : int, optional
        Most of them that are tried; by default :func:`longest_lag`.
    threads : int
        That share the pairs; no number depends on it.

    Returns
    -------
    EngleGranger
        What cannot be tested has NaN and says why in ``fault``.

    Raises
    ------
    StrategyError
        If more lags are asked for than the history has room for.

    Notes
    -----
    Equal to ``statsmodels.tsa.stattools.coint(y, x, trend="c")``: least squares with a constant,
    then a Dickey-Fuller regression of the residual without one; its number of lagged differences is
    chosen on the rows that all candidates share, and the regression then repeated on all rows that
    the chosen one has. One Cholesky factor of the moments gives the residual sum of all numbers of
    lags, so that to choose costs no more than to fit once.

    References
    ----------
    Engle and Granger (1987).
    """
    n_bars, n_symbols = prices.shape
    wanted = all_pairs(n_symbols) if pairs is None else np.asarray(pairs, np.int64).reshape(-1, 2)
    most = longest_lag(n_bars) if most_lags is None else most_lags
    most = lags if lags is not None else most
    short = n_bars < LEAST_BARS
    if not short and (most < 0 or n_bars - 1 - most < most + 3):
        raise StrategyError(
            f"engle_granger: {most} lags of {n_bars} bars; wanted 0 to {(n_bars - 4) // 2}"
        )
    found = np.full((len(wanted), 5), np.nan)
    found[:, LAG], found[:, FAULT] = -1.0, Fault.TOO_SHORT
    if not short and len(wanted):
        moved = np.ascontiguousarray(prices.T)
        means = moved.mean(axis=1, keepdims=True)
        fault = _faults(moved)
        centred = np.ascontiguousarray(moved - np.where(fault[:, None] > 0, 0.0, means))
        _shared_out(centred, means[:, 0], fault, wanted, most, lags is None, found, threads)
    statistic = found[:, STATISTIC].copy()
    return EngleGranger(
        wanted[:, 0].copy(), wanted[:, 1].copy(), found[:, SLOPE].copy(),
        found[:, INTERCEPT].copy(), statistic, p_value(statistic),
        found[:, LAG].astype(np.int64), found[:, FAULT].astype(np.int64),
    )  # fmt: skip


def _faults(series: Floats) -> Ints:
    """Fault of each series by itself, shape (n_symbols,)."""
    gaps = ~np.isfinite(series).all(axis=1)
    still = series.max(axis=1) == series.min(axis=1)
    return np.where(gaps, Fault.GAPS, np.where(still, Fault.CONSTANT, Fault.NONE)).astype(np.int64)


def _shared_out(
    centred: Floats,
    means: Floats,
    fault: Ints,
    pairs: Ints,
    most: int,
    choose: bool,
    found: Floats,
    threads: int,
) -> None:
    """Let threads take the pairs chunk by chunk."""
    test = compiled(test_pairs)
    test(centred, means, fault, pairs, 0, 0, most, choose, found)  # compiles, before threads meet
    edges = np.linspace(0, len(pairs), min(len(pairs), CHUNKS * threads) + 1).astype(int)

    def run(span: tuple[int, int]) -> None:
        test(centred, means, fault, pairs, *span, most, choose, found)

    spans = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    if threads == 1:
        for span in spans:
            run(span)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, spans))


@unlocked
def test_pairs(
    centred: Any,
    means: Any,
    fault: Any,
    pairs: Any,
    first: int,
    stop: int,
    most: int,
    choose: bool,
    found: Any,
) -> None:
    """Fill rows ``first`` to ``stop - 1`` of ``found``; in the subset numba compiles.

    Parameters
    ----------
    centred : ndarray of float64, shape (n_symbols, n_bars)
        Each series less its mean.
    means : ndarray of float64, shape (n_symbols,)
    fault : ndarray of int64, shape (n_symbols,)
    pairs : ndarray of int64, shape (n_pairs, 2)
    first, stop : int
    most : int
        Lagged differences.
    choose : bool
        Whether fewer may be better.
    found : ndarray of float64, shape (n_pairs, 5)
        Filled in.
    """
    n_bars = centred.shape[1]
    error, step = np.empty(n_bars), np.empty(n_bars - 1)
    moments = np.empty((most + 2, most + 2))
    factor = np.empty((most + 2, most + 2))
    levels, own = np.empty(most + 1), np.empty(most + 1)
    for i in range(first, stop):
        y, x = pairs[i, 0], pairs[i, 1]
        if fault[y] > 0 or fault[x] > 0:
            found[i, FAULT] = max(fault[y], fault[x])
            continue
        xx = dot(centred[x], centred[x])
        yy = dot(centred[y], centred[y])
        slope = dot(centred[x], centred[y]) / xx
        for t in range(n_bars):
            error[t] = centred[y, t] - slope * centred[x, t]
        if dot(error, error) <= COLLINEAR * yy:
            found[i, FAULT] = SAME_LINE
            continue
        for t in range(n_bars - 1):
            step[t] = error[t + 1] - error[t]
        correlate(error, step, most, levels, own)
        lag = most
        if choose:
            fill(error, step, most, most, levels, own, moments, True)
            lag = fewest_by_akaike(moments, factor, most, n_bars - 1 - most)
        fill(error, step, lag, most, levels, own, moments, False)
        found[i, STATISTIC] = statistic_of(moments, factor, lag, n_bars - 1 - lag)
        found[i, SLOPE] = slope
        found[i, INTERCEPT] = means[y] - slope * means[x]
        found[i, LAG], found[i, FAULT] = lag, SOUND


def dot(a: Any, b: Any) -> float:
    """Inner product in eight sums, which a processor adds at once."""
    n = len(a)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    whole = n - n % 8
    for t in range(0, whole, 8):
        s0 += a[t] * b[t]
        s1 += a[t + 1] * b[t + 1]
        s2 += a[t + 2] * b[t + 2]
        s3 += a[t + 3] * b[t + 3]
        s4 += a[t + 4] * b[t + 4]
        s5 += a[t + 5] * b[t + 5]
        s6 += a[t + 6] * b[t + 6]
        s7 += a[t + 7] * b[t + 7]
    for t in range(whole, n):
        s0 += a[t] * b[t]
    return float(((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7)))


def correlate(error: Any, step: Any, most: int, levels: Any, own: Any) -> None:
    """Sums over the rows that the longest lag leaves: of level and of step times lagged step."""
    n = len(step)
    for lag in range(most + 1):
        levels[lag] = dot(error[most:n], step[most - lag : n - lag])
        own[lag] = dot(step[most:n], step[most - lag : n - lag])


def fill(
    error: Any, step: Any, lag: int, most: int, levels: Any, own: Any, moments: Any, early: bool
) -> None:
    """Moments of the regression with ``lag`` lagged steps on the rows that it has.

    Columns: the level first where ``early``, else last but one; the lagged steps; the step
    explained, last.
    """
    n = len(step)
    at, first = (0, 1) if early else (lag, 0)
    end = lag + 1
    extra = 0.0  # rows that a shorter lag has and the longest has not
    for t in range(lag, most):
        extra += error[t] * error[t]
    moments[at, at] = dot(error[most:n], error[most:n]) + extra
    for j in range(lag + 1):
        level, pair = levels[j], own[j]
        for t in range(lag, most):
            level += error[t] * step[t - j]
            pair += step[t] * step[t - j]
        column = end if j == 0 else first + j - 1
        moments[at, column] = moments[column, at] = level
        moments[end, column] = moments[column, end] = pair
    for i in range(1, lag + 1):
        for j in range(i, lag + 1):
            # the product of a row earlier, moved on by one: it gains a row and loses one
            before_i = end if i == 1 else first + i - 2
            before_j = end if j == 1 else first + j - 2
            value = moments[before_i, before_j]
            value += step[lag - i] * step[lag - j] - step[n - i] * step[n - j]
            moments[first + i - 1, first + j - 1] = value
            moments[first + j - 1, first + i - 1] = value


def factorise(moments: Any, factor: Any, n: int) -> None:
    """Cholesky factor of the first ``n`` columns, below the diagonal; a row a column."""
    for i in range(n):
        for j in range(i + 1):
            total = moments[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                factor[i, i] = np.sqrt(total) if total > 0.0 else 0.0
            else:
                factor[i, j] = total / factor[j, j] if factor[j, j] > 0.0 else 0.0


def fewest_by_akaike(moments: Any, factor: Any, most: int, rows: int) -> int:
    """Return the number of lagged steps with the least Akaike criterion."""
    factorise(moments, factor, most + 2)
    left = moments[most + 1, most + 1] - factor[most + 1, 0] ** 2
    best, least = 0, rows * np.log(left) + 2.0
    for lag in range(1, most + 1):
        left -= factor[most + 1, lag] ** 2
        value = rows * np.log(left) + 2.0 * (lag + 1)
        if value < least:
            best, least = lag, value
    return best


def statistic_of(moments: Any, factor: Any, lag: int, rows: int) -> float:
    """t-ratio of the level, which is the last regressor."""
    factorise(moments, factor, lag + 2)
    left = factor[lag + 1, lag + 1] ** 2
    return float(factor[lag + 1, lag] / np.sqrt(left / (rows - lag - 1)))
