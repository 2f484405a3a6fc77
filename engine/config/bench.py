"""A config that compares several forecasters or selectors: one block each, the rest shared."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tradewind.engine.config.factors import FactorsConfig
from tradewind.engine.config.file import SEVERAL, Document, absolute, checked
from tradewind.engine.config.run import StrategyConfig, WalkForwardConfig

MOST = 100  # entrants of one comparison


class Contest(NamedTuple):
    """What is compared: the key of several of them, and that of one alone."""

    several: str
    one: str


class EntrantConfig(BaseModel):
    """One forecaster or selector; without ``kind`` it is the one of its own name."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: str | None = None


class BenchConfig(BaseModel):
    """The keys that every comparison has beside those of a run."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    walk_forward: WalkForwardConfig = WalkForwardConfig()
    shared: dict[str, Any] = Field(
        default_factory=dict, description="parameters for each entrant that has them"
    )

    @property
    def entrants(self) -> Mapping[str, EntrantConfig]:
        """Name -> its block."""
        raise NotImplementedError

    def own(self) -> dict[str, Any]:
        """Further keys of this kind of comparison, as plain values."""
        return {}


class ForecasterBench(BenchConfig):
    """Several forecasters."""

    forecasters: dict[str, EntrantConfig] = Field(description="name -> its forecaster block")

    _several = field_validator("forecasters")(lambda found: _several(found, "forecaster"))

    @property
    def entrants(self) -> Mapping[str, EntrantConfig]:
        """Name -> its block."""
        return self.forecasters


class SelectorBench(BenchConfig):
    """Several selectors."""

    selectors: dict[str, EntrantConfig] = Field(description="name -> its selector block")
    base: str | None = Field(
        None, description="selector that the others are compared with, formation by formation"
    )
    groups: int = Field(10, ge=2, le=100, description="groups of each formation, by score")
    factors: FactorsConfig | None = Field(None, description="for alpha")
    strategies: dict[str, StrategyConfig] = Field(
        default_factory=dict, description="name -> further strategy that trades the same scores"
    )
    periods: tuple[date, ...] = Field(
        (), description="days at which the formations are cut into periods, each measured by itself"
    )
    reference: Path | None = Field(
        None, description="CSV or Parquet file of published monthly returns: date, d1, d2 ..."
    )

    _several = field_validator("selectors")(lambda found: _several(found, "selector"))

    @model_validator(mode="after")
    def _periods_follow_each_other(self) -> Self:
        for early, late in pairwise(self.periods):
            if early >= late:
                raise ValueError(f"periods: {late} does not come after {early}; sort the days")
        return self

    @model_validator(mode="after")
    def _base_takes_part(self) -> Self:
        if self.base is not None and self.base not in self.selectors:
            raise ValueError(
                f"base {self.base!r} is none of the selectors: {', '.join(self.selectors)}"
            )
        return self

    @property
    def entrants(self) -> Mapping[str, EntrantConfig]:
        """Name -> its block."""
        return self.selectors

    def own(self) -> dict[str, Any]:
        """Further keys of this kind of comparison, as plain values."""
        own = self.model_dump(include={"groups", "factors", "periods", "reference", "strategies"})
        return {"base": self.base or next(iter(self.selectors)), **own}


BENCHES: Mapping[str, type[BenchConfig]] = {
    "forecasters": ForecasterBench,
    "selectors": SelectorBench,
}


def _several(found: Any, what: str) -> Any:
    """Refuse blocks that there is nothing to compare among."""
    if len(found) < 2:
        raise ValueError(f"names fewer than two {what}s; one alone is for '{what}:'")
    if len(found) > MOST:
        raise ValueError(f"names {len(found)} {what}s; wanted at most {MOST}")
    for name, block in found.items():
        if not name.strip() or len(name) > 64:
            raise ValueError(f"{name[:64]!r} is no name; give one of 1 to 64 characters")
        if "walk_forward" in (block.model_extra or {}):
            raise ValueError(
                f"{name}: walk_forward is the same for all, so that they are compared on the same "
                "bars; write it at the top level"
            )
    return found


def is_bench(document: Document) -> bool:
    """Whether a document compares several."""
    return any(key in document.values for key in SEVERAL)


def contest_of(document: Document) -> Contest:
    """What a document compares.

    Raises
    ------
    ConfigError
        If it compares two things at once, or names one of them alone beside several.
    """
    given = [key for key in SEVERAL if key in document.values]
    if len(given) > 1:
        raise document.error((given[1],), f"stands beside {given[0]!r}; keep one of the two")
    contest = Contest(given[0], SEVERAL[given[0]])
    for one in SEVERAL.values():
        if one in document.values:
            raise document.error((one,), f"stands beside {contest.several!r}; keep one of the two")
    return contest


def bench_config(document: Document) -> BenchConfig:
    """Check the keys a comparison has beside those of a run.

    Raises
    ------
    ConfigError
        At the line of what is wrong.
    """
    model = BENCHES[contest_of(document).several]
    own = {key: value for key, value in document.values.items() if key in model.model_fields}
    for key in ("factors", "reference"):
        if isinstance(own.get(key), dict) and isinstance(own[key].get("path"), str):
            own[key] = {**own[key], "path": absolute(own[key]["path"], (key, "path"), document)}
        elif key == "reference" and isinstance(own.get(key), str):
            own[key] = absolute(own[key], (key,), document)
    return checked(model, own, document)


def entrant_document(
    document: Document, contest: Contest, name: str, kind: str, params: Mapping[str, Any]
) -> Document:
    """Document of the run that one entrant would have alone.

    Parameters
    ----------
    document : Document
        Of the comparison.
    contest : Contest
    name : str
        Its key among the several.
    kind : str
    params : mapping
        Its parameters, shared ones among them.

    Returns
    -------
    Document
        Whose errors point into the lines of ``document``.
    """
    own = BENCHES[contest.several].model_fields
    values = {key: value for key, value in document.values.items() if key not in own}
    block: dict[str, Any] = {"kind": kind, **params}
    if document.values.get("walk_forward") is not None:
        block["walk_forward"] = document.values["walk_forward"]
    positions: dict[Any, Any] = {}
    for path, spot in document.positions.items():
        if path[:1] == ("walk_forward",):
            positions[contest.one, *path] = spot
        elif path[:1] == ("shared",):
            positions.setdefault((contest.one, *path[1:]), spot)
        elif path[:2] == (contest.several, name):
            positions[contest.one, *path[2:]] = spot
        elif path[:1] != (contest.several,):
            positions[path] = spot
    return Document(document.where, document.folder, {**values, contest.one: block}, positions)


def strategy_document(document: Document, name: str) -> Document:
    """Document of the run that trades by one of the further strategies.

    Parameters
    ----------
    document : Document
        Of the comparison.
    name : str
        Its key below ``strategies``.
    """
    own = BENCHES[contest_of(document).several].model_fields
    values = {key: value for key, value in document.values.items() if key not in own}
    values["strategy"] = document.values["strategies"][name]
    positions: dict[Any, Any] = {}
    for path, spot in document.positions.items():
        if path[:2] == ("strategies", name):
            positions["strategy", *path[2:]] = spot
        elif path[:1] not in (("strategy",), ("strategies",)):
            positions[path] = spot
    return Document(document.where, document.folder, values, positions)


def refuse_unused(
    shared: Mapping[str, Any], used: set[str], contest: Contest, document: Document
) -> None:
    """Refuse a shared parameter that no entrant has: a typo would go unnoticed."""
    for key in shared:
        if key not in used:
            raise document.error(
                ("shared", key), f"is a parameter of none of the {contest.several}; leave it out"
            )
