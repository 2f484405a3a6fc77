"""Processes that work on independent tasks, one thread each, beside whatever else is running.

Workers are started as ``python -c``, not through :mod:`multiprocessing`: no second import of the
caller's script, threads limited before any library loads, a session of their own so that Ctrl-C
reaches the parent alone. Answers are taken as they come; a worker that is killed is an error that
says so; leaving early, for whatever reason, ends every worker and its children.

Why one thread each: on a machine that is busy with anything else, two spinning threads of one
matrix product wait for each other longer than they work, fifty times slower in the worst case.
"""

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, BinaryIO

from tradewind.engine.errors import ForecastError, OutsideError, TradewindError
from tradewind.engine.walkforward.task_queue import TaskQueue

MARK = "TRADEWIND_WORKER"
ENVIRONMENT = {
    MARK: "1",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",  # a set iterates in the same order in every worker
}
BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from tradewind.engine.walkforward.workers import serve; serve()"
)
Answer = tuple[int, str, Any]  # task number, what happened, result or reason
_listeners: list[Callable[[Any], None]] = []  # who hears what a task says while it works


def usable_cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def refuse_nested() -> None:
    """Refuse to walk forward inside a worker; raises ForecastError that says what is wrong."""
    if os.environ.get(MARK):
        raise ForecastError(
            "a worker process was asked to start a walk-forward of its own: the file that holds "
            "the forecaster runs one when it is imported; put that call below "
            "'if __name__ == \"__main__\":'"
        )


def tell(message: Any) -> None:
    """Say something, from inside a task, to whoever follows the work; else nothing happens."""
    for listener in _listeners:
        listener(message)


@contextmanager
def heard_by(listener: Callable[[Any], None]) -> Iterator[None]:
    """Hear what tasks that run in this process say."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def each(
    function: Callable[[Any, Any], Any],
    tasks: Sequence[Any],
    *,
    start: Callable[[], Any],
    workers: int,
    done: Callable[[int, Any], None],
    names: Sequence[str],
    after: Sequence[int | None] | None = None,
    said: Callable[[int, Any], None] = lambda number, message: None,
) -> None:
    """Call ``function(start(), task)`` for every task, in worker processes.

    Parameters
    ----------
    function : function
        At the top level of a module, so that it can be found by name.
    tasks : sequence
        Begun in this order, each finished whenever it is.
    start : function
        Called once in each worker; makes what all its tasks share.
    workers : int
        Processes, >= 1; never more than tasks.
    done : function
        ``done(number of the task, result)``, in this process, as results come in.
    names : sequence of str
        What a message calls each task.
    after : sequence of (int or None), or None
        Number of the task that must be done before each begins.
    said : function
        ``said(number of the task, message)``, in this process, for what a task tells meanwhile.

    Raises
    ------
    TradewindError
        Whatever a task raised, as it was; OutsideError if a worker was killed from outside,
        ForecastError if it crashed or failed in another way.
    """
    todo = TaskQueue(tasks, after or [None] * len(tasks))
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    crew: list[tuple[Hand, threading.Thread]] = []
    try:
        for _ in range(min(workers, len(tasks))):
            hand = Hand(function, start)
            thread = threading.Thread(target=_drive, args=(hand, todo, answers), daemon=True)
            crew.append((hand, thread))
            thread.start()
        left = len(tasks)
        while left:
            number, what, value = answers.get()
            if what == "said":
                said(number, value)
                continue
            if what != "done":
                raise failure_of(names[number], what, value)
            done(number, value)
            left -= 1
    finally:
        todo.close()
        for hand, thread in crew:
            hand.kill()
            thread.join()
            hand.close()


class Hand:
    """A worker process that does one task after the other.

    Parameters
    ----------
    function, start
        As for :func:`each`.
    path : sequence of str
        Folders that are searched for modules after those of this process.
    environment : mapping
        Over :data:`ENVIRONMENT`.
    """

    def __init__(
        self,
        function: Callable[[Any, Any], Any],
        start: Callable[[], Any],
        *,
        path: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._hello: tuple[Any, Any] | None = (function, start)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", BOOT, json.dumps([*sys.path, *path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ENVIRONMENT, **(environment or {})},
            start_new_session=True,
        )

    def do(self, task: Any, said: Callable[[Any], None]) -> tuple[str, Any]:
        """Have a task done.

        Returns
        -------
        tuple
            ``done`` and the result, ``failed`` and an exception, or ``died`` and the exit status.
        """
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            if self._hello is not None:
                _send(process.stdin, self._hello)
                self._hello = None
            _send(process.stdin, task)
            what, value = pickle.load(process.stdout)
            while what == "said":
                said(value)
                what, value = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            return "died", process.wait()
        except Exception as error:  # a task that cannot be sent
            return "failed", error
        return what, value

    def kill(self) -> None:
        """End the process and all it started; whoever waits for an answer gets ``died``."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close what led to a process that was ended, once nobody waits for it any more."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # closing flushes what nobody will read
                if pipe is not None:
                    pipe.close()


