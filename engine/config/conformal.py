"""The block ``forecaster.conformal``: intervals held to what came of earlier forecasts."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tradewind.engine.config.block import Block

Share = Annotated[float, Field(gt=0, lt=1)]


class ConformalConfig(Block):
    """How intervals are held to the share of outcomes they promise."""

    method: Literal["split", "adaptive"] = Field(
        "adaptive",
        description="split: a quantile of past errors; adaptive: that, asked for more where "
        "intervals have missed and for less where they have not",
    )
    levels: tuple[Share, ...] = Field(
        (0.8, 0.95), min_length=1, description="shares of outcomes to hold, rising"
    )
    window: int = Field(
        250, ge=20, le=100_000, description="bars of forecasts with known outcomes to learn from"
    )
    rate: float | None = Field(
        None, gt=0, le=1, description="step of adaptive; default: learned, from a range of steps"
    )
    per_symbol: bool = Field(
        False, description="errors of each symbol alone, instead of all in units of their std"
    )

    @field_validator("levels")
    @classmethod
    def _levels_rise(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if list(levels) != sorted(set(levels)):
            raise ValueError("levels must rise, each once")
        return levels

    @model_validator(mode="after")
    def _a_rate_belongs_to_adaptive(self) -> Self:
        if self.method == "split" and self.rate is not None:
            raise ValueError("rate means nothing with method split; leave it out")
        return self
