"""A config that breeds portfolios: the block ``evolve``, everything else as a run has it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from tradewind.engine.bars.formation import Every
from tradewind.engine.config.block import Block
from tradewind.engine.config.file import BREEDING as KEY
from tradewind.engine.config.file import Document, checked, validate
from tradewind.engine.config.run import RunConfig

STRATEGY = "allocation"  # that holds weights which are given
FOREIGN = ("strategy", "forecaster", "forecasters", "selector", "selectors")
FULL = (
    "a weight is to be that fraction of equity; write sizing: {kind: target_weight, weight: 1}, or "
    "leave it out"
)
Objective = Literal["annual_return", "volatility", "max_drawdown", "cvar", "turnover"]
Share = Annotated[float, Field(ge=0, le=1)]


class CountConfig(Block):
    """How many names are held."""

    least: int = Field(1, ge=1)
    most: int = Field(10, ge=1)

    @model_validator(mode="after")
    def _least_is_not_most(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least {self.least} lies above most {self.most}; swap them")
        return self


class WeightConfig(Block):
    """Weight of a name that is held."""

    least: Share = 0.0
    most: float = Field(1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _least_is_not_most(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least {self.least:g} lies above most {self.most:g}; swap them")
        return self


class TurnoverConfig(Block):
    """How much may be bought and sold; both sides count, so all for something else is 2."""

    current: dict[str, Share] = Field(
        default_factory=dict, description="symbol -> weight held today; the rest is cash"
    )
    now: float | None = Field(
        None, gt=0, le=2, description="most that is bought and sold from the current weights"
    )
    annual: float | None = Field(
        None, gt=0, description="most that is bought and sold in a year of the training span"
    )

    @model_validator(mode="after")
    def _now_is_from_somewhere(self) -> Self:
        if self.now is not None and not self.current:
            raise ValueError("now limits what is traded from the current weights; give current")
        if self.current and self.now is None:
            raise ValueError("current does nothing without a limit; add now: 0.5")
        if sum(self.current.values()) > 1.0 + 1e-9:
            raise ValueError(
                f"current holds {sum(self.current.values()):.4g} in all; weights are fractions of "
                "equity and sum to at most 1"
            )
        return self


class SpanConfig(Block):
    """Days from ``start`` to ``end``, both included."""

    start: date | None = None
    end: date | None = None

    @model_validator(mode="after")
    def _start_comes_before_end(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} lies after end {self.end}; swap them")
        return self


class TrainConfig(SpanConfig):
    """The span that portfolios are bred on."""

    end: date


class EvolveConfig(Block):
    """What is bred, on which span, and where it is shown afterwards."""

    count: CountConfig = Field(CountConfig(), description="a number alone: exactly that many")
    weight: WeightConfig = WeightConfig()
    turnover: TurnoverConfig = TurnoverConfig()
    rebalance: Every = Field("month", description="when the weights are restored")
    objectives: tuple[Objective, ...] = ("annual_return", "volatility")
    cvar_level: float = Field(0.95, gt=0.5, lt=1)
    train: TrainConfig
    test: SpanConfig = SpanConfig()
    population: int = Field(100, ge=4, le=1_000)
    generations: int = Field(100, ge=1, le=100_000)

    @field_validator("count", mode="before")
    @classmethod
    def _a_number_is_exact(cls, count: Any) -> Any:
        exact = isinstance(count, int) and not isinstance(count, bool)
        return {"least": count, "most": count} if exact else count

    @model_validator(mode="after")
    def _objectives_differ(self) -> Self:
        found = self.objectives
        if len(set(found)) != len(found) or not 2 <= len(found) <= 3:
            raise ValueError(
                f"objectives {', '.join(found) or 'are empty'}: wanted two or three different ones"
            )
        if found[0] != "annual_return" or found[1] == "turnover":
            raise ValueError(
                f"objectives {', '.join(found)}: wanted annual_return first, then a risk "
                "(volatility, max_drawdown or cvar), and a third if you like"
            )
        return self

    @model_validator(mode="after")
    def _tests_come_after_training(self) -> Self:
        if self.test.start and self.test.start <= self.train.end:
            raise ValueError(
                f"test.start {self.test.start} is not after train.end {self.train.end}; the test "
                "would show what was optimised on"
            )
        if self.test.end and self.test.end <= self.train.end:
            raise ValueError(
                f"test.end {self.test.end} is not after train.end {self.train.end}; leave days "
                "for the test"
            )
        return self


def is_evolving(document: Document) -> bool:
    """Whether a document breeds portfolios."""
    return KEY in document.values


def evolve_config(document: Document) -> tuple[EvolveConfig, RunConfig]:
    """Check a config that breeds portfolios: its own block, and the run that each would be.

    Raises
    ------
    ConfigError
        At the line of what is wrong.
    """
    if not is_evolving(document):
        raise document.error((), "has no 'evolve:' block, so there is nothing to breed")
    for name in FOREIGN:
        if name in document.values:
            raise document.error(
                (name,), "stands beside 'evolve', which finds weights that are held; leave it out"
            )
    block = document.values[KEY]
    values = {} if block is None else block
    if not isinstance(values, dict):
        raise document.error((KEY,), f"wanted a block of keys, found {type(values).__name__}")
    found = checked(EvolveConfig, values, document, (KEY,))
    sizing = document.values.get("sizing")
    if isinstance(sizing, dict) and sizing.get("kind") != "target_weight":
        raise document.error(("sizing",), FULL)  # before what another kind would ask for
    config = validate(RunConfig, run_document(document, {}, found.rebalance))
    _check_run(config, found, document)
    return found, config


def _check_run(config: RunConfig, found: EvolveConfig, document: Document) -> None:
    """Refuse what would make something else of the weights than what they say."""
    sizing = config.sizing
    if sizing.kind != "target_weight" or sizing.weight != 1.0:
        raise document.error(("sizing",), FULL)
    if sizing.max_weight < found.weight.most - 1e-12:
        raise document.error(
            ("evolve", "weight", "most"),
            f"{found.weight.most:g} lies above sizing.max_weight {sizing.max_weight:g}, which "
            "would cut it; lower the one or raise the other",
        )
    if config.rules != "tradewind" or config.executor != "kernel":
        name = "rules" if config.rules != "tradewind" else "executor"
        raise document.error(
            (name,), "thousands of portfolios are held by the compiled kernel under tradewind's "
            "own rules; leave it out",
        )  # fmt: skip
    for name, day in (("start", config.data.start), ("end", config.data.end)):
        if day is not None:
            raise document.error(
                ("data", name), f"the days are in evolve.train and evolve.test; leave {day} out"
            )


def run_document(
    document: Document,
    weights: Mapping[str, float],
    rebalance: str,
    *,
    start: date | None = None,
    end: date | None = None,
    symbols: tuple[str, ...] | None = None,
) -> Document:
    """Document of the run that holds given weights.

    Parameters
    ----------
    document : Document
        That breeds portfolios; errors point into its lines.
    weights : mapping of str to float
    rebalance : str
    start, end : date, optional
    symbols : tuple of str, optional
        In place of those of the config, where ``data.sources`` does not name them.
    """
    values: dict[str, Any] = {key: value for key, value in document.values.items() if key != KEY}
    values.setdefault("sizing", {"kind": "target_weight", "weight": 1.0})
    data = dict(values.get("data") or {})
    data |= {} if start is None else {"start": start}
    data |= {} if end is None else {"end": end}
    named = symbols is not None and not data.get("sources")  # which name their own
    data |= {"symbols": list(symbols or ())} if named else {}
    values["data"] = data
    values["strategy"] = {"kind": STRATEGY, "weights": dict(weights), "rebalance": rebalance}
    return Document(document.where, document.folder, values, document.positions)


def spans(found: EvolveConfig) -> tuple[tuple[date | None, date], tuple[date, date | None]]:
    """(first and last day) of training and of the test."""
    first = found.test.start or found.train.end + timedelta(days=1)
    return (found.train.start, found.train.end), (first, found.test.end)
