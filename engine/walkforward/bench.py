"""The processes of one walk-forward on one Dask worker.

A Dask worker has loaded numpy long ago, with as many threads as its libraries chose. So it fits
nothing itself: every task goes to a process of its own with one thread, the same that fits on the
caller's machine.
"""

import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import ConfigError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.walkforward.credentials import dependence
from tradewind.engine.walkforward.errand import Errand, Reply, Request
from tradewind.engine.walkforward.parcel import Parcel, packed, unpack
from tradewind.engine.walkforward.task import Beginning, FoldTask, Setting, open_setting
from tradewind.engine.walkforward.workers import Hand

NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}  # fits on one stay at home


def open_checked(
    spec: ForecasterSpec,
    brought: bool,
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
    found = dependence(spec, brought=brought)
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
                open_checked, self._spec(code), bool(self.errand.sources), self.errand.content,
                self.worker, self.bars, self.cache, self.columns,
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
