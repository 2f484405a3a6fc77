"""What waits for the thread that does a run's turns."""

import asyncio
from collections import deque
from typing import NamedTuple

from tradewind.engine.features.stream import Row
from tradewind.engine.live.facts import Command
from tradewind.engine.records import Ints
from tradewind.engine.streams.facts import FeedNotice, Skipped
from tradewind.engine.venues.facts import VenueReport

MOST = 64  # turns that may wait; whoever brings more waits with them


class BarCame(NamedTuple):
    """A bar of every symbol, its leavers and the last tick of each symbol."""

    row: Row
    leaving: tuple[int, ...]
    quoted_at: Ints


class Ended(NamedTuple):
    """The feed has come to its end, or failed for good."""

    error: BaseException | None


Item = BarCame | Command | FeedNotice | Skipped | VenueReport | Ended


class Inbox:
    """Turns in the order in which they came, behind whatever a person or a signal asks.

    Where a strategy is slower than its feed, hours of bars may wait: what is asked is done after
    the turn at hand, not after all of them.

    Attributes
    ----------
    bars : int
        How many of them wait.
    """

    def __init__(self) -> None:
        self._asked: deque[Command] = deque()
        self._came: asyncio.Queue[Item] = asyncio.Queue(MOST)
        self._news = asyncio.Event()
        self.bars = 0

    async def put(self, item: Item) -> None:
        """Put an item behind all others; waits while too many are there."""
        self.bars += isinstance(item, BarCame)
        await self._came.put(item)
        self._news.set()

    def put_nowait(self, item: Item) -> None:
        """Put an item behind all others; raises asyncio.QueueFull where too many are there."""
        self._came.put_nowait(item)
        self._news.set()

    def ask(self, command: Command) -> None:
        """Put a command before everything but other commands; never waits."""
        self._asked.append(command)
        self._news.set()

    async def get(self) -> Item:
        """Take what is to be done next; waits until there is something."""
        while not self._asked and self._came.empty():
            self._news.clear()
            await self._news.wait()
        if self._asked:
            return self._asked.popleft()
        item = self._came.get_nowait()
        self.bars -= isinstance(item, BarCame)
        return item

    def unasked(self) -> list[Command]:
        """Commands that nobody will do any more."""
        found = list(self._asked)
        self._asked.clear()
        return found
