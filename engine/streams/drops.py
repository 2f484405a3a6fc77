"""What was not used: counted by reason, and told to a log now and then with an example."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from tradewind.engine.records import label
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.grid import FAR_NS

EVERY_NS = 60_000_000_000  # between two lines about one reason
LONGEST = 200  # characters of what is no tick


class Drops(Counter[str]):
    """How many messages or ticks were not used, by reason; and the last of each.

    A storm makes a line a minute for each reason, not one for each tick.
    """

    def __init__(self, given: Mapping[str, int] | None = None) -> None:
        super().__init__(given or {})
        self._last: dict[str, tuple[Tick | str, int]] = {}
        self._told: dict[str, tuple[int, int]] = {}

    def note(self, reason: str, what: Tick | str, closed: int = 0) -> None:
        """Count one.

        Parameters
        ----------
        reason : str
            From :mod:`tradewind.engine.streams.reasons`.
        what : Tick or str
            The tick, or the message in words.
        closed : int
            When its bar closed, UTC nanoseconds, where that is why.
        """
        self[reason] += 1
        self._last[reason] = what, closed

    def news(self, now: int = FAR_NS) -> list[str]:
        """A sentence for each reason of which there is something new to tell.

        Parameters
        ----------
        now : int
            Our clock, UTC nanoseconds; left out: everything that is untold.
        """
        found = []
        for reason, (what, closed) in self._last.items():
            n, at = self._told.get(reason, (0, 0))
            if self[reason] > n and now - at >= EVERY_NS:
                self._told[reason] = self[reason], now
                found.append(
                    f"{reason}: {self[reason] - n} not used ({self[reason]} in all); the last: "
                    f"{shown(what)}{f'; its bar closed at {label(closed)}' if closed else ''}"
                )
        return found

    def __reduce__(self) -> Any:
        """Counts alone."""
        return Drops, (dict(self),)


def shown(what: Tick | str) -> str:
    """Return a tick, or a message, as a person reads it."""
    if isinstance(what, str):
        return what
    try:
        return _of_a_tick(what)
    except (TypeError, ValueError, AttributeError):  # of another type in one of its fields
        return f"{what!r}"[:LONGEST]


def _of_a_tick(what: Tick) -> str:
    price = f"at {what.price:g}"
    if what.price != what.price:
        price = f"bid {what.bid:g} ask {what.ask:g}"
    number = f" (number {what.id})" if what.id else ""
    came = f", received {moment(what.received)}" if what.received else ""
    return f"{what.symbol} {price}{number}, stamped {moment(what.ts)}{came}"


def moment(ts: int) -> str:
    """UTC nanoseconds to the millisecond; a stamp may be anything."""
    if not 0 < ts < FAR_NS:
        return str(ts)
    return str(np.datetime64(ts, "ns").astype("datetime64[ms]")).replace("T", " ")
