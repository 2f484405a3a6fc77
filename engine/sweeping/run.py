"""From a config to a sweep: ask many, run them, tell many, until a budget is used up."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tradewind.engine.config.file import override, read_document
from tradewind.engine.luck.recording import record
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.report import sweep_page
from tradewind.engine.report.folder import check_writable
from tradewind.engine.report.text import json_text
from tradewind.engine.sweeping import folder as folders
from tradewind.engine.sweeping import grid, nested
from tradewind.engine.sweeping.evaluating import Outcome
from tradewind.engine.sweeping.found import Found, new_found
from tradewind.engine.sweeping.identity import content_of
from tradewind.engine.sweeping.preparing import Plan, prepared
from tradewind.engine.sweeping.storage import MEMORY
from tradewind.engine.sweeping.study import Study
from tradewind.engine.sweeping.table import digests_of, table_of
from tradewind.engine.walkforward.where import Workers

SWEEPING = "sweeping"


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep that was written."""

    name: str
    folder: Path
    table: Mapping[str, Any]
    interrupted: bool


def sweep(
    source: str | Path,
    assignments: list[str],
    *,
    results: Path,
    trials: int | None = None,
    progress: Progress = SILENT,
    workers: Workers = None,
    storage: str = MEMORY,
    study: str | None = None,
) -> Swept:
    """Sweep a config and write the folder.

    Ctrl-C ends it early; everything that was tried is kept and written.

    Parameters
    ----------
    source : str or Path
        A file, or the name of a preset.
    assignments : list of str
        ``a.b=value``, applied in order.
    results : Path
    trials : int, optional
        In place of ``sweep.trials``.
    progress : Progress
    workers : int, Cluster or None
        Processes that fit forecasters.
    storage : str
        Where the study is; anything but memory may be shared with workers.
    study : str, optional
        Its name there; by default ``sweep.name``.

    Raises
    ------
    ConfigError
        For a fault in the config, or a study of that name that is another one.
    RunError
        If the folder cannot be written.
    """
    check_writable(results)
    if trials is not None:
        assignments = [*assignments, f"sweep.trials={trials}"]
    if study is not None:
        assignments = [*assignments, f"sweep.name={study}"]
    document = override(read_document(source), assignments)
    now, diary = datetime.now(UTC), Diary()
    diary.note("started", at=now.isoformat(timespec="seconds"))
    with diary.stage("prepare"):
        plan = prepared(document, diary, progress, workers=workers)
    name = plan.config.name or _new_name(plan, now)
    earlier = folders.earlier(results / name, plan) if plan.config.name else None
    with diary.stage("search"):
        if storage == MEMORY:
            found = searched(plan, progress, earlier)
        else:
            found = shared(plan, progress, storage, name)
    if plan.config.mode == "nested" and not found.interrupted:
        with diary.stage("nested"):
            try:
                found.blocks = nested.walked(plan, found, searched, progress)
            except KeyboardInterrupt:
                found.interrupted = True
    with diary.stage("judge"):
        table = table_of(plan, found, name)
    written = folders.write(plan, found, table, diary, results / name)
    _counted(plan, found, table, name)
    with diary.stage("page"):
        sweep_page.rebuild(written)
    return Swept(name, written, table, found.interrupted)


def _counted(plan: Plan, found: Found, table: Mapping[str, Any], name: str) -> None:
    """Put the settings of this session into the ledger; what fails is told by the next one."""
    digests = digests_of(plan, found)[found.earlier :]
    if digests:
        luck = table.get("luck") or {}
        best = (luck.get("sharpe") or {}).get("winner")
        data = plan.bars.history.panel.digest()
        record(data, "sweep", name, content_of(plan), digests, best)


def _new_name(plan: Plan, now: datetime) -> str:
    """``<name>-<YYYYMMDD-HHMMSS>-<first 6 digits of the config's hash>``, as runs are named."""
    seal = sha256(json_text(plan.document.values, indent=None).encode()).hexdigest()
    return f"{plan.base.name}-{now:%Y%m%d-%H%M%S}-{seal[:6]}"


def searched(plan: Plan, progress: Progress, earlier: Found | None = None) -> Found:
    """Try settings until the budget is used up or Ctrl-C."""
    found = new_found(plan) if earlier is None else earlier
    found.earlier = len(found.outcomes)
    work = _exhaust if plan.config.sampler.kind == "grid" else _study
    try:
        work(plan, found, progress)
    except KeyboardInterrupt:
        if not found.outcomes:
            raise
        found.interrupted = True
    if not found.interrupted:
        progress.finish(SWEEPING)
    return found


def shared(plan: Plan, progress: Progress, storage: str, name: str) -> Found:
    """Work on a study in a storage beside other workers, and gather what all of them found."""
    from tradewind.engine.sweeping import sharing

    queue = sharing.queue_of(plan, sharing.open_study(plan, storage, name), progress)
    interrupted = False
    try:
        sharing.work(plan, queue, progress, waits=True)
    except KeyboardInterrupt:
        interrupted = True
    if not interrupted:
        progress.finish(SWEEPING)
    found = sharing.gathered(plan, queue)
    if interrupted and not found.outcomes:
        raise KeyboardInterrupt
    found.interrupted = interrupted
    return found


