"""Strategies: from causal inputs and what is held to wishes.

The face loads a strategy when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.strategies.deciding import decide_by
    from tradewind.strategies.inverse_volatility import InverseVolatility
    from tradewind.strategies.momentum import Momentum
    from tradewind.strategies.sma_cross import SmaCross
    from tradewind.strategies.timing import Timing

__all__ = ["InverseVolatility", "Momentum", "SmaCross", "Timing", "decide_by"]

_HOMES = {
    "InverseVolatility": "inverse_volatility",
    "Momentum": "momentum",
    "SmaCross": "sma_cross",
    "Timing": "timing",
    "decide_by": "deciding",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
