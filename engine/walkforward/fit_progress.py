"""How far the fits of a walk-forward are: which, at what epoch and loss, for how long yet."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from tradewind.engine.progress import Progress

QUIET_SECONDS = 1.0  # before that a guess of what is left says nothing


@dataclass(slots=True)
class FitProgress:
    """Turns what fits say and their ends into steps and notes of one task of a :class:`Progress`.

    Attributes
    ----------
    progress : Progress
    label : str
        Of the task; begun and ended by the caller.
    names : sequence of str
        What each fit is called.
    costs : sequence of int
        How long each takes beside the others.
    clock : function
        Seconds.
    """

    progress: Progress
    label: str
    names: Sequence[str]
    costs: Sequence[int]
    clock: Callable[[], float] = time.monotonic
    _begun: float = 0.0
    _known: float | None = None
    _part: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._begun = self.clock()

    def said(self, number: int, epoch: Mapping[str, Any]) -> None:
        """Take in what a fit said after an epoch; see :class:`.protocols.Watched`."""
        at, most = epoch.get("epoch"), epoch.get("epochs")
        if isinstance(at, int) and isinstance(most, int) and most > 0:
            self._part[number] = min(at / most, 1.0)
        words = [self.names[number], *_words(epoch), *self._left()]
        self.progress.advance(self.label, 0, ", ".join(words))

    def done(self, number: int, note: str) -> None:
        """Count a fit as done."""
        self._part[number] = 1.0
        words = [f"{self.names[number]}, {note}", *self._left()]
        self.progress.advance(self.label, note=", ".join(words))

    def _left(self) -> list[str]:
        """Time left, from the share of the work that is done; nothing while it is a wild guess."""
        share = sum(self.costs[k] * part for k, part in self._part.items()) / sum(self.costs)
        if self._known is None:
            # What comes before the first word is the start of processes, which comes once.
            self._begun, self._known = self.clock(), share
        elapsed, gained = self.clock() - self._begun, share - self._known
        if elapsed < QUIET_SECONDS or gained <= 0 or share >= 1:
            return []
        return [f"about {duration(elapsed * (1 - share) / gained)} left"]


def _words(epoch: Mapping[str, Any]) -> list[str]:
    """What is known of an epoch, in words."""
    words = []
    network = epoch.get("network")
    if network and network != "all symbols":
        words.append(str(network))
    if isinstance(epoch.get("epoch"), int):
        most = epoch.get("epochs")
        words.append(f"epoch {epoch['epoch']}" + (f"/{most}" if most else ""))
    losses = [
        f"{name} {value:.4g}"
        for name in ("fitting", "stopping")
        if isinstance(value := epoch.get(name), int | float) and isfinite(value)
    ]
    return words + (["loss " + ", ".join(losses)] if losses else [])


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
