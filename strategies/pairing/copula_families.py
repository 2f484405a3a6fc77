"""Five families of copulas: densities, conditional probabilities, parameters by Kendall's tau."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats

LEAST_FRANK = 1e-9  # nearer to independence the formulas divide nothing by nothing


class Family(NamedTuple):
    """What a family is made of; functions take probabilities in (0, 1)."""

    log_density: Callable[[Floats, Floats, float, float], Floats]
    given_second: Callable[[Floats, Floats, float, float], Floats]  # P(U <= u | V = v)
    from_tau: Callable[[float], float]
    bounds: tuple[float, float]
    positive: bool  # only for series that move together
    below: Callable[[Floats, Floats, float], Floats] | None = None  # P(U <= u, V <= v), if closed


def normal_deviate(p: Floats) -> Floats:
    """Normal deviate that a probability belongs to."""
    from scipy.special import ndtri

    return np.asarray(ndtri(p))


def _gaussian_log(u: Floats, v: Floats, rho: float, _: float) -> Floats:
    a, b, left = normal_deviate(u), normal_deviate(v), 1.0 - rho * rho
    return np.asarray(
        -0.5 * np.log(left) - (rho * rho * (a * a + b * b) - 2.0 * rho * a * b) / (2.0 * left)
    )


def _gaussian_given(u: Floats, v: Floats, rho: float, _: float) -> Floats:
    from scipy.special import ndtr

    return np.asarray(
        ndtr((normal_deviate(u) - rho * normal_deviate(v)) / np.sqrt(1.0 - rho * rho))
    )


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


def _clayton_log_sum(u: Floats, v: Floats, theta: float) -> Floats:
    """Logarithm of u^-theta + v^-theta - 1, which itself overflows."""
    a, b = -theta * np.log(u), -theta * np.log(v)
    large, small = np.maximum(a, b), np.minimum(a, b)
    return np.asarray(large + np.log1p(-np.exp(small - large) * np.expm1(-small)))


def _clayton_log(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    inner = _clayton_log_sum(u, v, theta)
    return np.asarray(
        np.log1p(theta) - (1.0 + theta) * (np.log(u) + np.log(v)) - (2.0 + 1.0 / theta) * inner
    )


def _clayton_given(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    inner = _clayton_log_sum(u, v, theta)
    return np.asarray(np.exp(-(theta + 1.0) * np.log(v) - (1.0 + 1.0 / theta) * inner))


def _clayton_below(u: Floats, v: Floats, theta: float) -> Floats:
    return np.asarray(np.exp(-_clayton_log_sum(u, v, theta) / theta))


def _gumbel_logs(u: Floats, v: Floats, theta: float) -> tuple[Floats, Floats, Floats]:
    """Logarithms of -log u, of -log v, and of the sum of their powers, which itself underflows."""
    x, y = np.log(-np.log(u)), np.log(-np.log(v))
    return x, y, np.logaddexp(theta * x, theta * y)


def _gumbel_log(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    x, y, total = _gumbel_logs(u, v, theta)
    root = np.exp(total / theta)
    return np.asarray(
        -root
        - np.log(u)
        - np.log(v)
        + (theta - 1.0) * (x + y)
        + (1.0 / theta - 2.0) * total
        + np.log(root + theta - 1.0)
    )


def _gumbel_given(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    _x, y, total = _gumbel_logs(u, v, theta)
    root = np.exp(total / theta)
    return np.asarray(np.exp(-root - np.log(v) + (theta - 1.0) * y + (1.0 / theta - 1.0) * total))


def _gumbel_below(u: Floats, v: Floats, theta: float) -> Floats:
    return np.asarray(np.exp(-np.exp(_gumbel_logs(u, v, theta)[2] / theta)))


def _frank_under(u: Floats, v: Floats, theta: float) -> Floats:
    """1 - e^-theta - (1 - e^-theta u)(1 - e^-theta v), as two positive terms that cannot cancel."""
    return np.asarray(
        -np.exp(-theta * u) * np.expm1(-theta * v)
        - np.exp(-theta * v) * np.expm1(theta * (v - 1.0))
    )


def _frank_log(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    if theta < 0.0:
        return _frank_log(1.0 - u, v, -theta, _)
    theta = max(theta, LEAST_FRANK)
    scale = np.log(theta) + np.log(-np.expm1(-theta))
    return np.asarray(scale - theta * (u + v) - 2.0 * np.log(_frank_under(u, v, theta)))


def _frank_given(u: Floats, v: Floats, theta: float, _: float) -> Floats:
    if theta < 0.0:
        return np.asarray(1.0 - _frank_given(1.0 - u, v, -theta, _))
    theta = max(theta, LEAST_FRANK)
    return np.asarray(-np.expm1(-theta * u) * np.exp(-theta * v) / _frank_under(u, v, theta))


def _frank_below(u: Floats, v: Floats, theta: float) -> Floats:
    if theta < 0.0:
        return np.asarray(v - _frank_below(1.0 - u, v, -theta))
    theta = max(theta, LEAST_FRANK)
    part = np.expm1(-theta * u) * np.expm1(-theta * v) / np.expm1(-theta)
    return np.asarray(-np.log1p(part) / theta)


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
        positive=True, below=_clayton_below,
    ),
    "gumbel": Family(
        _gumbel_log, _gumbel_given, lambda tau: 1.0 / (1.0 - tau), (1.0, 60.0),
        positive=True, below=_gumbel_below,
    ),
    "frank": Family(
        _frank_log, _frank_given, _frank_from_tau, (-100.0, 100.0), positive=False,
        below=_frank_below,
    ),
}  # fmt: skip
