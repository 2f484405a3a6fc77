"""What trading costs: the ``costs:`` block of a config."""

from typing import Any

from pydantic import Field, field_validator

from tradewind.engine.config_block import Block, Bps
from tradewind.engine.config_spread import ConstantSpreadConfig, SpreadConfig


class CostsConfig(Block):
    """What trading costs."""

    fee_bps: Bps = Field(1.0, description="commission per side, basis points of traded value")
    spread: SpreadConfig = ConstantSpreadConfig()
    slippage_bps: Bps = Field(1.0, description="against us, on top of the half-spread")
    borrow_annual: float = Field(0.005, ge=0, le=10, description="rate on short value, act/365")

    @field_validator("spread", mode="before")
    @classmethod
    def _constant_where_not_said(cls, spread: Any) -> Any:
        if isinstance(spread, dict) and "kind" not in spread:
            return {"kind": "constant", **spread}
        return spread
