"""The forecasters of a comparison, each checked as the run it would be alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tradewind.engine import pipeline, registry
from tradewind.engine.config.bench import bench_config, entrant_document, refuse_unused
from tradewind.engine.config.file import SEVERAL, Document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.outlook import Outlook
from tradewind.engine.pipeline import Parts
from tradewind.engine.protocols import Watched
from tradewind.engine.records import Floats, Panel


@dataclass(slots=True)
class Entrant:
    """One forecaster of a comparison, and what became of it.

    Attributes
    ----------
    name, kind : str
    given : mapping
        Its block as it was written, shared parameters among them.
    parts : Parts or None
        None where it could not even be built: a package is missing.
    document : Document or None
        Of the run it would be alone.
    network : bool
        Whether it learns in epochs.
    mean_is_return : bool
        Whether its mean is an expected return and no score.
    outlook : Outlook or None
        Once it has forecast.
    error : str
        Why there is no outlook.
    """

    name: str
    kind: str
    given: Mapping[str, Any]
    parts: Parts | None = None
    document: Document | None = None
    network: bool = False
    mean_is_return: bool = True
    horizon: int | None = None
    outlook: Outlook | None = None
    error: str = ""
    strategy: Mapping[str, Any] = field(default_factory=dict)
    equity: Floats | None = None


def entrants_of(document: Document) -> list[Entrant]:
    """Forecasters of a config, each checked as the run it would be alone.

    Raises
    ------
    ConfigError
        For an unknown kind or parameter, at its line; for horizons that differ.
    """
    config = bench_config(document)
    entrants, used = [], set[str]()
    for name, block in config.forecasters.items():
        kind = block.kind or name
        with renamed(name, document):
            shared = _shared(config.shared, entrant_document(document, name, kind, {}), kind)
            used |= shared.keys()
            params = {**shared, **(block.model_extra or {})}
            entrants.append(_entrant(name, kind, entrant_document(document, name, kind, params)))
    refuse_unused(config.shared, used, document)
    horizons = {one.name: one.horizon for one in entrants if one.horizon is not None}
    if len(set(horizons.values())) > 1:
        found = ", ".join(f"{name} {horizon}" for name, horizon in horizons.items())
        raise document.error(
            ("forecasters",), f"look ahead by different horizons ({found}); give all the same"
        )
    return entrants


def _shared(shared: Mapping[str, Any], alone: Document, kind: str) -> dict[str, Any]:
    """Shared parameters that a kind of forecaster has."""
    cls = registry.find("forecasters", kind, alone, key="forecaster")
    fields = registry.signature_model(cls).model_fields.values()
    names = {field.alias for field in fields}
    return {key: value for key, value in shared.items() if key in names}


def _entrant(name: str, kind: str, alone: Document) -> Entrant:
    """One forecaster, checked; one whose package is missing says so when its turn comes."""
    given = dict(alone.values["forecaster"])
    given.pop("walk_forward", None)
    one = Entrant(name, kind.rpartition("/")[2], given, document=alone)  # folders of files move
    try:
        one.parts = pipeline.resolve(validate(RunConfig, alone), alone)
    except ConfigError as error:
        if not isinstance(error.__cause__, ForecastError):
            raise
        one.error = str(error.__cause__)
    if one.parts is not None and one.parts.forecaster is not None:
        built = one.parts.forecaster.build(0)
        one.network, one.horizon = isinstance(built, Watched), built.horizon
        one.mean_is_return = getattr(built, "mean_is_return", True)
    return one


def refuse_unfit(entrants: Sequence[Entrant], panel: Panel, document: Document) -> None:
    """Refuse those that this data or machine has not what it takes for, before any fit.

    Raises
    ------
    ConfigError
        At the line of the parameter that asks for it, in its own block or in ``shared``.
    """
    for one in entrants:
        if one.parts is not None and one.document is not None:
            with renamed(one.name, document):
                pipeline.refuse_unfit(one.parts, panel, one.document)


@contextmanager
def renamed(name: str, document: Document) -> Iterator[None]:
    """Errors about ``forecaster`` as errors about the block they stem from."""
    own, shared = document.values[SEVERAL][name] or {}, document.values.get("shared") or {}

    def stem(found: re.Match[str]) -> str:
        given = found[2] in shared and found[2] not in own
        return (
            f"{found[1]}shared.{found[2]}" if given else f"{found[1]}forecasters.{name}.{found[2]}"
        )

    try:
        yield
    except ConfigError as error:
        told = re.sub(r"(?m)^(\S+: )forecaster\.(\w+)", stem, str(error))
        told = re.sub(r"(?m)^(\S+: )forecaster\b", rf"\1forecasters.{name}", told)
        raise ConfigError(told) from error.__cause__


def resolved_values(entrants: list[Entrant], config: RunConfig) -> dict[str, Any]:
    """Config with every default written out, as plain values that make the same comparison."""
    values = config.model_dump(exclude={"forecaster"})
    blocks: dict[str, Any] = {}
    for one in entrants:
        block = None if one.parts is None else one.parts.config.forecaster
        if block is None:
            blocks[one.name] = dict(one.given)
            continue
        found = block.model_dump()
        values["walk_forward"] = found.pop("walk_forward")
        blocks[one.name] = found
    return {**values, "forecasters": blocks}
