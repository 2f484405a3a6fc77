"""A spread as an Ornstein-Uhlenbeck process, and where to enter and leave it after costs."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats
from tradewind.strategies.pairing.reversion import autoregression

HALVINGS = 80  # of an interval of width 100: below the last bit of any answer
WIDEST = 100.0  # standard deviations


class Process(NamedTuple):
    """dS = speed (mean - S) dt + volatility dW, time in bars; arrays of shape (n_spreads,)."""

    mean: Floats
    speed: Floats
    volatility: Floats

    @property
    def deviation(self) -> Floats:
        """Standard deviation of the spread about its mean, in the long run."""
        return np.asarray(self.volatility / np.sqrt(2.0 * self.speed))


class Thresholds(NamedTuple):
    """Enter ``reach`` below (or above) the mean, leave as far on the other side."""

    reach: Floats
    rate: Floats  # expected return per unit of time, after costs
    length: Floats  # expected time of a round trip


def fit(spread: Floats) -> Process:
    """Process of each column.

    Parameters
    ----------
    spread : ndarray of float64, shape (n_bars, n_spreads)

    Returns
    -------
    Process
        Exact for data at whole bars: maximum likelihood given the first value. NaN where the slope
        of the spread on the one before is not in (0, 1), so that nothing reverts.
    """
    intercept, slope, noise = autoregression(spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        good = (slope > 0.0) & (slope < 1.0) & (noise > 0.0)
        b = np.where(good, slope, np.nan)
        speed = -np.log(b)
        return Process(intercept / (1.0 - b), speed, noise * np.sqrt(2.0 * speed / (1.0 - b * b)))


def thresholds(process: Process, cost: Floats | float) -> Thresholds:
    """Levels with the highest expected return per unit of time.

    Parameters
    ----------
    process : Process
    cost : float or ndarray of float64, shape (n_spreads,)
        Of a round trip in the spread's own units, > 0.

    Notes
    -----
    With u = reach sqrt(speed) / volatility and k the cost on the same scale, the condition
    exp(u^2) (2 u - k) = sqrt(pi) erfi(u) becomes u - D(u) = k / 2 in Dawson's integral D, whose
    left side only rises: one bisection serves every spread.

    References
    ----------
    Bertram (2010), Analytic solutions for optimal statistical arbitrage trading.
    """
    from scipy.special import dawsn, erfi

    scale = np.asarray(process.volatility / np.sqrt(process.speed), np.float64)
    k = np.asarray(cost, np.float64) / scale
    low, high = np.zeros_like(k), np.full_like(k, WIDEST)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        short = middle - dawsn(middle) < 0.5 * k
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    u = np.where(np.isnan(k), np.nan, 0.5 * (low + high))
    with np.errstate(over="ignore"):
        length = 2.0 * np.pi * erfi(u) / process.speed
    return Thresholds(u * scale, (2.0 * u - k) * scale / length, length)
