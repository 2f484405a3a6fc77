"""How far a Sharpe ratio can be trusted."""

from math import sqrt

import numpy as np

from tradewind.engine.records import Floats
from tradewind.engine.scoring.statistics import (
    automatic_lags,
    is_flat,
    long_run_variance,
    sharpe_influence,
)


def sharpe_ratio(returns: Floats) -> float:
    """Mean over standard deviation (n - 1) of one bar's returns, risk-free rate zero.

    NaN for fewer than two returns, or returns that do not vary.
    """
    if len(returns) < 2 or is_flat(returns):
        return float("nan")
    return float(returns.mean() / returns.std(ddof=1))


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
