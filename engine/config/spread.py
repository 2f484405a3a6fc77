"""Whose price a fill starts from: the ``costs.spread:`` block of a config."""

from typing import Annotated, Literal

from pydantic import Field

from tradewind.engine.config.block import Block, Bps

Estimator = Literal["edge", "corwin_schultz", "abdi_ranaldo"]


class ConstantSpreadConfig(Block):
    """The same full quoted spread on every bar."""

    kind: Literal["constant"] = "constant"
    bps: Bps = Field(4.0, description="full quoted spread, basis points of mid")


class BySymbolSpreadConfig(Block):
    """One full quoted spread for each symbol, the same on every bar."""

    kind: Literal["by_symbol"]
    bps: dict[str, Bps] = Field(description="symbol -> full quoted spread, basis points of mid")
    default_bps: Bps | None = Field(
        None, description="of symbols not named; without it every symbol must be named"
    )


class ColumnSpreadConfig(Block):
    """The full quoted spread of each bar, from a column of the data."""

    kind: Literal["column"]
    column: str = Field("spread", min_length=1, description="name of the column in the data")
    unit: Literal["bps", "price"] = Field(
        "bps", description="basis points of mid, or the units that the prices are in"
    )


class QuotesSpreadConfig(Block):
    """Bid and ask bars of the data: a buyer trades on the one, a seller on the other."""

    kind: Literal["quotes"]


class EstimatedSpreadConfig(Block):
    """The full quoted spread of each bar, estimated from the bars before it."""

    kind: Literal["estimated"]
    estimator: Estimator = "edge"
    window: int = Field(252, ge=10, le=100_000, description="bars before the one it is used on")
    floor_bps: Bps = Field(1.0, description="smallest spread charged, basis points of mid")
    fallback_bps: Bps = Field(10.0, description="while a symbol has fewer bars than the window")


SpreadConfig = Annotated[
    ConstantSpreadConfig
    | BySymbolSpreadConfig
    | ColumnSpreadConfig
    | QuotesSpreadConfig
    | EstimatedSpreadConfig,
    Field(discriminator="kind"),
]
