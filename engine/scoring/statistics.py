"""Standard errors and tests that hold for returns: dependent in time, fat in the tails.

Plain functions of arrays without NaN. ``scipy.special`` is loaded where a distribution is needed;
``scipy.stats`` would cost the command line most of a second.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats

FLAT = 1e-14  # relative: below it a spread is the rounding of equal numbers


@dataclass(frozen=True, slots=True)
class LossTest:
    """Diebold-Mariano test of two forecasts.

    Attributes
    ----------
    difference : float
        Mean loss of the first minus that of the second; negative: the first is better.
    statistic, p : float
        With the small-sample correction, two-sided; NaN where the losses do not differ at all.
    n, lags : int
    kernel : str
        ``rectangular`` as published, ``bartlett`` where that gave no positive variance.
    """

    difference: float
    statistic: float
    p: float
    n: int
    lags: int
    kernel: str


def automatic_lags(n: int) -> int:
    """Lags of a Bartlett kernel for a series of unknown dependence.

    References
    ----------
    ``floor(4 (n / 100)^(2/9))``: the rate of Newey and West (1994) with the constant common in
    practice.
    """
    return max(0, min(n - 1, int(4 * (n / 100) ** (2 / 9))))


def long_run_variance(x: Floats, lags: int, *, kernel: str = "bartlett") -> float:
    """Variance of ``sqrt(n)`` times the mean of a dependent series.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
    lags : int
        Autocovariances used, >= 0.
    kernel : str
        ``bartlett`` (never negative) or ``rectangular`` (all weights 1).

    Returns
    -------
    float
        Units of ``x`` squared; NaN for an empty series.

    References
    ----------
    Newey and West (1987), equation 5; autocovariances divided by n.
    """
    n = len(x)
    if n == 0:
        return float("nan")
    centred = x - x.mean()
    total = float(centred @ centred)
    for lag in range(1, min(lags, n - 1) + 1):
        weight = 1.0 - lag / (lags + 1.0) if kernel == "bartlett" else 1.0
        total += 2.0 * weight * float(centred[lag:] @ centred[:-lag])
    return total / n


def two_sided_p(t: float, degrees: float) -> float:
    """Chance that Student's t lies at least as far from zero as ``t``."""
    from scipy.special import stdtr

    return float(2.0 * stdtr(degrees, -abs(t)))


def student_quantile(level: float, degrees: float) -> float:
    """Quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, level))


def normal_quantile(level: float) -> float:
    """Quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(level))


def wilson_interval(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a share of independent trials.

    Parameters
    ----------
    hits, n : int
        ``n`` >= 1.
    level : float

    Returns
    -------
    tuple of float
        Low and high, inside [0, 1].

    Raises
    ------
    DataError
        If there was no trial, or more hits than trials.

    References
    ----------
    Wilson (1927).
    """
    if n < 1 or not 0 <= hits <= n:
        raise DataError(
            f"Wilson interval: {hits} hits in {n} trials; wanted 0 <= hits <= n, n >= 1"
        )
    z = normal_quantile(0.5 + level / 2)
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def diebold_mariano(loss: Floats, rival_loss: Floats, *, horizon: int) -> LossTest:
    """Test whether the losses of two forecasts are equal on average.

    Parameters
    ----------
    loss, rival_loss : ndarray of float64, shape (n,)
        Of the same dates, oldest first.
    horizon : int
        Bars ahead: errors of overlapping forecasts depend on each other up to ``horizon - 1``.

    Returns
    -------
    LossTest

    Raises
    ------
    DataError
        If the series differ in length or the horizon is below 1.

    References
    ----------
    Diebold and Mariano (1995); Harvey, Leybourne and Newbold (1997), equation 9: the statistic is
    multiplied by ``sqrt((n + 1 - 2h + h(h - 1)/n) / n)`` and compared with Student's t of n - 1
    degrees of freedom. The rectangular kernel can give a variance that is not positive; Bartlett
    weights over the same lags take its place then.
    """
    if len(loss) != len(rival_loss) or horizon < 1:
        raise DataError(
            f"Diebold-Mariano: {len(loss)} and {len(rival_loss)} losses, horizon {horizon}; wanted "
            "losses of the same dates and a horizon of at least 1"
        )
    gap = loss - rival_loss
    n, nan = len(gap), float("nan")
    difference = float(gap.mean()) if n else nan
    lags = horizon - 1
    factor = n + 1 - 2 * horizon + horizon * (horizon - 1) / n if n else 0.0
    size = float(np.maximum(np.abs(loss), np.abs(rival_loss)).max()) if n else 0.0
    if n <= horizon or factor <= 0 or np.ptp(gap) <= FLAT * size:
        return LossTest(difference, nan, nan, n, lags, "rectangular")
    kernel = "rectangular"
    variance = long_run_variance(gap, lags, kernel=kernel)
    if variance <= 0:
        kernel = "bartlett"
        variance = long_run_variance(gap, lags, kernel=kernel)
    statistic = difference / sqrt(variance / n) * sqrt(factor / n)
    return LossTest(difference, statistic, two_sided_p(statistic, n - 1), n, lags, kernel)


def is_flat(x: Floats) -> bool:
    """Whether a series does not vary beyond rounding."""
    return bool(len(x) == 0 or np.ptp(x) <= FLAT * max(1.0, float(np.abs(x).max())))


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
