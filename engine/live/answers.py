"""What a broker outside says, on its way to the account."""

import asyncio
from collections import deque

from tradewind.engine.live.inbox import Inbox
from tradewind.engine.live.sendings import Sendings
from tradewind.engine.live.telling import Teller
from tradewind.engine.venues.facts import VenueReport


class Answers:
    """Takes a broker's answers without ever making it wait.

    Parameters
    ----------
    inbox : Inbox
        Of the run's turns.
    teller : Teller
    sendings : Sendings
        What was called back ends there and works on here.
    """

    def __init__(self, inbox: Inbox, teller: Teller, sendings: Sendings) -> None:
        self._inbox, self._teller, self._sendings = inbox, teller, sendings
        self._waiting: deque[VenueReport] = deque()
        self._task: asyncio.Task[None] | None = None

    def report(self, report: VenueReport) -> None:
        """Take one answer; they reach the account in their order."""
        if self._sendings.says_nothing(report):
            return
        self._waiting.append(report)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._hand_over())

    async def _hand_over(self) -> None:
        while self._waiting:
            await self._inbox.put(self._waiting.popleft())

    def connected(self, up: bool, reason: str) -> None:
        """Take note of whether answers can come."""
        self._teller.event("info" if up else "warning", "venue", reason)
