"""Where the tasks of a walk-forward are done: here, or in workers that share the bars."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import OutsideError
from tradewind.engine.features.sharing import Shared, share
from tradewind.engine.features.store import FeatureStore
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.records import Panel
from tradewind.engine.shared_panel import read_only, write_panel
from tradewind.engine.walkforward.conditions import as_in_a_worker
from tradewind.engine.walkforward.task import Setting, open_setting
from tradewind.engine.walkforward.workers import each, heard_by, usable_cores


@dataclass(frozen=True, slots=True)
class Work:
    """Tasks, and what is to be known to do them.

    Attributes
    ----------
    function : function
        ``function(setting, task)``, at the top level of a module.
    tasks : sequence
        In this order in this process; among them one that waits stands behind what it waits for.
    names : sequence of str
        For messages.
    costs : sequence of int
        How long each takes beside the others.
    after : sequence of (int or None)
        Number of the task that each waits for.
    done, said : function
        ``done(number, result)`` and ``said(number, message)``.
    """

    function: Callable[[Any, Any], Any]
    tasks: Sequence[Any]
    names: Sequence[str]
    costs: Sequence[int]
    after: Sequence[int | None]
    done: Callable[[int, Any], None]
    said: Callable[[int, Any], None]

    def longest_first(self) -> list[int]:
        """Tasks by what is left to be done from each of them on, the longest first.

        So that no worker is left alone with the longest at the end.
        """
        rest = list(self.costs)
        for number in reversed(range(len(rest))):
            before = self.after[number]
            if before is not None:
                rest[before] = max(rest[before], self.costs[before] + rest[number])
        return sorted(range(len(rest)), key=lambda number: -rest[number])


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the work.

    Attributes
    ----------
    spec : ForecasterSpec
    panel : Panel
    cache : ForecastCache or None
    workers : int
        0: this process.
    folder : Path
        Temporary: the bars, and the weights that go from fold to fold.
    columns : Path
        Where columns of features are kept: beside the cache, for other configs as well.
    """

    spec: ForecasterSpec
    panel: Panel
    cache: ForecastCache | None
    workers: int
    folder: Path
    columns: Path

    def do(self, work: Work) -> None:
        """Do all tasks; returns when the last is done, raises what one of them raised."""
        if not work.tasks:
            return
        if self.workers == 0:
            self._here(work)
            return
        self._share()
        order = work.longest_first()
        place = {number: k for k, number in enumerate(order)}
        waits = [work.after[number] for number in order]
        each(
            work.function,
            [work.tasks[number] for number in order],
            start=partial(open_setting, self.spec, self.folder, self.cache, self.columns),
            workers=self.workers,
            done=lambda k, result: work.done(order[k], result),
            names=[work.names[number] for number in order],
            after=[None if before is None else place[before] for before in waits],
            said=lambda k, message: work.said(order[k], message),
        )

    def do_here(self, work: Work, many: Callable[[Setting, Work], None]) -> None:
        """Do all tasks in this process by ``many``, which knows how to do them at once."""
        store = FeatureStore(self.columns)
        setting = Setting(self.spec, read_only(self.panel), self.cache, store)
        with as_in_a_worker(self.spec), share(setting.panel, store):
            many(setting, work)

    def _here(self, work: Work) -> None:
        self.do_here(work, _one_by_one)

    def _share(self) -> None:
        """Lay the bars where every worker finds them, once."""
        bars = self.folder / "shared"
        if bars.exists():
            return
        try:
            write_panel(self.panel, self.folder)
            bars.touch()
        except OSError as error:
            raise OutsideError(
                f"{self.folder}: {self.panel.nbytes / 1e6:,.0f} MB of bars cannot be written for "
                f"the worker processes: {error.strerror}; free space there or point TMPDIR "
                "elsewhere"
            ) from None


def _one_by_one(setting: Setting, work: Work) -> None:
    for number, task in enumerate(work.tasks):
        with heard_by(partial(work.said, number)):
            result = work.function(setting, task)
        work.done(number, result)


@contextmanager
def crew(
    spec: ForecasterSpec, panel: Panel, workers: int | None, cache: ForecastCache | None
) -> Iterator[Crew]:
    """Crew of one walk-forward, with a temporary folder that goes when it is done."""
    count = usable_cores() if workers is None else workers
    with tempfile.TemporaryDirectory(prefix="tradewind-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        columns = (folder if cache is None else cache.folder.parent) / "features"
        if cache is not None:
            cache.tidy()
            store = FeatureStore(columns)
            store.tidy()
            if cache.fresh:
                store.forget(Shared(panel, store).digest)
        yield Crew(spec, panel, cache, count, folder, columns)
