"""A broker that holds units for what works and withdraws in its own time, and a run beside it."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tradewind.engine.journal.event import Event
from tradewind.engine.live.account import Account
from tradewind.engine.live.dispatch import Dispatch
from tradewind.engine.live.sendings import Sendings
from tradewind.engine.types import OrderType
from tradewind.engine.venues.facts import (
    ReportKind,
    VenueAccount,
    VenueOrder,
    VenueReport,
    VenueSink,
    VenueState,
)


class Killed(BaseException):
    """The process is no more."""


@dataclass
class Kept:
    """An order as the broker has it."""

    order: VenueOrder
    other: str  # what came with it
    filled: float = 0.0
    status: str = "new"

    @property
    def works(self) -> bool:
        """Whether it holds units."""
        return self.status in ("new", "pending")


class HoldingBroker:
    """Fills market orders at once, everything else when a test says so.

    Attributes
    ----------
    refuses : callable
        Why it refuses an order; empty: it does not.
    no_pairs : str
        Why it cannot have two orders as one.
    slow : bool
        Whether a withdrawal waits for :meth:`withdraw`.
    asked : list of str
        Every message that changes something, oldest first.
    """

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.asked: list[str] = []
        self.told: list[VenueReport] = []
        self.no_pairs = self.no_orders = ""
        self.slow = True
        self.refuses: Callable[[VenueOrder], str] = lambda order: ""

    def held(self, symbol: str) -> float:
        """Signed units."""
        return sum(one.filled for one in self.kept.values() if one.order.symbol == symbol)

    def works(self) -> list[str]:
        """Names of what works."""
        return [name for name, one in self.kept.items() if one.works]

    async def run(self, sink: VenueSink) -> None:
        """Nothing comes by itself."""

    async def working(self) -> Sequence[VenueState]:
        """Nothing that anybody asks for here."""
        return []

    async def reports(self, since: int) -> Sequence[VenueReport]:
        """Everything ever said."""
        return self.told

    async def account(self) -> VenueAccount:
        """Nothing that anybody asks for here."""
        return VenueAccount(0.0, 0.0, {}, {})

    async def cannot(self, *orders: VenueOrder) -> str:
        """What the test says."""
        stops = [one for one in orders if one.order_type is not OrderType.MARKET]
        return self.no_pairs if len(orders) == 2 else self.no_orders if stops else ""

    async def submit(self, order: VenueOrder) -> VenueReport:
        """Take an order, once."""
        return self._take(order)[0]

    async def submit_pair(self, target: VenueOrder, stop: VenueOrder) -> Sequence[VenueReport]:
        """Take two as one, once."""
        return self._take(target, stop)

    def _take(self, *orders: VenueOrder) -> list[VenueReport]:
        first = orders[0]
        self.asked.append("send " + " and ".join(f"{o.client_id} {o.qty:g}" for o in orders))
        if first.client_id in self.kept:
            return [self._say(ReportKind.ACCEPTED, one.client_id) for one in orders]
        held = self.held(first.symbol)
        used = {
            frozenset((name, one.other)): one.order.qty - one.filled
            for name, one in self.kept.items()
            if one.works and one.order.symbol == first.symbol and one.order.qty * held < 0.0
        }
        if held * first.qty < 0.0 and abs(first.qty) > abs(held) - abs(sum(used.values())):
            self.asked.append("held")
            return [self._say(ReportKind.HELD, one.client_id, why="held") for one in orders]
        if why := self.refuses(first):
            return [self._say(ReportKind.REJECTED, one.client_id, why=why) for one in orders]
        for one, other in zip(orders, orders[::-1], strict=True):
            self.kept[one.client_id] = Kept(one, other.client_id)
        if first.order_type is OrderType.MARKET:
            self.fill(first.client_id, first.qty)
        return [self._say(ReportKind.ACCEPTED, one.client_id) for one in orders]

    def _say(
        self, kind: ReportKind, name: str, qty: float = 0.0, why: str = ""
    ) -> VenueReport:  # fmt: skip
        filled = f"{self.kept[name].filled:g}" if qty else kind.value
        return VenueReport(
            kind, name, 1, f"{name}/{filled}", qty, 100.0 if qty else 0.0, reason=why
        )

    def fill(self, name: str, qty: float) -> None:
        """Fill a part of an order; what came with it ends with the whole."""
        one = self.kept[name]
        one.filled += qty
        self.told.append(self._say(ReportKind.FILL, name, qty))
        if one.filled == one.order.qty:
            one.status = "filled"
            if one.other != name:
                self._end(one.other)

    async def cancel(self, client_id: str) -> None:
        """Begin to withdraw an order, and what came with it."""
        one = self.kept.get(client_id)
        if one is None or one.status != "new":
            return
        self.asked.append(f"withdraw {client_id}")
        for name in (client_id, one.other):
            self.kept[name].status = "pending"
        if not self.slow:
            self.withdraw()

    def withdraw(self) -> None:
        """Come to the end of every withdrawal."""
        for name in self.works():
            if self.kept[name].status == "pending":
                self._end(name)

    def _end(self, name: str) -> None:
        if self.kept[name].works:
            self.kept[name].status = "cancelled"
            self.told.append(self._say(ReportKind.CANCELLED, name))

    async def find(self, client_id: str) -> VenueState | None:
        """Order of a name."""
        one = self.kept.get(client_id)
        return None if one is None else VenueState(one.order, one.filled, 100.0, working=one.works)


class Trader:
    """A run beside that broker, on a clock that only waiting moves.

    Parameters
    ----------
    account : Account
        Of which everything that changes it is in a journal, so that it is the same in every life.
    broker : HoldingBroker
    kill_at : int
        Steps after which its process is killed.
    """

    def __init__(self, account: Account, broker: HoldingBroker, kill_at: int = 10**9) -> None:
        self.account, self.broker = account, broker
        self.journal: list[Event] = []
        self.said: list[str] = []
        self.steps: list[str] = []
        self.now, self.kill_at, self._unique = 0.0, kill_at, itertools.count()
        self._resumed = False
        self._begin()

    def _begin(self) -> None:
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._heard = 0
        self.sendings = Sendings("run", [e for e in self.journal if e.kind != "ack"])

        async def write(events: list[Event]) -> None:
            self.journal += events

        async def hear(report: VenueReport) -> None:
            self.account.answer(report)

        async def aside(do: Callable[[], Any]) -> Any:
            return do()

        def later(wait: float, do: Callable[[], None]) -> None:
            self._later.append((self.now + wait, next(self._unique), do))

        self.dispatch = Dispatch(
            self.account, self.broker, self.sendings, write=write, hear=hear, aside=aside,
            later=later, reached=self._reached, tell=self.said.append,
        )  # fmt: skip

    def _reached(self, step: str) -> None:
        self.steps.append(step)
        if len(self.steps) == self.kill_at:
            raise Killed

    def work(self, *, for_s: float = 0.0) -> None:
        """Send, and hear what is said; a process that is killed is followed by another."""
        until = self.now + for_s
        while True:
            try:
                self._live(until)
                self.now = until
                return
            except Killed:
                self._begin()
                self._resumed = True

    def _live(self, until: float) -> None:
        if self._resumed:
            asyncio.run(self.dispatch.settle())
            self._resumed = False
        while True:
            self._hear()
            asyncio.run(self.dispatch.send())
            if not self._hear() and not self._wait(until):
                return

    def _hear(self) -> int:
        """Hand over what the broker has said since."""
        news = self.broker.told[self._heard :]
        self._heard += len(news)
        for report in news:
            if not self.sendings.says_nothing(report):
                self.account.answer(report)
        return len(news)

    def _wait(self, until: float) -> bool:
        due = sorted(one for one in self._later if one[0] <= until)
        if due:
            self.now = due[0][0]
            self._later.remove(due[0])
            due[0][2]()
        return bool(due)
