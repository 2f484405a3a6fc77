"""What a broker outside is to be asked, made of what an account wants and what was sent."""

from collections.abc import Sequence
from typing import NamedTuple

from tradewind.engine.executors import state as states
from tradewind.engine.live.account import Account
from tradewind.engine.live.allotting import ALONE, STOPS, left_of, order_of, shapes
from tradewind.engine.live.sendings import Sendings
from tradewind.engine.types import OrderType
from tradewind.engine.venues.facts import VenueOrder

SPENT = (states.FILLED, states.BY_VENUE, states.EXPIRED)  # ended by the broker's word
BY_SIBLING = (states.BY_OCO, states.BY_BRACKET, states.PARTLY, *SPENT)
KEPT = -2  # works here alone: the broker has no units for it
Named = tuple[int, str]


class Plan(NamedTuple):
    """What is to be done at the broker.

    Attributes
    ----------
    withdraw : list of (int, str)
        Ended here and works there.
    recall : list of list of (int, str)
        Works here, and there in another shape than is wanted; what was sent as one together.
    send : list of (int, int, int)
        Number of an order, of the one it is sent beside, and column of their symbol.
    """

    withdraw: list[Named]
    recall: list[list[Named]]
    send: list[tuple[int, int, int]]


class Planner:
    """Compares what works here with what was sent; belongs to the account's thread.

    Parameters
    ----------
    account : Account
    sendings : Sendings
    holds : bool
        Whether the broker holds units for what works.

    Attributes
    ----------
    absent : set of str
        Names that the broker does not have.
    apart : set of frozenset of int
        Pairs that it cannot have as one.
    ended_there : set of str
        Names of which an earlier life has heard that they ended.
    """

    def __init__(self, account: Account, sendings: Sendings, *, holds: bool) -> None:
        self.account, self.sendings, self.holds = account, sendings, holds
        self.absent: set[str] = set()
        self.apart: set[frozenset[int]] = set()
        ends = ("cancelled", "expired", "rejected")
        heard = (one.rpartition("/") for one in account.heard)
        self.ended_there = {name for name, _, kind in heard if kind in ends}

    def unsure(self) -> list[Named]:
        """What was sent and is not known to have ended."""
        found = ((n, self.sendings.current(n)) for n in sorted(self.sendings.unsettled))
        return [(n, name) for n, name in found if name is not None and self.works(n)]

    def plan(self) -> Plan:
        """What is to be done now."""
        sent, wanted = self.sendings, self._wanted()
        plan, misfits = Plan([], [], []), dict[int, str]()
        for n in sorted(sent.unsettled):
            name = sent.current(n)
            if name is not None and self.works(n):
                if n in wanted and not self._fits(n, wanted[n]):
                    misfits[n] = name
            elif name is not None:
                self._withdrawal(plan, n, name)
        while misfits:
            n = min(misfits)
            other = sent.beside(n)
            both = [
                (n, misfits.pop(n)),
                *([(other, misfits.pop(other))] if other in misfits else []),
            ]
            plan.recall.append(both)
        for n, beside in sorted(wanted.items()):
            free = all(self._is_free(m) for m in (n, beside) if m >= 0)
            if free and beside != KEPT and (beside < 0 or self._is_target(n)):
                plan.send.append((n, beside, self.symbol_of(n)))
        return plan

    def _is_free(self, number: int) -> bool:
        name = self.sendings.current(number)
        return name is None or name in self.absent

    def _wanted(self) -> dict[int, int]:
        """Order that works here -> the one it is to be sent beside, ALONE, or KEPT."""
        works = [int(n) for n in self.account.book.working]
        works = [n for n in works if left_of(self.account, n)]  # nothing to take: not yet
        if not self.holds:
            return dict.fromkeys(works, ALONE)
        return dict.fromkeys(works, KEPT) | shapes(self.account, self.apart)

    def _fits(self, number: int, beside: int) -> bool:
        """Whether an order is at the broker as it is wanted."""
        now = self.sendings.beside(number)
        if now == beside:
            return True
        # The broker lowers or withdraws what is left of a pair itself.
        alone = beside == ALONE and now >= 0
        return bool(alone and self.account.book.orders[now]["reason"] in BY_SIBLING)

    def _withdrawal(self, plan: Plan, number: int, name: str) -> None:
        """Note that an order that has ended here is to be withdrawn, where it may work there."""
        reason, other = self.account.book.orders[number]["reason"], self.sendings.beside(number)
        if reason in SPENT or name in self.absent or name in self.ended_there:
            self.sendings.unsettled.discard(number)
        elif not (other >= 0 and self.works(other) and reason in BY_SIBLING):
            plan.withdraw.append((number, name))

    def symbol_of(self, number: int) -> int:
        """Column of an order's symbol."""
        return int(self.account.book.orders[number]["symbol"])

    def works(self, number: int) -> bool:
        """Whether an order works here."""
        return bool(self.account.book.orders[number]["reason"] == states.WORKING)

    def _is_target(self, number: int) -> bool:
        return bool(self.account.book.orders[number]["order_type"] == OrderType.LIMIT)

    def stops_behind(self, number: int) -> list[VenueOrder]:
        """Stops that sleep until an order fills."""
        orders, found, child = self.account.book.orders, list[VenueOrder](), number + 1
        while child < len(orders) and orders[child]["parent"] == number:
            if OrderType(int(orders[child]["order_type"])) in STOPS and self.works(child):
                found.append(order_of(self.account, child))
            child += 1
        return found

    def unbooked(self, there: dict[int, dict[str, float]]) -> list[str]:
        """Names of which the broker has filled more than the account knows.

        Parameters
        ----------
        there : dict of int to dict of str to float
            Number of an order -> units filled under each name. What is booked and has ended is
            taken out.
        """
        orders, late = self.account.book.orders, []
        for number, filled in list(there.items()):
            if sum(filled.values()) > abs(orders[number]["filled_qty"]) + 1e-6:
                late += list(filled)
            elif not self.works(number):
                del there[number]
        return late

    def orders_of(self, numbers: Sequence[int], names: Sequence[str]) -> list[VenueOrder]:
        """Orders as they are sent; none where one of them has ended meanwhile."""
        pairs = zip(numbers, names, strict=True)
        found = [order_of(self.account, n, name) for n, name in pairs if self.works(n)]
        return found if len(found) == len(numbers) and all(one.qty for one in found) else []
