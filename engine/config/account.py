"""What is traded with, and how orders meet a bar: ``account:`` and ``execution:`` of a config."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tradewind.engine.config.block import Block

Currency = Annotated[str, Field(pattern=r"^[A-Za-z]{3,10}$")]
Positive = Annotated[float, Field(gt=0)]


class FxSeriesConfig(Block):
    """Rates of exchange from a file."""

    path: Path = Field(description="CSV or Parquet: a date or time, and the rate")
    column: str = Field("rate", min_length=1, description="account currency per unit of this one")
    open: str | None = Field(
        None, min_length=1, description="column of the rate at the open of the day"
    )
    inverse: bool = Field(False, description="the file has units of this currency per account's")
    max_age_days: float = Field(10.0, gt=0, description="older than this, a rate is missing")


def _leverage(said: dict[str, Any]) -> float:
    """Leverage that an initial margin allows; 1 where none is given."""
    margin = said.get("initial_margin")
    return 1.0 / margin if margin else 1.0


class AccountConfig(Block):
    """What is traded with."""

    cash: float = Field(100_000, gt=0)
    currency: Currency = Field("USD", description="of cash, fees and all results")
    fx: dict[str, Positive | FxSeriesConfig] = Field(
        default_factory=dict, description="other currency -> account currency per unit of it"
    )
    fractional: bool = True
    lot: Positive | dict[str, Positive] = Field(
        1.0, description="units per lot when not fractional, for all or by symbol"
    )
    min_notional: float = Field(0.0, ge=0, description="orders below this value are not sent")
    initial_margin: float | None = Field(
        None, ge=0.01, description="equity / gross exposure wanted to open: 1 / max_leverage"
    )
    max_leverage: float = Field(
        default_factory=_leverage, gt=0, le=100, description="gross exposure / equity"
    )
    on_short_cash: Literal["scale", "reject"] = "scale"
    kind: Literal["margin", "cash"] = Field("margin", description="cash: no shorts, no leverage")
    maintenance_margin: float = Field(
        0.0, ge=0, lt=1, description="equity / gross exposure below which positions are closed"
    )
    debit_annual: float = Field(0.0, ge=0, le=10, description="interest on negative cash, act/365")
    credit_annual: float = Field(0.0, ge=0, le=10, description="interest on cash, act/365")
    not_shortable: tuple[str, ...] = Field((), description="symbols that cannot be sold short")

    @model_validator(mode="after")
    def _margins_agree(self) -> "AccountConfig":
        opens = 1.0 / self.max_leverage
        if self.initial_margin and abs(self.initial_margin - opens) > 1e-9 * opens:
            raise ValueError(
                f"initial_margin {self.initial_margin:g} and max_leverage {self.max_leverage:g} "
                "contradict each other: one is 1 / the other; keep one of them"
            )
        if self.maintenance_margin >= opens and self.maintenance_margin > 0:
            raise ValueError(
                f"maintenance_margin {self.maintenance_margin:g} is not below the initial margin "
                f"{opens:g} (1 / max_leverage), so that a full position would be closed at once; "
                "lower it or max_leverage"
            )
        return self

    @model_validator(mode="after")
    def _cash_is_no_margin(self) -> "AccountConfig":
        if self.kind == "margin":
            return self
        if self.max_leverage > 1:
            raise ValueError(
                f"kind cash allows no max_leverage of {self.max_leverage:g}; "
                "use kind: margin, or leave max_leverage at 1"
            )
        idle = [
            name
            for name in ("maintenance_margin", "debit_annual", "not_shortable")
            if getattr(self, name)
        ]
        if idle:
            raise ValueError(
                f"kind cash has neither debt nor shorts, so {idle[0]} would do nothing; "
                "use kind: margin, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _lots_are_whole(self) -> "AccountConfig":
        if self.fractional and self.lot != 1.0:
            raise ValueError(
                "lot would do nothing while fractional is true; set fractional: false, or leave "
                "lot out"
            )
        return self

    @model_validator(mode="after")
    def _own_currency_has_no_rate(self) -> "AccountConfig":
        if self.currency in self.fx:
            raise ValueError(f"fx names {self.currency}, which is the account's own; leave it out")
        return self


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
    tick: Annotated[float, Field(ge=0)] | dict[str, Positive] = Field(
        0.0, description="price grid, for all or by symbol; 0 = none"
    )
    intrabar: Literal["worst", "best", "path"] = Field(
        "worst", description="how a bar that touches stop and target is resolved"
    )

    @model_validator(mode="after")
    def _through_what(self) -> "ExecutionConfig":
        if self.through_ticks and not self.tick:
            raise ValueError(
                f"through_ticks {self.through_ticks} means nothing without a tick; set "
                "execution.tick, or leave through_ticks out"
            )
        return self
