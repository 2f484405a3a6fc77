"""How long an Ornstein-Uhlenbeck process takes from one level to another: mean and variance."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats

PANELS = 8  # of an integral, each by NODES points: 13 digits for levels within 5 scales of the mean
NODES = 40
TAIL = 10.0  # scales below the start, beyond which nothing is left to integrate


class Passage(NamedTuple):
    """Time of a passage or a trip, bars; arrays of shape (n_spreads,)."""

    mean: Floats
    variance: Floats


def passage(mean: Floats, speed: Floats, volatility: Floats, start: Floats, end: Floats) -> Passage:
    """Time until a process at ``start`` first meets ``end``.

    Parameters
    ----------
    mean, speed, volatility : ndarray of float64, shape (n_spreads,)
        Of dS = speed (mean - S) dt + volatility dW, time in bars; NaN gives NaN.
    start, end : ndarray of float64, shape (n_spreads,)
        Levels of the spread, in either order; no time where they are equal.

    Notes
    -----
    With levels u in scales, volatility / sqrt(speed), from the mean and time in 1 / speed, the
    time T(u) up to m solves T''/2 - u T' = -1, so that -T' = sqrt(pi) erfcx(-u), and its variance V
    solves V''/2 - u V' = -T'^2. Both are integrated by Gauss and Legendre: the usual series in
    gamma functions cancels to nothing a few scales below the mean.

    References
    ----------
    Darling and Siegert (1953), The first passage problem for a continuous Markov process.
    """
    scale = volatility / np.sqrt(speed)
    up = np.where(end >= start, 1.0, -1.0)  # downwards is upwards in a mirror
    a, m = up * (start - mean) / scale, up * (end - mean) / scale
    return Passage(_mean(a, m) / speed, _variance(a, m) / speed**2)


def trip(mean: Floats, speed: Floats, volatility: Floats, enter: Floats, leave: Floats) -> Passage:
    """Time of a whole trade cycle, from ``enter`` to ``leave`` and back; see :func:`passage`."""
    there = passage(mean, speed, volatility, enter, leave)
    back = passage(mean, speed, volatility, leave, enter)
    return Passage(there.mean + back.mean, there.variance + back.variance)


def _mean(a: Floats, m: Floats) -> Floats:
    from scipy.special import erfcx

    return np.asarray(np.sqrt(np.pi) * _integral(lambda s: erfcx(-s), a, m))


def _variance(a: Floats, m: Floats) -> Floats:
    from scipy.special import erfcx, erfi

    def square(s: Floats) -> Floats:
        return np.asarray(np.exp(-s * s) * erfcx(-s) ** 2)

    below = _integral(square, a - TAIL, a) * (erfi(m) - erfi(a))
    between = _integral(lambda s: square(s) * (erfi(m) - erfi(s)), a, m)
    return np.asarray(np.pi**1.5 * (below + between))


def _integral(of: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Integral over each [low, high] of one shape."""
    points, weights = np.polynomial.legendre.leggauss(NODES)
    half = 0.5 * (high - low) / PANELS
    total = np.zeros(np.shape(half))
    for panel in range(PANELS):
        centre = low + (2 * panel + 1) * half
        at = centre + half * points.reshape(-1, *(1,) * np.ndim(half))
        total = total + half * np.tensordot(weights, of(at), axes=1)
    return total
