"""What learning curves come to, in a number and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

Curve = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Network:
    """Loss of one network in the part it stops by.

    Attributes
    ----------
    start : float or None
        Before its first step; None where the curve begins after it.
    best : float
        The smallest after a step.
    at, last : int
        Epoch of the smallest, and the last one.
    """

    start: float | None
    best: float
    at: int
    last: int

    @property
    def learned(self) -> bool:
        """Whether any epoch beat what it began with."""
        return self.start is None or self.best < self.start


def n_epochs(history: Curve) -> int | None:
    """Epochs of the longest curve; None where no point has one.

    Parameters
    ----------
    history : sequence of mapping
        Points with ``epoch`` (0 is the network before its first step), ``stopping``, and
        ``network`` and ``member`` where there are several.
    """
    epochs = [point["epoch"] for point in history if isinstance(point.get("epoch"), int)]
    return max(epochs, default=None)


def told(history: Curve) -> str:
    """How the loss fell: ``0.7772, least 0.7701 at 3 of 12``; empty where nothing says so."""
    networks = _networks(history)
    if not networks:
        return ""
    if len(networks) > 1:
        return f"{sum(one.learned for one in networks)} of {len(networks)} networks improved"
    (one,) = networks
    if one.start is None:
        return f"least {one.best:.4g} at {one.at} of {one.last}"
    if not one.learned:
        return f"{one.start:.4g}, none of {one.last} lower"
    return f"{one.start:.4g}, least {one.best:.4g} at {one.at} of {one.last}"


def _networks(history: Curve) -> list[_Network]:
    curves: dict[tuple[Any, Any], dict[int, float]] = {}
    for point in history:
        epoch, loss = point.get("epoch"), point.get("stopping")
        if isinstance(epoch, int) and isinstance(loss, int | float) and isfinite(loss):
            whose = point.get("member"), point.get("network")
            curves.setdefault(whose, {})[epoch] = float(loss)
    found = []
    for curve in curves.values():
        steps = {epoch: loss for epoch, loss in curve.items() if epoch > 0}
        if steps:
            at = min(steps, key=lambda epoch: steps[epoch])
            found.append(_Network(curve.get(0), steps[at], at, max(steps)))
    return found
