"""What a broker charges: the ``costs.fees:`` block of a config."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from tradewind.engine.config.block import Block, Bps

Money = Annotated[float, Field(ge=0)]


class FeesConfig(Block):
    """What every kind of fee shares; both limits are of a whole order."""

    minimum: Money = Field(0.0, description="least fee of an order, account currency")
    maximum: float | None = Field(
        None, gt=0, le=1, description="most fee of an order, fraction of its value; beats minimum"
    )


class PercentFeesConfig(FeesConfig):
    """A fraction of what is traded."""

    kind: Literal["percent"]
    taker_bps: Bps = Field(1.0, description="basis points of traded value")
    maker_bps: Bps | None = Field(
        None, description="of limits filled at their own price; the taker's where not given"
    )


class PerShareFeesConfig(FeesConfig):
    """So much a unit."""

    kind: Literal["per_share"]
    per_unit: Money = Field(description="account currency per unit")


class FeeTierConfig(Block):
    """What holds from a value traded in the calendar month on."""

    from_value: Money = Field(description="value traded in the month so far, account currency")
    taker_bps: Bps = 0.0
    maker_bps: Bps | None = Field(None, description="the taker's where not given")
    per_unit: Money = 0.0


class TieredFeesConfig(FeesConfig):
    """Fees that fall (or rise) with the value traded in the calendar month."""

    kind: Literal["tiered"]
    tiers: tuple[FeeTierConfig, ...]

    @field_validator("tiers")
    @classmethod
    def _tiers_rise_from_zero(cls, tiers: tuple[FeeTierConfig, ...]) -> tuple[FeeTierConfig, ...]:
        if not tiers:
            raise ValueError("is empty; name at least the tier with from_value: 0")
        if tiers[0].from_value != 0.0:
            raise ValueError(
                f"begins at from_value {tiers[0].from_value:g}, and nothing says what is charged "
                "below it; begin at 0"
            )
        for low, high in pairwise(tiers):
            if high.from_value <= low.from_value:
                raise ValueError(
                    f"from_value {high.from_value:g} stands behind {low.from_value:g}; "
                    "write the tiers from the lowest value to the highest, each once"
                )
        return tiers


AnyFeesConfig = Annotated[
    PercentFeesConfig | PerShareFeesConfig | TieredFeesConfig, Field(discriminator="kind")
]
