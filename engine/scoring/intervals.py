"""Means of dependent observations, with intervals that mean what they say."""

from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from tradewind.engine.records import Floats
from tradewind.engine.scoring.statistics import FLAT, student_quantile, two_sided_p


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
