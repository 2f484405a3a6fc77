"""Out-of-sample forecasts for every bar: fit on the past, predict a block, move on.

Time is cut into test blocks. For each of them a new forecaster is fitted on bars that end before
the block, and then predicts it. Folds do not know of each other: they run side by side, in any
order, with the same bits as a result, and each is kept in the cache as soon as it is done.
"""

import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from tradewind.engine.cache import ForecastCache, key_of
from tradewind.engine.config import WalkForwardConfig
from tradewind.engine.content import package_version
from tradewind.engine.errors import ForecastError, OutsideError
from tradewind.engine.fold_fit import (
    FoldReport,
    FoldTask,
    Setting,
    as_in_a_worker,
    fit_fold,
    open_setting,
    report_of,
)
from tradewind.engine.forecaster_spec import ForecasterSpec, spec_of
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Panel
from tradewind.engine.schedule import Fold, folds
from tradewind.engine.shared_panel import read_only, write_panel
from tradewind.engine.workers import each, refuse_nested, usable_cores

__all__ = [
    "Fold",
    "FoldReport",
    "ForecasterSpec",
    "WalkForward",
    "fold_seed",
    "folds",
    "run",
    "spec_of",
]

Done = tuple[Forecasts, FoldReport]


@dataclass(frozen=True, slots=True)
class WalkForward:
    """Out-of-sample forecasts over a whole panel.

    Attributes
    ----------
    forecasts : Forecasts
        One row per bar of the panel, NaN before ``first_bar``.
    folds : tuple of FoldReport
        In time.
    first_bar : int
        First bar with an out-of-sample forecast.
    """

    forecasts: Forecasts
    folds: tuple[FoldReport, ...]
    first_bar: int


def run(
    spec: ForecasterSpec,
    panel: Panel,
    config: WalkForwardConfig,
    *,
    seed: int,
    workers: int | None = None,
    cache: ForecastCache | None = None,
    progress: Progress = SILENT,
) -> WalkForward:
    """Forecast every bar after the first training block out of sample.

    Parameters
    ----------
    spec : ForecasterSpec
        A new forecaster is built from it for each fold.
    panel : Panel
    config : WalkForwardConfig
    seed : int
        Of the run; each fold derives its own from it.
    workers : int or None
        Processes; None: one per usable core; 0: this process, for a forecaster that costs less
        than starting one, or to step through with a debugger. The bits are the same in each case.
    cache : ForecastCache or None
        Where finished folds are found and kept; None: nowhere.
    progress : Progress

    Returns
    -------
    WalkForward

    Raises
    ------
    ConfigError
        If the data is too short for the schedule.
    CheckpointError
        If the cache entry of a fold is damaged.
    ForecastError
        If the forecaster fails, looks ahead or says nothing at all.
    OutsideError
        If a worker was killed, or the panel cannot be written for the workers.
    """
    refuse_nested()
    sample = spec.build(seed)
    schedule = folds(panel.n_bars, horizon=sample.horizon, warmup=sample.warmup, config=config)
    tasks = _tasks(spec, panel, schedule, seed, cached=cache is not None)
    label = f"walk-forward {spec.name}"
    progress.start(label, len(tasks))
    try:
        finished: dict[int, Done] = _from_cache(cache, tasks)
        for number in finished:
            progress.advance(label, note=f"fold {number} from the cache")

        def done(task: FoldTask, result: Done) -> None:
            finished[task.fold.number] = result
            progress.advance(label, note=f"fold {task.fold.number}, {result[1].seconds:.1f} s")

        left = [task for task in tasks if task.fold.number not in finished]
        if left:
            _fit(spec, panel, left, workers, cache, done)
    finally:
        progress.finish(label)
    return _joined(finished, schedule, panel, spec)


def fold_seed(seed: int, number: int, own: object = 0) -> int:
    """Seed of one fold: unlike those of other folds and runs, the same on every machine.

    Parameters
    ----------
    seed : int
        Of the run.
    number : int
        Of the fold.
    own : object
        The forecaster's own ``seed`` parameter.

    Returns
    -------
    int
        In [0, 2**31).
    """
    digest = sha256(f"{seed}/{own}/{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _tasks(
    spec: ForecasterSpec, panel: Panel, schedule: Sequence[Fold], seed: int, *, cached: bool
) -> list[FoldTask]:
    content = _content(spec) if cached else {}
    tasks = []
    for fold in schedule:
        own_seed = fold_seed(seed, fold.number, spec.params.get("seed", 0))
        key = _key(content, panel, fold, own_seed) if cached else ""
        tasks.append(FoldTask(fold, own_seed, key))
    return tasks


