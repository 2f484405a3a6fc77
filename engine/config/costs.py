"""What trading costs: the ``costs:`` block of a config."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from tradewind.engine.config.block import Block, Bps
from tradewind.engine.config.fees import AnyFeesConfig, PercentFeesConfig
from tradewind.engine.config.spread import ConstantSpreadConfig, SpreadConfig

AnnualRate = Annotated[float, Field(ge=0, le=10)]


class SlippageConfig(Block):
    """What a fill loses against us beyond the side's own price; the parts add up."""

    bps: Bps = Field(0.0, description="proportional: basis points of the side's price")
    fixed: float = Field(0.0, ge=0, description="price units")
    ticks: float = Field(0.0, ge=0, le=1_000, description="ticks of the symbol (execution.tick)")
    impact: float = Field(
        0.0, ge=0, le=10, description="fraction of the price at units = volume; times its root"
    )


class BorrowConfig(Block):
    """What a short position costs, and how many units can be had."""

    annual: AnnualRate = Field(0.005, description="rate a year on short value, act/365")
    symbols: dict[str, AnnualRate] = Field(
        default_factory=dict, description="rate of these symbols in place of 'annual'"
    )
    available: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="units that can be sold short; others have no limit"
    )
    path: Path | None = Field(
        None, description="CSV or Parquet: date, symbol, rate and/or available; holds until changed"
    )


def _unless(other: str, value: float) -> Any:
    """Return a default that gives way where the long form is written."""

    def default(said: dict[str, Any]) -> float | None:
        return None if said.get(other) is not None else value

    return default


class CostsConfig(Block):
    """What trading costs; a block and its short form say the same, so only one may stand."""

    fees: AnyFeesConfig | None = None
    fee_bps: Bps | None = Field(
        default_factory=_unless("fees", 1.0),
        description="commission per side, basis points of traded value: short for fees: percent",
    )
    spread: SpreadConfig = ConstantSpreadConfig()
    slippage: SlippageConfig | None = None
    slippage_bps: Bps | None = Field(
        default_factory=_unless("slippage", 1.0),
        description="against us, on top of the half-spread: short for slippage: bps",
    )
    borrow: BorrowConfig | None = None
    borrow_annual: AnnualRate | None = Field(
        default_factory=_unless("borrow", 0.005),
        description="rate on short value, act/365: short for borrow: annual",
    )

    @field_validator("spread", mode="before")
    @classmethod
    def _constant_where_not_said(cls, spread: Any) -> Any:
        if isinstance(spread, dict) and "kind" not in spread:
            return {"kind": "constant", **spread}
        return spread

    @model_validator(mode="after")
    def _each_cost_is_said_once(self) -> "CostsConfig":
        for block, short in (
            ("fees", "fee_bps"),
            ("slippage", "slippage_bps"),
            ("borrow", "borrow_annual"),
        ):
            pair = getattr(self, block), getattr(self, short)
            if None not in pair:
                raise ValueError(f"{block} and {short} say the same thing twice; keep one of them")
            if pair == (None, None):
                raise ValueError(f"{short} is nothing; write a number, 0 for none, or the block")
        return self

    @property
    def fee_rule(self) -> AnyFeesConfig:
        """The fees in their long form."""
        return self.fees or PercentFeesConfig(kind="percent", taker_bps=self.fee_bps or 0.0)

    @property
    def slippage_rule(self) -> SlippageConfig:
        """The slippage in its long form."""
        return self.slippage or SlippageConfig(bps=self.slippage_bps or 0.0)

    @property
    def borrow_rule(self) -> BorrowConfig:
        """The borrow fees in their long form."""
        return self.borrow or BorrowConfig(annual=self.borrow_annual or 0.0)

    @property
    def side_bps(self) -> float | None:
        """Cost of one side of a trade where it is one number, basis points."""
        fees, spread, slippage = self.fee_rule, self.spread, self.slippage_rule
        plain = isinstance(fees, PercentFeesConfig) and isinstance(spread, ConstantSpreadConfig)
        if not plain or slippage.fixed or slippage.ticks or slippage.impact:
            return None
        assert isinstance(fees, PercentFeesConfig) and isinstance(spread, ConstantSpreadConfig)
        return float(fees.taker_bps + spread.bps / 2.0 + slippage.bps)
