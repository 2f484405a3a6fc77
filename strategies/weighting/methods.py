"""Every way to weigh names, by its name in a config: estimates and limits to weights.

Each takes ``(estimates, limits, *, options)`` and gives weights that keep the limits, or raises
StrategyError. What a method does not know by itself of the limits it is brought to by the nearest
weights that keep them.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies import online_weights
from tradewind.strategies.weighting import cone, quadratic
from tradewind.strategies.weighting.covariance import refuse_singular
from tradewind.strategies.weighting.hierarchy import hierarchical
from tradewind.strategies.weighting.limits import (
    Estimates,
    Limits,
    refuse_contradiction,
)
from tradewind.strategies.weighting.projection import project
from tradewind.strategies.weighting.risk_parity import risk_parity as equal_contributions
from tradewind.strategies.weighting.views import equilibrium, posterior

Method = Callable[..., Floats]


def equal(estimates: Estimates, limits: Limits) -> Floats:
    """The same for each."""
    n = len(limits.low)
    return project(np.full(n, limits.net / n), limits)


def inverse_volatility(estimates: Estimates, limits: Limits) -> Floats:
    """In inverse proportion to volatility."""
    variance = np.diag(estimates.covariance)
    if not (variance > 0.0).all():
        raise StrategyError("inverse_volatility: a name does not vary")
    raw = 1.0 / np.sqrt(variance)
    return project(limits.net * raw / raw.sum(), limits)


def risk_parity(estimates: Estimates, limits: Limits) -> Floats:
    """Equal contributions to the portfolio's variance (Maillard, Roncalli and Teiletche 2010)."""
    return project(limits.net * equal_contributions(estimates.covariance), limits)


def minimum_variance(estimates: Estimates, limits: Limits) -> Floats:
    """Least variance."""
    return _best(estimates.covariance, None, 1.0, limits)


def mean_variance(estimates: Estimates, limits: Limits, *, risk_aversion: float = 5.0) -> Floats:
    """Most expected return less half of ``risk_aversion`` times the variance (Markowitz 1952)."""
    return _best(estimates.covariance, estimates.mean, risk_aversion, limits)


def kelly(estimates: Estimates, limits: Limits, *, fraction: float = 0.5) -> Floats:
    """A fraction of the bet of most expected growth (Kelly 1956; Thorp 2006).

    To second order growth is the mean less half of the variance, and a fraction of its bet is that
    of a risk aversion of one over the fraction.
    """
    if not 0.0 < fraction <= 1.0:
        raise StrategyError(f"kelly: fraction {fraction:g}; wanted above 0 and at most 1")
    return _best(estimates.covariance, estimates.mean, 1.0 / fraction, limits)


def black_litterman(
    estimates: Estimates,
    limits: Limits,
    *,
    risk_aversion: float = 2.5,
    tau: float = 0.05,
    confidence: float = 0.5,
) -> Floats:
    """Mean-variance on returns that equal weights imply, corrected by what is expected.

    Each name has a view, as sure as ``confidence`` says: 0.5 moves half of the way from the implied
    return to the view where names are uncorrelated (Black and Litterman 1992; Idzorek 2005).
    """
    if not 0.0 < confidence < 1.0:
        raise StrategyError(f"black_litterman: confidence {confidence:g}; wanted between 0 and 1")
    n = len(estimates.mean)
    covariance = estimates.covariance
    neutral = np.full(n, (limits.net or 0.0) / n)
    prior = equilibrium(covariance, neutral, risk_aversion)
    doubt = (1.0 / confidence - 1.0) * tau * np.diag(covariance)
    found = posterior(prior, covariance, np.eye(n), estimates.mean, doubt, tau=tau)
    # The covariance of returns alone: with the doubt of the mean added, nobody without a view
    # would hold the market.
    return _best(covariance, found.mean, risk_aversion, limits)


def hrp(estimates: Estimates, limits: Limits) -> Floats:
    """Hierarchical risk parity."""
    return project(limits.net * hierarchical(estimates.covariance), limits)


