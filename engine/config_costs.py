"""What trading costs: the ``costs:`` block of a config."""

from typing import Literal

from pydantic import Field

from tradewind.engine.config_block import Block, Bps


class ConstantSpreadConfig(Block):
    """The same full quoted spread on every bar."""

    kind: Literal["constant"] = "constant"
    bps: Bps = Field(4.0, description="full quoted spread, basis points of mid")


class CostsConfig(Block):
    """What trading costs."""

    fee_bps: Bps = Field(1.0, description="commission per side, basis points of traded value")
    spread: ConstantSpreadConfig = ConstantSpreadConfig()
    slippage_bps: Bps = Field(1.0, description="against us, on top of the half-spread")
    borrow_annual: float = Field(0.005, ge=0, le=10, description="rate on short value, act/365")
