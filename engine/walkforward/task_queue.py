"""Tasks in the order they are to be begun, some of them only once another is done."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
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
        self._tasks = tasks
        self._ready = [number for number, before in enumerate(after) if before is None]
        heapify(self._ready)
        self._behind: dict[int, list[int]] = defaultdict(list)
        for number, before in enumerate(after):
            if before is not None:
                self._behind[before].append(number)
        self._left = len(tasks)
        self._change = threading.Condition()

    def take(self) -> Numbered | None:
        """Next task that may begin; waits for one, and gives None when none is left."""
        with self._change:
            while self._left and not self._ready:
                self._change.wait()
            if not self._left:
                return None
            self._left -= 1
            number = heappop(self._ready)
            return number, self._tasks[number]

    def finish(self, number: int) -> None:
        """Say that a task is done; what waited for it may begin."""
        with self._change:
            for waiting in self._behind.pop(number, ()):
                heappush(self._ready, waiting)
            self._change.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer: the work is over, done or not."""
        with self._change:
            self._left = 0
            self._change.notify_all()
