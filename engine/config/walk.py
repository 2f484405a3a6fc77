"""When a forecaster is fitted, on what, how often, and by what its parameters are chosen."""

from datetime import date
from itertools import product
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge
from pydantic import Field, field_validator, model_validator

from tradewind.engine.config.block import Block

MAX_FITS = 10_000  # of one choice in one fold; more is a slip of the pen

Period = Literal["week", "month", "quarter", "year"]


class WalkForwardConfig(Block):
    """When a forecaster is fitted, on what, and what it then predicts."""

    mode: Literal["expanding", "rolling", "anchored"] = "expanding"
    train: int = Field(500, ge=20, description="bars before the first out-of-sample bar, at least")
    first: date | None = Field(
        None, description="day of the first out-of-sample bar; default: as early as train allows"
    )
    anchor: Annotated[int, Ge(0)] | date | None = Field(
        None, description="mode anchored: first bar learned from, by its number or day"
    )
    refit: Annotated[int, Ge(1)] | Period = Field(
        63, description="out-of-sample bars per fit, or the period of the calendar"
    )
    purge: int | None = Field(
        None, ge=0, description="bars between last training sample and test; default: the horizon"
    )
    embargo: int = Field(
        0, ge=0, description="bars left out between the last training label and the test block"
    )
    warm_start: bool = Field(False, description="begin each fit from the weights of the last one")
    control_every: int = Field(
        5,
        ge=0,
        description="every so many folds one is fitted from scratch as well; 0: none",
    )
    seeds: int = Field(1, ge=1, le=100, description="fits per fold whose forecasts are averaged")

    @model_validator(mode="after")
    def _an_anchor_belongs_to_its_mode(self) -> Self:
        if self.mode == "anchored" and self.anchor is None:
            raise ValueError(
                "mode anchored needs 'anchor': the number or the day of the first bar to learn from"
            )
        if self.mode != "anchored" and self.anchor is not None:
            raise ValueError(
                f"anchor means nothing in mode {self.mode}; set mode: anchored, or leave it out"
            )
        return self

    def plain(self) -> "WalkForwardConfig":
        """Same folds, each fitted once and from scratch: for rivals that learn nothing."""
        return self.model_copy(update={"warm_start": False, "seeds": 1})


class ChooseConfig(Block):
    """Parameters of a forecaster chosen inside the training part of every fold."""

    over: dict[str, tuple[Any, ...]] = Field(description="parameter -> values to choose from")
    groups: int = Field(6, ge=3, le=30, description="blocks of time the training part is cut into")
    test: int = Field(2, ge=1, description="of them held out at a time, in every combination")
    embargo: int | None = Field(
        None, ge=0, description="bars left out after a held-out block; default: the horizon"
    )
    score: Literal["crps", "mae", "rank_ic"] = Field("crps", description="by what one is chosen")

    @field_validator("over")
    @classmethod
    def _there_is_something_to_choose(cls, over: dict[str, tuple[Any, ...]]) -> Any:
        if not over:
            raise ValueError("is empty; name a parameter and its values: {hidden: [16, 32]}")
        for name, values in over.items():
            if not values:
                raise ValueError(f"{name} has no values; give a list of at least two")
            if any(value in values[:k] for k, value in enumerate(values)):
                raise ValueError(f"{name} names a value twice; keep one of them")
        if all(len(values) == 1 for values in over.values()):
            raise ValueError("leaves nothing to choose: every parameter has one value; give two")
        return over

    @model_validator(mode="after")
    def _it_can_be_counted(self) -> Self:
        from math import comb

        if self.test >= self.groups:
            raise ValueError(
                f"test {self.test} of {self.groups} groups leaves nothing to learn from; lower "
                "test or raise groups"
            )
        fits = comb(self.groups, self.test) * len(self.candidates)
        if fits > MAX_FITS:
            raise ValueError(
                f"asks for {fits:,} fits in every fold; wanted at most {MAX_FITS:,}: offer fewer "
                "values, or lower groups"
            )
        return self

    @property
    def candidates(self) -> tuple[dict[str, Any], ...]:
        """Every combination of values, the last parameter varying fastest."""
        return tuple(
            dict(zip(self.over, values, strict=True)) for values in product(*self.over.values())
        )
