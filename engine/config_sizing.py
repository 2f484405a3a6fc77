"""How much is traded: the ``sizing:`` block of a config."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tradewind.engine.config_block import Block


class TargetWeightConfig(Block):
    """Full strength means a fixed fraction of equity."""

    kind: Literal["target_weight"] = "target_weight"
    weight: float | None = Field(
        None, gt=0, le=10, description="fraction of equity at full strength; default 1 / n_symbols"
    )
    max_weight: float = Field(1.0, gt=0, le=10)

    @model_validator(mode="after")
    def _weight_is_within_its_cap(self) -> "TargetWeightConfig":
        if self.weight is not None and self.weight > self.max_weight:
            raise ValueError(
                f"weight {self.weight} lies above max_weight {self.max_weight}, which would cut it "
                "in silence; raise max_weight (and account.max_leverage) or lower weight"
            )
        return self


class VolatilityTargetConfig(Block):
    """Full strength means a position of stated risk."""

    kind: Literal["volatility_target"]
    vol_annual: float = Field(0.15, gt=0, le=5, description="volatility of one full position")
    share: float | None = Field(
        None, gt=0, le=1, description="capital per symbol; default 1 / n_symbols"
    )
    lookback: int = Field(60, ge=2, description="bars of the exponential volatility estimate")
    max_weight: float = Field(1.0, gt=0, le=10)


SizingConfig = Annotated[TargetWeightConfig | VolatilityTargetConfig, Field(discriminator="kind")]
