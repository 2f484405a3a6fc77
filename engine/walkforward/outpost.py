"""What a Dask worker keeps for walk-forwards, and how it does their tasks.

A Dask worker has loaded numpy long ago, with as many threads as its libraries chose. So it fits
nothing itself: every task goes to a process of its own with one thread, the same that fits on the
caller's machine. Bars are laid on the worker's disk once and mapped by all of these.
"""

import pickle
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import ConfigError, OutsideError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.walkforward.credentials import credentials, differing, unlike
from tradewind.engine.walkforward.errand import Errand, Reply, Request
from tradewind.engine.walkforward.parcel import Parcel, packed, unpack
from tradewind.engine.walkforward.task import Beginning, FoldTask, Setting, open_setting
from tradewind.engine.walkforward.workers import Hand

IDLE_SECONDS = 300.0  # after which everything goes: a caller that was killed does not say goodbye
NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}  # fits on one stay at home
ENDED_KEPT = 64
WORD_SECONDS = 0.02  # for a word to get away before a task that kills this worker begins


def open_checked(
    spec: ForecasterSpec,
    content: Mapping[str, Any],
    worker: str,
    folder: Path,
    cache: ForecastCache | None,
    columns: Path,
) -> Setting:
    """Setting of a process of a Dask worker.

    Raises
    ------
    ConfigError
        If the forecaster depends on other code, packages or files here than where it comes from.
    """
    found = spec.content()
    if found != content:
        parts = sorted(key for key in {*found, *content} if found.get(key) != content.get(key))
        raise ConfigError(
            f"{spec.name} on the worker {worker} is not what it is here: its {', '.join(parts)} "
            f"differ ({_told(found, parts)} there, {_told(content, parts)} here); install the same "
            "packages, lay the same files there, or fit with --executor local"
        )
    return open_setting(spec, folder, cache, columns)


def _told(content: Mapping[str, Any], parts: list[str]) -> str:
    return ", ".join(str(content.get(part))[:200] for part in parts)


def call(setting: Setting, asked: tuple[Callable[[Setting, Any], Any], Any]) -> Any:
    """Do a task by the function that came with it."""
    function, task = asked
    return function(setting, task)


@dataclass(slots=True)
class Bench:
    """Processes of one walk-forward on one Dask worker.

    Attributes
    ----------
    errand : Errand
    folder : Path
        Its code, its cache and the weights of warm fits.
    bars, columns : Path
    worker : str
        Address.
    """

    errand: Errand
    folder: Path
    bars: Path
    columns: Path
    worker: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _free: list[Hand] = field(default_factory=list)
    _busy: list[Hand] = field(default_factory=list)
    _ended: bool = False

    def __post_init__(self) -> None:
        """Lay out the code."""
        unpack(self.errand.sources, self.folder / "code")

    @property
    def cache(self) -> ForecastCache | None:
        """Where a fit leaves its entry until it has travelled."""
        kept = ForecastCache(self.folder / "cache", self.errand.fresh)
        return kept if self.errand.cached else None

    def do(self, request: Request, weights: Parcel | None, said: Callable[[Any], None]) -> Reply:
        """Have a task done by a process that is free."""
        desk = self.folder / uuid4().hex
        desk.mkdir(parents=True)
        try:
            task = _at_the(desk, request.task, weights)
            hand = self._hand()
            if hand is None:
                return Reply("died", 0, self.worker)
            what, value = hand.do((request.function, task), said)
            self._put_back(hand, alive=what != "died")
            if what != "done":
                return Reply(what, value, self.worker)
            return Reply(what, value, self.worker, self._entry(task), packed(desk / "relay"))
        finally:
            shutil.rmtree(desk, ignore_errors=True)

    def _entry(self, task: Any) -> Parcel | None:
        cache = self.cache
        if cache is None or not task.key:
            return None
        place = cache.place(task.key)
        entry = packed(place)
        shutil.rmtree(place, ignore_errors=True)
        return entry

    def _hand(self) -> Hand | None:
        """A process that waits for a task, None once all were ended."""
        with self._lock:
            if self._ended:
                return None
            if self._free:
                self._busy.append(self._free.pop())
                return self._busy[-1]
            code = self.folder / "code"
            start = partial(
                open_checked, self._spec(code), self.errand.content, self.worker, self.bars,
                self.cache, self.columns,
            )  # fmt: skip
            made = Hand(call, start, path=[str(code)], environment=NO_GPU)
            self._busy.append(made)
            return made

    def _spec(self, code: Path) -> ForecasterSpec:
        spec = self.errand.spec
        where, _, name = spec.target.rpartition(":")
        if where in self.errand.sources:
            return replace(spec, target=f"{code / where}:{name}")
        return spec

    def _put_back(self, hand: Hand, *, alive: bool) -> None:
        with self._lock:
            self._busy.remove(hand)
            if alive and not self._ended:
                self._free.append(hand)
                return
        hand.kill()
        hand.close()

    def end(self) -> None:
        """End every process, whatever it is doing."""
        with self._lock:
            self._ended = True
            for hand in self._busy:
                hand.kill()  # whoever waits for it closes it
            for hand in self._free:
                hand.kill()
                hand.close()
            self._free = []
        shutil.rmtree(self.folder, ignore_errors=True)


def _at_the(desk: Path, task: Any, weights: Parcel | None) -> Any:
    """Task whose weights are here: those it begins from, and those it leaves."""
    if not isinstance(task, FoldTask):
        return task
    if weights is not None:
        unpack(weights, desk / "begin")
    begin = None if task.begin is None else Beginning(desk / "begin", task.begin.seed)
    return replace(task, begin=begin, relay=None if task.relay is None else desk / "relay")


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
