"""From the name in a config to a head."""

from collections.abc import Callable, Mapping
from typing import Any

from tradewind.forecasters.heads.base import Head
from tradewind.forecasters.heads.direction import DirectionHead
from tradewind.forecasters.heads.gaussian import GaussianHead
from tradewind.forecasters.heads.position import PositionHead
from tradewind.forecasters.heads.quantile import QuantileHead
from tradewind.forecasters.heads.student_t import StudentTHead
from tradewind.forecasters.heads.volatility import VolatilityHead
from tradewind.forecasters.readings import READINGS, Reading

HEADS: Mapping[str, Callable[[int, Any], Head]] = {
    "direction": DirectionHead,
    "gaussian": GaussianHead,
    "position": PositionHead,
    "quantile": QuantileHead,
    "student_t": StudentTHead,
    "volatility": VolatilityHead,
}


def head_of(reading: Reading, width: int) -> Head:
    """Untrained head of a reading, on top of an encoder of ``width`` numbers."""
    kind = next(name for name, cls in READINGS.items() if type(reading) is cls)
    return HEADS[kind](width, reading)