def _content(spec: ForecasterSpec) -> Mapping[str, object]:
    versions = {name: package_version(name) for name in ("tradewind", "numpy")}
    return {"forecaster": spec.content(), **versions, "python": platform.python_version()}


def _key(content: Mapping[str, object], panel: Panel, fold: Fold, seed: int) -> str:
    """Name a fold by all it may see, not by its number or the length of the panel."""
    bars = {
        "digest": panel.rows(fold.train_start, fold.test_stop).digest(),
        "train": fold.train_stop - fold.train_start,
        "first": fold.test_start - fold.train_start,
    }
    return key_of({**content, "bars": bars, "seed": seed})


def _from_cache(cache: ForecastCache | None, tasks: Sequence[FoldTask]) -> dict[int, Done]:
    found: dict[int, Done] = {}
    if cache is None:
        return found
    cache.tidy()
    for task in tasks:
        entry = cache.get(task.key)
        if entry is not None:
            report = report_of(
                entry.facts, task.fold, entry.forecasts, entry.folder, from_cache=True
            )
            found[task.fold.number] = (entry.forecasts, report)
    return found


def _fit(
    spec: ForecasterSpec,
    panel: Panel,
    tasks: Sequence[FoldTask],
    workers: int | None,
    cache: ForecastCache | None,
    done: Callable[[FoldTask, Done], None],
) -> None:
    """Fit the folds that are not there yet, here or in worker processes."""
    if workers == 0:
        setting = Setting(spec, read_only(panel), cache)
        with as_in_a_worker(spec):
            for task in tasks:
                done(task, fit_fold(setting, task))
        return
    # Longest first, so that no worker is left alone with the longest at the end.
    queue = sorted(tasks, key=lambda task: task.fold.train_start - task.fold.train_stop)
    with tempfile.TemporaryDirectory(prefix="tradewind-", ignore_cleanup_errors=True) as folder:
        try:
            write_panel(panel, Path(folder))
        except OSError as error:
            raise OutsideError(
                f"{folder}: {panel.nbytes / 1e6:,.0f} MB of bars cannot be written for the worker "
                f"processes: {error.strerror}; free space there or point TMPDIR elsewhere"
            ) from None
        each(
            fit_fold,
            queue,
            start=partial(open_setting, spec, Path(folder), cache),
            workers=usable_cores() if workers is None else workers,
            done=lambda number, result: done(queue[number], result),
            names=[f"{spec.name}, fold {task.fold.number}" for task in queue],
        )


def _joined(
    finished: Mapping[int, Done], schedule: Sequence[Fold], panel: Panel, spec: ForecasterSpec
) -> WalkForward:
    """Lay the blocks of all folds into arrays of the panel's length."""
    first = finished[0][0]
    mean = np.full(panel.shape, np.nan)
    std = np.full(panel.shape, np.nan)
    quantiles = np.full((*panel.shape, len(first.levels)), np.nan)
    for fold in schedule:
        block = finished[fold.number][0]
        if block.levels != first.levels:
            raise ForecastError(
                f"{spec.name}: fold {fold.number} gives the quantiles {block.levels}, fold 0 "
                f"{first.levels}; a forecaster must give the same in every fold"
            )
        rows = slice(fold.test_start, fold.test_stop)
        mean[rows], std[rows] = block.mean, block.std
        if first.levels:
            quantiles[rows] = block.quantiles
    if np.isnan(mean).all():
        raise ForecastError(
            f"{spec.name}: no forecast for any of {panel.n_bars - schedule[0].test_start} bars; "
            "look for symbols without enough history, or train on more bars"
        )
    if not first.levels:
        quantiles = np.empty((0, 0, 0))
    forecasts = Forecasts(mean, std, first.horizon, first.levels, quantiles)
    reports = tuple(finished[fold.number][1] for fold in schedule)
    return WalkForward(forecasts, reports, schedule[0].test_start)
