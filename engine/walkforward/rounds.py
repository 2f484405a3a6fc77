"""The tasks of one round of a walk-forward, sent to workers that may be lost and come back."""

import queue
import signal
from collections import Counter, defaultdict
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import CheckpointError, OutsideError, TradewindError
from tradewind.engine.walkforward.errand import Reply, Request
from tradewind.engine.walkforward.parcel import Parcel, packed, unpack
from tradewind.engine.walkforward.task import FoldTask
from tradewind.engine.walkforward.work import Work
from tradewind.engine.walkforward.workers import failure_of

LOSSES = 3  # workers that may be lost with one task before it is taken to be the task's fault
SENDINGS = 30  # of one task, for whatever other reason
LOOK_SECONDS = 2.0  # between looks at whether anybody is left
Event = tuple[str, int, str, Any]  # begun, said, over, laid or ended; number, ticket; message


class Away(Protocol):
    """Who does the tasks; see :class:`tradewind.engine.walkforward.cluster.Session`."""

    cache: ForecastCache | None
    events: "queue.SimpleQueue[Event]"

    def send(self, request: Request, weights: Parcel | None) -> Any:
        """Future of the reply; its end is an event ``ended``."""
        ...

    def lay_anew(self, worker: str, number: int, ticket: str) -> Any:
        """Future of the bars on a worker; its end is an event ``laid``."""
        ...

    def check(self) -> None:
        """Raise OutsideError where nobody is left."""
        ...

    def forget(self, futures: list[Any]) -> None:
        """Let nobody begin with these."""
        ...


class Round:
    """Sends tasks as soon as what they wait for is done, and brings home what comes of them.

    Parameters
    ----------
    workers : Away
    work : Work
    """

    def __init__(self, workers: Away, work: Work) -> None:
        self._workers, self._work = workers, work
        self._name = uuid4().hex
        self._left = set(range(len(work.tasks)))
        self._futures: dict[int, Any] = {}
        self._tickets: dict[int, str] = {}
        self._sent: Counter[int] = Counter()
        self._begun: set[str] = set()
        self._lost: Counter[int] = Counter()
        self._behind: dict[int | None, list[int]] = defaultdict(list)
        for number, before in enumerate(work.after):
            self._behind[before].append(number)

    def run(self) -> None:
        """Return when the last task is done."""
        try:
            for number in self._behind[None]:
                self._send(number)
            while self._left:
                self._take(*self._next())
        finally:
            self._workers.forget([*self._futures.values()])

    def _next(self) -> Event:
        while True:
            try:
                return self._workers.events.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self._workers.check()

    def _take(self, what: str, number: int, ticket: str, message: Any) -> None:
        if self._tickets.get(number) != ticket:
            return  # of a task that has been sent again since, or of another round
        if what == "said":
            self._work.said(number, message)
        elif what == "begun":
            if ticket in self._begun:  # Dask gave it to another worker
                self._lose(number)
            self._begun.add(ticket)
        elif what == "over":
            self._begun.discard(ticket)  # if it is begun again, nothing but its result was lost
        else:
            self._end(number)

    def _send(self, number: int) -> None:
        self._sent[number] += 1
        if self._sent[number] > SENDINGS:
            raise OutsideError(
                f"{self._work.names[number]}: was sent {SENDINGS} times and lost each time; see "
                "the logs of the scheduler and its workers; what was finished is kept in the cache"
            )
        task = self._work.tasks[number]
        begin = task.begin if isinstance(task, FoldTask) else None
        weights = None if begin is None else packed(begin.checkpoint)
        ticket = f"tradewind-{self._name}-{number}-{self._sent[number]}"
        self._tickets[number] = ticket
        request = Request(number, ticket, self._work.function, task)
        self._futures[number] = self._workers.send(request, weights)

    def _lose(self, number: int, worker_too: bool = True) -> None:
        """Count a worker that was lost with a task; raises OutsideError at the third."""
        self._lost[number] += 1
        if self._lost[number] >= LOSSES:
            what = "workers were" if worker_too else "of the processes it ran in were"
            raise OutsideError(
                f"{self._work.names[number]}: {LOSSES} {what} killed in the middle of it, most "
                "likely because their machines ran out of memory; give them more of it or fit "
                "less at once; what was finished is kept in the cache"
            )

    def _end(self, number: int) -> None:
        future = self._futures.pop(number)
        try:
            reply = future.result()
        except TradewindError:
            raise
        except CancelledError:  # what it waited for was lost, or the scheduler was started again
            self._again(number)
            return
        except Exception as error:
            self._failed(number, error)
            return
        if not isinstance(reply, Reply):  # the address of a worker that has its bars now
            self._send(number)
            return
        name, value = self._work.names[number], reply.value
        if reply.what == "wanting":
            self._want(number, reply.worker)
        elif reply.what == "done":
            self._home(number, reply)
        elif reply.what == "died" and value in (0, -signal.SIGKILL, -signal.SIGTERM):
            self._lose(number, worker_too=False)
            self._again(number)
        else:
            raise failure_of(name, reply.what, value)

    def _want(self, number: int, worker: str) -> None:
        """Bring the bars to a worker that came later, perhaps in place of one that was lost."""
        ticket = self._tickets[number]
        if ticket in self._begun:
            self._lose(number)
        self._tickets[number] = f"{ticket}-bars"
        self._futures[number] = self._workers.lay_anew(worker, number, self._tickets[number])

    def _again(self, number: int) -> None:
        self._workers.check()
        self._send(number)

    def _failed(self, number: int, error: Exception) -> None:
        """What Dask itself has to say of a task."""
        if type(error).__name__ != "KilledWorker":
            raise failure_of(self._work.names[number], "failed", error) from error
        self._lost[number] = LOSSES
        self._lose(number)

    def _home(self, number: int, reply: Reply) -> None:
        task, value = self._work.tasks[number], reply.value
        folder, note = self._kept(task.key, reply.entry)
        if isinstance(task, FoldTask):
            forecasts, report = value
            words = "; ".join(filter(None, [report.note, note]))
            value = forecasts, replace(report, folder=folder, note=words)
            _relay(task.relay, reply.weights)
        self._left.remove(number)
        self._work.done(number, value)
        for waiting in self._behind[number]:
            self._send(waiting)

    def _kept(self, key: str, entry: Parcel | None) -> tuple[Path | None, str]:
        """Put an entry into the cache; a disk that is full costs the entry, not the run."""
        cache = self._workers.cache
        if cache is None or entry is None:
            return None, ""
        try:
            return cache.adopt(key, partial(unpack, entry)), ""
        except (OSError, CheckpointError) as error:
            why = getattr(error, "strerror", None) or error
            return None, f"not kept in the cache {cache.folder}: {why}"


def _relay(place: Path | None, weights: Parcel | None) -> None:
    """Lay down the weights for the fit that begins from them."""
    if place is None or weights is None:
        return
    try:
        unpack(weights, place)
    except OSError as error:
        raise OutsideError(
            f"{place}: the weights for the next fold cannot be written: {error.strerror}; free "
            "space there, point TMPDIR elsewhere, or fit without walk_forward.warm_start"
        ) from None
