"""What happens inside one fold: build, begin, fit, predict, check, keep."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.errors import (
    CheckpointError,
    ForecastError,
    OutsideError,
    TooLittleHistoryError,
)
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.jsonable import jsonable
from tradewind.engine.protocols import (
    Checkpointed,
    Continuing,
    Divisible,
    Forecaster,
    Forecasts,
    Resumable,
    Watched,
)
from tradewind.engine.records import ELIGIBLE, Panel
from tradewind.engine.walkforward.conditions import named, seed_globals
from tradewind.engine.walkforward.lookahead import refuse_lookahead
from tradewind.engine.walkforward.report import FitReport
from tradewind.engine.walkforward.schedule import Fold
from tradewind.engine.walkforward.task import FoldTask, Setting
from tradewind.engine.walkforward.unfinished import forget, progress_folder
from tradewind.engine.walkforward.workers import tell

NOTES_KEPT = 3
SECONDS_BETWEEN_WORDS = 0.1  # a fit that says more often how it goes is not listened to


def fit_fold(setting: Setting, task: FoldTask) -> tuple[Forecasts, FitReport]:
    """Fit one fold on its own past and predict its block.

    Returns
    -------
    Forecasts
        One row per bar of the test block; NaN where a symbol is not eligible.
    FitReport

    Raises
    ------
    ForecastError
        If the forecaster fails, gives numbers of the wrong shape or looks ahead.
    TradewindError
        What the forecaster raised, with the fold put in front of the message.
    """
    begun = time.perf_counter()
    fold, panel = task.fold, setting.panel
    with progress_folder(setting.cache, task.key) as unfinished, setting.features_of(fold):
        with named(setting.spec, fold, panel):
            forecaster = ready(setting.spec, task, unfinished, tell)
            refusal = ""
            try:
                forecaster = forecaster.fit(panel.rows(fold.train_start, fold.train_stop))
            except TooLittleHistoryError as error:
                if not task.symbols:
                    raise
                refusal = str(error)  # the other parts of the symbols may have enough
        result = finished(setting, task, forecaster, refusal, begun)
        forget(unfinished)
    return result


def finished(
    setting: Setting, task: FoldTask, forecaster: Forecaster, refusal: str, begun: float
) -> tuple[Forecasts, FitReport]:
    """Predict the block of a fold that was fitted, check what is said, keep it.

    Parameters
    ----------
    setting : Setting
    task : FoldTask
    forecaster : Forecaster
        Fitted, unless there is a ``refusal``.
    refusal : str
        Why these symbols could not be fitted; empty: they were.
    begun : float
        When the fit began, by :func:`time.perf_counter`.
    """
    fold, panel, fitting = task.fold, setting.panel, time.perf_counter() - begun
    with named(setting.spec, fold, panel):
        seen = panel.rows(fold.train_start, fold.test_stop)
        forecasts, predicting = _nothing(forecaster, fold, panel), 0.0
        if not refusal:
            forecasts, predicting = _said(forecaster, fold, seen)
    facts = {
        "fold": asdict(fold),
        "seed": task.seed,
        "seconds": time.perf_counter() - begun,
        "fit_seconds": fitting,
        "predict_seconds": predicting,
        "n_samples": 0 if refusal else _count(forecaster),
        "history": [] if refusal else _history(forecaster),
        "notes": [refusal] if refusal else _notes(forecaster),
        "warm": begins_warm(task),
    }
    saved = forecaster if isinstance(forecaster, Checkpointed) and not refusal else None
    _relay(task, saved)
    folder, note = _keep(setting, task, forecasts, facts, saved)
    return forecasts, report_of(facts, task, folder, note=note)


def ready(
    spec: ForecasterSpec,
    task: FoldTask,
    unfinished: Path | None,
    say: Callable[[dict[str, Any]], None],
) -> Forecaster:
    """Forecaster that has all but the data; the global generators are seeded."""
    forecaster = build(spec, task, task.seed)
    if begins_warm(task) and isinstance(forecaster, Continuing):
        assert task.begin is not None
        earlier: Any = build(spec, task, task.begin.seed)
        forecaster = forecaster.begin_from(earlier.restore(task.begin.checkpoint))
    if unfinished is not None and isinstance(forecaster, Resumable):
        forecaster.keep_progress(unfinished)
    if isinstance(forecaster, Watched):
        forecaster.watch(teller(say))
    seed_globals(task.seed)
    return forecaster


def build(spec: ForecasterSpec, task: FoldTask, seed: int) -> Forecaster:
    """Forecaster of a task, with the parameters chosen for it and for its symbols alone."""
    forecaster = spec.changed(task.params).build(seed)
    if task.symbols and isinstance(forecaster, Divisible):
        return forecaster.for_symbols(task.symbols)
    return forecaster


def begins_warm(task: FoldTask) -> bool:
    """Whether there are weights to begin from: a fold without enough history left none."""
    return task.begin is not None and task.begin.checkpoint.exists()


def teller(say: Callable[[dict[str, Any]], None]) -> Callable[[Mapping[str, Any]], None]:
    """Passes on how a fit goes, as often as somebody can read it."""
    last = [0.0]

    def report(epoch: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - last[0] >= SECONDS_BETWEEN_WORDS:
            last[0] = now
            say(dict(epoch))

    return report


def _said(forecaster: Forecaster, fold: Fold, seen: Panel) -> tuple[Forecasts, float]:
    """(forecasts of the block, checked, and silent where a symbol is not eligible; seconds)."""
    first, begun = fold.test_start - fold.train_start, time.perf_counter()
    forecasts = forecaster.predict(seen, first=first)
    seconds = time.perf_counter() - begun
    check_shape(forecasts, forecaster, (fold.test_stop - fold.test_start, seen.n_symbols))
    refuse_lookahead(forecasts, forecaster, fold, seen)
    return of_the_eligible(forecasts, seen, first), seconds


def of_the_eligible(forecasts: Forecasts, seen: Panel, first: int) -> Forecasts:
    """Forecasts of the bars from ``first`` on, silent where a symbol is not eligible."""
    if ELIGIBLE not in seen.columns:
        return forecasts
    out = ~seen.marked(ELIGIBLE)[first:]
    quantiles = forecasts.quantiles
    if forecasts.levels:
        quantiles = np.where(out[..., None], np.nan, quantiles)
    mean, std = (np.where(out, np.nan, array) for array in (forecasts.mean, forecasts.std))
    return replace(forecasts, mean=mean, std=std, quantiles=quantiles)


def _nothing(forecaster: Forecaster, fold: Fold, panel: Panel) -> Forecasts:
    silent = np.full((fold.test_stop - fold.test_start, panel.n_symbols), np.nan)
    return Forecasts(silent, silent.copy(), forecaster.horizon)


def report_of(
    facts: Mapping[str, Any],
    task: FoldTask,
    folder: Path | None,
    *,
    from_cache: bool = False,
    note: str = "",
) -> FitReport:
    """Report from the facts noted when the fold was fitted, now or in an earlier run."""
    return FitReport(
        seed=facts["seed"],
        seconds=facts["seconds"],
        fit_seconds=facts.get("fit_seconds"),
        predict_seconds=facts.get("predict_seconds"),
        from_cache=from_cache,
        n_samples=facts["n_samples"],
        history=tuple(facts["history"]),
        folder=folder,
        note="; ".join(filter(None, [*facts["notes"], note])),
        member=task.member,
        symbols=task.symbols,
        warm=facts["warm"],
    )


def check_shape(forecasts: Forecasts, forecaster: Forecaster, wanted: tuple[int, int]) -> None:
    """Refuse forecasts that are not ``wanted`` (bars, symbols); raises ForecastError."""
    if forecasts.mean.shape != wanted:
        raise ForecastError(
            f"predict gave shape {forecasts.mean.shape}, wanted {wanted}: one row per bar from "
            "'first' to the last, one column per symbol"
        )
    if forecasts.levels and forecasts.quantiles.shape != (*wanted, len(forecasts.levels)):
        raise ForecastError(
            f"predict gave quantiles of shape {forecasts.quantiles.shape}, wanted "
            f"{(*wanted, len(forecasts.levels))}: one per level"
        )
    if forecasts.horizon != forecaster.horizon:
        raise ForecastError(
            f"predict gave a horizon of {forecasts.horizon} bars, the forecaster's own is "
            f"{forecaster.horizon}"
        )


def _count(forecaster: Forecaster) -> int | None:
    count = getattr(forecaster, "n_samples", None)
    return int(count) if isinstance(count, int | np.integer) else None


def _notes(forecaster: Forecaster) -> list[str]:
    """What the forecaster itself has to say of the fit, cut where it would fill a page."""
    said = [str(note) for note in getattr(forecaster, "notes", None) or ()]
    more = [f"and {len(said) - NOTES_KEPT} more notes"] if len(said) > NOTES_KEPT else []
    return said[:NOTES_KEPT] + more


def _history(forecaster: Forecaster) -> list[dict[str, Any]]:
    """Learning curve as plain values: rows may be mappings, named tuples or dataclasses."""
    rows = []
    for row in getattr(forecaster, "history", None) or ():
        if is_dataclass(row) and not isinstance(row, type):
            row = asdict(row)
        elif hasattr(row, "_asdict"):
            row = row._asdict()
        if isinstance(row, Mapping):
            rows.append(jsonable(row))
    return rows


def _relay(task: FoldTask, forecaster: Checkpointed | None) -> None:
    """Leave the weights for the task that begins from them."""
    if task.relay is None or forecaster is None:
        return
    try:
        forecaster.save(task.relay)
    except (OSError, CheckpointError) as error:
        why = getattr(error, "strerror", None) or error
        raise OutsideError(
            f"{task.relay}: the weights for the next fold cannot be written: {why}; free space "
            "there, point TMPDIR elsewhere, or fit without walk_forward.warm_start"
        ) from None


def _keep(
    setting: Setting,
    task: FoldTask,
    forecasts: Forecasts,
    facts: Mapping[str, Any],
    forecaster: Checkpointed | None,
) -> tuple[Path | None, str]:
    """Put the fold into the cache; a disk that is full costs the entry, not the run."""
    if setting.cache is None:
        return None, ""
    save = None if forecaster is None else forecaster.save
    try:
        return setting.cache.put(task.key, forecasts, facts, save), ""
    except (OSError, CheckpointError) as error:
        why = getattr(error, "strerror", None) or error
        return None, f"not kept in the cache {setting.cache.folder}: {why}"
