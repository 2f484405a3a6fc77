"""Tasks of a walk-forward, and who is told how they go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


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

    def longest_first(self) -> "Work":
        """Same tasks by what is left to be done from each of them on, the longest first.

        So that no worker is left alone with the longest at the end.
        """
        rest = list(self.costs)
        for number in reversed(range(len(rest))):
            before = self.after[number]
            if before is not None:
                rest[before] = max(rest[before], self.costs[before] + rest[number])
        order = sorted(range(len(rest)), key=lambda number: -rest[number])
        place = {number: k for k, number in enumerate(order)}
        waits = [self.after[number] for number in order]
        return Work(
            self.function,
            [self.tasks[number] for number in order],
            [self.names[number] for number in order],
            [self.costs[number] for number in order],
            [None if before is None else place[before] for before in waits],
            done=lambda k, result: self.done(order[k], result),
            said=lambda k, message: self.said(order[k], message),
        )
