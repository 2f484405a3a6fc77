"""Out-of-sample forecasts for every bar: fit on the past, predict a block, move on.

Time is cut into test blocks. For each of them forecasters are fitted on bars that end before the
block, and then predict it. Fits that do not begin from one another run side by side, in any order,
with the same bits as a result, and each is kept in the cache as soon as it is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.cache import CHECKPOINT, ForecastCache
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.forecaster_spec import ForecasterSpec, spec_of
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Forecaster
from tradewind.engine.records import ELIGIBLE, Panel
from tradewind.engine.walkforward import choosing
from tradewind.engine.walkforward import plan as fold_plan
from tradewind.engine.walkforward.candidates import candidates_of, schedule_for
from tradewind.engine.walkforward.choosing import score_split
from tradewind.engine.walkforward.crew import Crew, crew
from tradewind.engine.walkforward.fit import fit_fold, report_of
from tradewind.engine.walkforward.fit_progress import FitProgress
from tradewind.engine.walkforward.group import fit_folds, together
from tradewind.engine.walkforward.heeding import ProbeTask, probe
from tradewind.engine.walkforward.join import Done, Finished, WalkForward
from tradewind.engine.walkforward.plan import fold_seed
from tradewind.engine.walkforward.report import Choice, FoldReport
from tradewind.engine.walkforward.schedule import Fold, days_of, folds
from tradewind.engine.walkforward.task import Beginning, FoldTask
from tradewind.engine.walkforward.where import Workers
from tradewind.engine.walkforward.work import Work
from tradewind.engine.walkforward.workers import refuse_nested

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


def run(
    spec: ForecasterSpec,
    panel: Panel,
    config: WalkForwardConfig,
    *,
    seed: int,
    workers: Workers = None,
    cache: ForecastCache | None = None,
    progress: Progress = SILENT,
    choose: ChooseConfig | None = None,
) -> WalkForward:
    """Forecast every bar after the first training block out of sample.

    Parameters
    ----------
    spec : ForecasterSpec
        A new forecaster is built from it for each fit.
    panel : Panel
        A column ``eligible`` says where symbols may be learned from and forecast.
    config : WalkForwardConfig
    seed : int
        Of the run; each fit derives its own from it.
    workers : int, Cluster or None
        Processes; None: one per usable core; 0: this process, for a forecaster that costs less
        than starting one, or to step through with a debugger; or those of a Dask scheduler. The
        bits are the same in each case.
    cache : ForecastCache or None
        Where finished fits are found and kept; None: nowhere.
    progress : Progress
    choose : ChooseConfig or None
        Parameters to choose anew in every fold, from its training part alone.

    Returns
    -------
    WalkForward

    Raises
    ------
    ConfigError
        If the data is too short for the schedule, or the forecaster cannot be fitted so.
    CheckpointError
        If the cache entry of a fit is damaged.
    ForecastError
        If the forecaster fails, looks ahead or says nothing at all.
    OutsideError
        If a worker was killed, the panel cannot be written for the workers, or the scheduler or
        its workers cannot be reached.
    """
    refuse_nested()
    plan = planned(spec, panel, config, seed=seed, choose=choose)
    with crew(spec, panel, workers, cache) as those:
        tasks, results, choices = fits_of(those, plan, plan.schedule, progress)
        deaf = _is_deaf(those, plan.schedule[0], seed)
    joined = Finished(spec.name, panel, plan.schedule, tasks, results, choices).joined()
    return replace(joined, deaf=deaf)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is fitted on which bars, before anything is.

    Attributes
    ----------
    sample : Forecaster
    made : tuple of Forecaster
        The candidates of a choice, or the sample alone.
    schedule : tuple of Fold
    config : WalkForwardConfig
    seed : int
    choose : ChooseConfig or None
    """

    sample: Forecaster
    made: tuple[Forecaster, ...]
    schedule: tuple[Fold, ...]
    config: WalkForwardConfig
    seed: int
    choose: ChooseConfig | None


def planned(
    spec: ForecasterSpec,
    panel: Panel,
    config: WalkForwardConfig,
    *,
    seed: int,
    choose: ChooseConfig | None,
) -> Plan:
    """Plan of a walk-forward; arguments and errors as for :func:`run`."""
    sample = spec.build(seed)
    fold_plan.refuse_what_it_cannot(sample, spec.name, config)
    cut = partial(_cut, panel, config, sample.horizon)
    made = [sample] if choose is None else candidates_of(spec, choose, seed)
    schedule = cut(sample.warmup) if choose is None else schedule_for(made, choose, cut)
    return Plan(sample, tuple(made), schedule, config, seed, choose)


def fits_of(
    those: Crew, plan: Plan, schedule: Sequence[Fold], progress: Progress
) -> tuple[tuple[FoldTask, ...], dict[str, Done], dict[int, Choice]]:
    """Every fit of some folds: the tasks, what came of them by name, and what was chosen."""
    choices: dict[int, Choice] = {}
    if plan.choose is not None:
        asked = choosing.plan_choice(
            those.spec, those.panel, schedule, plan.choose, seed=plan.seed,
            warmup=max(one.warmup for one in plan.made), horizon=plan.sample.horizon,
            cached=those.cache is not None,
        )  # fmt: skip
        scores = _scores(those, asked, progress)
        choices = choosing.chosen(asked, scores, plan.choose, those.spec.name)
    tasks = fold_plan.plan(
        those.spec, those.panel, schedule, plan.config, seed=plan.seed,
        parts=fold_plan.parts_of(plan.sample, those.panel.symbols),
        choices={number: choice.params for number, choice in choices.items()},
        cached=those.cache is not None,
    )  # fmt: skip
    return tasks, _fits(those, tasks, plan.config, progress), choices


