"""The stages of a run, each timed and logged: data, forecast, simulate, measure."""

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tradewind.engine import registry
from tradewind.engine.bars.nesting import nested
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.books.round_trips import round_trips
from tradewind.engine.books.spread_paid import spread_numbers
from tradewind.engine.cache import ForecastCache, default_folder
from tradewind.engine.config.backtrader import BacktraderConfig
from tradewind.engine.config.block import KindBlock
from tradewind.engine.config.file import Document
from tradewind.engine.config.run import ForecasterConfig, RunConfig, SelectorConfig, StrategyConfig
from tradewind.engine.content import code_content, content_digest
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.executors import backtrader_options, user_strategy
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.feeds import load
from tradewind.engine.feeds.beside import with_rates
from tradewind.engine.feeds.history import Finding, History
from tradewind.engine.forecaster_spec import ForecasterSpec, spec_of
from tradewind.engine.progress import Progress
from tradewind.engine.protocols import Strategy
from tradewind.engine.records import Panel, Records, Simulation
from tradewind.engine.scoring import metrics
from tradewind.engine.scoring.benchmark import benchmark_returns
from tradewind.engine.walkforward.of_config import checked_choice
from tradewind.engine.walkforward.of_config import refuse_unfit as refuse_unfit_spec

KEY_OF_DATA = re.compile(r"((?:data|account|costs|execution)(?:\.\w+)*): ")
NAMED = 30  # symbols that a note lists
RIVALS = ("naive", "drift")  # what every forecaster is measured against
PACKAGES = ("tradewind", "numpy", "numba", "torch", "backtrader", "pandas", "pyarrow", "ta")


@dataclass(slots=True)
class Diary:
    """Events of a run in order, and how long each stage took."""

    events: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What an executor had to say to the reader of the report."""
        return tuple(event["text"] for event in self.events if event["event"] == "note")

    def note(self, event: str, **facts: Any) -> None:
        """Write an event down."""
        self.events.append({"event": event, **facts})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        begun = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - begun, 3)
        self.note("stage", stage=name, seconds=self.seconds[name])


@dataclass(frozen=True, slots=True)
class Parts:
    """A config with its names turned into classes and every default written out.

    Attributes
    ----------
    config : RunConfig
        Resolved: what the run folder holds, and what gives the run again.
    strategy : Strategy or BacktraderStrategy
    forecaster : ForecasterSpec or None
    rivals : mapping of str to ForecasterSpec
    selector : ForecasterSpec or None
    """

    config: RunConfig
    strategy: Strategy | BacktraderStrategy
    forecaster: ForecasterSpec | None
    rivals: Mapping[str, ForecasterSpec]
    selector: ForecasterSpec | None = None


def resolve(config: RunConfig, document: Document) -> Parts:
    """Find the classes a config names and check their parameters, before any data is read.

    Raises
    ------
    ConfigError
        For an unknown kind or parameter, at its line.
    """
    resolved, strategy = _strategy(config, document)
    resolved, selector = _selector(resolved, document)
    if config.forecaster is None:
        return Parts(resolved, strategy, None, {}, selector)
    kind, params, cls = _checked("forecasters", config.forecaster, document, "forecaster")
    walk = config.forecaster.walk_forward
    choose = checked_choice(config.forecaster.choose, cls, params, document)
    block = ForecasterConfig(
        kind=kind, walk_forward=walk, choose=choose, conformal=config.forecaster.conformal, **params
    )
    resolved = resolved.model_copy(update={"forecaster": block})
    horizon = registry.build(cls, params, document, key="forecaster").horizon
    rivals = {
        name: spec_of(registry.find("forecasters", name, document, key="forecaster"), plain)
        for name in RIVALS
        if name in registry.names("forecasters") and name != kind
        for plain in [{"horizon": horizon}]
    }
    return Parts(resolved, strategy, spec_of(cls, params), rivals, selector)


def _selector(config: RunConfig, document: Document) -> tuple[RunConfig, ForecasterSpec | None]:
    """Config with the selector's defaults written out, and its recipe."""
    if config.selector is None:
        return config, None
    kind, params, cls = _checked("selectors", config.selector, document, "selector")
    registry.build(cls, params, document, key="selector")
    block = SelectorConfig(
        kind=kind,
        walk_forward=config.selector.walk_forward,
        factors=config.selector.factors,
        **params,
    )
    return config.model_copy(update={"selector": block}), spec_of(cls, params)


