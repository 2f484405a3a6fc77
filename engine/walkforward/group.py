"""Many folds as one fit, for a forecaster that is faster so: on a GPU.

Folds that begin from the weights of another wait for it; all others, of every symbol and seed, are
handed over together. They are kept when all of them are done.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from tradewind.engine.errors import ForecastError, TradewindError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.protocols import Grouped
from tradewind.engine.walkforward.fit import finished, ready
from tradewind.engine.walkforward.task import Setting
from tradewind.engine.walkforward.work import Work


def together(spec: ForecasterSpec) -> bool:
    """Whether folds of this forecaster are to be fitted at once.

    Raises
    ------
    ForecastError
        If it cannot be fitted on this machine.
    """
    sample = spec.build(0)
    return isinstance(sample, Grouped) and sample.grouped


def fit_folds(setting: Setting, work: Work) -> None:
    """Fit and predict all folds of ``work``, wave after wave."""
    for numbers in waves(work.after):
        with ExitStack() as shared:
            for number in numbers:
                shared.enter_context(setting.features_of(work.tasks[number].fold))
            _fit_wave(setting, work, numbers)


def _fit_wave(setting: Setting, work: Work, numbers: Sequence[int]) -> None:
    begun = time.perf_counter()
    tasks = [work.tasks[number] for number in numbers]
    forecasters: list[Any] = [
        ready(setting.spec, task, None, partial(work.said, number))
        for number, task in zip(numbers, tasks, strict=True)
    ]
    folds = [task.fold for task in tasks]
    pasts = [setting.panel.rows(fold.train_start, fold.train_stop) for fold in folds]
    with _of_many(setting.spec, len(tasks)):
        forecasters[0].fit_many(forecasters, pasts)
    own = (time.perf_counter() - begun) / len(tasks)  # of the time that all took
    for number, task, forecaster in zip(numbers, tasks, forecasters, strict=True):
        since = time.perf_counter() - own
        work.done(number, finished(setting, task, forecaster, "", since))


@contextmanager
def _of_many(spec: ForecasterSpec, count: int) -> Iterator[None]:
    """Say where an error comes from; it may be that of any of the folds."""
    where = f"{spec.name}, {count} fits at once"
    try:
        yield
    except TradewindError as error:
        if len(error.args) == 1:
            error.args = (f"{where}: {str(error).removeprefix(f'{spec.name}: ')}",)
        raise
    except Exception as error:
        raise ForecastError(f"{where}: {type(error).__name__}: {error}") from error


def waves(after: Sequence[int | None]) -> Iterator[list[int]]:
    """Numbers of the tasks that may begin once those of the waves before are done."""
    left = list(range(len(after)))
    while left:
        waiting = set(left)
        wave = [number for number in left if after[number] not in waiting]
        yield wave
        left = [number for number in left if number not in set(wave)]
