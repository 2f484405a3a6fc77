"""Copulas of two returns: turned, fitted to a formation, and how a pair is mispriced by one."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats
from tradewind.strategies.pairing.copula_families import FAMILIES, normal_deviate

EDGE = 1e-6  # nearest to 0 and 1 that a probability is taken at: densities end there
LEAST_BARS = 30
MOST_TAU = 0.98  # beyond it the two series are one
DEGREES = (2.1, 50.0)  # of freedom of Student's t that are tried

# What may be fitted: a family and by how many degrees it is turned. Clayton's lower tail and
# Gumbel's upper one change places at 180; at 90 and 270 the series move against each other.
PLAIN: dict[str, tuple[str, int]] = {family: (family, 0) for family in FAMILIES}
TURNED: dict[str, tuple[str, int]] = {
    f"{family}_{degrees}": (family, degrees)
    for family in ("clayton", "gumbel")
    for degrees in (90, 180, 270)
}
EVERY = PLAIN | TURNED


class Copula(NamedTuple):
    """A family with its parameters; ``second`` is the degrees of freedom of Student's t."""

    family: str
    first: float
    second: float = 0.0
    turned: int = 0  # degrees, as pyvinecopulib turns


def clipped(p: Floats) -> Floats:
    """Probabilities kept away from 0 and 1 by EDGE."""
    return np.asarray(np.clip(p, EDGE, 1.0 - EDGE))


def _turned(u: Floats, v: Floats, degrees: int) -> tuple[Floats, Floats]:
    """Probabilities as the family itself sees them."""
    return (
        1.0 - u if degrees in (90, 180) else u,
        1.0 - v if degrees in (180, 270) else v,
    )


def density(copula: Copula, u: Floats, v: Floats) -> Floats:
    """Density at probabilities ``u`` and ``v``."""
    u, v = _turned(clipped(u), clipped(v), copula.turned)
    return np.exp(FAMILIES[copula.family].log_density(u, v, copula.first, copula.second))


def conditional(copula: Copula, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """P(U <= u given V = v) and P(V <= v given U = u)."""
    given = FAMILIES[copula.family].given_second
    u, v = _turned(clipped(u), clipped(v), copula.turned)
    first = np.clip(given(u, v, copula.first, copula.second), 0.0, 1.0)
    second = np.clip(given(v, u, copula.first, copula.second), 0.0, 1.0)
    return (
        1.0 - first if copula.turned in (90, 180) else first,
        1.0 - second if copula.turned in (180, 270) else second,
    )


def cumulative(copula: Copula, u: Floats, v: Floats) -> Floats:
    """P(U <= u and V <= v).

    Raises
    ------
    StrategyError
        For the Gaussian and Student's t, which have no closed form.
    """
    below = FAMILIES[copula.family].below
    if below is None:
        raise StrategyError(
            f"copula: {copula.family} has no distribution function in closed form; "
            "clayton, gumbel and frank have"
        )
    u, v = clipped(u), clipped(v)
    own = below(*_turned(u, v, copula.turned), copula.first)
    return np.asarray({0: own, 90: v - own, 180: u + v - 1.0 + own, 270: u - own}[copula.turned])


def ranks(values: Floats, sample: Floats) -> Floats:
    """Probability of each value by the distribution of ``sample``: its share of n + 1 below it."""
    ordered = np.sort(sample)
    low = np.searchsorted(ordered, values, "left")
    high = np.searchsorted(ordered, values, "right")
    found = (0.5 * (low + high) + 0.5) / (len(ordered) + 1.0)
    return np.asarray(np.where(np.isnan(values), np.nan, found))


def fit(u: Floats, v: Floats, family: str) -> tuple[Copula, float]:
    """Parameters of one family by maximum likelihood, and its log-likelihood.

    Parameters
    ----------
    u, v : ndarray of float64, shape (n_bars,)
        Probabilities.
    family : str
        A key of EVERY.

    Raises
    ------
    StrategyError
        If there are too few bars, or the family cannot describe series that move against each
        other, or the two series are one.
    """
    from scipy.optimize import minimize_scalar
    from scipy.stats import kendalltau

    if len(u) < LEAST_BARS:
        raise StrategyError(f"copula: {len(u)} bars; wanted at least {LEAST_BARS}")
    name, degrees = EVERY[family]
    own = FAMILIES[name]
    u, v = _turned(u, v, degrees)
    tau = float(kendalltau(u, v).statistic)
    if not abs(tau) <= MOST_TAU:
        raise StrategyError("copula: the two series are one, or one of them does not move")
    if own.positive and tau <= 0.0:
        how = "together" if degrees in (90, 270) else "against each other"
        raise StrategyError(f"copula: {family} cannot describe series that move {how}")
    u, v = clipped(u), clipped(v)

    def searched(second: float) -> tuple[float, float]:
        def loss(first: float) -> float:
            found = own.log_density(u, v, first, second)
            return float(-found.sum()) if np.isfinite(found).all() else 1e300

        start = own.from_tau(tau)
        reach = 0.3 * max(1.0, abs(start)) if own.bounds[1] > 1.0 else 0.3
        low, high = max(own.bounds[0], start - reach), min(own.bounds[1], start + reach)
        best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-8})
        return float(best.x), float(best.fun)

    if name != "student_t":
        first, loss = searched(0.0)
        return Copula(name, first, turned=degrees), -loss
    best = minimize_scalar(
        lambda log_nu: searched(float(np.exp(log_nu)))[1],
        bounds=tuple(np.log(DEGREES)), method="bounded", options={"xatol": 1e-3},
    )  # fmt: skip
    nu = float(np.exp(best.x))
    first, loss = searched(nu)
    return Copula(name, first, nu), -loss


