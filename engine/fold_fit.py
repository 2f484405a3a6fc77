"""What happens inside one fold: build, fit, predict, check, keep."""

import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import CheckpointError, ForecastError, TradewindError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.jsonable import jsonable
from tradewind.engine.lookahead import refuse_lookahead
from tradewind.engine.protocols import Checkpointed, Forecaster, Forecasts
from tradewind.engine.records import Panel
from tradewind.engine.schedule import Fold
from tradewind.engine.shared_panel import map_panel


@dataclass(frozen=True, slots=True)
class Setting:
    """What all folds of a walk-forward share."""

    spec: ForecasterSpec
    panel: Panel
    cache: ForecastCache | None


@dataclass(frozen=True, slots=True)
class FoldTask:
    """One fold to fit; ``key`` names its cache entry."""

    fold: Fold
    seed: int
    key: str


@dataclass(frozen=True, slots=True)
class FoldReport:
    """How one fold went.

    Attributes
    ----------
    fold : Fold
    seed : int
        What the forecaster was built with.
    seconds : float
        Fit and prediction, when they were made.
    from_cache : bool
    n_samples : int or None
        Training samples, where the forecaster exposes ``n_samples``.
    history : tuple of mapping
        Learning curve, one mapping of names to numbers per epoch, where it exposes ``history``.
    n_forecasts : int
        Pairs of bar and symbol that got a forecast.
    folder : Path or None
        Cache entry with the forecasts and, for a forecaster that can be saved, ``checkpoint/``.
    note : str
        What a reader must know: why the fold was not kept, for example.
    """

    fold: Fold
    seed: int
    seconds: float
    from_cache: bool
    n_samples: int | None
    history: tuple[Mapping[str, Any], ...]
    n_forecasts: int
    folder: Path | None
    note: str = ""


def open_setting(spec: ForecasterSpec, folder: Path, cache: ForecastCache | None) -> Setting:
    """Setting of a worker process, with the panel another process wrote to ``folder``."""
    return Setting(spec, map_panel(folder), cache)


def fit_fold(setting: Setting, task: FoldTask) -> tuple[Forecasts, FoldReport]:
    """Fit one fold on its own past and predict its block.

    Returns
    -------
    Forecasts
        One row per bar of the test block.
    FoldReport

    Raises
    ------
    ForecastError
        If the forecaster fails, gives numbers of the wrong shape or looks ahead.
    TradewindError
        What the forecaster raised, with the fold put in front of the message.
    """
    begun = time.perf_counter()
    fold, panel = task.fold, setting.panel
    with _named(setting.spec, fold, panel):
        forecaster = setting.spec.build(task.seed)
        seed_globals(task.seed)
        forecaster = forecaster.fit(panel.rows(fold.train_start, fold.train_stop))
        seen = panel.rows(fold.train_start, fold.test_stop)
        forecasts = forecaster.predict(seen, first=fold.test_start - fold.train_start)
        _check_shape(forecasts, forecaster, fold, panel)
        refuse_lookahead(forecasts, forecaster, fold, seen)
    facts = {
        "fold": asdict(fold),
        "seed": task.seed,
        "seconds": time.perf_counter() - begun,
        "n_samples": _count(forecaster),
        "history": _history(forecaster),
    }
    folder, note = _keep(setting, task, forecasts, facts, forecaster)
    return forecasts, report_of(facts, fold, forecasts, folder, note=note)


def report_of(
    facts: Mapping[str, Any],
    fold: Fold,
    forecasts: Forecasts,
    folder: Path | None,
    *,
    from_cache: bool = False,
    note: str = "",
) -> FoldReport:
    """Report from the facts noted when the fold was fitted, now or in an earlier run."""
    return FoldReport(
        fold=fold,
        seed=facts["seed"],
        seconds=facts["seconds"],
        from_cache=from_cache,
        n_samples=facts["n_samples"],
        history=tuple(facts["history"]),
        n_forecasts=int(np.isfinite(forecasts.mean).sum()),
        folder=folder,
        note=note,
    )


def seed_globals(seed: int) -> None:
    """Seed every global generator, for forecasters that draw without asking for a seed."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


@contextmanager
def as_in_a_worker(spec: ForecasterSpec) -> Iterator[None]:
    """Hold torch to one thread in this process, and leave its generators as they were found."""
    spec.build(0)  # loads torch, if anything does
    torch = sys.modules.get("torch")
    drawn = random.getstate(), np.random.get_state()
    threads, torch_drawn = (torch.get_num_threads(), torch.get_rng_state()) if torch else (0, None)
    if torch:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])
        if torch:
            torch.set_num_threads(threads)
            torch.set_rng_state(torch_drawn)


@contextmanager
def _named(spec: ForecasterSpec, fold: Fold, panel: Panel) -> Iterator[None]:
    """Say which fold an error comes from."""
    days = panel.dates
    where = (
        f"{spec.name}, fold {fold.number} (fitted on {days[fold.train_start]} to "
        f"{days[fold.train_stop - 1]}, predicts {days[fold.test_start]} to "
        f"{days[fold.test_stop - 1]})"
    )
    try:
        yield
    except TradewindError as error:
        if len(error.args) == 1:
            error.args = (f"{where}: {str(error).removeprefix(f'{spec.name}: ')}",)
        raise
    except MemoryError as error:
        raise ForecastError(
            f"{where}: out of memory; use fewer workers, fewer symbols or a smaller forecaster"
        ) from error
    except Exception as error:
        raise ForecastError(f"{where}: {type(error).__name__}: {error}") from error


def _check_shape(forecasts: Forecasts, forecaster: Forecaster, fold: Fold, panel: Panel) -> None:
    wanted = (fold.test_stop - fold.test_start, panel.n_symbols)
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


def _keep(
    setting: Setting,
    task: FoldTask,
    forecasts: Forecasts,
    facts: Mapping[str, Any],
    forecaster: Forecaster,
) -> tuple[Path | None, str]:
    """Put the fold into the cache; a disk that is full costs the entry, not the run."""
    if setting.cache is None:
        return None, ""
    save = forecaster.save if isinstance(forecaster, Checkpointed) else None
    try:
        return setting.cache.put(task.key, forecasts, facts, save), ""
    except (OSError, CheckpointError) as error:
        why = getattr(error, "strerror", None) or error
        return None, f"not kept in the cache {setting.cache.folder}: {why}"
