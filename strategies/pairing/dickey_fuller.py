"""Dickey-Fuller regressions of the residuals of many pairs, compiled."""

from typing import Any

import numpy as np

from tradewind.engine.compiling import unlocked
from tradewind.strategies.pairing.scanning import FORETOLD, SAME_LINE, SOUND

# 1 - r^2 of the first step at or below which the second has only rounding to look at; statsmodels
# draws the line at the same place.
COLLINEAR = 100.0 * np.sqrt(np.finfo(np.float64).eps)
EXACT = 1e-10  # share of the steps left unexplained below which what is left is mostly rounding
STATISTIC, SLOPE, INTERCEPT, LAG, FAULT = range(5)  # columns


@unlocked
def fill_statistics(
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

    One Cholesky factor of the moments gives the residual sum of every number of lags.

    Parameters
    ----------
    centred : ndarray of float64, shape (n_symbols, n_bars)
        Each series less its mean, near one in size.
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
        if lag >= 0:
            fill(error, step, lag, most, levels, own, moments, False)
            found[i, STATISTIC] = statistic_of(moments, factor, lag, n_bars - 1 - lag)
        if lag < 0 or not np.isfinite(found[i, STATISTIC]):
            found[i, STATISTIC], found[i, FAULT] = np.nan, FORETOLD
            continue
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
    """Return the number of lagged steps with the least Akaike criterion, -1 where one fits all."""
    factorise(moments, factor, most + 2)
    whole = moments[most + 1, most + 1]
    left = whole - factor[most + 1, 0] ** 2
    best, least = 0, rows * np.log(left) + 2.0 if left > 0.0 else np.inf
    for lag in range(1, most + 1):
        left -= factor[most + 1, lag] ** 2
        if left <= EXACT * whole:
            return -1
        value = rows * np.log(left) + 2.0 * (lag + 1)
        if value < least:
            best, least = lag, value
    return best


def statistic_of(moments: Any, factor: Any, lag: int, rows: int) -> float:
    """t-ratio of the level, which is the last regressor; NaN where all is explained."""
    factorise(moments, factor, lag + 2)
    left = factor[lag + 1, lag + 1] ** 2
    if left <= EXACT * moments[lag + 1, lag + 1]:
        return float(np.nan)
    return float(factor[lag + 1, lag] / np.sqrt(left / (rows - lag - 1)))
