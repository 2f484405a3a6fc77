"""The winner's neighbourhood in the space that was searched."""

from typing import Any

import numpy as np

from tradewind.engine.config.ranges import ChoiceConfig
from tradewind.engine.luck.stability import stability
from tradewind.engine.records import Floats
from tradewind.engine.sweeping.found import Found
from tradewind.engine.sweeping.preparing import Plan
from tradewind.engine.sweeping.space import Param

APART = 0.5  # distance of a setting that has a parameter from one that has it not


def nearby(plan: Plan, found: Found) -> dict[str, Any] | None:
    """How the settings nearest to the best one score; None where there are none.

    A setting beside the best counts with the score it has, whether or not it keeps to the
    constraints: what is asked is how far the score falls, not what may be chosen.
    """
    if found.best is None or not plan.space.params:
        return None
    points = np.column_stack([_axis(param, found) for param in plan.space.params])
    sign = plan.wanted.signs[0]
    raw = [one.scores[0] if one.scores else np.nan for one in found.outcomes]
    score = np.array(raw, np.float64) * sign
    told = stability(points, score, found.best)
    if told is None:
        return None
    name = next(iter(plan.config.objectives))
    fields = {
        **told._asdict(),
        "winner": sign * told.winner,
        "neighbours": sign * told.neighbours,
        "worst": sign * told.worst,
    }
    return {**fields, "sentence": _sentence(name, fields)}


def _axis(param: Param, found: Found) -> Floats:
    """Place of every trial on one axis."""
    assert found.best is not None
    values = [one.values.get(param.name) for one in found.outcomes]
    own = values[found.best]
    config = param.config
    if isinstance(config, ChoiceConfig):
        return np.array([float(v != own) for v in values])
    low, high = float(config.low), float(config.high)
    if config.log:
        low, high = np.log(low), np.log(high)
    width = high - low if high > low else 1.0
    places = [None if v is None else _place(v, config.log, low, width) for v in values]
    here = places[found.best]
    if here is None:
        return np.array([0.0 if place is None else APART for place in places])
    return np.array([here + APART if place is None else place for place in places])


def _place(value: float, log: bool, low: float, width: float) -> float:
    return float(((np.log(value) if log else value) - low) / width)


def _sentence(name: str, told: dict[str, Any]) -> str:
    shape = "a plateau" if told["rank"] >= 0.75 else "a slope" if told["rank"] >= 0.5 else "a peak"
    return (
        f"The best setting stands on {shape}: its {told['n']} nearest neighbours have a mean "
        f"{name} of {told['neighbours']:.3g} against {told['winner']:.3g}, the worst of them "
        f"{told['worst']:.3g}; their mean beats {100 * told['rank']:.0f} % of all settings."
    )
