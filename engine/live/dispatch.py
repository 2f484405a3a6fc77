"""Orders on their way to a broker outside: each sent once, whatever happens on the way.

What is to be sent is in the journal before it is sent, under an id that is the same for ever. Where
nobody knows whether a message arrived, the broker is asked for that id, or the order is sent again
under it, which a broker takes as the same one.

A broker withdraws in its own time. What is to follow in that symbol waits until it has, and until
what was filled meanwhile is booked; other symbols do not wait.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from tradewind.engine.errors import OutsideError
from tradewind.engine.journal.event import Event
from tradewind.engine.live.account import Account
from tradewind.engine.live.allotting import closes, order_of, protects
from tradewind.engine.live.planning import Planner
from tradewind.engine.live.sendings import Sendings
from tradewind.engine.venues.facts import HoldingVenue, ReportKind, Venue, VenueOrder, VenueReport

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 30.0
LONGEST_LOOK_S = 5.0  # between two looks at whether a withdrawal has ended
CONFIRM_S = 30.0  # for which a withdrawal is waited before what follows is tried regardless
HELD_S = 120.0  # for which an order that adds is sent again where units are held for others
T = TypeVar("T")
Write = Callable[[list[Event]], Awaitable[None]]
Aside = Callable[[Callable[[], Any]], Awaitable[Any]]
Hear = Callable[[VenueReport], Awaitable[None]]
Later = Callable[[float, Callable[[], None]], object]
Key = tuple[str, int]


class Dispatch:
    """Sends what an account wants sent, and withdraws what it wants withdrawn.

    Parameters
    ----------
    account : Account
    venue : Venue
    sendings : Sendings
        What an earlier life has tried.
    write : callable
        Puts events into the journal.
    hear : callable
        Hands an answer to the account.
    aside : callable
        Does something in the thread that the account belongs to.
    later : callable
        Does something after some seconds, and has :meth:`send` called behind it.
    reached : callable
        Told each step.
    tell : callable
        Told, for the log, what had to be tried again and why.
    """

    def __init__(
        self,
        account: Account,
        venue: Venue,
        sendings: Sendings,
        *,
        write: Write,
        hear: Hear,
        aside: Aside,
        later: Later,
        reached: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self.account, self.venue, self.sendings = account, venue, sendings
        self._write, self._hear, self._aside, self._later = write, hear, aside, later
        self._reached, self._tell = reached, tell
        self.plans = Planner(account, sendings, holds=isinstance(venue, HoldingVenue))
        self._pending: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self._there: defaultdict[int, dict[int, dict[str, float]]] = defaultdict(dict)
        self._resting: set[Key] = set()
        self._waited: dict[Key, float] = {}

    async def settle(self) -> None:
        """Find out, after a restart, what became of everything that was sent or should have been.

        An order that was tried to be sent and that the broker has never seen is sent now; what was
        called back is called back again.
        """
        for _, name in await self._aside(self.plans.unsure):
            if await self._tried(partial(self.venue.find, name)) is None:
                self.plans.absent.add(name)
        unsure = self.sendings.recalled - self.plans.ended_there
        for number, names in self.sendings.by_number.items():
            if names[-1] in unsure:
                await self._cancel(number, names[-1])  # none was sent behind it: not confirmed yet
        await self.send()

    async def send(self) -> None:
        """Withdraw what ended here and works there, then send what works here and was not sent.

        In this order: a broker holds back for a stop the units that its successor, or an order
        that closes, is to sell, and refuses that one while the stop works.
        """
        plan = await self._aside(self.plans.plan)
        for together in plan.recall:
            await self._recall(together)
        for number, name in plan.withdraw:
            await self._cancel(number, name)
            self.sendings.unsettled.discard(number)
        if plan.recall or plan.withdraw:
            plan = await self._aside(self.plans.plan)
        ready: dict[int, bool] = {}
        for number, beside, k in plan.send:
            if k not in ready:
                ready[k] = await self._settled(k)
            if ready[k] and ("order", number) not in self._resting:
                await self._submit(number, beside)

    async def _cancel(self, number: int, name: str) -> None:
        """Ask the broker to withdraw an order; whether it has is looked at before the next one."""
        await self._tried(partial(self.venue.cancel, name))
        self._reached("after_cancel")
        k = await self._aside(partial(self.plans.symbol_of, number))
        self._pending[k][name] = number

    async def _recall(self, together: Sequence[tuple[int, str]]) -> None:
        """Have back what is to be sent in another shape.

        The broker withdraws all that was sent as one: none of it may be called back alone.
        """
        there = []
        for number, name in together:
            state = await self._tried(partial(self.venue.find, name))
            if state is not None and not state.working:
                return  # how it ended is being told, and with that there is another plan
            there += [(number, name)] if state is not None else []
        now = time.time_ns()
        events = [Event(0, now, "recall", {"number": n, "id": name}) for n, name in together]
        for event in events:
            self.sendings.note(event)
        await self._write(events)
        self._reached("after_recall")
        for number, name in there:
            await self._cancel(number, name)

    async def _settled(self, k: int) -> bool:
        """Whether everything withdrawn in a symbol is, and what it filled is booked."""
        key = ("symbol", k)
        if key in self._resting:
            return False
        pending = self._pending[k]
        for name, number in list(pending.items()):
            state = await self._tried(partial(self.venue.find, name))
            if state is None or not state.working:
                filled = 0.0 if state is None else abs(state.filled_qty)
                self._there[k].setdefault(number, {})[name] = filled
                del pending[name]
        late = list(pending) or await self._aside(partial(self.plans.unbooked, self._there[k]))
        if late and self._waited.get(key, 0.0) < CONFIRM_S:
            self._rest(key, LONGEST_LOOK_S)
            return False
        if late:
            self._tell(f"nobody confirms for {CONFIRM_S:g} s that {late} ended; going on")
            pending.clear()
            self._there[k].clear()  # waited for once, not again at every order behind it
        self._waited.pop(key, None)
        return True

    def _rest(self, key: Key, longest_s: float = LONGEST_WAIT_S) -> None:
        """Leave something alone for a while, longer each time."""
        waited = self._waited.get(key, 0.0)
        wait = min(max(FIRST_WAIT_S, waited), longest_s)
        self._waited[key] = waited + wait
        self._resting.add(key)
        self._later(wait, partial(self._resting.discard, key))

    async def _submit(self, number: int, beside: int) -> None:
        numbers = (number,) if beside < 0 else (number, beside)
        names = [self._name(n, m) for n, m in zip(numbers, (beside, number), strict=False)]
        orders = await self._aside(partial(self.plans.orders_of, numbers, names))
        if not orders or not await self._can(numbers, orders):
            return
        events = [
            Event(0, time.time_ns(), "submit", {"number": n, "id": name})
            for n, name in zip(numbers, names, strict=True)
            if self.sendings.current(n) is None
        ]
        for event in events:
            self.sendings.note(event)
        if events:
            await self._write(events)
        self._reached("before_submit")
        reports = await self._tried(partial(self._message, orders))
        self._reached("after_submit")
        if len(reports) > 1 and any(one.kind is ReportKind.REJECTED for one in reports):
            self._part(numbers, reports[0].reason)
            self.plans.absent.update(names)
            return
        for n, name, report in zip(numbers, names, reports, strict=True):
            await self._answered(n, name, report)

    def _name(self, number: int, beside: int) -> str:
        return self.sendings.current(number) or self.sendings.fresh(number, beside)

    async def _message(self, orders: Sequence[VenueOrder]) -> Sequence[VenueReport]:
        if len(orders) == 1:
            return [await self.venue.submit(orders[0])]
        assert isinstance(self.venue, HoldingVenue)  # nobody else is asked for pairs
        return await self.venue.submit_pair(*orders)

    async def _can(self, numbers: Sequence[int], orders: Sequence[VenueOrder]) -> bool:
        """Whether a broker that holds units can have these, and the stop that is to follow."""
        venue = self.venue
        if not isinstance(venue, HoldingVenue):
            return True
        if len(orders) == 2:
            if why := await self._tried(partial(venue.cannot, *orders)):
                self._part(numbers, why)
            return not why
        for child in await self._aside(partial(self.plans.stops_behind, numbers[0])):
            stop = child._replace(qty=-orders[0].qty)
            if why := await self._tried(partial(venue.cannot, stop)):
                name = orders[0].client_id
                said = f"not sent, because the stop that is to protect it cannot be: {why}"
                await self._hear(_rejection(name, said))
                return False
        return True

    def _part(self, numbers: Sequence[int], why: str) -> None:
        """Send of a pair the stop alone from now on."""
        self.plans.apart.add(frozenset(numbers))
        self._tell(
            f"orders {numbers[0]} and {numbers[1]} cannot be sent as one ({why}); the stop is sent "
            "alone, and the target when a close has reached it"
        )
        self._later(0.0, lambda: None)

    async def _answered(self, number: int, name: str, report: VenueReport) -> None:
        """Take the answer to a message."""
        if report.kind is ReportKind.ACCEPTED:
            self.plans.absent.discard(name)
            self._waited.pop(("order", number), None)
            self._reached("before_ack")
            facts = {"number": number, "id": report.id}
            await self._write([Event(0, report.at, "ack", facts)])
            self._reached("after_ack")
        elif await self._again(number, report):
            self.plans.absent.add(name)
            self._rest(("order", number))
            self._tell(f"order {name} is asked again: {report.reason}")
        elif report.kind is ReportKind.HELD:
            await self._hear(_rejection(name, report.reason))
        else:
            await self._hear(report)

    async def _again(self, number: int, report: VenueReport) -> bool:
        """Whether an order that was not taken is to be sent again as it is."""
        if report.kind is ReportKind.HELD:
            waited = self._waited.get(("order", number), 0.0)
            return waited < HELD_S or await self._aside(partial(closes, self.account, number))
        if not isinstance(self.venue, HoldingVenue):
            return False
        protection = await self._aside(partial(protects, self.account, number))
        order = await self._aside(partial(order_of, self.account, number))
        return protection and not await self._tried(partial(self.venue.cannot, order))

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


def _rejection(name: str, reason: str) -> VenueReport:
    kind = ReportKind.REJECTED
    return VenueReport(kind, name, time.time_ns(), f"{name}/{kind.value}", reason=reason)
