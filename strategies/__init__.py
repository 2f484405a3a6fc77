"""The public face of the strategies; what is not named here may change."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewind.strategies.deciding import decide_by
    from tradewind.strategies.sma_cross import SmaCross
    from tradewind.strategies.timing import Timing

__all__ = ["SmaCross", "Timing", "decide_by"]
