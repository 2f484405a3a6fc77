"""A config that compares several forecasters: one block each, everything else shared."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tradewind.engine.config.file import SEVERAL, Document, checked
from tradewind.engine.config.run import WalkForwardConfig

OWN = (SEVERAL, "shared", "walk_forward")
MOST = 100  # forecasters of one comparison


class EntrantConfig(BaseModel):
    """One forecaster; without ``kind`` it is the one of its own name."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: str | None = None


class BenchConfig(BaseModel):
    """The keys a comparison has beside those of a run."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    forecasters: dict[str, EntrantConfig] = Field(description="name -> its forecaster block")
    walk_forward: WalkForwardConfig = WalkForwardConfig()
    shared: dict[str, Any] = Field(
        default_factory=dict, description="parameters for each forecaster that has them"
    )

    @field_validator(SEVERAL)
    @classmethod
    def _there_is_something_to_compare(cls, found: Any) -> Any:
        if len(found) < 2:
            raise ValueError("names fewer than two forecasters; one alone is for 'forecaster:'")
        if len(found) > MOST:
            raise ValueError(f"names {len(found)} forecasters; wanted at most {MOST}")
        for name, block in found.items():
            if not name.strip() or len(name) > 64:
                raise ValueError(f"{name[:64]!r} is no name; give one of 1 to 64 characters")
            if "walk_forward" in (block.model_extra or {}):
                raise ValueError(
                    f"{name}: walk_forward is the same for all, so that they are compared on the "
                    "same bars; write it at the top level"
                )
        return found


def is_bench(document: Document) -> bool:
    """Whether a document compares forecasters."""
    return SEVERAL in document.values


def bench_config(document: Document) -> BenchConfig:
    """Check the keys a comparison has beside those of a run.

    Raises
    ------
    ConfigError
        At the line of what is wrong.
    """
    if "forecaster" in document.values:
        raise document.error(("forecaster",), "stands beside 'forecasters'; keep one of the two")
    own = {key: value for key, value in document.values.items() if key in OWN}
    return checked(BenchConfig, own, document)


def entrant_document(
    document: Document, name: str, kind: str, params: Mapping[str, Any]
) -> Document:
    """Document of the run that one forecaster would have alone.

    Parameters
    ----------
    document : Document
        Of the comparison.
    name : str
        Key below ``forecasters``.
    kind : str
    params : mapping
        Its parameters, shared ones among them.

    Returns
    -------
    Document
        Whose errors point into the lines of ``document``.
    """
    values = {key: value for key, value in document.values.items() if key not in OWN}
    block: dict[str, Any] = {"kind": kind, **params}
    if document.values.get("walk_forward") is not None:
        block["walk_forward"] = document.values["walk_forward"]
    positions: dict[Any, Any] = {}
    for path, spot in document.positions.items():
        if path[:1] == ("walk_forward",):
            positions["forecaster", *path] = spot
        elif path[:1] == ("shared",):
            positions.setdefault(("forecaster", *path[1:]), spot)
        elif path[:2] == (SEVERAL, name):
            positions["forecaster", *path[2:]] = spot
        elif path[:1] != (SEVERAL,):
            positions[path] = spot
    return Document(document.where, document.folder, {**values, "forecaster": block}, positions)


def refuse_unused(shared: Mapping[str, Any], used: set[str], document: Document) -> None:
    """Refuse a shared parameter that no forecaster has: a typo would go unnoticed."""
    for key in shared:
        if key not in used:
            raise document.error(
                ("shared", key), "is a parameter of none of the forecasters; leave it out"
            )
