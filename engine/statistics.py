"""Standard errors and tests that hold for returns: dependent in time, fat in the tails.

Plain functions of arrays without NaN. ``scipy.special`` is loaded where a distribution is needed;
``scipy.stats`` would cost the command line most of a second.
"""

from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats

FLAT = 1e-14  # relative: below it a spread is the rounding of equal numbers


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with what is known about it.

    Attributes
    ----------
    value, se : float
        ``se`` is NaN where it cannot be estimated, 0 where the observations do not vary.
    t, p : float
        Against zero, two-sided; NaN where ``se`` is not positive.
    low, high : float
        Confidence interval.
    n : int
        Observations.
    degrees : int
        Of freedom, of the Student distribution behind ``p``, ``low`` and ``high``.
    """

    value: float
    se: float
    t: float
    p: float
    low: float
    high: float
    n: int
    degrees: int


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


def cosine_degrees(n: int, overlap: int) -> int:
    """How many slow cosines estimate the variance of a mean of ``n`` dependent observations.

    Parameters
    ----------
    n : int
    overlap : int
        Neighbours known to depend on each other, ``horizon - 1`` for forecasts of every bar.

    Returns
    -------
    int
        Few enough that the spectrum is still flat over them: ``0.4 n^(2/3)`` (Lazarus, Lewis, Stock
        and Watson, 2018), and no more than ``n / (2 (overlap + 1))``; at least 4, at most n - 1.
    """
    return max(0, min(n - 1, max(4, min(int(0.4 * n ** (2 / 3)), n // (2 * overlap + 2)))))


def mean_hac(x: Floats, *, overlap: int = 0, level: float = 0.95) -> Mean:
    """Mean with an interval that allows for autocorrelation and changing variance.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
    overlap : int
        See :func:`cosine_degrees`.
    level : float
        Of the interval.

    Notes
    -----
    The long-run variance is the mean square of the first cosine transforms, and the t ratio then
    has Student's distribution with that many degrees of freedom (equal-weighted cosine estimator;
    Mueller, 2004; Lazarus et al., 2018). With labels that overlap, a Newey-West interval with the
    usual normal quantiles misses its target two to four times as often as it says when there are
    few dates per horizon; this one stays close (docs/metrics.md has the figures).
    """
    n = len(x)
    value = float(x.mean()) if n else float("nan")
    degrees = cosine_degrees(n, overlap)
    if degrees < 1:
        return _mean(value, float("nan"), n, 0, level)
    # Differences from the mean: cosines sum to zero only up to rounding.
    at = np.pi * (np.arange(n) + 0.5) / n
    transforms = np.cos(np.arange(1, degrees + 1)[:, None] * at) @ (x - value)
    se = sqrt(2.0 * float(transforms @ transforms) / degrees) / n
    if se <= FLAT * float(np.abs(x).max()):
        se = 0.0
    return _mean(value, se, n, degrees, level)


def ratio_hac(top: Floats, bottom: Floats, *, overlap: int = 0, level: float = 0.95) -> Mean:
    """Ratio of two sums, for example hits over forecasts when their number changes by date.

    Parameters
    ----------
    top, bottom : ndarray of float64, shape (n,)
        One entry per date, ``bottom`` not negative.
    overlap : int
        See :func:`cosine_degrees`.
    level : float
        Of the interval.

    Notes
    -----
    Linearised (delta method): the error of the ratio is the mean of ``top - ratio * bottom`` over
    the mean of ``bottom``. All pairs of one date count as one observation, so what symbols have in
    common on a date does not pass for evidence.
    """
    n = len(top)
    if n == 0 or bottom.sum() <= 0:
        return _mean(float("nan"), float("nan"), 0, 0, level)
    ratio = float(top.sum() / bottom.sum())
    error = mean_hac(top - ratio * bottom, overlap=overlap, level=level)
    # Without hits, or with nothing but hits, every term is zero up to rounding.
    known = error.se > FLAT * float(bottom.max())
    se = error.se / float(bottom.mean()) if known or np.isnan(error.se) else 0.0
    return _mean(ratio, se, n, error.degrees, level)


def _mean(value: float, se: float, n: int, degrees: int, level: float) -> Mean:
    nan = float("nan")
    if not isfinite(se):
        return Mean(value, nan, nan, nan, nan, nan, n, degrees)
    t = value / se if se > 0 else nan
    p = two_sided_p(t, degrees) if se > 0 else nan
    reach = student_quantile(0.5 + level / 2, degrees) * se
    return Mean(value, se, t, p, value - reach, value + reach, n, degrees)


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
