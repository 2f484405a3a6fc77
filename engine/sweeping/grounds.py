"""From a setting to what it is run on; everything that several settings share is made once.

From the outside in: bars; what forecasters and selectors say of them, trained once for each
distinct value and kept; costs, sizing and account; what a strategy prepares. What is left are the
strategy's own parameters, and all settings that differ in nothing else go through one call.
"""

import dis
import pickle
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

from pydantic import ValidationError

from tradewind.engine import pipeline, registry, spreads
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.file import Document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sweeping import run_document
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.feeds.history import History
from tradewind.engine.jsonable import jsonable
from tradewind.engine.outlook import Outlook
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Deriving, Strategy, has_rule
from tradewind.engine.report.text import json_text
from tradewind.engine.runner import check_benchmark
from tradewind.engine.walkforward.of_config import located
from tradewind.engine.walkforward.where import Workers

OUTER = ("data", "forecaster", "selector", "seed")
MOST = {"history": 4, "outlook": 256, "ground": 512, "inputs": 64}  # of each that is kept


class Bars(NamedTuple):
    """Bars of a config."""

    history: History
    per_year: float


@dataclass(frozen=True, slots=True)
class Ground:
    """What settings that differ in parameters of the strategy alone have in common.

    Attributes
    ----------
    parts : Parts
        Of the config with the strategy's parameters as the document has them.
    document : Document
    bars : Bars
    outlook : Outlook or None
        None where it depends on the strategy's own parameters.
    """

    parts: Parts
    document: Document
    bars: Bars
    outlook: Outlook | None
    seen: str

    @property
    def config(self) -> RunConfig:
        """The config."""
        return self.parts.config

    @property
    def batched(self) -> bool:
        """Whether the compiled loop over settings can run it."""
        config = self.config
        return (
            config.rules == "tradewind"
            and config.executor == "kernel"
            and not isinstance(self.parts.strategy, BacktraderStrategy)
            and has_rule(self.parts.strategy)
            and config.execution.intrabar != "path"
        )


class Kept:
    """A cache of the last few; counts what had to be made."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self.made = 0

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept under a key, or made now."""
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        found = make()
        self.made += 1
        self._found[key] = found
        if len(self._found) > self._most:
            self._found.popitem(last=False)
        return found


class Grounds:
    """Makes grounds, strategies and inputs of settings.

    Parameters
    ----------
    document : Document
        That is swept, its data already cut to the bars of the search.
    diary : Diary
    progress : Progress
    workers : int, Cluster or None
        Processes that fit.
    cache : ForecastCache or None
        By default the user's.
    """

    def __init__(
        self,
        document: Document,
        diary: Diary,
        progress: Progress = SILENT,
        *,
        workers: Workers = None,
        cache: ForecastCache | None = None,
    ) -> None:
        self.document = document
        self.diary = diary
        self._progress = progress
        self._workers = workers
        self._cache = pipeline.forecast_cache(fresh=False) if cache is None else cache
        self.histories, self.outlooks = Kept(MOST["history"]), Kept(MOST["outlook"])
        self._grounds, self._inputs = Kept(MOST["ground"]), Kept(MOST["inputs"])

    def document_of(self, values: Mapping[str, Any]) -> Document:
        """Document of the run that a setting is."""
        return run_document(self.document, values)

    def key(self, values: Mapping[str, Any]) -> str:
        """Name of the ground that a setting stands on."""
        outer = [(k, v) for k, v in values.items() if not _of_strategy(k)]
        return _named(dict(outer)) if outer else ""

    def ground(self, values: Mapping[str, Any]) -> Ground:
        """The ground of a setting.

        Raises
        ------
        ConfigError
            If a config cannot have these values.
        DataError, ForecastError
            As a run would.
        """
        key = self.key(values)
        found: Ground = self._grounds.get(key, lambda: self._ground(values))
        return found

    def _ground(self, values: Mapping[str, Any]) -> Ground:
        document = self.document_of({k: v for k, v in values.items() if not _of_strategy(k)})
        config = validate(RunConfig, document)
        parts = pipeline.resolve(config, document)
        bars = self.bars(config, document)
        spreads.check(config.costs.spread, bars.history.panel)
        check_benchmark(config, bars.history.panel, document)
        derives = isinstance(parts.strategy, Deriving)
        outlook = None if derives else self.outlook(parts, document, bars)
        return Ground(parts, document, bars, outlook, _seen(config) + _told(parts))

    def bars(self, config: RunConfig, document: Document) -> Bars:
        """Bars of a config, read once."""

        def make() -> Bars:
            history = pipeline.read_history(config, document, self.diary, self._progress)
            return Bars(history, bars_per_year(history.panel))

        found: Bars = self.histories.get(_seen(config), make)
        return found

    def outlook(self, parts: Parts, document: Document, bars: Bars) -> Outlook:
        """What is forecast and ranked; trained once for each distinct value."""
        panel = bars.history.panel

        def make() -> Outlook:
            pipeline.refuse_unfit(parts, panel, document)
            with located(document):
                return outlook_of(
                    parts, panel, self.diary, self._progress,
                    workers=self._workers, cache=self._cache,
                )  # fmt: skip

        found: Outlook = self.outlooks.get(_told(parts), make)
        return found

    def strategy(self, ground: Ground, values: Mapping[str, Any]) -> Strategy:
        """Strategy of a setting.

        Raises
        ------
        ConfigError
            If its constructor refuses the parameters.
        """
        own = {k.partition(".")[2]: v for k, v in values.items() if _of_strategy(k)}
        strategy = ground.parts.strategy
        assert not isinstance(strategy, BacktraderStrategy)
        if not own:
            return strategy
        base = ground.config.strategy.params
        params = base | (_nested(base, own) if any("." in name for name in own) else own)
        return _built(type(strategy), params, ground.document)

    def inputs(self, ground: Ground, strategy: Strategy) -> tuple[Any, Hashable]:
        """What a strategy prepares, and a name that settings which share it have in common."""
        key = (ground.seen, type(strategy), _state(strategy))
        assert ground.outlook is not None
        signals = ground.outlook.signals
        panel = ground.bars.history.panel
        return self._inputs.get(key, lambda: strategy.prepare(panel, signals)), key


