"""Five copulas of two returns: densities, conditional probabilities, and a fit to a formation."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats

EDGE = 1e-6  # nearest to 0 and 1 that a probability is taken at: densities end there
LEAST_BARS = 30
MOST_TAU = 0.98  # beyond it the two series are one
DEGREES = (2.1, 50.0)  # of freedom of Student's t that are tried


class Copula(NamedTuple):
    """A family with its parameters; ``second`` is the degrees of freedom of Student's t."""

    family: str
    first: float
    second: float = 0.0


class Family(NamedTuple):
    """What a family is made of; functions take probabilities in (0, 1)."""

    log_density: Callable[[Floats, Floats, float, float], Floats]
    given_second: Callable[[Floats, Floats, float, float], Floats]  # P(U <= u | V = v)
    from_tau: Callable[[float], float]
    bounds: tuple[float, float]
    positive: bool  # only for series that move together


def clipped(p: Floats) -> Floats:
    """Probabilities kept away from 0 and 1 by EDGE."""
    return np.asarray(np.clip(p, EDGE, 1.0 - EDGE))


def _normal(p: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(p))


def _gaussian_log(u: Floats, v: Floats, rho: float, _: float) -> Floats:
    a, b, left = _normal(u), _normal(v), 1.0 - rho * rho
    return np.asarray(
        -0.5 * np.log(left) - (rho * rho * (a * a + b * b) - 2.0 * rho * a * b) / (2.0 * left)
    )


def _gaussian_given(u: Floats, v: Floats, rho: float, _: float) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr((_normal(u) - rho * _normal(v)) / np.sqrt(1.0 - rho * rho)))


def _student_log(u: Floats, v: Floats, rho: float, nu: float) -> Floats:
    from scipy.special import gammaln, stdtrit

    a, b, left = stdtrit(nu, u), stdtrit(nu, v), 1.0 - rho * rho
    joint = gammaln(nu / 2 + 1) + gammaln(nu / 2) - 2.0 * gammaln((nu + 1) / 2)
    shape = -(nu / 2 + 1) * np.log1p((a * a + b * b - 2.0 * rho * a * b) / (nu * left))
    margins = (nu + 1) / 2 * (np.log1p(a * a / nu) + np.log1p(b * b / nu))
    return np.asarray(joint - 0.5 * np.log(left) + shape + margins)


def _student_given(u: Floats, v: Floats, rho: float, nu: float) -> Floats:
    from scipy.special import stdtr, stdtrit

    a, b = stdtrit(nu, u), stdtrit(nu, v)
    spread = np.sqrt((nu + b * b) * (1.0 - rho * rho) / (nu + 1.0))
    return np.asarray(stdtr(nu + 1.0, (a - rho * b) / spread))


