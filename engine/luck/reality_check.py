"""Is the best of many rules better than the benchmark? White's reality check and Hansen's test.

All resamples of all rules are one product of matrices: how often each bar was drawn, times the
differences.
"""

from math import log, sqrt
from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats, Ints

RESAMPLES = 1_000
LEAST_BARS = 30
SERIES_FOR_BLOCK = 50  # that the block length is the median of


class Verdict(NamedTuple):
    """p-values of "no rule is better", and what resamples without skill show."""

    reality_check: float  # White (2000)
    lower: float  # Hansen (2005): liberal, consistent, conservative
    consistent: float
    upper: float
    block: float  # mean length of a block, bars
    expected_maximum: float  # mean of the best rule's t-like ratio without skill
    n_resamples: int


def block_length(differences: Floats) -> float:
    """Mean block of the stationary bootstrap, at least 1: the median over some of the series.

    Parameters
    ----------
    differences : ndarray of float64, shape (n_rules, n_bars)

    References
    ----------
    Politis and White (2004) with the correction of Patton, Politis and White (2009).
    """
    rows = np.unique(np.linspace(0, len(differences) - 1, SERIES_FOR_BLOCK).round().astype(int))
    found = [_own_block(series) for series in differences[rows] if series.std() > 0.0]
    return float(np.clip(np.median(found) if found else 1.0, 1.0, differences.shape[1] / 4.0))


def _own_block(series: Floats) -> float:
    n = len(series)
    centred = series - series.mean()
    reach = int(max(5, sqrt(np.log10(n))))
    most = int(np.ceil(sqrt(n)) + reach)
    own = float(centred @ centred) / n
    covariance = np.array([float(centred[k:] @ centred[: n - k]) / n for k in range(most + 1)])
    bound = 2.0 * sqrt(np.log10(n) / n)
    small = np.abs(covariance[1:] / own) < bound
    runs = np.convolve(small, np.ones(reach), "valid") >= reach
    cut = int(np.argmax(runs)) if runs.any() else most - reach
    m = min(2 * max(cut, 1), most)
    lags = np.arange(-m, m + 1)
    taper = np.minimum(1.0, 2.0 * (1.0 - np.abs(lags) / m))
    both = covariance[np.abs(lags)]
    slope = float((taper * np.abs(lags) * both).sum())
    height = 2.0 * float((taper * both).sum()) ** 2
    return (2.0 * slope**2 / height) ** (1.0 / 3.0) * n ** (1.0 / 3.0) if height > 0.0 else 1.0


def draw(n_bars: int, n_resamples: int, block: float, seed: int) -> Ints:
    """Bars of each resample of the stationary bootstrap, (n_resamples, n_bars).

    References
    ----------
    Politis and Romano (1994).
    """
    random = np.random.default_rng(seed)
    rows = np.empty((n_resamples, n_bars), np.int64)
    rows[:, 0] = random.integers(0, n_bars, n_resamples)
    for t in range(1, n_bars):
        fresh = random.random(n_resamples) < 1.0 / block
        rows[:, t] = np.where(
            fresh, random.integers(0, n_bars, n_resamples), (rows[:, t - 1] + 1) % n_bars
        )
    return rows


def counts_of(rows: Ints) -> Floats:
    """How often each bar was drawn, (n_resamples, n_bars)."""
    n_resamples, n_bars = rows.shape
    flat = (rows + np.arange(n_resamples)[:, None] * n_bars).ravel()
    found = np.bincount(flat, minlength=n_resamples * n_bars)
    return found.reshape(n_resamples, n_bars).astype(np.float64)


