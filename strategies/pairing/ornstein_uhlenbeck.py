"""A spread as an Ornstein-Uhlenbeck process, and where to enter and leave it after costs."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing.passages import Passage, passage, trip
from tradewind.strategies.pairing.reversion import autoregression

HALVINGS = 80  # of an interval of width 100: below the last bit of any answer
WIDEST = 100.0  # standard deviations
STEPS = 200  # of the search for the best ratio, before it is narrowed
FARTHEST = (
    5.0  # scales, up to which it searches: a trip there takes 1e11 times as long as a reversion
)


class Process(NamedTuple):
    """dS = speed (mean - S) dt + volatility dW, time in bars; arrays of shape (n_spreads,)."""

    mean: Floats
    speed: Floats
    volatility: Floats

    @property
    def deviation(self) -> Floats:
        """Standard deviation of the spread about its mean, in the long run."""
        return np.asarray(self.volatility / np.sqrt(2.0 * self.speed))

    def passage(self, start: Floats, end: Floats) -> Passage:
        """Time from the level ``start`` until ``end`` is first met, bars."""
        return passage(*self, start, end)

    def trip(self, reach: Floats) -> Passage:
        """Time of a round trip between ``reach`` below the mean and as far above it, bars."""
        return trip(*self, self.mean - reach, self.mean + reach)


class Thresholds(NamedTuple):
    """Enter ``reach`` below (or above) the mean, leave as far on the other side."""

    reach: Floats
    rate: Floats  # expected return per unit of time, after costs
    length: Floats  # expected time of a round trip


class Sharpest(NamedTuple):
    """Thresholds with the highest Sharpe ratio; NaN where none earns more than is asked."""

    reach: Floats
    ratio: Floats  # per square root of a unit of time
    length: Floats


def fit(spread: Floats) -> Process:
    """Process of each column.

    Parameters
    ----------
    spread : ndarray of float64, shape (n_bars, n_spreads)

    Returns
    -------
    Process
        Exact for data at whole bars: mean and speed by maximum likelihood given the first value,
        the variance with two more degrees of freedom taken off. NaN where the slope of the spread
        on the one before is not in (0, 1), so that nothing reverts.
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

    Raises
    ------
    StrategyError
        If a cost is not positive: free trades would be made without end.

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

    _refuse_free(cost)
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


def sharpest(
    process: Process, cost: Floats | float, *, per_trade: float = 0.0, per_time: float = 0.0
) -> Sharpest:
    """Levels with the highest Sharpe ratio.

    Parameters
    ----------
    process : Process
    cost : float or ndarray of float64, shape (n_spreads,)
        Of a round trip in the spread's own units, > 0.
    per_trade, per_time : float
        Return that has to be beaten by each round trip (Bertram's), and per unit of time (a rate of
        interest); at least one > 0.

    Raises
    ------
    StrategyError
        If a cost is not positive, or nothing has to be beaten: the ratio then rises all the way
        down to trades that earn nothing.

    Notes
    -----
    A trip earns r = 2 reach - cost in a time of mean E and variance V, so in the long run r / E per
    unit of time with variance r^2 V / E^3. Searched on STEPS levels, then by golden section.

    References
    ----------
    Bertram (2010), section 4.
    """
    _refuse_free(cost)
    if not (min(per_trade, per_time) >= 0.0 and max(per_trade, per_time) > 0.0):
        raise StrategyError(
            f"sharpest: nothing to beat in per_trade {per_trade:g} and per_time {per_time:g}; "
            "wanted one above 0 and none below, or use thresholds"
        )
    found = Sharpest(*(np.full(len(process.speed), np.nan) for _ in range(3)))
    costs = np.broadcast_to(np.asarray(cost, np.float64), process.speed.shape)
    for i, own in enumerate(costs):
        one = Process(*(part[i : i + 1] for part in process))
        best = _sharpest_of_one(one, float(own), per_trade, per_time)
        for kept, value in zip(found, best, strict=True):
            kept[i] = value
    return found


def _sharpest_of_one(
    process: Process, cost: float, per_trade: float, per_time: float
) -> tuple[float, float, float]:
    from scipy.optimize import minimize_scalar

    scale = float(process.volatility[0] / np.sqrt(process.speed[0]))
    low, high = 0.5 * cost, FARTHEST * scale
    if not low < high:
        return np.nan, np.nan, np.nan

    def ratio(reach: Floats) -> Floats:
        earned, time = 2.0 * reach - cost, process.trip(reach)
        beaten = 1.0 - (per_trade + per_time * time.mean) / earned
        return np.asarray(beaten * np.sqrt(time.mean / time.variance))

    steps = low * (high / low) ** (np.arange(1, STEPS + 1) / STEPS)
    best = int(np.argmax(ratio(steps)))
    bounds = (steps[best - 1] if best else low * (1.0 + 1e-9), steps[min(best + 1, STEPS - 1)])
    reach = float(
        minimize_scalar(
            lambda at: -ratio(np.array([at]))[0], bounds=bounds, method="bounded",
            options={"xatol": 1e-10 * scale},
        ).x
    )  # fmt: skip
    at = np.array([reach])
    value = float(ratio(at)[0])
    if not value > 0.0:
        return np.nan, np.nan, np.nan
    return reach, value, float(process.trip(at).mean[0])


def _refuse_free(cost: Floats | float) -> None:
    if not (np.asarray(cost) > 0.0).all():
        raise StrategyError(f"thresholds: the cost of a round trip is {cost}; wanted above 0")