def _strategy(
    config: RunConfig, document: Document
) -> tuple[RunConfig, Strategy | BacktraderStrategy]:
    """Config with the strategy's defaults written out, and the strategy."""
    cls = registry.find("strategies", config.strategy.kind, document, key="strategy")
    if user_strategy.is_backtrader(cls):
        return user_strategy.resolved(config, cls, document)
    if config.backtrader.setup is not None:
        raise document.error(
            ("backtrader", "setup"),
            f"{config.strategy.kind} is no backtrader strategy; leave it out",
        )
    if config.rules == "backtrader":
        backtrader_options.check(config, document)
    elif config.backtrader != BacktraderConfig():
        raise document.error(
            ("backtrader",), "is read under rules: backtrader alone; say so, or leave it out"
        )
    kind, params, _ = _checked("strategies", config.strategy, document, "strategy")
    strategy = registry.build(cls, params, document, key="strategy")
    if getattr(strategy, "sells_short", False) and config.account.kind == "cash":
        raise document.error(
            ("account", "kind"),
            f"{config.strategy.kind} sells short, which an account of kind cash does not allow; "
            "use kind: margin",
        )
    return config.model_copy(update={"strategy": StrategyConfig(kind=kind, **params)}), strategy


def _checked(
    group: str, block: KindBlock, document: Document, key: str
) -> tuple[str, dict[str, Any], type[Any]]:
    """(kind with an absolute path, parameters with defaults, class) of a config block."""
    cls = registry.find(group, block.kind, document, key=key)
    params = registry.check(cls, block.params, document, key=key)
    kind = block.kind
    if ".py:" in kind:
        file_name, _, name = kind.rpartition(":")
        kind = f"{(document.folder / Path(file_name).expanduser()).resolve()}:{name}"
    return kind, params, cls


def read_history(
    config: RunConfig, document: Document, diary: Diary, progress: Progress
) -> History:
    """Bars of a config, checked, with rates of exchange and borrowing beside them.

    An error about a key of the config points at its line.
    """
    with diary.stage("data"), _located(document):
        history = load(config.data, progress=progress)
        history = replace(history, panel=with_rates(config, history.panel))
        history = _with_path(config, history)
    for finding in history.findings:
        diary.note("finding", kind=finding.kind, symbol=finding.symbol, date=finding.date)
    return history


def refuse_unfit(parts: Parts, panel: Panel, document: Document) -> None:
    """Refuse a forecaster or selector that this data or machine has not what it takes for.

    Raises
    ------
    ConfigError
        At the line of the parameter that asks for it.
    """
    block = parts.config.forecaster
    if parts.forecaster is not None and block is not None:
        refuse_unfit_spec(parts.forecaster, panel, document, key="forecaster", choose=block.choose)
    if parts.selector is not None:
        refuse_unfit_spec(parts.selector, panel, document, key="selector")


def _with_path(config: RunConfig, history: History) -> History:
    """Finer bars kept only where a run looks at them, and what they do not tell."""
    if config.execution.intrabar != "path" or history.finer is None:
        return replace(history, finer=None)
    return replace(history, notes=(*history.notes, *nested(history.finer, history.panel).notes))


@contextmanager
def _located(document: Document) -> Iterator[None]:
    """Put file, line and column before a message that begins with a key of the config."""
    try:
        yield
    except DataError as error:
        key = KEY_OF_DATA.match(str(error))
        if key is None or type(error) not in (DataError, UnknownSymbolError):
            raise
        where = document.at(tuple(key[1].split(".")))
        raise type(error)(f"{where}{error}") from None


def measured(
    config: RunConfig, panel: Panel, found: Simulation, start: int
) -> tuple[dict[str, Any], Records, Any]:
    """(metrics, round trips, benchmark returns) of a simulation."""
    trades = round_trips(found.fills, panel, found.events)
    benchmark = benchmark_returns(
        panel, config.benchmark, first_bar=start, delisting_return=config.data.delisting_return
    )
    numbers = metrics.measure(
        found, trades, panel, benchmark, first_bar=start, bars_per_year=bars_per_year(panel)
    )
    numbers["spread"] = spread_numbers(found, panel, config.costs.spread)
    return numbers, trades, benchmark


