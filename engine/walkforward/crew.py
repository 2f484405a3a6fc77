"""Where the tasks of a walk-forward are done: here, or in workers that share the bars."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import OutsideError
from tradewind.engine.features.sharing import Shared, share
from tradewind.engine.features.store import FeatureStore
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.records import Panel
from tradewind.engine.shared_panel import read_only, write_panel
from tradewind.engine.walkforward.cluster import Session
from tradewind.engine.walkforward.conditions import as_in_a_worker
from tradewind.engine.walkforward.task import Setting, open_setting
from tradewind.engine.walkforward.where import Cluster, Workers
from tradewind.engine.walkforward.work import Work
from tradewind.engine.walkforward.workers import each, heard_by, usable_cores


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
    away : Session or None
        Workers of a Dask scheduler, in place of those of this machine.
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
    away: Session | None = None

    def do(self, work: Work) -> None:
        """Do all tasks; returns when the last is done, raises what one of them raised."""
        if not work.tasks:
            return
        if self.workers == 0:
            self._here(work)
            return
        if self.away is not None:
            self.away.each(work.longest_first())
            return
        self._share()
        ordered = work.longest_first()
        each(
            ordered.function,
            ordered.tasks,
            start=partial(open_setting, self.spec, self.folder, self.cache, self.columns),
            workers=self.workers,
            done=ordered.done,
            names=ordered.names,
            after=ordered.after,
            said=ordered.said,
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
    spec: ForecasterSpec, panel: Panel, workers: Workers, cache: ForecastCache | None
) -> Iterator[Crew]:
    """Crew of one walk-forward, with a temporary folder that goes when it is done."""
    count = workers if isinstance(workers, int) else usable_cores()
    with ExitStack() as held:
        made = tempfile.TemporaryDirectory(prefix="tradewind-", ignore_cleanup_errors=True)
        folder = Path(held.enter_context(made))
        columns = (folder if cache is None else cache.folder.parent) / "features"
        if cache is not None:
            cache.tidy()
            store = FeatureStore(columns)
            store.tidy()
            if cache.fresh:
                store.forget(Shared(panel, store).digest)
        away = None
        if isinstance(workers, Cluster):
            away = held.enter_context(closing(Session(workers, spec, panel, cache)))
        yield Crew(spec, panel, cache, count, folder, columns, away)