def _cut(panel: Panel, config: WalkForwardConfig, horizon: int, warmup: int) -> tuple[Fold, ...]:
    return folds(panel.n_bars, horizon=horizon, warmup=warmup, config=config, days=days_of(panel))


def _is_deaf(those: Crew, fold: Fold, seed: int) -> bool:
    """Whether the forecaster learns from bars on which it may not, where there are any."""
    panel = those.panel
    barred = ~np.isnan(panel.close) & ~panel.marked(ELIGIBLE)
    if not barred.any():
        return False
    key = ""
    if those.cache is not None:
        bars = {"start": fold.train_start, "stop": fold.train_stop}
        key = fold_plan.Namer(those.spec, panel).key({}, bars, seed=seed, probe=ELIGIBLE)
        facts = those.cache.get_facts(key)
        if facts is not None:
            return bool(facts["deaf"])
    answers: list[bool] = []
    those.do(
        Work(
            probe, [ProbeTask(fold, seed, key)], [those.spec.name], [1], [None],
            done=lambda _, answer: answers.append(answer),
            said=lambda _, message: None,
        )
    )  # fmt: skip
    return answers[0]


def _scores(
    those: Crew, tasks: Sequence[choosing.SplitTask], progress: Progress
) -> dict[int, choosing.Scores]:
    """Scores of every candidate on every split, by the place of its task."""
    found: dict[int, choosing.Scores] = {}
    if those.cache is not None:
        for place, task in enumerate(tasks):
            facts = those.cache.get_facts(task.key)
            if facts is not None:
                found[place] = facts
    left = [place for place in range(len(tasks)) if place not in found]
    label = f"choosing parameters of {those.spec.name}"
    names = [f"fold {tasks[k].fold.number}, {_written(tasks[k].params)}" for k in left]
    costs = [tasks[k].fold.n_train for k in left]
    progress.start(label, len(tasks))
    try:
        if found:
            progress.advance(label, len(found), f"{len(found)} from the cache")
        shown = FitProgress(progress, label, names, costs)

        def done(number: int, result: choosing.Scores) -> None:
            found[left[number]] = result
            shown.done(number, f"{result['seconds']:.1f} s")

        messages = [f"{those.spec.name}, {name}" for name in names]
        asked, after = [tasks[k] for k in left], [None] * len(left)
        those.do(Work(score_split, asked, messages, costs, after, done, shown.said))
    finally:
        progress.finish(label)
    return found


def _fits(
    those: Crew, tasks: Sequence[FoldTask], config: WalkForwardConfig, progress: Progress
) -> dict[str, Done]:
    """Every fit, from the cache or made, by the name of its task."""
    label = f"walk-forward {those.spec.name}"
    progress.start(label, len(tasks))
    try:
        found = _from_cache(those.cache, tasks)
        called = {task.name: _called(task, config) for task in tasks}
        for name in found:
            progress.advance(label, note=f"{called[name]} from the cache")
        left = _begun([task for task in tasks if task.name not in found], found, tasks, those)
        costs = [fold_plan.cost(task, those.panel.n_symbols) for task in left]
        shown = FitProgress(progress, label, [called[task.name] for task in left], costs)

        def done(number: int, result: Done) -> None:
            found[left[number].name] = result
            shown.done(number, f"{result[1].seconds:.1f} s")

        place = {task.name: number for number, task in enumerate(left)}
        messages = [f"{those.spec.name}, {called[task.name]}" for task in left]
        after = [place.get(task.before) for task in left]
        work = Work(fit_fold, left, messages, costs, after, done, shown.said)
        if together(those.spec):
            those.do_here(work, fit_folds)
        else:
            those.do(work)
    finally:
        progress.finish(label)
    return found


def _from_cache(cache: ForecastCache | None, tasks: Sequence[FoldTask]) -> dict[str, Done]:
    found: dict[str, Done] = {}
    for task in tasks if cache is not None else ():
        assert cache is not None
        entry = cache.get(task.key)
        if entry is not None:
            report = report_of(entry.facts, task, entry.folder, from_cache=True)
            found[task.name] = (entry.forecasts, report)
    return found


def _begun(
    left: Sequence[FoldTask], found: Mapping[str, Done], tasks: Sequence[FoldTask], those: Crew
) -> list[FoldTask]:
    """Tasks with the place of the weights they begin from, and of those they hand on."""
    seeds = {task.name: task.seed for task in tasks}
    wanted = {task.before for task in left}
    ready = []
    for task in left:
        relay = those.folder / task.name if task.name in wanted else None
        begin = None
        if task.before:
            kept = found.get(task.before)
            folder = those.folder / task.before
            if kept is not None and kept[1].folder is not None:
                folder = kept[1].folder / CHECKPOINT
            begin = Beginning(Path(folder), seeds[task.before])
        ready.append(replace(task, relay=relay, begin=begin))
    return ready


def _called(task: FoldTask, config: WalkForwardConfig) -> str:
    """What a person calls a fit."""
    words = [f"fold {task.fold.number}"]
    if config.seeds > 1:
        words.append(f"seed {task.member + 1} of {config.seeds}")
    if task.symbols:
        words.append(f"{task.symbols[0]} to {task.symbols[-1]}")
    if task.control:
        words.append("from scratch")
    return ", ".join(words)


def _written(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in params.items())