def fit_best(u: Floats, v: Floats, families: Iterable[str] = PLAIN) -> Copula:
    """Family with the least Akaike criterion; raises StrategyError where none fits.

    Parameters
    ----------
    u, v : ndarray of float64, shape (n_bars,)
        Probabilities.
    families : iterable of str
        Keys of EVERY, at least one; the five that are not turned where nothing is said.
    """
    found: list[tuple[float, Copula]] = []
    fault: StrategyError | None = None
    for family in families:
        try:
            copula, likelihood = fit(u, v, family)
        except StrategyError as error:
            fault = error
            continue
        found.append((2.0 * (2 if family == "student_t" else 1) - 2.0 * likelihood, copula))
    if not found:
        raise fault or StrategyError("copula: no family to fit; name at least one")
    return min(found, key=lambda one: one[0])[1]


def mispricing(first: Floats, second: Floats) -> Floats:
    """How unlikely the first leg is cheap beside the second, as a normal deviate.

    Parameters
    ----------
    first : ndarray of float64
        P(U <= u given V = v): low where the first leg is cheap for what the second did.
    second : ndarray of float64
        P(V <= v given U = u).

    Returns
    -------
    ndarray of float64
        Normal deviate of the weaker of the two where both say the same (first cheap and second
        dear, or the reverse), 0 where they do not: -1.645 is Liew and Wu's 5 %.

    References
    ----------
    Liew and Wu (2013), Pairs trading: a copula approach.
    """
    a = normal_deviate(clipped(first))
    b = -normal_deviate(clipped(second))
    return np.asarray(np.where(a * b > 0.0, np.sign(a) * np.minimum(np.abs(a), np.abs(b)), 0.0))


def cumulated(first: Floats, second: Floats, reset: Bools | None = None) -> tuple[Floats, Floats]:
    """How far each leg was mispriced in all, bar by bar.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n_bars, n_pairs)
        Conditional probabilities of both legs' returns; a bar at which either is NaN adds nothing.
    reset : ndarray of bool, shape (n_bars, n_pairs), optional
        Bars after which both sums begin anew at 0: those at which a trade ended.

    Returns
    -------
    two ndarrays of float64, shape (n_bars, n_pairs)
        Running sums of probability less one half.

    References
    ----------
    Xie, Liew, Wu and Zou (2016), Pairs trading with copulas: opened where one passes 0.6 and the
    other -0.6, closed where they come back to 0.
    """
    known = ~(np.isnan(first) | np.isnan(second))
    steps = [np.where(known, one - 0.5, 0.0) for one in (first, second)]
    if reset is None:
        return np.cumsum(steps[0], axis=0), np.cumsum(steps[1], axis=0)
    sums = [np.empty_like(one) for one in steps]
    for step, total in zip(steps, sums, strict=True):
        run = np.zeros(step.shape[1:])
        for t, moved in enumerate(step):
            run = run + moved
            total[t] = run
            run = np.where(reset[t], 0.0, run)
    return sums[0], sums[1]
