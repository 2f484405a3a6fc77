"""Online portfolio selection: weights of each day from the price relatives of the days before it.

Every function takes ``relatives`` of shape (n_days, n_assets), close over the close before, and
gives weights of the same shape: row t is chosen before day t is known, rows add up to 1, none is
negative. Nothing is estimated and nothing is assumed about the market; what is known is a bound on
the regret against the best constant portfolio in hindsight.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats

LEFT_TO_GAIN = 1e-8  # per day: below it lies the rounding of a mean over thousands of days


def buy_and_hold(relatives: Floats) -> Floats:
    """Equal parts on the first day, never touched again."""
    grown = np.cumprod(relatives, axis=0)
    before = np.vstack((np.ones(relatives.shape[1]), grown[:-1]))
    held: Floats = before / before.sum(axis=1, keepdims=True)
    return held


def constant_rebalanced(relatives: Floats, weights: Floats | None = None) -> Floats:
    """The same weights each day; equal ones unless told otherwise (UCRP)."""
    n_assets = relatives.shape[1]
    fixed = np.full(n_assets, 1.0 / n_assets) if weights is None else weights
    return np.tile(fixed, (len(relatives), 1))


def exponentiated_gradient(relatives: Floats, *, eta: float = 0.05) -> Floats:
    """Weights multiplied by exp(eta * relative / portfolio's relative).

    Parameters
    ----------
    relatives : ndarray of float64, shape (n_days, n_assets)
    eta : float
        Learning rate.

    References
    ----------
    Helmbold, Schapire, Singer and Warmuth (1998), EG(eta).
    """

    def step(weights: Floats, day: Floats) -> Floats:
        moved = weights * np.exp(eta * day / (weights @ day))
        return np.asarray(moved / moved.sum())

    return _day_by_day(relatives, lambda weights, t: step(weights, relatives[t]))


def passive_aggressive(relatives: Floats, *, epsilon: float = 0.5) -> Floats:
    """Leave what went up as soon as the day returned more than ``epsilon``: mean reversion.

    References
    ----------
    Li, Zhao, Hoi and Gopalkrishnan (2012), PAMR.
    """

    def step(weights: Floats, t: int) -> Floats:
        away = relatives[t] - relatives[t].mean()
        spread = float(away @ away)
        loss = max(0.0, float(weights @ relatives[t]) - epsilon)
        return simplex(weights - (loss / spread) * away) if spread > 0 else weights

    return _day_by_day(relatives, step)


def moving_average_reversion(
    relatives: Floats, *, window: int = 5, epsilon: float = 10.0
) -> Floats:
    """Bet that prices return to their moving average.

    Parameters
    ----------
    relatives : ndarray of float64, shape (n_days, n_assets)
    window : int
        Days of the average, >= 2.
    epsilon : float
        Return the bet aims at, > 1.

    References
    ----------
    Li and Hoi (2012), OLMAR-1.
    """
    price = np.cumprod(relatives, axis=0)

    def step(weights: Floats, t: int) -> Floats:
        if t + 1 < window:
            return weights
        hoped = price[t + 1 - window : t + 1].mean(axis=0) / price[t]
        away = hoped - hoped.mean()
        spread = float(away @ away)
        short = max(0.0, epsilon - float(weights @ hoped))
        return simplex(weights + (short / spread) * away) if spread > 0 else weights

    return _day_by_day(relatives, step)


def best_constant(relatives: Floats) -> Floats:
    """Constant weights that would have grown most: hindsight, a bound and no strategy.

    Returns
    -------
    ndarray of float64, shape (n_assets,)

    Raises
    ------
    StrategyError
        If the optimiser stops before the maximum: the mean of log(relatives @ weights) is concave,
        and at its maximum no asset could add anything (Cover 1984, the Kuhn-Tucker conditions).
    """
    from scipy.optimize import LinearConstraint, minimize

    n_days, n_assets = relatives.shape

    def loss(weights: Floats) -> tuple[float, Floats]:
        grown = relatives @ weights
        return -float(np.log(grown).mean()), -(relatives / grown[:, None]).mean(axis=0)

    found = minimize(
        loss, np.full(n_assets, 1.0 / n_assets), jac=True, method="SLSQP",
        bounds=[(0.0, 1.0)] * n_assets, tol=1e-15, options={"maxiter": 1_000},
        constraints=LinearConstraint(np.ones((1, n_assets)), 1.0, 1.0),
    )  # fmt: skip
    weights = simplex(np.asarray(found.x))
    left = float(-loss(weights)[1].min()) - 1.0
    if not left < LEFT_TO_GAIN:
        raise StrategyError(
            f"best_constant: the optimiser stopped with {left:.1e} per day left to gain over "
            f"{n_days} days ({found.message}); look for relatives that are zero or not numbers"
        )
    return weights


def wealth(relatives: Floats, weights: Floats, *, cost_bps: float = 0.0) -> Floats:
    """What one unit of money grows to, shape (n_days,).

    Parameters
    ----------
    relatives, weights : ndarray of float64, shape (n_days, n_assets)
    cost_bps : float
        Of the value traded, basis points; paid at the close from what is traded for, the first
        purchase included.
    """
    grown: Floats = (weights * relatives).sum(axis=1)
    if cost_bps == 0.0:
        return np.asarray(np.cumprod(grown))
    drifted = weights * relatives / grown[:, None]
    before = np.vstack((np.zeros(weights.shape[1]), drifted[:-1]))
    traded = np.abs(weights - before).sum(axis=1)
    return np.asarray(np.cumprod(grown * (1.0 - cost_bps * 1e-4 * traded)))


def simplex(point: Floats) -> Floats:
    """Nearest weights that are not negative and add up to 1 (Duchi et al. 2008).

    Parameters
    ----------
    point : ndarray of float64, shape (n_assets,)
    """
    high = np.sort(point)[::-1]
    excess = np.cumsum(high) - 1.0
    count = np.arange(1, len(point) + 1)
    last = int(np.flatnonzero(high * count > excess)[-1])
    nearest: Floats = np.maximum(point - excess[last] / count[last], 0.0)
    return nearest


def _day_by_day(relatives: Floats, step: Callable[[Floats, int], Floats]) -> Floats:
    """Equal weights on the first day, then what ``step`` makes of them after each."""
    n_days, n_assets = relatives.shape
    out = np.empty((n_days, n_assets))
    out[:1] = 1.0 / n_assets
    for t in range(n_days - 1):
        out[t + 1] = step(out[t], t)
    return out


RULES: Mapping[str, Callable[..., Floats]] = {
    "buy_and_hold": buy_and_hold,
    "ucrp": constant_rebalanced,
    "eg": exponentiated_gradient,
    "pamr": passive_aggressive,
    "olmar": moving_average_reversion,
}
