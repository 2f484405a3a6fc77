"""How much is traded: the ``sizing:`` block of a config, one class a kind."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from tradewind.engine.config.account import AccountConfig
from tradewind.engine.config.block import Block

Weight = Annotated[float, Field(gt=0, le=100)]
DEFAULT_MAX_WEIGHT = 1.0


class CapsConfig(Block):
    """What groups of symbols, and all of them, may not go beyond; fractions of equity."""

    group: Weight | None = Field(None, description="gross weight of each of the groups")
    gross: Weight | None = Field(None, description="gross weight of everything")

    @model_validator(mode="after")
    def _a_group_is_part_of_the_whole(self) -> "CapsConfig":
        if self.group is not None and self.gross is not None and self.group > self.gross:
            raise ValueError(
                f"group {self.group} lies above gross {self.gross}, so it would never be reached; "
                "lower group or raise gross"
            )
        return self


class ThrottleConfig(Block):
    """Drawdown of the account over which strength shrinks from all to nothing."""

    model_config = ConfigDict(serialize_by_alias=True)  # ``from`` is no name in Python

    start: float = Field(alias="from", ge=0, lt=1, description="drawdown at which it begins")
    to: float = Field(gt=0, le=1, description="drawdown at which nothing is left")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "ThrottleConfig":
        if self.start >= self.to:
            raise ValueError(
                f"from {self.start} is not below to {self.to}; strength shrinks between the two"
            )
        return self


class SizingBlock(Block):
    """What every kind has besides its own keys."""

    max_weight: float = Field(
        DEFAULT_MAX_WEIGHT, gt=0, le=10, description="cap per name, fraction of equity"
    )
    caps: CapsConfig = CapsConfig()
    groups: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="symbols that share the cap per group, by its name"
    )
    pyramiding: int | None = Field(
        None, ge=0, lt=2**31, description="fills that may add to an open position"
    )
    throttle: ThrottleConfig | None = None

    @model_validator(mode="after")
    def _groups_and_their_cap_need_each_other(self) -> "SizingBlock":
        if self.groups and self.caps.group is None:
            raise ValueError("groups do nothing without a cap; add caps: {group: 0.5}")
        if self.caps.group is not None and not self.groups:
            raise ValueError("caps.group has nothing to cap; add groups: {name: [symbol, symbol]}")
        seen: dict[str, str] = {}
        for name, symbols in self.groups.items():
            if not symbols:
                raise ValueError(f"groups.{name} is empty; name its symbols or leave it out")
            for symbol in symbols:
                if symbol in seen:
                    place = f"in the groups {seen[symbol]} and {name}"
                    place = f"twice in groups.{name}" if seen[symbol] == name else place
                    raise ValueError(f"{symbol} stands {place}; keep it once")
                seen[symbol] = name
        return self


class TargetWeightConfig(SizingBlock):
    """Full strength means a fixed fraction of equity."""

    kind: Literal["target_weight"] = "target_weight"
    weight: float | None = Field(
        None, gt=0, le=10, description="fraction of equity at full strength; default 1 / n_symbols"
    )

    @model_validator(mode="after")
    def _weight_is_within_its_cap(self) -> "TargetWeightConfig":
        if self.weight is not None and self.weight > self.max_weight:
            raise ValueError(
                f"weight {self.weight} lies above max_weight {self.max_weight}, which would cut it "
                "every time; raise max_weight (and account.max_leverage) or lower weight"
            )
        return self


class FixedUnitsConfig(SizingBlock):
    """Full strength means a fixed number of units, whatever they cost."""

    kind: Literal["fixed_units"]
    units: float = Field(gt=0, description="units at full strength")


class FixedNotionalConfig(SizingBlock):
    """Full strength means a fixed sum of money, whatever the account has become."""

    kind: Literal["fixed_notional"]
    notional: float = Field(gt=0, description="value at full strength, account currency")


class VolatilityTargetConfig(SizingBlock):
    """Full strength means a position of stated risk."""

    kind: Literal["volatility_target"]
    vol_annual: float = Field(0.15, gt=0, le=5, description="volatility of one full position")
    share: float | None = Field(
        None, gt=0, le=1, description="capital per symbol; default 1 / n_symbols"
    )
    lookback: int = Field(60, ge=2, description="bars of the exponential volatility estimate")


class AtrRiskConfig(SizingBlock):
    """Full strength loses a stated part of equity at the stop."""

    kind: Literal["atr_risk"]
    risk: float = Field(0.01, gt=0, le=1, description="fraction of equity lost at the stop")
    multiple: float | None = Field(
        2.0,
        gt=0,
        le=100,
        description="ranges to the stop of a wish that brings none; null: refuse it",
    )
    lookback: int = Field(14, ge=1, description="bars of Wilder's average true range")


class KellyConfig(SizingBlock):
    """Full strength means a fraction of the growth-optimal weight of the forecast."""

    kind: Literal["kelly"]
    fraction: float = Field(0.5, gt=0, le=1, description="of forecast mean over variance")


class RiskParityConfig(SizingBlock):
    """Weights in inverse proportion to volatility, together a budget of gross weight."""

    kind: Literal["risk_parity"]
    budget: float = Field(1.0, gt=0, le=100, description="gross weight of all at full strength")
    lookback: int = Field(60, ge=2, description="bars of the exponential volatility estimate")


SizingConfig = Annotated[
    TargetWeightConfig
    | FixedUnitsConfig
    | FixedNotionalConfig
    | VolatilityTargetConfig
    | AtrRiskConfig
    | KellyConfig
    | RiskParityConfig,
    Field(discriminator="kind"),
]


def refuse_contradictions(
    sizing: SizingBlock, account: AccountConfig, *, has_forecaster: bool
) -> None:
    """Refuse what the sizing asks for and the account rules out, where no market can change that.

    What depends on the market (how many symbols are held at once) is cut or refused order by order
    at run time, and counted.

    Raises
    ------
    ValueError
        Naming both keys.
    """
    leverage = account.max_leverage
    for key, asked in _weights_asked(sizing):
        if asked > leverage:
            raise ValueError(
                f"sizing.{key} {asked:g} asks for more than account.max_leverage {leverage:g}; "
                "lower it or raise the leverage"
            )
        gross = sizing.caps.gross
        if gross is not None and key != "caps.gross" and asked > gross:
            raise ValueError(
                f"sizing.{key} {asked:g} asks for more than sizing.caps.gross {gross:g}; lower it "
                "or raise the cap"
            )
    if isinstance(sizing, KellyConfig) and not has_forecaster:
        raise ValueError("sizing.kind kelly needs forecasts: add a forecaster block")
    if isinstance(sizing, FixedUnitsConfig) and not account.fractional:
        lots = account.lot if isinstance(account.lot, dict) else {"": account.lot}
        for symbol, lot in lots.items():
            if sizing.units < lot:
                raise ValueError(
                    f"sizing.units {sizing.units:g} is less than account.lot {lot:g}"
                    f"{f' of {symbol}' if symbol else ''}, so nothing would ever be traded; raise "
                    "it, or set account.fractional"
                )
    if isinstance(sizing, FixedNotionalConfig) and sizing.notional < account.min_notional:
        raise ValueError(
            f"sizing.notional {sizing.notional:g} is less than account.min_notional "
            f"{account.min_notional:g}, so every order would be refused; raise it"
        )


def _weights_asked(sizing: SizingBlock) -> list[tuple[str, float]]:
    """Weights that the config itself asks for, by key.

    The default of max_weight asks for nothing: it stands in every resolved config as well.
    """
    asked: list[tuple[str, float | None]] = [
        ("weight", sizing.weight if isinstance(sizing, TargetWeightConfig) else None),
        ("budget", sizing.budget if isinstance(sizing, RiskParityConfig) else None),
        ("max_weight", sizing.max_weight if sizing.max_weight > DEFAULT_MAX_WEIGHT else None),
        ("caps.group", sizing.caps.group),
        ("caps.gross", sizing.caps.gross),
    ]
    return [(key, weight) for key, weight in asked if weight is not None]
