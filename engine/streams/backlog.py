"""Ticks that have come and are not handed over yet: so many and no more."""

from collections import Counter, deque

from tradewind.engine.streams.facts import Tick


class Backlog:
    """A queue that is never longer than its limit and never loses the newest tick of a symbol.

    Parameters
    ----------
    most : int
        Ticks that wait; more only where more symbols have one each.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._ticks: deque[Tick] = deque()
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many ticks wait."""
        return len(self._ticks)

    def put(self, tick: Tick) -> Tick | None:
        """Take a tick; gives the one that had to make room: the oldest that a newer one follows."""
        self._ticks.append(tick)
        self._of[tick.symbol] += 1
        if len(self._ticks) <= self.most:
            return None
        for at, old in enumerate(self._ticks):
            if self._of[old.symbol] > 1:
                del self._ticks[at]
                self._of[old.symbol] -= 1
                return old
        return None

    def take(self, n: int) -> list[Tick]:
        """Give the oldest ticks, so many at most."""
        taken = [self._ticks.popleft() for _ in range(min(n, len(self._ticks)))]
        self._of.subtract(tick.symbol for tick in taken)
        return taken
