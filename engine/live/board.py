"""What a page may see of a run, and what it may ask of it: the one thing that threads share."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tradewind.engine.live.facts import Command

ROWS, FILLS, REFUSED, LOG = 2000, 200, 50, 200
LOOKED_S, MOST_LOOKED = 30.0, 4  # a symbol nobody has asked for since is no longer looked at


class Board:
    """Latest view of a run and commands that wait for it.

    The run replaces the view whole; a reader gets one that nobody changes any more.
    """

    def __init__(self) -> None:
        self._view: Mapping[str, Any] = {"state": "starting"}
        self._symbols: Mapping[str, Mapping[str, Any]] = {}
        self._commands: deque[Command] = deque()
        self._lock = threading.Lock()
        self._asked_for: dict[str, float] = {}

    def publish(self, view: Mapping[str, Any], symbols: Mapping[str, Mapping[str, Any]]) -> None:
        """Put a new view in the place of the old; ``symbols`` are those somebody looks at."""
        with self._lock:
            self._view, self._symbols = view, {**self._symbols, **symbols}

    def latest(self) -> dict[str, Any]:
        """View of the run."""
        with self._lock:
            return dict(self._view)

    def symbol(self, name: str) -> dict[str, Any]:
        """Bars, fills and forecasts of a symbol; empty until the run has made them."""
        with self._lock:
            self._asked_for.pop(name, None)
            self._asked_for[name] = time.monotonic()
            found = self._symbols.get(name)
        return dict(found) if found else {"symbol": name, "bars": [], "fills": [], "forecasts": []}

    def looked_at(self) -> list[str]:
        """Symbols that somebody looks at, the last ones asked for."""
        since = time.monotonic() - LOOKED_S
        with self._lock:
            kept = [(name, at) for name, at in self._asked_for.items() if at >= since]
            self._asked_for = dict(kept[-MOST_LOOKED:])
            return list(self._asked_for)

    def command(self, name: str, *, by: str, **facts: Any) -> str:
        """Ask something of the run, which obeys at the next turn of its loop; an id."""
        number = uuid4().hex
        with self._lock:
            self._commands.append(Command(number, name, by, time.time_ns(), facts))
        return number

    def commands(self) -> list[Command]:
        """Commands that wait, and are then no longer waiting."""
        with self._lock:
            found = list(self._commands)
            self._commands.clear()
        return found
