"""What is traded with, and how orders meet a bar: ``account:`` and ``execution:`` of a config."""

from typing import Literal

from pydantic import Field

from tradewind.engine.config_block import Block


class AccountConfig(Block):
    """What is traded with."""

    cash: float = Field(100_000, gt=0)
    fractional: bool = True
    lot: float = Field(1.0, gt=0, description="units per lot when not fractional")
    min_notional: float = Field(0.0, ge=0, description="orders below this value are not sent")
    max_leverage: float = Field(1.0, gt=0, le=100, description="gross exposure / equity")
    on_short_cash: Literal["scale", "reject"] = "scale"
    kind: Literal["margin", "cash"] = Field("margin", description="cash: no shorts, no leverage")
    maintenance_margin: float = Field(
        0.0, ge=0, lt=1, description="equity / gross exposure below which positions are closed"
    )
    debit_annual: float = Field(0.0, ge=0, le=10, description="interest on negative cash, act/365")
    credit_annual: float = Field(0.0, ge=0, le=10, description="interest on cash, act/365")
    not_shortable: tuple[str, ...] = Field((), description="symbols that cannot be sold short")


class ExecutionConfig(Block):
    """How orders meet a bar."""

    participation: float | None = Field(
        None, gt=0, le=1, description="fraction of the bar's volume that may be filled"
    )
    rest: Literal["carry", "cancel"] = Field(
        "carry", description="what participation leaves over works on, or is cancelled"
    )
    through_ticks: int = Field(
        0, ge=0, description="ticks by which the price must trade through a limit"
    )
    tick: float = Field(0.0, ge=0, description="price grid; 0 = none")
    intrabar: Literal["worst", "best", "path"] = Field(
        "worst", description="how a bar that touches stop and target is resolved"
    )
