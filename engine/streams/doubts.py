"""Prices that jump, held back until others confirm them.

A price further than ``spike`` from the last one believed is held back. ``confirm`` further prices
near one another make all of them believed, in the order in which they came: a real gap blinds
nobody. A return to the old level drops what was held, and so does a price near neither. Where
nothing has been believed yet every price is a jump.

*Near* is a fraction of the price; where prices may be zero or less, of the largest price believed
so far, because there is no fraction of zero.
"""

from collections.abc import Sequence
from math import nan

from tradewind.engine.streams.facts import Tick

NOTHING: tuple[Tick, ...] = ()


class Doubts:
    """What is believed and what is held back, by column.

    Parameters
    ----------
    signed : sequence of bool
        Whether the prices of each column may be zero or less.
    spike : float
    confirm : int
    """

    def __init__(self, signed: Sequence[bool], spike: float, confirm: int) -> None:
        self._signed, self._spike, self._confirm = signed, spike, confirm
        self._last = [nan] * len(signed)
        self._reach = [0.0] * len(signed)  # how far from the last price is near
        self._held: list[list[tuple[float, Tick]]] = [[] for _ in signed]
        self._waiting: set[int] = set()  # columns of which something is held

    @property
    def n_held(self) -> int:
        """Ticks that wait for others."""
        return sum(len(self._held[k]) for k in self._waiting)

    def held(self) -> list[Tick]:
        """Ticks that wait for others."""
        return [tick for k in self._waiting for _, tick in self._held[k]]

    def believe(self, k: int, price: float) -> None:
        """Take a price as true."""
        reach = self._spike * abs(price)
        self._last[k] = price
        self._reach[k] = max(self._reach[k], reach) if self._signed[k] else reach

    def fits(self, k: int, price: float) -> bool:
        """Whether a price is near the last while none is held back; it is then believed."""
        if self._held[k] or not abs(price - self._last[k]) <= self._reach[k]:
            return False
        self.believe(k, price)
        return True

    def weigh(self, k: int, price: float, tick: Tick) -> tuple[Sequence[Tick], Sequence[Tick]]:
        """(ticks that are believed now, those that are dropped) by a tick that did not fit."""
        held = self._held[k]
        if abs(price - self._last[k]) <= self._reach[k]:
            dropped = [one for _, one in held]
            self._let_go(k)
            self.believe(k, price)
            return (tick,), dropped
        dropped = []
        if held and not self._agree(k, held[-1][0], price):
            dropped = [one for _, one in held]
            held.clear()
        held.append((price, tick))
        self._waiting.add(k)
        if len(held) <= self._confirm:
            return NOTHING, dropped
        confirmed = [one for _, one in held]
        self._let_go(k)
        self.believe(k, price)
        return confirmed, dropped

    def _let_go(self, k: int) -> None:
        self._held[k].clear()
        self._waiting.discard(k)

    def _agree(self, k: int, one: float, other: float) -> bool:
        reach = self._spike * abs(one)
        return abs(other - one) <= (max(reach, self._reach[k]) if self._signed[k] else reach)
