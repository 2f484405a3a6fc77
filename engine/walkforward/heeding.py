"""Whether a forecaster keeps to the bars it may learn from; asked, not believed."""

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.protocols import Forecaster
from tradewind.engine.records import ELIGIBLE, Bools, Panel
from tradewind.engine.walkforward.conditions import named, seed_globals
from tradewind.engine.walkforward.schedule import Fold
from tradewind.engine.walkforward.task import Setting


@dataclass(frozen=True, slots=True)
class ProbeTask:
    """Ask once, with the training part of a fold; ``key`` names the answer in the cache."""

    fold: Fold
    seed: int
    key: str = ""


def only(past: Panel, learn: Bools) -> Panel:
    """Same bars, of which those marked may be learned from, shape (n_bars,)."""
    eligible = np.where(learn[:, None], past.marked(ELIGIBLE), False).astype(np.float64)
    return replace(past, columns={**past.columns, ELIGIBLE: eligible})


def samples_without_leave(forecaster: Forecaster, past: Panel) -> int | None:
    """Samples that a forecaster takes from a past of which nothing may be learned.

    Returns
    -------
    int or None
        0 for one that heeds ``eligible``; None for one that fits and does not say on how many.
    """
    try:
        fitted = forecaster.fit(only(past, np.zeros(past.n_bars, bool)))
    except ForecastError:
        return 0  # an honest one finds no sample
    count = getattr(fitted, "n_samples", None)
    return int(count) if isinstance(count, int | np.integer) else None


def refuse_deaf(forecaster: Forecaster, past: Panel) -> None:
    """Refuse a forecaster that learns from bars which the column ``eligible`` rules out.

    Raises
    ------
    ForecastError
    """
    if samples_without_leave(forecaster, past) != 0:
        raise ForecastError(
            "learns from bars on which the column 'eligible' is 0, so held-out bars cannot be "
            "kept from it and its parameters cannot be chosen this way; leave out samples that "
            "are not eligible in fit, or leave forecaster.choose out"
        )


def probe(setting: Setting, task: ProbeTask) -> bool:
    """Whether the forecaster takes samples where none are eligible."""
    past = setting.panel.rows(task.fold.train_start, task.fold.train_stop)
    with named(setting.spec, task.fold, setting.panel):
        forecaster = setting.spec.build(task.seed)
        seed_globals(task.seed)
        deaf = bool(samples_without_leave(forecaster, past))
    if setting.cache is not None:
        with suppress(OSError, CheckpointError):  # a full disk costs the entry, not the run
            setting.cache.put_facts(task.key, {"deaf": deaf})
    return deaf
