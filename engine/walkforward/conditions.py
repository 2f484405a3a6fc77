"""Under what conditions a fold is fitted: seeds, threads, and whose errors it raises."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tradewind.engine.errors import ForecastError, TradewindError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.records import Panel
from tradewind.engine.walkforward.schedule import Fold


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
def named(spec: ForecasterSpec, fold: Fold, panel: Panel) -> Iterator[None]:
    """Say which fold an error comes from."""
    try:
        yield
    except TradewindError as error:
        if len(error.args) == 1:
            said = str(error).removeprefix(f"{spec.name}: ")
            error.args = (f"{_fold_of(spec, fold, panel)}: {said}",)
        raise
    except MemoryError as error:
        raise ForecastError(
            f"{_fold_of(spec, fold, panel)}: out of memory; use fewer workers, fewer symbols or a "
            "smaller forecaster"
        ) from error
    except Exception as error:
        where = _fold_of(spec, fold, panel)
        raise ForecastError(f"{where}: {type(error).__name__}: {error}") from error


def _fold_of(spec: ForecasterSpec, fold: Fold, panel: Panel) -> str:
    """Which fold, and its days."""
    days = panel.dates
    return (
        f"{spec.name}, fold {fold.number} (fitted on {days[fold.train_start]} to "
        f"{days[fold.train_stop - 1]}, predicts {days[fold.test_start]} to "
        f"{days[fold.test_stop - 1]})"
    )