def _clayton_log(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    inner = np.exp(-theta * np.log(u)) + np.exp(-theta * np.log(v)) - 1.0
    return np.asarray(
        np.log1p(theta)
        - (1.0 + theta) * (np.log(u) + np.log(v))
        - (2.0 + 1.0 / theta) * np.log(inner)
    )


def _clayton_given(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    inner = np.exp(-theta * np.log(u)) + np.exp(-theta * np.log(v)) - 1.0
    return np.asarray(np.exp(-(theta + 1.0) * np.log(v) - (1.0 + 1.0 / theta) * np.log(inner)))


def _gumbel_log(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    x, y = -np.log(u), -np.log(v)
    total = x**theta + y**theta
    root = total ** (1.0 / theta)
    return np.asarray(
        -root
        + x
        + y
        + (theta - 1.0) * (np.log(x) + np.log(y))
        + (1.0 / theta - 2.0) * np.log(total)
        + np.log(root + theta - 1.0)
    )


def _gumbel_given(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    x, y = -np.log(u), -np.log(v)
    total = x**theta + y**theta
    root = total ** (1.0 / theta)
    return np.asarray(
        np.exp(-root + y + (theta - 1.0) * np.log(y) + (1.0 / theta - 1.0) * np.log(total))
    )


def _frank_log(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    whole = -np.expm1(-theta)
    under = whole - np.expm1(-theta * u) * np.expm1(-theta * v)
    return np.asarray(np.log(theta * whole) - theta * (u + v) - 2.0 * np.log(np.abs(under)))


def _frank_given(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    a, b = np.expm1(-theta * u), np.expm1(-theta * v)
    return np.asarray(a * np.exp(-theta * v) / (np.expm1(-theta) + a * b))


def _frank_from_tau(tau: float) -> float:
    """Frank's parameter by bisection: its Kendall's tau has no inverse in closed form."""
    if tau == 0.0:
        return 1e-6
    from scipy.integrate import quad

    def of(theta: float) -> float:
        debye = quad(lambda t: t / np.expm1(t) if t else 1.0, 0.0, theta)[0] / theta
        return float(1.0 - 4.0 / theta * (1.0 - debye))

    low, high = 1e-6, 200.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if of(middle) < abs(tau) else (low, middle)
    return float(np.copysign(0.5 * (low + high), tau))


FAMILIES: dict[str, Family] = {
    "gaussian": Family(
        _gaussian_log, _gaussian_given, lambda tau: float(np.sin(np.pi * tau / 2.0)),
        (-0.9999, 0.9999), positive=False,
    ),
    "student_t": Family(
        _student_log, _student_given, lambda tau: float(np.sin(np.pi * tau / 2.0)),
        (-0.9999, 0.9999), positive=False,
    ),
    "clayton": Family(
        _clayton_log, _clayton_given, lambda tau: 2.0 * tau / (1.0 - tau), (1e-4, 60.0),
        positive=True,
    ),
    "gumbel": Family(
        _gumbel_log, _gumbel_given, lambda tau: 1.0 / (1.0 - tau), (1.0, 60.0), positive=True
    ),
    "frank": Family(
        _frank_log, _frank_given, _frank_from_tau, (-100.0, 100.0), positive=False
    ),
}  # fmt: skip


def density(copula: Copula, u: Floats, v: Floats) -> Floats:
    """Density at probabilities ``u`` and ``v``."""
    family = FAMILIES[copula.family]
    return np.exp(family.log_density(clipped(u), clipped(v), copula.first, copula.second))


def conditional(copula: Copula, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """P(U <= u given V = v) and P(V <= v given U = u); all five families are symmetric."""
    given = FAMILIES[copula.family].given_second
    u, v = clipped(u), clipped(v)
    return (
        np.clip(given(u, v, copula.first, copula.second), 0.0, 1.0),
        np.clip(given(v, u, copula.first, copula.second), 0.0, 1.0),
    )


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
        A key of FAMILIES.

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
    tau = float(kendalltau(u, v).statistic)
    own = FAMILIES[family]
    if not abs(tau) <= MOST_TAU:
        raise StrategyError("copula: the two series are one, or one of them does not move")
    if own.positive and tau <= 0.0:
        raise StrategyError(f"copula: {family} cannot describe series that move against each other")
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

    if family != "student_t":
        first, loss = searched(0.0)
        return Copula(family, first), -loss
    best = minimize_scalar(
        lambda log_nu: searched(float(np.exp(log_nu)))[1],
        bounds=tuple(np.log(DEGREES)), method="bounded", options={"xatol": 1e-3},
    )  # fmt: skip
    nu = float(np.exp(best.x))
    first, loss = searched(nu)
    return Copula(family, first, nu), -loss


def fit_best(u: Floats, v: Floats) -> Copula:
    """Family with the least Akaike criterion; raises StrategyError where none fits."""
    found: list[tuple[float, Copula]] = []
    fault: StrategyError | None = None
    for family in FAMILIES:
        try:
            copula, likelihood = fit(u, v, family)
        except StrategyError as error:
            fault = error
            continue
        found.append((2.0 * (2 if family == "student_t" else 1) - 2.0 * likelihood, copula))
    if not found:
        assert fault is not None  # every family was tried
        raise fault
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
    a = _normal(clipped(first))
    b = -_normal(clipped(second))
    return np.asarray(np.where(a * b > 0.0, np.sign(a) * np.minimum(np.abs(a), np.abs(b)), 0.0))