def forecast_cache(*, fresh: bool) -> ForecastCache:
    """Return the user's cache of forecasts."""
    return ForecastCache(default_folder(), fresh=fresh)


def manifest(parts: Parts, history: History, diary: Diary) -> dict[str, Any]:
    """What a run depended on: versions, seed, data, code."""
    code = {"strategy": strategy_code(parts)}
    if parts.forecaster is not None:
        code["forecaster"] = code_content(parts.forecaster.target)
    if parts.selector is not None:
        code["selector"] = code_content(parts.selector.target)
    finer = {} if history.finer is None else {"finer_digest": history.finer.digest()}
    ours = not isinstance(parts.strategy, BacktraderStrategy)
    folds = [
        {key: value for key, value in event.items() if key not in ("event", "number", "history")}
        for event in diary.events
        if event["event"] == "fold"
    ]
    return {
        "strategy_of": "tradewind" if ours else "backtrader",
        "versions": versions(),
        "seed": parts.config.seed,
        "data_digest": history.panel.digest(),
        "universe": _universe(parts.config, history),
        **finer,
        "repairs": dict(history.repairs),
        "code": code,
        **({"folds": folds} if folds else {}),
        "seconds": dict(diary.seconds),
    }


def _universe(config: RunConfig, history: History) -> dict[str, Any]:
    """Who the data is about, and the file that says who was a member when, if there is one."""
    path = None if config.data.universe is None else config.data.universe.path
    file = None if path is None else {"path": str(path), "sha256": content_digest(path)}
    return {"survivorship": history.survivorship, "file": file}


def strategy_code(parts: Parts) -> Any:
    """Content of the strategy's code, as the manifest holds it."""
    if not isinstance(parts.strategy, BacktraderStrategy):
        return code_content(spec_of(type(parts.strategy), {}).target)
    kind = parts.config.strategy.kind
    code = code_content(kind if ".py:" in kind else spec_of(parts.strategy.cls, {}).target)
    setup = parts.config.backtrader.setup
    return {"class": code, "setup": code_content(setup)} if setup else code


def versions() -> dict[str, str]:
    """Versions of Python and of every package that can move a number."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def notes(
    history: History,
    remarks: Sequence[str],
    panel: Panel,
    rules: str = "tradewind",
    said: Sequence[str] = (),
) -> tuple[str, ...]:
    """What a reader of the report must know, one line each.

    Parameters
    ----------
    history : History
    remarks : sequence of str
        About forecasts and rankings.
    panel : Panel
    rules : str
    said : sequence of str
        By the executor and the strategy.
    """
    repairs = (f"repair {name}: {n} rows" for name, n in history.repairs.items())
    return (
        *filter(None, [history.survivorship]),
        *history.notes,
        *remarks,
        *said,
        *_leavers(panel, rules),
        *repairs,
        *(_spoken(found, rules) for found in history.findings if not _said_of_leavers(found)),
    )


def _leavers(panel: Panel, rules: str) -> list[str]:
    """Who stops trading before the end, in one line."""
    gone = [panel.symbols[k] for k in np.flatnonzero(panel.ends >= 0)]
    if not gone:
        return []
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    who = "1 symbol stops" if len(gone) == 1 else f"{len(gone)} symbols stop"
    close = "its last close" if len(gone) == 1 else "their last close"
    names = ", ".join(gone[:NAMED])
    fate = "goes on being held" if rules == "backtrader" else "is sold"
    return [f"{who} trading inside the data and what is held {fate} at {close}: {names}{more}"]


def _said_of_leavers(found: Finding) -> bool:
    return found.kind == "ends_early" and "unless" not in found.message


def _spoken(found: Finding, rules: str) -> str:
    """A finding behind its place; a date that the message already gives is not said twice."""
    message = found.message.removesuffix(f" on {found.date}")
    if rules == "backtrader":  # which looks at no volume
        message = message.removesuffix(", in which no order fills")
    told = found.date in message  # true of a finding without a date as well
    place = found.symbol if told else f"{found.symbol} {found.date}".strip()
    return f"{place}: {message}" if place else message
