"""From a config to a run, and back: the only place where engine, forecasters and strategies meet.

They are introduced by name, through entry points; nothing here imports a forecaster or a strategy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradewind.engine import differing, pipeline, spreads, trading
from tradewind.engine.config.file import Document, load
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, RunError, StrategyError
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.jsonable import jsonable
from tradewind.engine.luck.recording import config_digest, record
from tradewind.engine.outlook import Outlook
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Panel
from tradewind.engine.report import folder as run_folder
from tradewind.engine.report.explained import packed
from tradewind.engine.report.run import Run
from tradewind.engine.walkforward.of_config import located
from tradewind.engine.walkforward.where import Workers

SIMULATING = "simulating (what has changed is compiled first)"
SAME = 1e-9  # relative; what two executors may differ by


@dataclass(frozen=True, slots=True)
class Training:
    """Outcome of ``train``: fits are in the cache, this says how good they are."""

    config: RunConfig
    folds: tuple[Any, ...]
    scores: dict[str, Any]
    cache: Path
    notes: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    ranked: Mapping[str, Any] = field(default_factory=dict)
    selector_folds: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of ``verify``."""

    identical: bool
    executor: str
    against: str
    n_fills: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Outcome of ``reproduce``."""

    identical: bool
    differences: tuple[str, ...]


def backtest(
    config: RunConfig,
    document: Document,
    *,
    results: Path,
    progress: Progress = SILENT,
    fresh: bool = False,
    workers: Workers = None,
) -> Run:
    """Run a config and write its folder below ``results``.

    Parameters
    ----------
    config : RunConfig
    document : Document
        What the config was read from, for messages and relative paths.
    results : Path
    progress : Progress
    fresh : bool
        Fit again whatever the cache holds.
    workers : int, Cluster or None
        Processes that fit, None: one per usable core; or those of a Dask scheduler.

    Returns
    -------
    Run
        Its ``name`` is that of the folder.

    Raises
    ------
    TradewindError
        Config, data, forecaster, strategy or folder: the message says which and what to do.
    """
    run_folder.check_writable(results)
    run = compute(config, document, progress=progress, fresh=fresh, workers=workers)
    untold = record(
        run.manifest["data_digest"], "backtest", run.name, run.manifest["code"],
        [config_digest(run.config)], run.metrics["strategy"].get("sharpe"),
    )  # fmt: skip
    if untold:
        run = replace(run, notes=(*run.notes, untold))
    written = run_folder.write(run, results)
    return replace(run, name=written.name)


def compute(
    config: RunConfig,
    document: Document,
    *,
    progress: Progress = SILENT,
    fresh: bool = False,
    workers: Workers = None,
    cached: bool = True,
) -> Run:
    """Run a config without writing anything but the forecast cache (none with ``cached=False``)."""
    now = datetime.now(UTC)
    diary = Diary()
    parts = pipeline.resolve(config, document)
    diary.note("started", name=config.name, at=now.isoformat(timespec="seconds"))
    history = pipeline.read_history(config, document, diary, progress)
    panel = history.panel
    check_benchmark(config, panel, document)
    spreads.check(config.costs.spread, panel)
    pipeline.refuse_unfit(parts, panel, document)
    cache = pipeline.forecast_cache(fresh=fresh) if cached else None
    with located(document):
        outlook = outlook_of(parts, panel, diary, progress, workers=workers, cache=cache)
    progress.start(SIMULATING, None)
    try:
        traded = trading.simulate(parts, panel, outlook, diary, finer=history.finer)
    finally:
        progress.finish(SIMULATING)
    with diary.stage("measure"):
        numbers, trades, benchmark = pipeline.measured(
            parts.config, panel, traded.simulation, traded.start
        )
        curve = trading.break_even_of(traded, diary)
        if curve is not None:
            numbers["spread"]["break_even"] = curve
        unsure, bounds = trading.bounds_of(traded, parts, panel, diary)
        if unsure is not None:
            numbers["ambiguity"] = unsure
    return Run(
        name=run_folder.new_name(parts.config, now),
        config=parts.config,
        panel=panel,
        signals=outlook.signals,
        first_bar=traded.start,
        simulation=traded.simulation,
        trades=trades,
        benchmark=benchmark,
        bounds=bounds,
        explanation=None if traded.explanation is None else packed(traded.explanation),
        metrics=numbers,
        forecast_scores=outlook.scores,
        ranked=outlook.ranked,
        notes=pipeline.notes(history, outlook.notes, panel, parts.config.rules, diary.notes),
        manifest=pipeline.manifest(parts, history, diary),
        log=tuple(diary.events),
    )


def check_benchmark(config: RunConfig, panel: Panel, document: Document) -> None:
    """Refuse an unknown benchmark before the fit, not after it."""
    if config.benchmark not in ("equal_weight", "cash", *panel.symbols):
        raise document.error(
            ("benchmark",),
            f"{config.benchmark!r} is neither equal_weight nor cash nor one of the "
            f"{panel.n_symbols} symbols loaded; add it to data.symbols or choose another",
        )


def train(
    config: RunConfig,
    document: Document,
    *,
    progress: Progress = SILENT,
    fresh: bool = False,
    workers: Workers = None,
) -> Training:
    """Fit a config's forecaster walk-forward into the cache, and score it.

    Raises
    ------
    ConfigError
        If the config has no forecaster.
    """
    diary = Diary()
    parts = pipeline.resolve(config, document)
    if parts.forecaster is None and parts.selector is None:
        raise ConfigError(
            f"{document.where}: has neither a 'forecaster:' nor a 'selector:' block, so there is "
            "nothing to train"
        )
    history = pipeline.read_history(config, document, diary, progress)
    pipeline.refuse_unfit(parts, history.panel, document)
    cache = pipeline.forecast_cache(fresh=fresh)
    with located(document):
        outlook = outlook_of(parts, history.panel, diary, progress, workers=workers, cache=cache)
    return Training(
        parts.config, outlook.folds, dict(outlook.scores), cache.folder, outlook.notes,
        tuple(str(day) for day in history.panel.dates), dict(outlook.ranked),
        outlook.selector_folds,
    )  # fmt: skip


def verify(folder: Path, *, progress: Progress = SILENT) -> Verification:
    """Trade a run's bars and forecasts on the other executor and compare fill by fill.

    Parameters
    ----------
    folder : Path
        Of a run; its own bars are used, so a source that has changed since does not matter.
    progress : Progress

    Raises
    ------
    RunError
        If the folder is damaged.
    """
    run = run_folder.read(folder)
    document = _document(folder)
    # The forecasts are in the folder: whoever made them need not be installed here.
    silent = {"forecaster": None, "selector": None}
    parts = pipeline.resolve(run.config.model_copy(update=silent), document)
    if isinstance(parts.strategy, BacktraderStrategy):
        raise StrategyError(
            f"{folder.name}: {parts.strategy.cls.__name__} is a backtrader strategy, which nothing "
            "but backtrader's Cerebro can run, so there is no second executor to compare with; "
            f"'tradewind reproduce {folder.name}' runs it again and compares bit for bit"
        )
    other = "kernel" if run.config.executor == "cerebro" else "cerebro"
    task = f"simulating with {other}"
    progress.start(task, None)
    try:
        outlook = Outlook(run.signals, run.first_bar)
        finer = _finer_bars(run, document)
        traded = trading.simulate(parts, run.panel, outlook, Diary(), executor=other, finer=finer)
    finally:
        progress.finish(task)
    found = differing.fill_differences(run.simulation, traded.simulation, run.panel, tolerance=SAME)
    if run.manifest.get("code", {}).get("strategy") != jsonable(pipeline.strategy_code(parts)):
        found.insert(0, "code: the strategy was changed since, so this compares two strategies")
    return Verification(
        not found, run.config.executor, other, len(run.simulation.fills), tuple(found)
    )


def reproduce(
    folder: Path, *, progress: Progress = SILENT, workers: Workers = None
) -> Reproduction:
    """Run a folder's config again, fits included, and compare everything bit for bit.

    Raises
    ------
    RunError
        If the folder is damaged.
    """
    old = run_folder.read(folder)
    config, document = load(folder / "config.yaml")
    new = compute(config, document, progress=progress, workers=workers, cached=False)
    found = differing.manifest_differences(old, new)
    found += differing.fill_differences(old.simulation, new.simulation, old.panel, tolerance=0.0)
    found += differing.order_differences(old.simulation.orders, new.simulation.orders)
    found += differing.curve_differences("equity", old.simulation.equity, new.simulation.equity)
    found += differing.bound_differences(old, new)
    found += differing.forecast_differences(old, new)
    found += differing.metric_differences(jsonable(old.metrics), jsonable(new.metrics))
    found += differing.metric_differences(jsonable(old.ranked), jsonable(new.ranked), "ranked")
    return Reproduction(not found, tuple(found))


def _finer_bars(run: Run, document: Document) -> Panel | None:
    """Finer bars a run looked at, read once more: they are too many to be kept in its folder."""
    wanted = run.manifest.get("finer_digest")
    if wanted is None:
        return None
    finer = pipeline.read_history(run.config, document, Diary(), SILENT).finer
    if finer is None or finer.digest() != wanted:
        raise RunError(
            f"{run.name}: the finer bars of its data are not those it looked at, so it cannot be "
            "traded again as it was; run its config anew"
        )
    return finer


def _document(folder: Path) -> Document:
    return load(folder / "config.yaml")[1]