def _study(plan: Plan, found: Found, progress: Progress) -> None:
    """Ask many, run them in one call, tell many."""
    study = Study(plan.config, plan.space, plan.wanted, plan.base.seed)
    study.remember(found.outcomes)
    watch = Watch(plan, found, progress, plan.config.trials)
    while (n := watch.room(_at_once(plan))) > 0:
        clock = perf_counter()
        asked = study.ask(n)
        clock = _spent(found, "ask", clock)
        outcomes = plan.evaluator.evaluate([one.values for one in asked], plan.space.fixed)
        clock = _spent(found, "run", clock)
        study.tell(asked, outcomes)
        _spent(found, "tell", clock)
        watch.add(outcomes)


def _at_once(plan: Plan) -> int:
    """Settings asked for together: one where each runs by itself, so that the next one learns."""
    return plan.config.batch if plan.evaluator.in_batches(plan.first) else 1


def _exhaust(plan: Plan, found: Found, progress: Progress) -> None:
    """Every setting of the grid, without a sampler."""
    points = plan.config.sampler.points
    settings = grid.Settings(plan.space, points)
    watch = Watch(plan, found, progress, len(settings))
    if not grid.summed(plan.evaluator, plan.config, plan.first):
        while (n := watch.room(256)) > 0:
            clock, first = perf_counter(), len(found.outcomes)
            outcomes = plan.evaluator.evaluate(settings[first : first + n], plan.space.fixed)
            _spent(found, "run", clock)
            watch.add(outcomes)
        return
    rows = grid.Rows(plan.space, points, plan.evaluator, found.outcomes)
    found.outcomes = rows
    clock = perf_counter()
    try:
        with ThreadPoolExecutor(1) as pool:  # one part runs while the next one is made
            running: Future[grid.Columns] | None = None
            first = len(rows)
            while True:
                n = min(watch.room(grid.CHUNK), watch.room(len(settings) - first))
                ready = None
                if n > 0:
                    some = settings[first : first + n]
                    ready = grid.made(plan.evaluator, some, plan.space.fixed)
                    first += n
                if running is not None:
                    part = running.result()
                    rows.add(part)
                    found.best = rows.best(plan.wanted.signs[0])
                    watch.tell(len(part.state))
                if ready is None:
                    break
                running = pool.submit(grid.ran, plan.evaluator, ready)
    finally:
        _spent(found, "run", clock)
        _look_closer(plan, found, rows)


def _look_closer(plan: Plan, found: Found, rows: grid.Rows) -> None:
    """Run the best of a grid, and the sample whose returns are kept, once more with curves."""
    rows.seconds = found.seconds["run"] / max(len(rows) - found.earlier, 1)
    if found.best is None:
        return
    complete = rows.complete()
    rng = np.random.default_rng(plan.base.seed)
    n = min(plan.config.keep_returns, len(complete))
    chosen = sorted(rng.choice(complete, n, replace=False).tolist()) if n else []
    found.kept = new_found(plan).kept
    clock = perf_counter()
    for first in range(0, len(chosen), 256):
        some = chosen[first : first + 256]
        outcomes = plan.evaluator.evaluate([rows[i].values for i in some], plan.space.fixed)
        for at, outcome in zip(some, outcomes, strict=True):
            if outcome.returns is not None:
                found.kept.add(at, outcome.returns)
    found.kept.restore(np.empty((0, 0)), [], len(complete))
    [best] = plan.evaluator.evaluate([rows[found.best].values], plan.space.fixed)
    best.number, found.best_returns, best.returns = found.best, best.returns, None
    rows.exact[found.best] = best
    _spent(found, "run", clock)


def _spent(found: Found, what: str, since: float) -> float:
    now = perf_counter()
    found.seconds[what] += now - since
    return now


class Watch:
    """Keeps to the budgets and says how far the work is."""

    def __init__(self, plan: Plan, found: Found, progress: Progress, trials: int) -> None:
        self._plan, self._found, self._progress, self._trials = plan, found, progress, trials
        self._begun = perf_counter()
        progress.start(SWEEPING, trials)
        if found.outcomes:
            progress.advance(SWEEPING, len(found.outcomes))

    def room(self, most: int) -> int:
        """Settings that may still be tried, at most ``most``."""
        seconds = self._plan.config.seconds
        if seconds is not None and perf_counter() - self._begun >= seconds:
            return 0
        return min(most, self._trials - len(self._found.outcomes))

    def add(self, outcomes: list[Outcome]) -> None:
        """Write trials down."""
        sign = self._plan.wanted.signs[0]
        for outcome in outcomes:
            self._found.add(outcome, sign)
        self.tell(len(outcomes))

    def tell(self, n: int) -> None:
        """Say that ``n`` more are done."""
        self._progress.advance(SWEEPING, n, note=self._note())

    def _note(self) -> str:
        found = self._found
        done = len(found.outcomes) - found.earlier
        rate = done / max(perf_counter() - self._begun, 1e-9)
        left = (self._trials - len(found.outcomes)) / rate
        if self._plan.config.seconds is not None:
            left = min(left, self._plan.config.seconds - (perf_counter() - self._begun))
        name = next(iter(self._plan.config.objectives))
        best = "none yet"
        if found.best is not None:
            best = f"{found.outcomes[found.best].scores[0]:.4g}"
        speed = f"{rate:,.0f}" if rate >= 10.0 else f"{rate:.2g}"
        return f"best {name} {best}, {speed} trials/s, {max(left, 0.0):,.0f} s left"
