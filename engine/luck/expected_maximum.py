"""What the best of many trials shows without any skill, and what is left when it is taken off.

Sharpe ratios here are those of one bar, unless something is said to be a year's.
"""

from math import ceil, e, exp, inf, isfinite, sqrt
from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats
from tradewind.engine.scoring.sharpe import sharpe_ratio
from tradewind.engine.scoring.statistics import normal_quantile

EULER = 0.5772156649015329
MOST_TRIALS = 1e15  # an effective number beyond which nothing can be told apart


class Moments(NamedTuple):
    """Of one series of returns."""

    sharpe: float
    skew: float
    kurtosis: float  # 3 for a normal distribution
    n: int


def moments(returns: Floats) -> Moments:
    """Sharpe ratio, skewness, kurtosis and number of returns, shape (n,).

    Raises
    ------
    DataError
        If there are fewer than two, one is not finite, or they do not vary.
    """
    sharpe = sharpe_ratio(returns) if np.isfinite(returns).all() else float("nan")
    if not isfinite(sharpe):
        raise DataError(
            f"luck: {len(returns)} returns without a Sharpe ratio; wanted two or more finite ones "
            "that vary"
        )
    centred = returns - returns.mean()
    variance = float((centred**2).mean())
    return Moments(
        sharpe,
        float((centred**3).mean()) / variance**1.5,
        float((centred**4).mean()) / variance**2,
        len(returns),
    )


def expected_maximum(n_trials: float) -> float:
    """Mean of the largest of ``n_trials`` independent standard normal numbers; 0 for one.

    References
    ----------
    Bailey and Lopez de Prado (2014), The deflated Sharpe ratio, equation 5.
    """
    if n_trials <= 1.0:
        return 0.0
    return (1.0 - EULER) * normal_quantile(1.0 - 1.0 / n_trials) + EULER * normal_quantile(
        1.0 - 1.0 / (n_trials * e)
    )


def independent_trials(maximum: float) -> float:
    """Independent trials whose best is ``maximum`` on average: the inverse of the formula above."""
    if maximum <= 0.0:
        return 1.0
    low, high = 0.0, np.log(MOST_TRIALS)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if expected_maximum(exp(middle)) < maximum else (low, middle)
    return float(exp(0.5 * (low + high)))


def probabilistic_sharpe(found: Moments, beyond: float = 0.0) -> float:
    """Probability that the true ratio lies above ``beyond``.

    Raises
    ------
    DataError
        If the moments are too extreme for the formula.

    References
    ----------
    Bailey and Lopez de Prado (2012), The Sharpe ratio efficient frontier, equation 7.
    """
    from scipy.special import ndtr

    return float(ndtr((found.sharpe - beyond) * sqrt(found.n - 1) / _spread(found)))


def _spread(found: Moments) -> float:
    square = 1.0 - found.skew * found.sharpe + (found.kurtosis - 1.0) / 4.0 * found.sharpe**2
    if not square > 0.0:
        raise DataError(
            f"luck: skewness {found.skew:.3g} and kurtosis {found.kurtosis:.3g} are too extreme "
            "for the error of a Sharpe ratio; look at the returns"
        )
    return sqrt(square)


def deflated_sharpe(found: Moments, n_trials: float, deviation: float) -> float:
    """Probability that the true ratio lies above what luck shows in ``n_trials``.

    Parameters
    ----------
    found : Moments
        Of the best.
    n_trials : float
        Independent ones.
    deviation : float
        Standard deviation of the trials' ratios.

    References
    ----------
    Bailey and Lopez de Prado (2014), The deflated Sharpe ratio.
    """
    return probabilistic_sharpe(found, deviation * expected_maximum(n_trials))


def least_track_record(found: Moments, beyond: float = 0.0, level: float = 0.95) -> float:
    """Bars after which a ratio like this is beyond ``beyond`` at ``level``; infinite if it is not.

    References
    ----------
    Bailey and Lopez de Prado (2012), equation 11.
    """
    if found.sharpe <= beyond:
        return inf
    needed = normal_quantile(level) * _spread(found) / (found.sharpe - beyond)
    return float(ceil(needed**2) + 1)


def least_backtest_years(n_trials: float, sharpe_annual: float) -> float:
    """Years below which luck alone shows such a ratio as the best of ``n_trials``.

    References
    ----------
    Bailey, Borwein, Lopez de Prado and Zhu (2014), Pseudo-mathematics and financial charlatanism.
    """
    return inf if sharpe_annual <= 0.0 else (expected_maximum(n_trials) / sharpe_annual) ** 2
