"""The nearest weights that keep limits."""

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.weighting.cone import least
from tradewind.strategies.weighting.limits import Limits, refuse_contradiction

HALVINGS = 100  # of an interval: down to the rounding of its ends


def project(weights: Floats, limits: Limits) -> Floats:
    """Return the weights nearest to some, in the Euclidean norm, that keep the limits.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,)
    limits : Limits

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    StrategyError
        If the limits contradict each other, or a weight is no number.

    Notes
    -----
    Of a long portfolio each weight is the old one moved by one amount for all, less one for its
    sector where that is full, cut at its bounds; both amounts are found by halving. With short
    weights the gross weight and the sectors' are sums of absolute values, and the cone solver finds
    the nearest.
    """
    refuse_contradiction(limits)
    if not np.isfinite(weights).all():
        raise StrategyError("a weight is no number, so no weights are nearest to it")
    if not limits.long_only:
        return least(np.eye(len(weights)), -weights, limits)
    return _moved(weights, limits)


def _moved(weights: Floats, limits: Limits) -> Floats:
    """Nearest long weights."""
    reach = float(np.abs(weights).max(initial=0.0) + limits.high.max(initial=0.0)) + 1.0
    below, above = -reach, reach
    for _ in range(HALVINGS):
        middle = 0.5 * (below + above)
        if _filled(weights + middle, limits).sum() < limits.net:
            below = middle
        else:
            above = middle
    found = _filled(weights + above, limits)
    over = float(found.sum()) - limits.net  # a last bit, where a bound was crossed
    free = (found > limits.low) & (found < limits.high)
    if free.any() and not limits.sectors.size:
        found[free] -= over / int(free.sum())
    return np.clip(found, limits.low, limits.high)


def _filled(wished: Floats, limits: Limits) -> Floats:
    """Weights cut at their bounds, and those of a sector that is too full moved down together."""
    found = np.clip(wished, limits.low, limits.high)
    for number in limits.sectors:
        of = np.flatnonzero(limits.group == number)
        if found[of].sum() <= limits.sector_most:
            continue
        mine, low, high = wished[of], limits.low[of], limits.high[of]
        below, above = 0.0, float(np.ptp(mine) + np.abs(mine).max() + high.max())
        for _ in range(HALVINGS):
            middle = 0.5 * (below + above)
            if np.clip(mine - middle, low, high).sum() > limits.sector_most:
                below = middle
            else:
                above = middle
        found[of] = np.clip(mine - above, low, high)
    return found
