"""The workers of a Dask scheduler, on whatever machines they are, for one walk-forward.

Nothing but the network is shared: bars, code, weights and cache entries travel as bytes. A worker
must have the versions and the code that this process has, and is asked for them before it fits.
"""

import pickle
import queue
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from tradewind.engine.cache import ForecastCache
from tradewind.engine.content import own_sources
from tradewind.engine.errors import ConfigError, OutsideError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.records import Panel
from tradewind.engine.shared_panel import write_panel
from tradewind.engine.walkforward.credentials import (
    credentials,
    dependence,
    differing,
    packages_of,
    unlike,
)
from tradewind.engine.walkforward.errand import Errand, Request
from tradewind.engine.walkforward.outpost import end_run, lay_bars, look_around, work_away
from tradewind.engine.walkforward.parcel import Parcel, packed, weight_of
from tradewind.engine.walkforward.rounds import Event, Round
from tradewind.engine.walkforward.where import Cluster
from tradewind.engine.walkforward.work import Work

PATIENCE_SECONDS = 5.0  # for a scheduler to answer, and for its first worker
ALONE_SECONDS = 30.0  # for a worker to come, after all of them have gone
LARGE_BYTES = 1 << 20  # what is larger does not belong into the scheduler's queue of tasks
LOST = ("cancelled", "lost")


class Session:
    """Workers of a Dask scheduler for one walk-forward; they are looked for at the first task.

    Parameters
    ----------
    cluster : Cluster
    spec : ForecasterSpec
    panel : Panel
    cache : ForecastCache or None
        Of this machine; nobody else writes to it.
    """

    def __init__(
        self, cluster: Cluster, spec: ForecasterSpec, panel: Panel, cache: ForecastCache | None
    ) -> None:
        self.cluster, self.spec, self.panel, self.cache = cluster, spec, panel, cache
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._client: Any = None
        self._bars: Any = None
        self._laid: dict[str, Any] = {}
        self._alone_since: float | None = None

    def each(self, work: Work) -> None:
        """Do all tasks; returns when the last is done, raises what one of them raised.

        Raises
        ------
        ConfigError
            If a worker is not like this machine, or distributed is not installed.
        OutsideError
            If the scheduler or its workers are not there, or several were lost with one task.
        TradewindError
            Whatever a task raised, as it was.
        """
        if self._client is None:
            self._open()
        Round(self, work).run()

    def _open(self) -> None:
        self._errand = _errand(self.spec, self.panel, self.cache)
        self._client = _connected(self.cluster)
        self._client.subscribe_topic(self._errand.run, self._heard)
        _wait_for_one(self._client, self.cluster)
        for worker, held in self._looked_at().items():
            if self._errand.bars not in held:
                self._lay_on(worker)

    def _looked_at(self) -> dict[str, list[str]]:
        """Digests of the bars that each worker holds; raises ConfigError where one is unlike."""
        packages = [*self._errand.wanted]
        found = self._client.run(look_around, packages, on_error="return")
        self._compare("scheduler", self._of_scheduler(packages))
        for worker, said in found.items():
            self._compare(f"worker {worker}", said)
        return {who: said["bars"] for who, said in found.items() if isinstance(said, dict)}

    def _of_scheduler(self, packages: list[str]) -> Any:
        try:
            return self._client.run_on_scheduler(look_around, packages)
        except Exception as error:  # as it is said of a worker
            return error

    def _compare(self, who: str, said: Any) -> None:
        if isinstance(said, OSError):
            return  # lost meanwhile
        if isinstance(said, Exception):  # what Dask makes of a module that is not there
            raise unlike(who, [f"tradewind as it is here is not installed there ({said})"])
        differences = differing(self._errand.wanted, said["credentials"])
        if differences:
            raise unlike(who, differences)

    def _heard(self, event: tuple[float, bytes]) -> None:
        number, ticket, what, message = pickle.loads(event[1])
        self.events.put((what, number, ticket, message))

    def send(self, request: Request, weights: Parcel | None) -> Any:
        """Future of the reply to a request; its end is an event ``ended``."""
        carried: Any = weights
        if weights is not None and weight_of(weights) > LARGE_BYTES:
            name = f"weights-{request.ticket}"
            carried = self._client.scatter({name: weights})[name]
        future = self._client.submit(
            work_away, self._errand, request, carried, key=request.ticket, pure=False
        )
        future.add_done_callback(
            lambda _: self.events.put(("ended", request.number, request.ticket, None))
        )
        return future

    def _lay_on(self, worker: str) -> Any:
        """Future of the bars on the disk of a worker."""
        if self._bars is None or self._bars.status in LOST:
            name = f"bars-{self._errand.bars}-{uuid4().hex[:8]}"
            self._bars = self._client.scatter({name: _parcel(self.panel)})[name]
        laid = self._laid.get(worker)
        if laid is None or laid.status not in ("pending", "finished"):
            laid = self._client.submit(
                lay_bars, self._errand, self._bars, workers=[worker], allow_other_workers=True,
                key=f"lay-{uuid4().hex}", pure=False,
            )  # fmt: skip
            self._laid[worker] = laid
        return laid

    def lay_anew(self, worker: str, number: int, ticket: str) -> Any:
        """Future of the bars on a worker that has said it does not have them.

        Its end is an event ``laid`` for the task that wanted them.
        """
        kept = self._laid.get(worker)
        if kept is not None and kept.status != "pending":
            del self._laid[worker]
        future = self._lay_on(worker)
        future.add_done_callback(lambda _: self.events.put(("laid", number, ticket, None)))
        return future

    def check(self) -> None:
        """See whether there is still somebody to wait for; raises OutsideError where not."""
        while self._client.status == "connecting":
            time.sleep(0.1)
        if self._client.status != "running":
            raise OutsideError(
                f"{self.cluster}: the scheduler has gone; start it again; what was finished is "
                "kept in the cache"
            )
        if self._client.scheduler_info()["workers"]:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > ALONE_SECONDS:
            raise OutsideError(
                f"{self.cluster}: all workers have gone, and none came for {ALONE_SECONDS:.0f} s; "
                f"start some with 'dask worker {self.cluster.address}'; what was finished is kept "
                "in the cache"
            )

    def forget(self, futures: list[Any]) -> None:
        """Let nobody begin with these any more."""
        with suppress(Exception):  # whoever is not there any more does not begin either
            self._client.cancel(futures, force=True)

    def close(self) -> None:
        """End what the workers still do, and go."""
        if self._client is None:
            return
        try:
            if self._client.status == "running":
                self._client.run(end_run, self._errand.run, on_error="ignore")
        except OSError:
            pass  # the scheduler has gone: its workers let go of everything by themselves
        finally:
            self._client.close()


