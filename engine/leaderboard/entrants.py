"""Who takes part in a comparison, each checked as the run it would be alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tradewind.engine import pipeline, registry
from tradewind.engine.config.bench import (
    Contest,
    bench_config,
    contest_of,
    entrant_document,
    refuse_unused,
    strategy_document,
)
from tradewind.engine.config.file import Document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.outlook import Outlook
from tradewind.engine.pipeline import Parts
from tradewind.engine.protocols import Forecasts, Watched
from tradewind.engine.records import Floats, Panel
from tradewind.engine.walkforward.report import FoldReport


@dataclass(slots=True)
class Entrant:
    """One forecaster or selector of a comparison, and what became of it.

    Attributes
    ----------
    name, kind : str
    given : mapping
        Its block as it was written, shared parameters among them.
    contest : Contest
        Whether it is a forecaster or a selector.
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
    strategy, strategies : mapping
        What the strategy, and what further ones by their names, made of what it said.
    equity : ndarray of float64, shape (n_bars,), or None
        Account value of the strategy on the bars compared.
    """

    name: str
    kind: str
    given: Mapping[str, Any]
    contest: Contest
    parts: Parts | None = None
    document: Document | None = None
    network: bool = False
    mean_is_return: bool = True
    horizon: int | None = None
    outlook: Outlook | None = None
    error: str = ""
    strategy: Mapping[str, Any] = field(default_factory=dict)
    strategies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    equity: Floats | None = None

    @property
    def spec(self) -> ForecasterSpec | None:
        """Its recipe; None where it could not be built."""
        if self.parts is None:
            return None
        return self.parts.selector if self.contest.one == "selector" else self.parts.forecaster

    @property
    def said(self) -> Forecasts | Floats | None:
        """Forecasts, or scores of shape (n_bars, n_symbols); None where it gave none."""
        if self.outlook is None:
            return None
        signals = self.outlook.signals
        return signals.scores if self.contest.one == "selector" else signals.forecasts

    @property
    def folds(self) -> tuple[FoldReport, ...]:
        """Of its walk-forward."""
        if self.outlook is None:
            return ()
        if self.contest.one == "selector":
            return self.outlook.selector_folds
        return self.outlook.folds


def entrants_of(document: Document) -> list[Entrant]:
    """Forecasters or selectors of a config, each checked as the run it would be alone.

    Raises
    ------
    ConfigError
        For an unknown kind or parameter, at its line; for horizons that differ.
    """
    config, contest = bench_config(document), contest_of(document)
    entrants, used = [], set[str]()
    for name, block in config.entrants.items():
        kind = block.kind or name
        with own_block(name, document):
            bare = entrant_document(document, contest, name, kind, {})
            shared = _shared(config.shared, bare, kind, contest)
            used |= shared.keys()
            params = {**shared, **(block.model_extra or {})}
            alone = entrant_document(document, contest, name, kind, params)
            entrants.append(_entrant(name, kind, alone, contest))
    refuse_unused(config.shared, used, contest, document)
    horizons = {one.name: one.horizon for one in entrants if one.horizon is not None}
    if len(set(horizons.values())) > 1:
        found = ", ".join(f"{name} {horizon}" for name, horizon in horizons.items())
        raise document.error(
            (contest.several,), f"look ahead by different horizons ({found}); give all the same"
        )
    return entrants


def _shared(
    shared: Mapping[str, Any], alone: Document, kind: str, contest: Contest
) -> dict[str, Any]:
    """Shared parameters that a kind has."""
    cls = registry.find(contest.several, kind, alone, key=contest.one)
    fields = registry.signature_model(cls).model_fields.values()
    names = {field.alias for field in fields}
    return {key: value for key, value in shared.items() if key in names}


def _entrant(name: str, kind: str, alone: Document, contest: Contest) -> Entrant:
    """One of them, checked; one whose package is missing says so when its turn comes."""
    given = dict(alone.values[contest.one])
    given.pop("walk_forward", None)
    called = kind.rpartition("/")[2]  # folders of files move
    one = Entrant(name, called, given, contest, document=alone)
    try:
        one.parts = pipeline.resolve(validate(RunConfig, alone), alone)
    except ConfigError as error:
        if not isinstance(error.__cause__, ForecastError):
            raise
        one.error = str(error.__cause__)
    if one.spec is not None:
        built = one.spec.build(0)
        one.network, one.horizon = isinstance(built, Watched), built.horizon
        one.mean_is_return = getattr(built, "mean_is_return", True)
    return one


def traders_of(document: Document) -> dict[str, Parts]:
    """Further strategies of a comparison by their names, each checked; raises ConfigError."""
    found = {}
    for name in document.values.get("strategies") or {}:
        alone = strategy_document(document, name)
        with renamed(f"strategies.{name}", "strategy"):
            found[name] = pipeline.resolve(validate(RunConfig, alone), alone)
    return found


def refuse_unfit(entrants: Sequence[Entrant], panel: Panel, document: Document) -> None:
    """Refuse those that this data or machine has not what it takes for, before any fit.

    Raises
    ------
    ConfigError
        At the line of the parameter that asks for it, in its own block or in ``shared``.
    """
    for one in entrants:
        if one.parts is not None and one.document is not None:
            with own_block(one.name, document):
                pipeline.refuse_unfit(one.parts, panel, one.document)


@contextmanager
def own_block(name: str, document: Document) -> Iterator[None]:
    """Errors about ``forecaster`` or ``selector`` as errors about the block they stem from."""
    several, one = contest_of(document)
    own, shared = document.values[several][name] or {}, document.values.get("shared") or {}
    from_shared = frozenset(shared.keys() - own.keys())
    with renamed(f"{several}.{name}", one, from_shared):
        yield


@contextmanager
def renamed(told: str, key: str, from_shared: frozenset[str] = frozenset()) -> Iterator[None]:
    """Errors about a block of a run as errors about the key ``told`` of the comparison.

    Parameters
    ----------
    told, key : str
        ``selectors.mine``, and ``selector`` as which a run knows it.
    from_shared : frozenset of str
        Parameters that ``shared`` gave it.
    """

    def stem(found: re.Match[str]) -> str:
        block = "shared" if found[2] in from_shared else told
        return f"{found[1]}{block}.{found[2]}"

    try:
        yield
    except ConfigError as error:
        said = re.sub(rf"(?m)^(\S+: ){key}\.(\w+)", stem, str(error))
        said = re.sub(rf"(?m)^(\S+: ){key}\b", rf"\1{told}", said)
        raise ConfigError(said) from error.__cause__