def deviations(differences: Floats, block: float) -> Floats:
    """Standard deviation of sqrt(n) times each mean, as the bootstrap sees it, (n_rules,).

    References
    ----------
    Hansen (2005), A test for superior predictive ability, appendix; the kernel of Politis and
    Romano (1994).
    """
    n = differences.shape[1]
    centred = differences - differences.mean(axis=1, keepdims=True)
    p = 1.0 / block
    lags = np.arange(1, n)
    kernel = (1.0 - lags / n) * (1.0 - p) ** lags + lags / n * (1.0 - p) ** (n - lags)
    variance = (centred * centred).sum(axis=1) / n
    for lag, weight in zip(lags.tolist(), kernel.tolist(), strict=True):
        if weight < 1e-12 and lag < n - lag:
            continue
        if weight < 1e-12:
            break
        product = (centred[:, : n - lag] * centred[:, lag:]).sum(axis=1)
        variance = variance + 2.0 * weight * product / n
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def reality_check(
    returns: Floats,
    benchmark: Floats | float = 0.0,
    *,
    n_resamples: int = RESAMPLES,
    block: float | None = None,
    seed: int = 0,
    rows: Ints | None = None,
    studentised: bool = True,
) -> Verdict:
    """Test that no rule has a higher mean return than the benchmark.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_rules, n_bars)
    benchmark : ndarray of float64, shape (n_bars,), or float
    n_resamples : int
    block : float, optional
        Mean length of a block; by default :func:`block_length`.
    seed : int
    rows : ndarray of int, shape (n_resamples, n_bars), optional
        Bars of each resample, in place of those that are drawn.
    studentised : bool
        Whether Hansen's test takes means over their standard errors, as published; without, its
        p-values are those of ``arch.bootstrap.SPA``.

    Raises
    ------
    DataError
        If there are too few bars, or a return is not finite.

    Notes
    -----
    White's test takes plain means. A rule that never differs from the benchmark is left out. Block
    lengths fitted to the returns keep the size: with blocks of sqrt(n) on returns without memory
    the errors come out too small, and luck is taken for skill (``benchmarks/luck.py``).

    References
    ----------
    White (2000), A reality check for data snooping; Hansen (2005).
    """
    n_bars = returns.shape[1]
    difference = np.asarray(returns - benchmark, np.float64)
    if n_bars < LEAST_BARS or not np.isfinite(difference).all():
        raise DataError(
            f"reality check: {n_bars} bars, {int((~np.isfinite(difference)).sum())} of the returns "
            f"not finite; wanted at least {LEAST_BARS} finite ones for each rule"
        )
    length = block_length(difference) if block is None else float(block)
    deviation = deviations(difference, length)
    moving = deviation > 0.0
    if not moving.any():
        return Verdict(1.0, 1.0, 1.0, 1.0, length, 0.0, 0)
    difference, deviation = difference[moving], deviation[moving]
    drawn = draw(n_bars, n_resamples, length, seed) if rows is None else rows
    mean = difference.mean(axis=1)
    star = counts_of(drawn) @ difference.T / n_bars  # (n_resamples, n_rules)
    root = sqrt(n_bars)
    scale = deviation if studentised else np.ones_like(deviation)
    observed = max(float((root * mean / scale).max()), 0.0)
    far = mean < -deviation / root * sqrt(2.0 * log(log(n_bars)))
    centres = {
        "lower": np.maximum(mean, 0.0), "consistent": np.where(far, 0.0, mean), "upper": mean
    }  # fmt: skip
    p = {}
    for name, centre in centres.items():
        largest = (root * (star - centre) / scale).max(axis=1)
        p[name] = float((np.maximum(largest, 0.0) > observed).mean())
    least = (root * (star - mean) / deviation).max(axis=1)
    plain = (root * (star - mean)).max(axis=1)
    white = float((plain > root * mean.max()).mean())
    return Verdict(
        white, p["lower"], p["consistent"], p["upper"], length, float(least.mean()), len(drawn)
    )


def luck_of_the_best(
    returns: Floats, *, n_resamples: int = RESAMPLES, block: float | None = None, seed: int = 0
) -> float:
    """Mean of the highest Sharpe ratio over its error that trials like these show without skill.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_trials, n_bars)
        As they are; their means are taken off, what they have in common stays.
    n_resamples : int
    block : float, optional
    seed : int
    """
    centred = returns - returns.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, ddof=1)
    moving = deviation > 0.0
    if not moving.any():
        return 0.0
    centred, deviation = centred[moving], deviation[moving]
    length = block_length(centred) if block is None else block
    counts = counts_of(draw(centred.shape[1], n_resamples, length, seed))
    star = counts @ (centred / deviation[:, None]).T / sqrt(centred.shape[1])
    return float(np.maximum(star.max(axis=1), 0.0).mean())
