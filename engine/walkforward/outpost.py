"""What a Dask worker keeps for walk-forwards: bars on its disk, and a bench for each of them."""

import pickle
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from tradewind.engine.errors import OutsideError
from tradewind.engine.walkforward.bench import Bench
from tradewind.engine.walkforward.credentials import credentials, differing, unlike
from tradewind.engine.walkforward.errand import Errand, Reply, Request
from tradewind.engine.walkforward.parcel import Parcel, unpack

IDLE_SECONDS = 300.0  # after which everything goes: a caller that was killed does not say goodbye
ENDED_KEPT = 64
WORD_SECONDS = 0.02  # for a word to get away before a task that kills this worker begins


@dataclass(slots=True)
class Outpost:
    """All that one Dask worker keeps.

    Attributes
    ----------
    folder : Path
        Below the Dask worker's own, which it removes when it ends.
    worker : str
        Address.
    """

    folder: Path
    worker: str
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _benches: dict[str, Bench] = field(default_factory=dict)
    _ended: list[str] = field(default_factory=list)
    _busy: int = 0
    _timer: threading.Timer | None = None

    def place(self, digest: str) -> Path:
        """Where the bars with that digest are, or would be."""
        return self.folder / f"bars-{digest}"

    def held(self) -> list[str]:
        """Digests of the bars that are here."""
        return [path.name.removeprefix("bars-") for path in self.folder.glob("bars-*")]

    def lay(self, digest: str, bars: Parcel) -> None:
        """Lay bars on the disk, whole or not at all; raises OutsideError where it is full."""
        draft = self.folder / f".{uuid4().hex}"
        with self.at_work(), self._lock:
            try:
                if not self.place(digest).exists():
                    unpack(bars, draft)
                    draft.rename(self.place(digest))
            except OSError as error:
                raise OutsideError(
                    f"the worker {self.worker}: the bars cannot be written to {self.folder}: "
                    f"{error.strerror}; free space there or start it with --local-directory"
                ) from None
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Hold on to everything meanwhile, and let go of it some time afterwards."""
        with self._lock:
            self._busy += 1
            if self._timer is not None:
                self._timer.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                if not self._busy:
                    self._timer = threading.Timer(IDLE_SECONDS, self.clear)
                    self._timer.daemon = True
                    self._timer.start()

    def bench(self, errand: Errand) -> Bench | None:
        """Bench of a walk-forward, None where it is over."""
        with self._lock:
            if errand.run in self._ended:
                return None
            if errand.run not in self._benches:
                self._benches[errand.run] = Bench(
                    errand, self.folder / errand.run, self.place(errand.bars),
                    self.folder / "features", self.worker,
                )  # fmt: skip
            return self._benches[errand.run]

    def end(self, run: str) -> None:
        """End a walk-forward: its processes, its files."""
        with self._lock:
            self._ended = [*self._ended[-ENDED_KEPT:], run]
            bench = self._benches.pop(run, None)
        if bench is not None:
            bench.end()

    def clear(self) -> None:
        """Let go of everything, unless somebody is at work."""
        with self._lock:
            if self._busy:
                return
            benches, self._benches = list(self._benches.values()), {}
            for bench in benches:
                bench.end()
            shutil.rmtree(self.folder, ignore_errors=True)


_OUTPOSTS: dict[str, Outpost] = {}
_opening = threading.Lock()


def outpost_of(worker: Any) -> Outpost:
    """Outpost of a Dask worker; several may be in one process."""
    with _opening:
        if worker.id not in _OUTPOSTS:
            folder = Path(worker.local_directory) / f"tradewind-{uuid4().hex[:12]}"
            _OUTPOSTS[worker.id] = Outpost(folder, worker.address)
        return _OUTPOSTS[worker.id]


def look_around(packages: list[str], dask_worker: Any = None) -> dict[str, Any]:
    """Credentials of a process of Dask, and of a worker the bars it holds."""
    held = None if dask_worker is None else outpost_of(dask_worker).held()
    return {"credentials": credentials(packages), "bars": held}


def end_run(run: str, dask_worker: Any) -> None:
    """End a walk-forward on a Dask worker."""
    outpost_of(dask_worker).end(run)


def lay_bars(errand: Errand, bars: Parcel) -> str:
    """Lay bars on the disk of the Dask worker that this runs on, if it is like the caller.

    Returns
    -------
    str
        Its address.

    Raises
    ------
    ConfigError
        If it is not.
    """
    from distributed import get_worker

    worker = get_worker()
    differences = differing(errand.wanted, credentials([*errand.wanted]))
    if differences:
        raise unlike(f"worker {worker.address}", differences)
    outpost_of(worker).lay(errand.bars, bars)
    return str(worker.address)


def work_away(errand: Errand, request: Request, weights: Parcel | None) -> Reply:
    """Do a task on the Dask worker that this runs on.

    Parameters
    ----------
    errand : Errand
    request : Request
    weights : Parcel or None
        Checkpoint that a warm fit begins from.
    """
    from distributed import get_worker

    worker = get_worker()
    outpost = outpost_of(worker)
    with outpost.at_work():
        if not outpost.place(errand.bars).exists():
            return Reply("wanting", None, worker.address)
        bench = outpost.bench(errand)
        if bench is None:
            return Reply("died", 0, worker.address)
        say = partial(_say, worker, errand.run, request)
        say("begun", None)
        time.sleep(WORD_SECONDS)
        reply = bench.do(request, weights, partial(say, "said"))
        say("over", None)
        return reply


def _say(worker: Any, run: str, request: Request, what: str, message: Any) -> None:
    # Bytes, because Dask sends plain values alone this way, and turns tuples into lists.
    worker.log_event(run, pickle.dumps((request.number, request.ticket, what, message)))
