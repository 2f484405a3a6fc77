"""Minimum variance and mean-variance weights between bounds."""

from typing import Any

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats
from tradewind.strategies.weighting.covariance import refuse_singular

MOST_STEPS = 1_000_000
ROUGH = 1e-7  # of the largest gradient: where the bounds that bind are known, the rest is solved
SLACK = 1e-12


def minimum_variance(
    covariance: Floats,
    *,
    mean: Floats | None = None,
    risk_aversion: float = 1.0,
    low: float | Floats = 0.0,
    high: float | Floats = 1.0,
) -> Floats:
    """Weights of least variance, or of most mean less variance, that add up to 1.

    Parameters
    ----------
    covariance : ndarray of float64, shape (n_assets, n_assets)
        Positive definite.
    mean : ndarray of float64, shape (n_assets,), or None
        Expected return over the covariance's period; None: only the variance counts.
    risk_aversion : float
        > 0; half of it multiplies the variance.
    low, high : float or ndarray of float64, shape (n_assets,)
        Bounds of each weight.

    Returns
    -------
    ndarray of float64, shape (n_assets,)

    Raises
    ------
    StrategyError
        If the bounds leave no weights that add up to 1, or the covariance is not positive definite.

    Notes
    -----
    The pair of assets that gains most by trading weight is moved until the bounds that bind are
    plain (Platt 1998); then the free weights are solved for exactly. The answer meets the
    Kuhn-Tucker conditions to rounding, whatever the descent left.
    """
    n_assets = len(covariance)
    lows = np.broadcast_to(np.asarray(low, float), n_assets).copy()
    highs = np.broadcast_to(np.asarray(high, float), n_assets).copy()
    _refuse_empty(lows, highs)
    refuse_singular(covariance, "minimum_variance")
    matrix = np.ascontiguousarray(covariance) * risk_aversion
    gain = np.zeros(n_assets) if mean is None else np.asarray(mean, float)
    weights = _start(lows, highs)
    rough = ROUGH
    for _ in range(8):
        compiled(exchange)(matrix, gain, lows, highs, weights, rough, MOST_STEPS)
        solved = _polished(matrix, gain, lows, highs, weights)
        if solved is not None:
            return solved
        rough *= 0.1
    return weights  # what the descent reached: within 1e-14 of the largest gradient


def exchange(
    matrix: Any, gain: Any, low: Any, high: Any, weights: Any, rough: float, most: int
) -> int:
    """Move weight between the two assets that gain most by it; gives the steps made.

    In the subset numba compiles; ``weights`` changes in place and keeps its sum.
    """
    n = len(weights)
    slope = np.empty(n)  # of the loss
    for i in range(n):
        total = -gain[i]
        for j in range(n):
            total += matrix[i, j] * weights[j]
        slope[i] = total
    for step in range(most):
        up, down = -1, -1
        least, most_slope, scale = np.inf, -np.inf, 0.0
        for i in range(n):
            if weights[i] < high[i] and slope[i] < least:
                least, up = slope[i], i
            if weights[i] > low[i] and slope[i] > most_slope:
                most_slope, down = slope[i], i
            scale = max(scale, abs(slope[i]))
        if up < 0 or down < 0 or most_slope - least <= rough * scale:
            return step
        bend = matrix[up, up] + matrix[down, down] - 2.0 * matrix[up, down]
        move = min(high[up] - weights[up], weights[down] - low[down])
        if bend > 0.0:
            move = min(move, (most_slope - least) / bend)
        # A bound that is reached is reached exactly, so that it is seen to bind.
        weights[up] = high[up] if move == high[up] - weights[up] else weights[up] + move
        weights[down] = low[down] if move == weights[down] - low[down] else weights[down] - move
        for i in range(n):
            slope[i] += move * (matrix[i, up] - matrix[i, down])
    return most


def _refuse_empty(lows: Floats, highs: Floats) -> None:
    if (lows > highs).any():
        i = int(np.flatnonzero(lows > highs)[0])
        raise StrategyError(
            f"minimum_variance: asset {i} is to weigh at least {lows[i]:g} and at most {highs[i]:g}"
        )
    if not lows.sum() - SLACK <= 1.0 <= highs.sum() + SLACK:
        raise StrategyError(
            f"minimum_variance: weights between bounds that add up to {lows.sum():g} and "
            f"{highs.sum():g} cannot add up to 1; widen the bounds or offer more assets"
        )


def _start(lows: Floats, highs: Floats) -> Floats:
    """Weights inside the bounds: each as far between its own as all the others."""
    room = float((highs - lows).sum())
    share = (1.0 - float(lows.sum())) / room if room > 0 else 0.0
    return np.asarray(lows + share * (highs - lows))


def _polished(
    matrix: Floats, gain: Floats, lows: Floats, highs: Floats, weights: Floats
) -> Floats | None:
    """Exact weights if the bounds that bind now are the right ones, else None."""
    free: Bools = (weights > lows) & (weights < highs)
    if not free.any():
        return None
    fixed = np.where(free, 0.0, weights)
    n_free = int(free.sum())
    system = np.ones((n_free + 1, n_free + 1))
    system[:-1, :-1] = matrix[np.ix_(free, free)]
    system[-1, -1] = 0.0
    wanted = np.append((gain - matrix @ fixed)[free], 1.0 - fixed.sum())
    answer = np.linalg.solve(system, wanted)
    exact = fixed.copy()
    exact[free] = answer[:-1]
    if (exact < lows - SLACK).any() or (exact > highs + SLACK).any():
        return None
    slope = matrix @ exact - gain + answer[-1]  # zero where free
    slack = 1e-9 * float(np.abs(matrix @ exact).max())
    at_low, at_high = ~free & (weights <= lows), ~free & (weights >= highs)
    wrong = (at_low & (slope < -slack)) | (at_high & ~at_low & (slope > slack))
    return None if wrong.any() else np.clip(exact, lows, highs)
