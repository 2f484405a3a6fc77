"""Tasks in the order they are to be begun, some of them only once another is done."""

import threading
from collections.abc import Sequence
from typing import Any

Numbered = tuple[int, Any]


class TaskQueue:
    """Hands out tasks to any number of threads, first come first served.

    Parameters
    ----------
    tasks : sequence
        Handed out in this order, as far as what they wait for allows.
    after : sequence of (int or None)
        Number of the task that each waits for.
    """

    def __init__(self, tasks: Sequence[Any], after: Sequence[int | None]) -> None:
        self._waiting: list[Numbered] = list(enumerate(tasks))
        self._after = after
        self._done: set[int] = set()
        self._closed = False
        self._change = threading.Condition()

    def take(self) -> Numbered | None:
        """Next task that may begin; waits for one, and gives None when none is left."""
        with self._change:
            while self._waiting and not self._closed:
                for place, (number, task) in enumerate(self._waiting):
                    before = self._after[number]
                    if before is None or before in self._done:
                        del self._waiting[place]
                        return number, task
                self._change.wait()
        return None

    def finish(self, number: int) -> None:
        """Say that a task is done; what waited for it may begin."""
        with self._change:
            self._done.add(number)
            self._change.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer: the work is over, done or not."""
        with self._change:
            self._closed = True
            self._change.notify_all()
