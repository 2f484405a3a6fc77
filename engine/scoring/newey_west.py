"""Means and regressions of a dependent series, with errors by Newey and West."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats
from tradewind.engine.scoring.statistics import (
    automatic_lags,
    is_flat,
    student_quantile,
    two_sided_p,
)


class Coefficient(NamedTuple):
    """An estimate with its error; t, p and ends are NaN where the error is unknown."""

    value: float
    se: float
    t: float
    p: float
    low: float
    high: float
    n: int


def newey_west_mean(x: Floats, *, overlap: int = 0, level: float = 0.95) -> Coefficient:
    """Mean of a series.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
    overlap : int
        Neighbours known to depend on each other; lags are at least so many.
    level : float
        Of the interval.

    References
    ----------
    Newey and West (1987); the sum is divided by n - 1, so that without lags it is the usual
    standard error.
    """
    return newey_west_intercept(x, np.empty((len(x), 0)), overlap=overlap, level=level)


def newey_west_intercept(
    y: Floats, x: Floats, *, overlap: int = 0, level: float = 0.95
) -> Coefficient:
    """Intercept of the least-squares regression of ``y`` on ``x``.

    Parameters
    ----------
    y : ndarray of float64, shape (n,)
    x : ndarray of float64, shape (n, k)
        Without a column of ones.
    overlap, level
        As in :func:`newey_west_mean`.

    Returns
    -------
    Coefficient
        All NaN where there are fewer than k + 2 observations or ``x`` does not vary.
    """
    n, k = x.shape
    nan = float("nan")
    unknown = Coefficient(nan, nan, nan, nan, nan, nan, n)
    design = np.column_stack([np.ones(n), x])
    if n < k + 2 or np.linalg.matrix_rank(design) < k + 1:
        return unknown
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ (design.T @ y)
    moments = design * (y - design @ beta)[:, None]
    lags = max(automatic_lags(n), min(overlap, n - 1))
    middle = moments.T @ moments
    for lag in range(1, lags + 1):
        cross = moments[lag:].T @ moments[:-lag]
        middle += (1.0 - lag / (lags + 1.0)) * (cross + cross.T)
    degrees = n - k - 1
    value = float(beta[0])
    variance = float((inverse @ middle @ inverse)[0, 0]) * n / degrees
    if is_flat(y) or not variance > 0.0:
        return unknown._replace(value=value)
    se = float(np.sqrt(variance))
    reach = student_quantile(0.5 + level / 2.0, degrees) * se
    t = value / se
    return Coefficient(value, se, t, two_sided_p(t, degrees), value - reach, value + reach, n)