def _seen(config: RunConfig) -> str:
    """Name of the bars that a config reads."""
    told = config.model_dump(mode="json", include={"data": True, "account": {"fx", "currency"}})
    path = config.execution.intrabar == "path"
    return json_text([told, path, config.costs.model_dump(mode="json").get("borrow")], indent=None)


def _told(parts: Parts) -> str:
    """Name of what a config's forecaster and selector say."""
    told = parts.config.model_dump(mode="json", include=set(OUTER))
    if isinstance(parts.strategy, Deriving):
        told["strategy"] = parts.config.strategy.model_dump(mode="json")
    return json_text(jsonable(told), indent=None)


def _built(cls: type[Any], params: dict[str, Any], document: Document) -> Strategy:
    """Strategy of given parameters, checked in the quickest way; raises ConfigError."""
    model = registry.signature_model(cls)
    try:
        values = model.model_validate(params, strict=True)
    except ValidationError:  # a list for a tuple, a text for a path; or it is wrong
        built: Strategy = registry.build(cls, params, document, key="strategy")
        return built
    given = {field.alias or n: getattr(values, n) for n, field in model.model_fields.items()}
    try:
        made: Strategy = cls(**given)
    except ValueError as error:
        raise document.error(("strategy",), str(error)) from error
    return made


def _of_strategy(path: str) -> bool:
    """Whether a key is a parameter of the strategy, rather than which one it is."""
    return path.startswith("strategy.") and path != "strategy.kind"


def _nested(params: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as blocks inside those that are there."""
    found: dict[str, Any] = {}
    for path, value in own.items():
        first, *rest = path.split(".")
        if not rest:
            found[first] = value
            continue
        node = found.setdefault(first, _copied(params.get(first)))
        for part in rest[:-1]:
            node = node.setdefault(part, {})
        node[rest[-1]] = value
    return found


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(part) for key, part in value.items()}
    return {} if value is None else value


def _named(values: Mapping[str, Any]) -> str:
    return json_text({key: values[key] for key in sorted(values)}, indent=None)


def _state(strategy: Strategy) -> Hashable:
    """What ``prepare`` may read of a strategy: settings that agree in it share its result.

    Nothing where it reads no attribute of itself, as the compiled strategies of this package do;
    else every attribute, because a method that it calls may read any of them.
    """
    prepare = getattr(type(strategy), "prepare", None)
    if isinstance(prepare, FunctionType) and not _reads_itself(prepare):
        return None
    held = getattr(strategy, "__dict__", None)
    try:
        return (
            object() if held is None else pickle.dumps(sorted(held.items(), key=lambda kv: kv[0]))
        )
    except (TypeError, AttributeError, pickle.PicklingError):
        return object()  # equal to nothing: this setting prepares for itself


@cache
def _reads_itself(function: FunctionType) -> bool:
    """Whether a method touches its first argument."""
    code = function.__code__
    if code.co_argcount == 0 or code.co_varnames[0] in code.co_cellvars:
        return True
    me = code.co_varnames[0]
    for step in dis.get_instructions(code):
        if step.opname.startswith(("LOAD_FAST", "LOAD_CLOSURE", "LOAD_DEREF")) and (
            step.argval == me or (isinstance(step.argval, tuple) and me in step.argval)
        ):
            return True
    return False