def _errand(spec: ForecasterSpec, panel: Panel, cache: ForecastCache | None) -> Errand:
    sources = own_sources(spec.target)
    content = dependence(spec, brought=bool(sources))
    wanted = credentials(packages_of(spec.content()))
    where, _, name = spec.target.rpartition(":")
    if where.endswith(".py"):
        spec = replace(spec, target=f"{Path(where).name}:{name}")
    return Errand(
        run=f"tradewind-{uuid4().hex}",
        spec=spec,
        sources={place: path.read_bytes() for place, path in sources.items()},
        content=content,
        wanted=wanted,
        bars=panel.digest(),
        cached=cache is not None,
        fresh=cache is not None and cache.fresh,
    )


def _parcel(panel: Panel) -> Parcel:
    with TemporaryDirectory(prefix="tradewind-") as made:
        try:
            write_panel(panel, Path(made))
        except OSError as error:
            raise OutsideError(
                f"{made}: {panel.nbytes / 1e6:,.0f} MB of bars cannot be written: "
                f"{error.strerror}; free space there or point TMPDIR elsewhere"
            ) from None
        return packed(Path(made)) or {}


def _connected(cluster: Cluster) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            f"--executor {cluster} needs distributed, which is not installed: "
            "pip install 'tradewind[cluster]'"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other versions there; they are compared below
            return Client(
                cluster.address, timeout=PATIENCE_SECONDS, set_as_default=False, name="tradewind"
            )
    except (OSError, ValueError) as error:
        raise OutsideError(
            f"{cluster}: no Dask scheduler answers there within {PATIENCE_SECONDS:.0f} s "
            f"({str(error) or type(error).__name__}); start one with 'dask scheduler --port "
            f"{cluster.port}' and see that this machine reaches it"
        ) from None


def _wait_for_one(client: Any, cluster: Cluster) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
    except TimeoutError:
        raise OutsideError(
            f"{cluster}: the scheduler has no workers; start some on any machine that reaches it: "
            f"dask worker {cluster.address} --nworkers 2 --nthreads 1"
        ) from None
