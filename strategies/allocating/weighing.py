"""From chosen names and estimates to weights within limits, leg by leg or all at once."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats, Ints
from tradewind.strategies.allocating.choice import EITHER, LONG, SHORT, Chosen
from tradewind.strategies.allocating.settings import Bounds
from tradewind.strategies.weighting.limits import Estimates, Limits

Method = Callable[..., Floats]
OFF = 1e-6  # of equity: beyond it a weight has left its limit


class Weighing(NamedTuple):
    """A method with its options."""

    method: Method
    options: Mapping[str, Any]
    joint: bool  # finds long and short weights at once


def weigh(
    weighing: Weighing, chosen: Chosen, estimates: Estimates, group: Ints, bounds: Bounds
) -> Floats:
    """Weights of the chosen names, fractions of equity.

    Parameters
    ----------
    weighing : Weighing
    chosen : Chosen
        n names.
    estimates : Estimates
        Of the same n names, in the same order.
    group : ndarray of int64, shape (n,)
        Number of each name's sector, -1: none.
    bounds : Bounds

    Returns
    -------
    ndarray of float64, shape (n,)
        Negative for short positions.

    Raises
    ------
    StrategyError
        If no weights keep to the limits, or the method cannot find them.

    Notes
    -----
    A method that only knows long portfolios weighs each leg by itself, the short one on the
    negated returns of its names. The sector cap then holds in each leg, and so in both together.
    """
    if weighing.joint and bounds.net != bounds.gross:
        found = _jointly(weighing, chosen, estimates, group, bounds)
    else:
        chosen = _sided(chosen, estimates, bounds)
        found = np.zeros(len(chosen.columns))
        for side, total in zip((LONG, SHORT), bounds.legs, strict=True):
            if total > 0.0:
                found += _leg(weighing, chosen, estimates, group, bounds, side, total)
    refuse_outside(found, chosen.side, group, bounds)
    return found


def _sided(chosen: Chosen, estimates: Estimates, bounds: Bounds) -> Chosen:
    """Names with a side each: of those that have none the better half is long.

    Better by what ranks them, or else by what is expected of them.
    """
    free = np.flatnonzero(chosen.side == EITHER)
    if free.size == 0:
        return chosen
    by = chosen.score if np.isfinite(chosen.score).all() else estimates.mean
    order = free[np.argsort(-by[free], kind="stable")]
    side = chosen.side.copy()
    side[order] = SHORT if bounds.net != bounds.gross else LONG
    side[order[: (len(order) + 1) // 2]] = LONG
    return chosen._replace(side=side)


def _leg(
    weighing: Weighing,
    chosen: Chosen,
    estimates: Estimates,
    group: Ints,
    bounds: Bounds,
    side: int,
    total: float,
) -> Floats:
    """Weights of one leg, zero elsewhere."""
    at = np.flatnonzero(chosen.side == side)
    if at.size == 0:
        raise StrategyError(f"no name for the {'long' if side == LONG else 'short'} leg")
    n = len(at)
    limits = Limits(
        np.zeros(n), np.full(n, min(bounds.cap / total, 1.0)), group[at], bounds.sector_cap,
        net=1.0, gross=1.0,
    )  # fmt: skip
    share = weighing.method(_part(estimates, at, side), limits, **weighing.options)
    found = np.zeros(len(chosen.columns))
    found[at] = side * total * np.asarray(share)
    return found


def _jointly(
    weighing: Weighing, chosen: Chosen, estimates: Estimates, group: Ints, bounds: Bounds
) -> Floats:
    """Long and short weights at once."""
    low = np.where(chosen.side == LONG, 0.0, -bounds.cap)
    high = np.where(chosen.side == SHORT, 0.0, bounds.cap)
    limits = Limits(low, high, group, bounds.sector_cap, net=bounds.net, gross=bounds.gross)
    return np.asarray(weighing.method(estimates, limits, **weighing.options))


def _part(estimates: Estimates, at: Ints, side: int) -> Estimates:
    """Estimates of some names, as seen by who holds them on one side."""
    covariance = estimates.covariance
    return estimates._replace(
        returns=side * estimates.returns[:, at],
        covariance=covariance[np.ix_(at, at)] if covariance.size else covariance,
        mean=side * estimates.mean[at],
        score=side * estimates.score[at],
    )


def heaviest(weights: Floats, chosen: Chosen, count: int, bounds: Bounds) -> Ints:
    """Places of the ``count`` names that weigh most, at least one for each leg that is held."""
    order = np.argsort(-np.abs(weights), kind="stable")
    kept = list(order[:count])
    for side, total in zip((LONG, SHORT), bounds.legs, strict=True):
        own = [i for i in order if np.sign(weights[i]) == side]
        if total > 0.0 and own and not any(i in kept for i in own):
            kept[-1] = own[0]
    return np.sort(np.array(kept, np.int64))


def refuse_outside(weights: Floats, side: Ints, group: Ints, bounds: Bounds) -> None:
    """Raise StrategyError where weights are no numbers or keep no limit."""
    if not np.isfinite(weights).all():
        raise StrategyError("a weight is no number")
    gross = float(np.abs(weights).sum())
    if abs(float(weights.sum()) - bounds.net) > OFF:
        raise StrategyError(f"weights add up to {weights.sum():.6f}, wanted {bounds.net:g}")
    if gross > bounds.gross + OFF:
        raise StrategyError(f"gross weight is {gross:.6f}, wanted at most {bounds.gross:g}")
    if (np.abs(weights) > bounds.cap + OFF).any():
        raise StrategyError(f"a weight is {np.abs(weights).max():.6f}, cap is {bounds.cap:g}")
    if (weights * side < -OFF).any():
        raise StrategyError("a name is held on the wrong side")
    for number in np.unique(group[group >= 0]):
        held = float(np.abs(weights[group == number]).sum())
        if held > bounds.sector_cap * bounds.gross + OFF:
            raise StrategyError(
                f"sector {number} holds {held:.6f}, at most {bounds.sector_cap:g} of "
                f"{bounds.gross:g} was wanted"
            )