def maximum_diversification(estimates: Estimates, limits: Limits) -> Floats:
    """Most weighted volatility over the portfolio's own (Choueifaty and Coignard 2008).

    Solved in weights of any sum, of which the limits are shares: least variance where the weighted
    volatility is 1.
    """
    refuse_contradiction(limits)
    covariance = estimates.covariance
    refuse_singular(covariance, "maximum_diversification")
    n = len(covariance)
    deviation = np.sqrt(np.diag(covariance))
    whole = np.ones(n)
    identity = np.eye(n)
    rows = [identity - np.outer(limits.high / limits.net, whole),
            np.outer(limits.low / limits.net, whole) - identity]  # fmt: skip
    for number in limits.sectors:
        of = (limits.group == number).astype(float)
        rows.append((of - limits.sector_most / limits.net)[None])
    table = np.vstack(rows)
    found = cone.solve(
        covariance, np.zeros(n), (deviation / deviation.mean())[None], np.ones(1), table,
        np.zeros(len(table)),
    )  # fmt: skip
    return project(limits.net * found / found.sum(), limits)


def by_score(estimates: Estimates, limits: Limits) -> Floats:
    """In proportion to the place in the ranking: 1 for the worst, n for the best."""
    if not np.isfinite(estimates.score).all():
        raise StrategyError("by_score: not every name has a score")
    from scipy.stats import rankdata

    place = rankdata(estimates.score)
    return project(limits.net * place / place.sum(), limits)


def exponentiated_gradient(estimates: Estimates, limits: Limits, *, eta: float = 0.05) -> Floats:
    """EG over the lookback, begun with equal weights."""
    return _online(estimates, limits, online_weights.exponentiated_gradient, eta=eta)


def passive_aggressive(estimates: Estimates, limits: Limits, *, epsilon: float = 0.5) -> Floats:
    """PAMR over the lookback, begun with equal weights."""
    return _online(estimates, limits, online_weights.passive_aggressive, epsilon=epsilon)


def moving_average_reversion(
    estimates: Estimates, limits: Limits, *, window: int = 5, epsilon: float = 10.0
) -> Floats:
    """OLMAR over the lookback, begun with equal weights."""
    return _online(
        estimates, limits, online_weights.moving_average_reversion, window=int(window),
        epsilon=epsilon,
    )  # fmt: skip


METHODS: Mapping[str, Method] = {
    "equal": equal,
    "inverse_volatility": inverse_volatility,
    "risk_parity": risk_parity,
    "minimum_variance": minimum_variance,
    "mean_variance": mean_variance,
    "kelly": kelly,
    "black_litterman": black_litterman,
    "hrp": hrp,
    "maximum_diversification": maximum_diversification,
    "by_score": by_score,
    "exponentiated_gradient": exponentiated_gradient,
    "passive_aggressive": passive_aggressive,
    "moving_average_reversion": moving_average_reversion,
}


def _best(covariance: Floats, mean: Floats | None, risk_aversion: float, limits: Limits) -> Floats:
    """Weights of most mean less variance: exactly between bounds, else by the cone solver."""
    if not risk_aversion > 0.0:
        raise StrategyError(f"risk_aversion {risk_aversion:g}; wanted above zero")
    refuse_contradiction(limits)
    refuse_singular(covariance, "covariance")
    plain = limits.long_only and limits.net == 1.0
    if plain:
        found = quadratic.minimum_variance(
            covariance, mean=mean, risk_aversion=risk_aversion, low=limits.low, high=limits.high
        )
        full = [found[limits.group == number].sum() for number in limits.sectors]
        if max(full, default=0.0) <= limits.sector_most:
            return found
    gain = np.zeros(len(covariance)) if mean is None else mean
    return cone.least(risk_aversion * covariance, -gain, limits)


def _online(estimates: Estimates, limits: Limits, way: Method, **options: float) -> Floats:
    """Weights after the last bar of the lookback, from its returns alone."""
    relatives = np.vstack([1.0 + estimates.returns, np.ones(estimates.returns.shape[1])])
    return project(limits.net * way(relatives, **options)[-1], limits)
