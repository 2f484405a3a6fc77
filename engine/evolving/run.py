"""From a config that breeds portfolios to a front, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine import pipeline
from tradewind.engine.config.evolving import evolve_config
from tradewind.engine.config.file import Document, override, read_document
from tradewind.engine.errors import ConfigError
from tradewind.engine.evolving import front as fronts
from tradewind.engine.evolving import words
from tradewind.engine.evolving.checking import checked_against_single_runs
from tradewind.engine.evolving.course import Course
from tradewind.engine.evolving.preparing import Setting, prepared, task_of
from tradewind.engine.evolving.search import Generation, Task, require_pymoo, search
from tradewind.engine.evolving.span import Kept
from tradewind.engine.jsonable import jsonable
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Floats, Panel
from tradewind.engine.report import folder as run_folder
from tradewind.engine.report import front_folder
from tradewind.engine.report.front import Front
from tradewind.engine.report.text import json_text

EVOLVING = "breeding portfolios"


@dataclass(frozen=True, slots=True)
class Evolved:
    """A front and, where it was written, its folder; whether Ctrl-C ended the work early."""

    front: Front
    folder: Path | None
    interrupted: bool


def evolve(
    source: str | Path,
    assignments: list[str],
    *,
    results: Path,
    progress: Progress = SILENT,
    threads: int = 1,
) -> Evolved:
    """Breed portfolios from a config and write the folder of their front.

    Ctrl-C ends the search early: the front so far is tested and written.

    Parameters
    ----------
    source : str or Path
        A file, or the name of a preset.
    assignments : list of str
        ``a.b=value``, applied in order.
    results : Path
    progress : Progress
    threads : int
        That hold portfolios; results do not depend on it.

    Raises
    ------
    ConfigError
        For a fault in the config, contradictory limits, a missing package, or limits that no
        portfolio kept to.
    DataError
        If the spans lie outside the data.
    RunError
        If the folder cannot be written.
    """
    run_folder.check_writable(results)
    document = override(read_document(source), assignments)
    front, interrupted = compute(document, progress=progress, threads=threads)
    folder = front_folder.write(front, results)
    return Evolved(replace(front, name=folder.name), folder, interrupted)


def compute(
    document: Document, *, progress: Progress = SILENT, threads: int = 1
) -> tuple[Front, bool]:
    """(front, whether Ctrl-C ended the search early), without writing anything."""
    now, diary = datetime.now(UTC), Diary()
    require_pymoo()
    found, config = evolve_config(document)
    diary.note("started", name=config.name, at=now.isoformat(timespec="seconds"))
    setting = prepared(found, config, document, diary, progress)
    course, interrupted = _bred(setting, diary, progress, threads)
    return _front(setting, course, diary, now, threads, progress), interrupted


def _bred(setting: Setting, diary: Diary, progress: Progress, threads: int) -> tuple[Course, bool]:
    """How the search went; Ctrl-C ends it early, once there is one that keeps to the limits."""
    found, course = setting.found, Course()
    task = task_of(setting, threads)
    progress.start(EVOLVING, found.generations)
    interrupted = False
    with diary.stage("search"):
        try:
            for generation in search(
                task, population=found.population, generations=found.generations,
                seed=setting.config.seed,
            ):  # fmt: skip
                course.add(generation)
                best = -float(generation.losses[:, 0].min())
                progress.advance(
                    EVOLVING, note=f"{len(generation.losses)} on the front, return to {best:.1%}"
                )
        except KeyboardInterrupt:
            if not course.feasible:
                raise
            interrupted = True
    if not interrupted:
        progress.finish(EVOLVING)
    assert course.last is not None
    if not course.feasible:
        raise ConfigError(_unreached(setting, course.last, task))
    return course, interrupted


def _unreached(setting: Setting, last: Generation, task: Task) -> str:
    """Why no portfolio keeps to the limits."""
    turnover = float(task.evaluate(last.weights[:1]).turnover[0])
    most = setting.found.turnover.annual
    told = "they contradict each other"
    if most is not None and turnover > most:
        told = (
            f"the nearest turns over {turnover:.2f} a year and evolve.turnover.annual allows "
            f"{most:g}; the first purchase alone counts 1, spread over the training span: allow "
            "more, or rebalance less often"
        )
    return (
        f"{setting.document.where}: evolve: of {last.evaluated:,} portfolios none keeps to all "
        f"limits: {told}"
    )


def _front(
    setting: Setting, course: Course, diary: Diary, now: datetime, threads: int, progress: Progress
) -> Front:
    """Test the last generation's best, and say what there is to say."""
    last = course.last
    assert last is not None
    order = fronts.in_order(last.losses)
    weights, losses = last.weights[order], last.losses[order]
    equal = np.full((1, len(setting.symbols)), 1.0 / len(setting.symbols))
    everything = np.concatenate([weights, equal])
    with diary.stage("test"):
        kept = {
            name: span.hold(everything, threads=threads)
            for name, span in (("train", setting.train), ("test", setting.test))
        }
        checked = {
            name: checked_against_single_runs(span, everything, kept[name], progress)
            for name, span in (("train", setting.train), ("test", setting.test))
        }
    table = _table(setting, course, losses, kept, checked)
    values = resolved_values(setting, last.number)
    return Front(
        name=_new_name(values, now),
        values=values,
        table=table,
        symbols=setting.symbols,
        weights=weights,
        numbers={
            name: {key: column[:-1] for key, column in span.outcomes._asdict().items()}
            for name, span in kept.items()
        },
        dates=setting.test.panel.dates,
        equity=kept["test"].equity,
        notes=_notes(setting),
        manifest=_manifest(setting, diary),
        log=tuple(diary.events),
    )


