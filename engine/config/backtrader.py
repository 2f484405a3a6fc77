"""What ``rules: backtrader`` needs beside costs and cash: the ``backtrader:`` block of a config.

Keys are backtrader's own names where it has one, so that a setting can be carried over as it is.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tradewind.engine.config.block import Block

CLOCK = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"


class CommissionConfig(Block):
    """What ``broker.setcommission`` and ``CommInfoBase`` take."""

    commission: float = Field(
        0.0, ge=0, description="fraction of value (percent) or currency a unit (fixed)"
    )
    commtype: Literal["percent", "fixed"] | None = Field(
        None, description="default: fixed where a margin is given, else percent"
    )
    margin: float | None = Field(None, gt=0, description="currency a contract; makes it a future")
    automargin: float = Field(
        0.0, description="margin as this fraction of the price; below 0: mult x price"
    )
    mult: float = Field(1.0, gt=0, description="currency a point")
    stocklike: bool = Field(False, description="the full price is paid; read beside a commtype")
    leverage: float = Field(1.0, gt=0, description="cash a long position needs is divided by it")
    interest: float = Field(0.0, ge=0, description="rate a year on short positions, act/365")
    interest_long: bool = Field(False, description="charge it on long positions too")

    @property
    def is_stock(self) -> bool:
        """Whether the full price is paid, as the backtrader constructor settles it."""
        return self.margin is None if self.commtype is None else self.stocklike

    @property
    def is_percent(self) -> bool:
        """Whether the commission is a fraction of the value."""
        return self.margin is None if self.commtype is None else self.commtype == "percent"

    @model_validator(mode="after")
    def _stocklike_is_read(self) -> "CommissionConfig":
        if self.stocklike and self.commtype is None and self.margin is not None:
            raise ValueError(
                "stocklike is not read by backtrader beside a margin without a commtype, which "
                "makes a future; give commtype, or leave one of the two out"
            )
        return self


class SlippageConfig(Block):
    """What ``broker.set_slippage_perc`` and ``set_slippage_fixed`` take."""

    slip_perc: float = Field(0.0, ge=0, lt=1, description="fraction of the price")
    slip_fixed: float = Field(0.0, ge=0, description="price units; not beside slip_perc")
    slip_open: bool = Field(True, description="also at the open")
    slip_match: bool = Field(True, description="hold a price that leaves the bar at its edge")
    slip_limit: bool = Field(True, description="the same for limits, where slip_match is off")
    slip_out: bool = Field(False, description="let the price leave the bar")

    @model_validator(mode="after")
    def _one_kind(self) -> "SlippageConfig":
        if self.slip_perc and self.slip_fixed:
            raise ValueError("slip_perc and slip_fixed exclude each other; keep one of them")
        return self


class FillerConfig(Block):
    """What part of a bar's volume an order may have."""

    kind: Literal["none", "fixed_size", "fixed_bar_perc", "bar_point_perc"] = "none"
    size: float | None = Field(None, gt=0, description="fixed_size: units at most")
    perc: float = Field(100.0, ge=0, le=100, description="percent of the volume")
    minmov: float | None = Field(None, gt=0, description="bar_point_perc: price step")


class FixedSizerConfig(Block):
    """``FixedSize``: the same units each time."""

    kind: Literal["fixed_size"] = "fixed_size"
    stake: float = Field(1.0, gt=0)


class PercentSizerConfig(Block):
    """``PercentSizer`` and, whole, ``PercentSizerInt``; 100 percent is ``AllInSizer``."""

    kind: Literal["percent"]
    percents: float = Field(20.0, gt=0, description="percent of cash")
    retint: bool = Field(False, description="whole units")


class ReverserSizerConfig(Block):
    """``FixedReverser``: twice the stake while something is held."""

    kind: Literal["fixed_reverser"]
    stake: float = Field(1.0, gt=0)


SizerConfig = Annotated[
    FixedSizerConfig | PercentSizerConfig | ReverserSizerConfig, Field(discriminator="kind")
]


class BacktraderConfig(Block):
    """What a script does between making its Cerebro and running it, and its broker's options."""

    setup: str | None = Field(
        None,
        pattern=r"^.+\.py:[A-Za-z_]\w*$",
        description="path/to/file.py:function that is handed the Cerebro: sizers, analyzers ...",
    )
    commission: CommissionConfig | None = Field(
        None, description="exactly as in a script; costs are not read beside it"
    )
    schemes: dict[str, CommissionConfig] = Field(
        default_factory=dict, description="commission of single symbols, in place of the above"
    )
    slippage: SlippageConfig | None = Field(
        None, description="exactly as in a script; costs are not read beside it"
    )
    filler: FillerConfig = FillerConfig()
    sizer: SizerConfig = FixedSizerConfig()
    shortcash: bool = Field(True, description="a short sale adds its value to the cash")
    checksubmit: bool = Field(True, description="check the cash before an order is accepted")
    coc: bool = Field(False, description="cheat on close: market orders fill at the last close")
    coo: bool = Field(False, description="cheat on open: decide before the open is traded")
    int2pnl: bool = Field(True, description="add interest to the commission of the closing fill")
    session_end: str | None = Field(
        None, pattern=CLOCK, description="time of day at which a session ends"
    )
    stale_bars: bool = Field(False, description="match orders again on a bar that is over")
    value_order: Literal["columns", "traded"] = Field(
        "columns", description="order in which position values are summed"
    )