def _drive(hand: Hand, todo: TaskQueue, answers: "queue.SimpleQueue[Answer]") -> None:
    """Hand one worker its tasks, one after the other, and pass its answers on."""
    while (taken := todo.take()) is not None:
        number, task = taken
        what, value = hand.do(task, partial(_pass_on, answers, number))
        answers.put((number, what, value))
        if what == "died":
            return
        if what == "done":
            todo.finish(number)


def _pass_on(answers: "queue.SimpleQueue[Answer]", number: int, message: Any) -> None:
    answers.put((number, "said", message))


def _send(pipe: Any, message: Any) -> None:
    pipe.write(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))
    pipe.flush()


def failure_of(name: str, what: str, value: Any) -> BaseException:
    """Error about a task that ``failed`` or whose process ``died``; ``name`` is the task's."""
    if what == "failed":
        if isinstance(value, TradewindError):
            return value
        failure = ForecastError(f"{name}: {type(value).__name__}: {value}")
        failure.__cause__ = value
        return failure
    if value in (-signal.SIGKILL, -signal.SIGTERM):
        return OutsideError(
            f"{name}: its worker process was killed (signal {-value}), most likely because the "
            "machine ran out of memory; run with fewer workers or less data; what was finished "
            "is kept in the cache"
        )
    how = f"crashed (signal {-value})" if value < 0 else f"ended by itself (status {value})"
    return ForecastError(f"{name}: its worker process {how} without an answer; see stderr above")


def serve() -> None:
    """Body of a worker: answers tasks from its parent until the parent is gone."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a forecaster prints must not mix with answers, and nothing may wait for a keyboard.
    os.dup2(2, 1)
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, inbox), daemon=True).start()
    function, start = inbox.get()
    _listeners.append(lambda message: _send(outgoing, ("said", message)))
    shared: list[Any] = []
    while True:
        task = inbox.get()
        try:
            if not shared:
                shared.append(start())
            answer = ("done", function(shared[0], task))
            _send(outgoing, answer)
        except BaseException as error:
            _send(outgoing, ("failed", _portable(error)))


def _listen(incoming: BinaryIO, inbox: "queue.SimpleQueue[Any]") -> None:
    """Take messages in, and leave at once when the parent has gone, whatever is being done."""
    try:
        while True:
            inbox.put(pickle.load(incoming))
    except EOFError:
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)  # a session of our own: with all we started
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _portable(error: BaseException) -> BaseException:
    """Exception that survives the way to the parent, with its traceback as a note."""
    error.add_note("in the worker:\n" + "".join(traceback.format_exception(error)))
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    except Exception:
        pass  # an exception with arguments of its own kind cannot be rebuilt: its text goes instead
    return ForecastError(f"{type(error).__name__}: {error}")