def _table(
    setting: Setting,
    course: Course,
    losses: Floats,
    kept: Mapping[str, Kept],
    checked: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything the page says, as plain JSON values."""
    last = course.last
    assert last is not None
    picks = fronts.chosen(losses)
    n = len(losses)
    own = {
        name: type(span.outcomes)(*(column[:n] for column in span.outcomes))
        for name, span in kept.items()
    }
    table: dict[str, Any] = {
        "objectives": list(setting.found.objectives),
        "spans": {
            name: _span_facts(span.panel)
            for name, span in (("train", setting.train), ("test", setting.test))
        },
        "evaluated": last.evaluated,
        "generations": last.number,
        "population": setting.found.population,
        "n_symbols": len(setting.symbols),
        "chosen": {name: place + 1 for name, place in picks.items()},
        "reference": {name: fronts.row(span.outcomes, n) for name, span in kept.items()},
        "optimism": fronts.optimism(own["train"], own["test"], picks),
        "beat_reference": int(np.sum(own["test"].sharpe > float(kept["test"].outcomes.sharpe[n]))),
        "checked": checked,
        "hypervolume": course.grown(),
    }
    table = jsonable(table)
    picked = {
        name: {span: fronts.row(own[span], place) for span in own} for name, place in picks.items()
    }
    table["verdict"] = words.verdict(table, jsonable(picked))
    table["sentences"] = words.sentences(table, n)
    return table


def _span_facts(panel: Panel) -> dict[str, Any]:
    return {
        "first_date": str(panel.dates[0]),
        "last_date": str(panel.dates[-1]),
        "n_bars": panel.n_bars,
    }


def resolved_values(setting: Setting, generations: int) -> dict[str, Any]:
    """Config with every default written out, as plain values that make the same front again."""
    values = setting.config.model_dump(exclude={"strategy", "forecaster", "selector"})
    block = setting.found.model_dump()
    block["generations"] = generations  # of a search that was interrupted, those that were done
    return {**values, "evolve": block}


def _new_name(values: Mapping[str, Any], now: datetime) -> str:
    """``<name>-<YYYYMMDD-HHMMSS>-<first 6 digits of the config's hash>``, as runs are named."""
    seal = sha256(json_text(values, indent=None).encode()).hexdigest()
    return f"{values['name']}-{now:%Y%m%d-%H%M%S}-{seal[:6]}"


def _notes(setting: Setting) -> tuple[str, ...]:
    said: dict[str, None] = {}
    for history in setting.histories.values():
        said |= dict.fromkeys(pipeline.notes(history, (), history.panel))
    return (*setting.notes, *said)


def _manifest(setting: Setting, diary: Diary) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "versions": {**pipeline.versions(), "pymoo": version("pymoo")},
        "seed": setting.config.seed,
        "data_digest": {
            name: history.panel.digest() for name, history in setting.histories.items()
        },
        "repairs": {name: dict(h.repairs) for name, h in setting.histories.items()},
        "seconds": dict(diary.seconds),
    }
