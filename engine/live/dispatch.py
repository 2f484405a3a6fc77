"""Orders on their way to a broker outside: each sent once, whatever happens on the way.

What is to be sent is in the journal before it is sent, under an id that is the same for ever. Where
nobody knows whether a message arrived, the broker is asked for that id, or the order is sent again
under it, which a broker takes as the same one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from tradewind.engine.errors import OutsideError
from tradewind.engine.executors import state as states
from tradewind.engine.journal.event import Event
from tradewind.engine.live.account import Account
from tradewind.engine.types import OrderType, TimeInForce
from tradewind.engine.venues.facts import ReportKind, Venue, VenueOrder, VenueReport

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 30.0
T = TypeVar("T")
Write = Callable[[list[Event]], Awaitable[None]]
Outgoing = tuple[int, VenueOrder]
Aside = Callable[[Callable[[], list[Outgoing]]], Awaitable[list[Outgoing]]]
Hear = Callable[[VenueReport], Awaitable[None]]


class Dispatch:
    """Sends what an account wants sent, and withdraws what it wants withdrawn.

    Parameters
    ----------
    account : Account
    venue : Venue
    write : callable
        Puts events into the journal.
    hear : callable
        Hands an answer to the account.
    aside : callable
        Does something in the thread that the account belongs to.
    reached : callable
        Told each step.
    tell : callable
        Told, for the log, what had to be tried again and why.
    """

    def __init__(
        self,
        account: Account,
        venue: Venue,
        *,
        write: Write,
        hear: Hear,
        aside: Aside,
        reached: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self.account, self.venue = account, venue
        self._write, self._hear, self._aside = write, hear, aside
        self._reached, self._tell = reached, tell
        self._sent: set[int] = set()
        self._over: set[int] = set()

    def take_over(self, sent: set[int]) -> None:
        """Know what an earlier life of the run has tried to send."""
        self._sent |= sent

    async def settle(self) -> None:
        """Find out, after a restart, what became of everything that was sent or should have been.

        An order that was tried to be sent and that the broker has never seen is sent now.
        """
        for number, order in await self._aside(self._unsure):
            if await self._tried(partial(self.venue.find, order.client_id)) is None:
                self._sent.discard(number)
        await self.send()

    async def send(self) -> None:
        """Withdraw what ended here and works there, then send what works here and was not sent.

        In this order: a broker holds back for a stop the units that its successor, or an order
        that closes, is to sell, and refuses that one while the stop works.
        """
        for number, order in await self._aside(self._ended):
            await self._tried(partial(self.venue.cancel, order.client_id))
            self._over.add(number)
        for number, order in await self._aside(self._unsent):
            await self._submit(number, order)

    def _unsure(self) -> list[Outgoing]:
        """What was sent and is not known to have ended."""
        return [(n, order_of(self.account, n)) for n in sorted(self._sent) if self._works(n)]

    def _unsent(self) -> list[Outgoing]:
        """What works on the market that is ours and was not sent."""
        working = [int(n) for n in self.account.book.working]
        new = [(n, order_of(self.account, n)) for n in working if n not in self._sent]
        return [(n, order) for n, order in new if order.qty]  # nothing to take: not yet

    def _ended(self) -> list[Outgoing]:
        """What was sent and has ended here otherwise than by the broker's word."""
        orders, found = self.account.book.orders, []
        for n in sorted(self._sent - self._over):
            if orders[n]["reason"] in (states.FILLED, states.BY_VENUE, states.EXPIRED):
                self._over.add(n)
            elif not self._works(n):
                found.append((n, order_of(self.account, n)))
        return found

    def _works(self, number: int) -> bool:
        return bool(self.account.book.orders[number]["reason"] == states.WORKING)

    async def _submit(self, number: int, order: VenueOrder) -> None:
        self._sent.add(number)
        await self._write([Event(0, time.time_ns(), "submit", {"number": number})])
        self._reached("before_submit")
        report = await self._tried(partial(self.venue.submit, order))
        self._reached("after_submit")
        kind = "ack" if report.kind is ReportKind.ACCEPTED else "report"
        if kind == "ack":
            self._reached("before_ack")
            await self._write([Event(0, report.at, "ack", {"number": number, "id": report.id})])
            self._reached("after_ack")
        else:
            await self._hear(report)

    async def _tried(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer; a broker that is away is waited for."""
        wait = FIRST_WAIT_S
        while True:
            try:
                return await ask()
            except OutsideError as error:
                self._tell(f"{error}; tried again in {wait:.1f} s")
                await asyncio.sleep(wait)
                wait = min(2.0 * wait, LONGEST_WAIT_S)


def order_of(account: Account, number: int) -> VenueOrder:
    """Order of a number, as a broker gets it."""
    order = account.book.orders[number]
    left = float(order["qty"] - order["filled_qty"])
    if order["reduce_only"] or order["parent"] >= 0:  # a broker does not know what it may take
        held = float(account.book.state.qty[order["symbol"]])
        left = 0.0 if held * left >= 0.0 else max(min(left, abs(held)), -abs(held))
    return VenueOrder(
        client_id=f"{account.run}-{number}",
        symbol=account.book.panel.symbols[order["symbol"]],
        qty=left,
        order_type=OrderType(int(order["order_type"])),
        limit=float(order["limit"]), stop=float(order["stop"]), trail=float(order["trail"]),
        trail_fraction=float(order["trail_fraction"]), tif=TimeInForce(int(order["tif"])),
    )  # fmt: skip
