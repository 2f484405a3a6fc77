"""Parameters chosen inside the training part of each fold, by purged cross-validation.

Nothing here sees a bar of a test block: a task is handed the rows its fold trains on. Learning from
some of them is asked for by the column ``eligible``, which is 0 on what is held out or purged.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import comb, isnan
from typing import Any

import numpy as np

from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.jsonable import jsonable
from tradewind.engine.protocols import Forecaster, Forecasts, Watched
from tradewind.engine.records import ELIGIBLE, Bools, Panel
from tradewind.engine.scoring.proper_scores import crps_gaussian, realised, spearman
from tradewind.engine.walkforward.conditions import named, seed_globals
from tradewind.engine.walkforward.fit import teller
from tradewind.engine.walkforward.heeding import only, refuse_deaf
from tradewind.engine.walkforward.plan import Namer, fold_seed
from tradewind.engine.walkforward.purged_cv import group_of, paths, splits
from tradewind.engine.walkforward.report import Candidate, Choice
from tradewind.engine.walkforward.schedule import Fold
from tradewind.engine.walkforward.task import Setting
from tradewind.engine.walkforward.workers import tell

LARGER_IS_BETTER = frozenset({"rank_ic"})
MIN_CROSS_SECTION = 3  # symbols on a date, below which a rank correlation says nothing
Scores = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SplitTask:
    """One candidate fitted on one split of one fold's training part.

    Attributes
    ----------
    fold : Fold
    number : int
        Of the split.
    candidate : int
    params : mapping
        Of the candidate.
    groups, test, embargo : int
        As in :func:`tradewind.engine.walkforward.purged_cv.splits`.
    lead : int
        Rows of the training part before the first sample, alike for all candidates.
    seed : int
    key : str
        Of the cache entry that holds the scores; empty without a cache.
    """

    fold: Fold
    number: int
    candidate: int
    params: Mapping[str, Any] = field(hash=False)
    groups: int
    test: int
    embargo: int
    lead: int
    seed: int
    key: str = ""


def plan_choice(
    spec: ForecasterSpec,
    panel: Panel,
    schedule: Sequence[Fold],
    choose: ChooseConfig,
    *,
    seed: int,
    warmup: int,
    horizon: int,
    cached: bool,
) -> tuple[SplitTask, ...]:
    """Every fit of the choice: fold by fold, candidate by candidate, split by split."""
    namer = Namer(spec, panel) if cached else None
    embargo = horizon if choose.embargo is None else choose.embargo
    tasks = []
    for fold in schedule:
        own_seed = fold_seed(seed, fold.number, spec.params.get("seed", 0))
        for candidate, params in enumerate(choose.candidates):
            for number in range(comb(choose.groups, choose.test)):
                task = SplitTask(
                    fold, number, candidate, params, choose.groups, choose.test, embargo,
                    warmup - 1, own_seed,
                )  # fmt: skip
                tasks.append(task if namer is None else replace(task, key=_key(namer, task)))
    return tuple(tasks)


def _key(namer: Namer, task: SplitTask) -> str:
    held = {"groups": task.groups, "test": task.test, "embargo": task.embargo, "lead": task.lead}
    bars = {"start": task.fold.train_start, "stop": task.fold.train_stop}
    return namer.key(task.params, bars, seed=task.seed, split=task.number, held_out=held)


def score_split(setting: Setting, task: SplitTask) -> Scores:
    """Fit a candidate on what a split leaves and score it on what it holds out.

    Returns
    -------
    mapping
        ``scores``: of each held-out group ``mae``, ``crps``, ``rank_ic`` and ``n``; or ``failed``,
        why there are none; ``seconds``.

    Raises
    ------
    ForecastError
        If the forecaster learns from bars that are ruled out.
    """
    begun = time.perf_counter()
    fold = task.fold
    past = setting.panel.rows(fold.train_start, fold.train_stop)
    spec = setting.spec.changed(task.params)
    with named(setting.spec, fold, setting.panel):
        forecaster = spec.build(task.seed)
        if task.number == 0:
            refuse_deaf(spec.build(task.seed), past)
        if isinstance(forecaster, Watched):
            forecaster.watch(teller(tell))
        failed, scores = "", []
        try:
            scores = scores_of(forecaster, past, task)
        except ForecastError as error:
            failed = str(error)
    found = jsonable({"scores": scores, "failed": failed, "seconds": time.perf_counter() - begun})
    if setting.cache is not None:
        with suppress(OSError, CheckpointError):  # a full disk costs the entry, not the run
            setting.cache.put_facts(task.key, found)
    return found  # type: ignore[no-any-return]


def scores_of(forecaster: Forecaster, past: Panel, task: SplitTask) -> list[dict[str, Any]]:
    """Fit on what a split leaves of ``past`` and score each group that it holds out.

    Parameters
    ----------
    forecaster : Forecaster
        Unfitted.
    past : Panel
        Training part of the fold.
    task : SplitTask

    Returns
    -------
    list of mapping
        ``mae``, ``crps``, ``rank_ic`` and ``n`` of each held-out group.
    """
    horizon = forecaster.horizon
    bars = np.arange(task.lead, past.n_bars - horizon)
    cut = splits(bars + 1, bars + horizon, groups=task.groups, test=task.test, embargo=task.embargo)
    split = next(one for one in cut if one.number == task.number)
    learn = np.zeros(past.n_bars, bool)
    learn[bars[split.train]] = True
    seed_globals(task.seed)
    said = forecaster.fit(only(past, learn)).predict(past, first=0)
    truth, eligible = realised(past, horizon), past.marked(ELIGIBLE)
    group = group_of(len(bars), task.groups)
    found = []
    for held in split.held_out:
        rows = bars[group == held]
        given = np.isfinite(said.mean[rows]) & np.isfinite(truth[rows]) & eligible[rows]
        found.append(_scores(said, truth, rows, given))
    return found


def _scores(said: Forecasts, truth: Any, rows: Any, given: Bools) -> dict[str, Any]:
    """Mean scores over the pairs that ``given`` marks among ``rows``."""
    n = int(given.sum())
    if n == 0:
        return {"n": 0, "mae": None, "crps": None, "rank_ic": None}
    mean, std, outcome = said.mean[rows], said.std[rows], truth[rows]
    error = (outcome - mean)[given]
    wide = np.flatnonzero(given.sum(axis=1) >= MIN_CROSS_SECTION)
    ics = [spearman(mean[k, given[k]], outcome[k, given[k]]) for k in wide]
    ics = [value for value in ics if not isnan(value)]
    return {
        "n": n,
        "mae": float(np.abs(error).mean()),
        "crps": float(crps_gaussian(error, std[given]).mean()),
        "rank_ic": float(np.mean(ics)) if ics else None,
    }


def chosen(
    tasks: Sequence[SplitTask], found: Mapping[int, Scores], choose: ChooseConfig, name: str
) -> dict[int, Choice]:
    """Best candidate of each fold.

    Parameters
    ----------
    tasks : sequence of SplitTask
    found : mapping of int to Scores
        By the place of the task.
    choose : ChooseConfig
    name : str
        Of the forecaster, for messages.

    Raises
    ------
    ForecastError
        If no candidate of a fold has a score.
    """
    by_fold: dict[int, dict[int, list[Scores]]] = {}
    for place, task in enumerate(tasks):
        of_fold = by_fold.setdefault(task.fold.number, {})
        of_fold.setdefault(task.candidate, []).append(found[place])
    choices = {}
    for number, results in by_fold.items():
        candidates = tuple(
            judged(params, results[k], choose) for k, params in enumerate(choose.candidates)
        )
        scored = [one for one in candidates if one.score is not None]
        if not scored:
            raise ForecastError(
                f"{name}, fold {number}: none of the {len(candidates)} candidates of "
                f"forecaster.choose could be scored by {choose.score}: {candidates[0].note}"
            )
        sign = -1.0 if choose.score in LARGER_IS_BETTER else 1.0
        best = min(scored, key=lambda one: sign * (one.score or 0.0))
        choices[number] = Choice(best.params, choose.score, candidates)
    return choices


def judged(params: Mapping[str, Any], results: Sequence[Scores], choose: ChooseConfig) -> Candidate:
    """Mean score of a candidate over all held-out pairs, and its range over the paths."""
    failed = next((one["failed"] for one in results if one["failed"]), "")
    if failed:
        return Candidate(params, None, None, None, len(results), failed)
    place = {}  # (split, group) -> (weight, score)
    for number, (one, held_out) in enumerate(zip(results, _held_out(choose), strict=True)):
        for k, score in zip(held_out, one["scores"], strict=True):
            if score[choose.score] is not None:
                place[number, k] = score["n"], score[choose.score]
    if not place:
        return Candidate(params, None, None, None, len(results), f"no {choose.score} on any date")
    along = [
        _weighted([place[number, k] for k, number in enumerate(path) if (number, k) in place])
        for path in paths(choose.groups, choose.test)
    ]
    known = [value for value in along if value is not None]
    mean = _weighted(list(place.values()))
    return Candidate(params, mean, min(known), max(known), len(results))


def _held_out(choose: ChooseConfig) -> list[tuple[int, ...]]:
    return list(combinations(range(choose.groups), choose.test))


def _weighted(pairs: Sequence[tuple[float, float]]) -> float | None:
    total = sum(weight for weight, _ in pairs)
    return sum(weight * value for weight, value in pairs) / total if total else None
