"""How far a Sharpe ratio can be trusted."""

from math import sqrt

import numpy as np

from tradewind.engine.records import Floats
from tradewind.engine.statistics import automatic_lags, is_flat, long_run_variance


def sharpe_ratio(returns: Floats) -> float:
    """Mean over standard deviation (n - 1) of one bar's returns, risk-free rate zero.

    NaN for fewer than two returns, or returns that do not vary.
    """
    if len(returns) < 2 or is_flat(returns):
        return float("nan")
    return float(returns.mean() / returns.std(ddof=1))


def sharpe_influence(returns: Floats) -> Floats:
    """What each return adds to the Sharpe ratio of one bar, to first order; its mean is zero.

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Simple returns that vary.

    References
    ----------
    The derivative behind Lo (2002), equation A6: with moments m and s,
    ``(r - m)/s - (m/s) ((r - m)^2/s^2 - 1) / 2``.
    """
    mean, spread = float(returns.mean()), float(returns.std())
    z = (returns - mean) / spread
    return z - mean / spread / 2.0 * (z * z - 1.0)


def sharpe_se(returns: Floats, *, lags: int = 0) -> float:
    """Standard error of the Sharpe ratio of one bar (multiply both by sqrt(bars per year)).

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
    lags : int
        0: returns independent, of any distribution. More: dependent, Bartlett kernel.

    Returns
    -------
    float
        NaN for fewer than two returns, or returns that do not vary.

    References
    ----------
    Without lags this is Mertens (2002), ``sqrt((1 - g SR + (k - 1)/4 SR^2) / n)`` with skewness g
    and kurtosis k (normal: 3), which for normal returns is Lo (2002), ``sqrt((1 + SR^2/2) / n)``.
    With lags it is Lo's estimator for dependent returns.
    """
    if len(returns) < 2 or is_flat(returns):
        return float("nan")
    variance = long_run_variance(sharpe_influence(returns), lags)
    return sqrt(max(variance, 0.0) / len(returns))


def sharpe_difference(returns: Floats, rival: Floats) -> tuple[float, float]:
    """Difference of two Sharpe ratios of one bar, and its standard error.

    Parameters
    ----------
    returns, rival : ndarray of float64, shape (n,)
        On the same bars.

    Returns
    -------
    tuple of float
        NaN in both where either ratio is.

    References
    ----------
    Ledoit and Wolf (2008), section 3.1: delta method with a kernel estimate, here Bartlett weights
    and the automatic number of lags. What the two have in common cancels.
    """
    difference = sharpe_ratio(returns) - sharpe_ratio(rival)
    if not np.isfinite(difference):
        return float("nan"), float("nan")
    gap = sharpe_influence(returns) - sharpe_influence(rival)
    variance = long_run_variance(gap, automatic_lags(len(gap)))
    return difference, sqrt(max(variance, 0.0) / len(gap))
