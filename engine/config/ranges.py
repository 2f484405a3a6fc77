"""What a key of a config may be varied over."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tradewind.engine.config.block import Block


class RangeConfig(Block):
    """What every range has."""

    when: dict[str, Any] = Field(
        default_factory=dict, description="other parameter -> its value, or a list of them"
    )


class IntConfig(RangeConfig):
    """Whole numbers."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    step: int = Field(1, ge=1)
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _check_range(self.low, self.high, self.step if self.step > 1 else None, self.log)
        return self


class FloatConfig(RangeConfig):
    """Numbers."""

    kind: Literal["float"] = "float"
    low: float
    high: float
    step: float | None = Field(None, gt=0)
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _check_range(self.low, self.high, self.step, self.log)
        return self


class ChoiceConfig(RangeConfig):
    """One of several values, of any kind a config may hold there."""

    kind: Literal["categorical"] = "categorical"
    choices: tuple[Any, ...]

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        if not self.choices:
            raise ValueError("choices are empty; give at least one value")
        seen = [repr(choice) for choice in self.choices]
        twice = sorted({one for one in seen if seen.count(one) > 1})
        if twice:
            raise ValueError(f"choices hold {', '.join(twice)} twice; keep one")
        return self


def _check_range(low: float, high: float, step: float | None, log: bool) -> None:
    if low > high:
        raise ValueError(f"low {low:g} lies above high {high:g}; swap them")
    if low == high:
        raise ValueError(f"low and high are both {low:g}, which is no range; write the value alone")
    if step is not None and step > high - low:
        raise ValueError(f"step {step:g} is larger than the range from {low:g} to {high:g}")
    if log and low <= 0:
        raise ValueError(f"log wants low above 0; found {low:g}")
    if log and step is not None:
        raise ValueError("log and step exclude each other; leave one out")
