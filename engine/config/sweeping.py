"""A config that is swept: the block ``sweep``, everything else as a run has it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from tradewind.engine.config.block import Block
from tradewind.engine.config.file import SWEEPING as KEY
from tradewind.engine.config.file import Document, checked
from tradewind.engine.config.ranges import ChoiceConfig, FloatConfig, IntConfig, RangeConfig

Direction = Literal["maximize", "minimize"]
SamplerKind = Literal["tpe", "cma", "nsga2", "nsga3", "gp", "qmc", "grid", "random"]
SEVERAL = ("tpe", "nsga2", "nsga3", "gp", "qmc", "grid", "random")  # know several goals
FORBIDDEN = {
    "name": "is the name of the study",
    "data.start": "changes which bars are scored, so trials could not be compared",
    "data.end": "changes which bars are scored, so trials could not be compared",
    "data.symbols": "changes which bars are scored, so trials could not be compared",
}


class SamplerConfig(Block):
    """Who proposes settings."""

    kind: SamplerKind = "tpe"
    seed: int | None = Field(None, ge=0, lt=2**31, description="default: the config's seed")
    startup: int = Field(64, ge=1, description="tpe, gp: settings drawn at random before it learns")
    candidates: int = Field(24, ge=1, le=10_000, description="tpe: drawn for each setting")
    memory: int = Field(
        100, ge=20, description="tpe: of the settings that are not among the best, how many it fits"
    )
    population: int = Field(50, ge=4, le=10_000, description="nsga2, nsga3: settings a generation")
    points: int = Field(10, ge=2, le=10_000, description="grid: values of a float without a step")

    @model_validator(mode="before")
    @classmethod
    def _a_word_is_a_kind(cls, found: Any) -> Any:
        return {"kind": found} if isinstance(found, str) else found


class ValidateConfig(Block):
    """On which bars a setting is scored."""

    kind: Literal["walk_forward", "cpcv", "none"] = "walk_forward"
    folds: int = Field(5, ge=2, le=64, description="walk_forward: test blocks, one after another")
    train: float = Field(0.3, gt=0, lt=1, description="walk_forward: share before the first block")
    groups: int = Field(8, ge=3, le=20, description="cpcv: blocks the bars are cut into")
    test: int = Field(2, ge=1, le=10, description="cpcv: blocks held out at a time")
    purge: int = Field(5, ge=0, description="cpcv: bars a decision reaches ahead")
    embargo: int = Field(0, ge=0, description="cpcv: bars left out after a held-out block")
    score: Literal["mean", "median", "worst", "pooled"] = Field(
        "mean", description="what is made of the folds' numbers; pooled: all test bars as one"
    )

    @model_validator(mode="before")
    @classmethod
    def _a_word_is_a_kind(cls, found: Any) -> Any:
        return {"kind": found} if isinstance(found, str) else found

    @model_validator(mode="after")
    def _some_groups_are_left(self) -> Self:
        if self.kind == "cpcv" and self.test >= self.groups:
            raise ValueError(
                f"test {self.test} of groups {self.groups} leaves none to choose on; lower test"
            )
        return self


class HoldoutConfig(Block):
    """Bars that no trial sees."""

    start: date = Field(description="first day of them; they reach to the end of the data")


class PrunerConfig(Block):
    """When a setting is given up after some of its folds."""

    kind: Literal["wilcoxon"] = "wilcoxon"
    p_threshold: float = Field(0.1, gt=0, lt=1)
    startup: int = Field(2, ge=0, description="folds that are looked at before the first test")

    @model_validator(mode="before")
    @classmethod
    def _a_word_is_a_kind(cls, found: Any) -> Any:
        return {"kind": found} if isinstance(found, str) else found


def _sharpe() -> dict[str, Direction]:
    return {"sharpe": "maximize"}


class SweepConfig(Block):
    """What is varied, what for, on which bars, how long."""

    space: dict[str, Any] = Field(description="path of a key -> range, list of values, or a value")
    objectives: dict[str, Direction] = Field(
        default_factory=_sharpe, description="metric -> direction"
    )
    constraints: tuple[str, ...] = Field((), description="such as max_drawdown < 0.2")
    sampler: SamplerConfig = SamplerConfig()
    pruner: PrunerConfig | None = None
    validate_on: ValidateConfig = Field(ValidateConfig(), alias="validate")
    holdout: HoldoutConfig | None = None
    mode: Literal["study", "nested"] = "study"
    trials: int = Field(200, ge=1, le=10_000_000)
    seconds: float | None = Field(None, gt=0)
    batch: int = Field(64, ge=1, le=100_000, description="settings asked for at once")
    threads: int = Field(0, ge=0, le=256, description="that simulate; 0 = one per core")
    keep_returns: int = Field(
        1_000, ge=0, le=1_000_000, description="trials whose returns of every bar are kept"
    )
    returns: Literal["float32", "float64"] = "float32"
    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="of the folder; a study of that name is gone on with",
    )

    @field_validator("space")
    @classmethod
    def _something_varies(cls, space: dict[str, Any]) -> dict[str, Any]:
        if not space:
            raise ValueError("is empty; name at least one key, such as strategy.fast: [10, 20]")
        return space

    @field_validator("objectives")
    @classmethod
    def _something_is_wanted(cls, found: dict[str, str]) -> dict[str, str]:
        if not found:
            raise ValueError("is empty; name a metric, such as sharpe: maximize")
        return found

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        several, kind = len(self.objectives) > 1, self.sampler.kind
        if several and kind not in SEVERAL:
            raise ValueError(f"sampler {kind} knows one objective only; use nsga2, tpe or gp")
        if self.pruner and several:
            raise ValueError(
                "pruner: wilcoxon compares one number; give one objective, or no pruner"
            )
        if self.pruner and self.validate_on.kind == "none":
            raise ValueError("pruner: compares settings fold by fold; give validate folds")
        if self.pruner and kind == "grid":
            raise ValueError("pruner: a grid is tried whole; leave the pruner out")
        if self.mode == "nested" and several:
            raise ValueError("mode nested chooses one setting a fold; give one objective")
        if self.mode == "nested" and self.validate_on.kind != "walk_forward":
            raise ValueError("mode nested trades fold after fold; wanted validate walk_forward")
        return self


def is_sweeping(document: Document) -> bool:
    """Whether a document has a block ``sweep``."""
    return KEY in document.values


def sweep_config(document: Document) -> tuple[SweepConfig, dict[str, Any]]:
    """Check the block ``sweep``.

    Returns
    -------
    config : SweepConfig
    space : dict
        Path -> ``IntConfig``, ``FloatConfig`` or ``ChoiceConfig``, or a plain fixed value.

    Raises
    ------
    ConfigError
        At the line of what is wrong.
    """
    if not is_sweeping(document):
        raise document.error((), "has no 'sweep:' block, so there is nothing to vary")
    block = document.values[KEY]
    values = {} if block is None else block
    if not isinstance(values, dict):
        raise document.error((KEY,), f"wanted a block of keys, found {type(values).__name__}")
    found = checked(SweepConfig, values, document, (KEY,))
    return found, {name: _param(name, given, document) for name, given in values["space"].items()}


def _param(name: str, given: Any, document: Document) -> Any:
    """A range from what stands behind a path."""
    at = (KEY, "space", name)
    for path, why in FORBIDDEN.items():
        if name == path or name.startswith(f"{path}."):
            raise document.error(at, f"{why}; leave it out")
    if isinstance(given, list):
        given = {"kind": "categorical", "choices": given}
    if not isinstance(given, dict):
        return given
    kind = given.get("kind") or _kind_of(given)
    models: Mapping[str, type[RangeConfig]] = {
        "int": IntConfig, "float": FloatConfig, "categorical": ChoiceConfig,
    }  # fmt: skip
    if kind not in models:
        raise document.error(
            (*at, "kind"),
            f"unknown {kind!r}; known: {', '.join(models)}; or write a list of values",
        )
    return checked(models[kind], given, document, at)


def _kind_of(given: Mapping[str, Any]) -> str:
    """Kind that a range without one means: of its numbers."""
    if "choices" in given:
        return "categorical"
    ends = [given.get(name) for name in ("low", "high", "step") if given.get(name) is not None]
    whole = all(isinstance(end, int) and not isinstance(end, bool) for end in ends)
    return "int" if whole and ends else "float"


def run_document(document: Document, values: Mapping[str, Any]) -> Document:
    """Document of the run that one setting is.

    Parameters
    ----------
    document : Document
        That is swept; errors point into its lines.
    values : mapping of str to Any
        Path -> value, shorter paths first where one lies inside another.
    """
    from tradewind.engine.config.yaml import copied

    plain = copied({key: value for key, value in document.values.items() if key != KEY})
    positions = dict(document.positions)
    for name in sorted(values, key=lambda path: path.count(".")):
        *way, last = name.split(".")
        node: Any = plain
        for key in way:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[last] = copied(values[name]) if isinstance(values[name], dict) else values[name]
        spot = document.positions.get((KEY, "space", name))
        if spot is not None:
            positions[tuple(name.split("."))] = spot
    return Document(document.where, document.folder, plain, positions)
