"""What a config may say. Unknown keys are errors; everything is frozen once validated.

Parameters of a strategy or a forecaster are not listed here: they are the keyword arguments of the
class that the ``kind`` names, and :mod:`tradewind.engine.registry` validates them against its
signature with the same messages.
"""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from tradewind.engine.config.account import AccountConfig, ExecutionConfig
from tradewind.engine.config.backtrader import BacktraderConfig
from tradewind.engine.config.block import Block, KindBlock
from tradewind.engine.config.conformal import ConformalConfig
from tradewind.engine.config.costs import CostsConfig
from tradewind.engine.config.data import DataConfig as DataConfig
from tradewind.engine.config.data import SourceConfig as SourceConfig
from tradewind.engine.config.factors import FactorsConfig
from tradewind.engine.config.paper import PaperConfig
from tradewind.engine.config.sizing import (
    SizingConfig,
    TargetWeightConfig,
    refuse_contradictions,
)
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.config.walk import WalkForwardConfig as WalkForwardConfig


class ForecasterConfig(KindBlock):
    """Which forecaster, when it is fitted, and its own parameters."""

    walk_forward: WalkForwardConfig = WalkForwardConfig()
    choose: ChooseConfig | None = Field(
        None, description="parameters chosen anew in every fold, from its training part alone"
    )
    conformal: ConformalConfig | None = Field(
        None, description="intervals held to what came of earlier forecasts; nothing is refitted"
    )


class SelectorConfig(KindBlock):
    """Which selector, when it is fitted, and its own parameters."""

    walk_forward: WalkForwardConfig = WalkForwardConfig()
    factors: FactorsConfig | None = Field(None, description="what alpha is measured against")


class StrategyConfig(KindBlock):
    """Which strategy, and its own parameters."""


class RunConfig(Block):
    """One file = one reproducible run."""

    name: str = Field("run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    seed: int = Field(0, ge=0, lt=2**31)
    data: DataConfig = DataConfig()
    forecaster: ForecasterConfig | None = None
    selector: SelectorConfig | None = Field(None, description="what ranks the symbols")
    strategy: StrategyConfig
    sizing: SizingConfig = TargetWeightConfig()
    costs: CostsConfig = CostsConfig()
    account: AccountConfig = AccountConfig()
    execution: ExecutionConfig = ExecutionConfig()
    rules: Literal["tradewind", "backtrader"] = "tradewind"
    backtrader: BacktraderConfig = BacktraderConfig()
    executor: Literal["kernel", "interpreted", "cerebro"] = "kernel"
    benchmark: str = Field("equal_weight", description="equal_weight, cash, or a symbol")
    paper: PaperConfig | None = Field(
        None, description="feed, limits and page of 'tradewind paper'; a backtest ignores it"
    )

    @field_validator("name")
    @classmethod
    def _name_is_a_folder(cls, name: str) -> str:
        if ".." in name:
            raise ValueError("a name becomes a folder, so it may not hold '..'")
        return name

    @model_validator(mode="after")
    def _sizing_suits_the_account(self) -> "RunConfig":
        if self.rules == "backtrader":  # whose broker says what is allowed
            return self
        has_forecaster = self.forecaster is not None
        refuse_contradictions(self.sizing, self.account, has_forecaster=has_forecaster)
        return self

    @model_validator(mode="after")
    def _every_currency_has_a_rate(self) -> "RunConfig":
        own = self.account.currency
        for symbol, currency in self.data.currencies.items():
            if currency != own and currency not in self.account.fx:
                raise ValueError(
                    f"data.currencies: {symbol} is in {currency}, and nothing turns that into "
                    f"{own}; give its rate with account.fx: {{{currency}: ...}}"
                )
        return self

    @model_validator(mode="after")
    def _a_path_has_finer_bars(self) -> Self:
        finer = self.data.resample or self.data.intrabar
        if self.execution.intrabar == "path" and not finer:
            raise ValueError(
                "execution.intrabar: path looks into finer bars, and there are none; add "
                "data.resample: 1h (or another length) to trade on longer bars than are read, or "
                "data.intrabar: {source: parquet, path: ..., interval: 1min}"
            )
        if self.data.intrabar and self.execution.intrabar != "path":
            raise ValueError(
                "data.intrabar would not be looked at; add execution.intrabar: path, or leave it "
                "out"
            )
        return self

    @model_validator(mode="after")
    def _costs_can_be_counted(self) -> "RunConfig":
        if self.costs.slippage_rule.ticks and not self.execution.tick:
            raise ValueError(
                "costs.slippage.ticks means nothing without a tick; set execution.tick, or give "
                "the slippage as fixed"
            )
        if self.costs.borrow and self.account.kind == "cash":
            raise ValueError(
                "costs.borrow would do nothing: account.kind cash allows no shorts; leave it out, "
                "or use kind: margin"
            )
        return self
