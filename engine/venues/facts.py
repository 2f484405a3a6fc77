"""What is said to a broker that is not ours, and what it answers."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import nan
from typing import NamedTuple, Protocol, runtime_checkable

from tradewind.engine.types import OrderType, TimeInForce


class VenueOrder(NamedTuple):
    """An order as it is sent; ``client_id`` is the same however often it is sent."""

    client_id: str
    symbol: str
    qty: float  # signed units
    order_type: OrderType
    limit: float = nan
    stop: float = nan
    trail: float = nan
    trail_fraction: float = nan
    tif: TimeInForce = TimeInForce.GTC


class ReportKind(StrEnum):
    """What a broker says of an order."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILL = "fill"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    HELD = "held"  # not taken: what works holds the units; it may be sent again as it is


class VenueReport(NamedTuple):
    """One thing a broker says of one order.

    Attributes
    ----------
    kind : ReportKind
    client_id : str
    at : int
        By the broker's clock, UTC nanoseconds.
    id : str
        The same whenever this very thing is said again, so that it is counted once.
    qty, price, fee : float
        Of a fill: signed units of this execution alone, price, currency; else 0.
    reason : str
        In the broker's words.
    """

    kind: ReportKind
    client_id: str
    at: int
    id: str
    qty: float = 0.0
    price: float = 0.0
    fee: float = 0.0
    reason: str = ""


class VenueState(NamedTuple):
    """An order as the broker has it now."""

    order: VenueOrder
    filled_qty: float  # signed units
    average_price: float
    working: bool
    reason: str = ""


class VenueAccount(NamedTuple):
    """What the broker says is held."""

    cash: float
    equity: float
    positions: Mapping[str, float]  # signed units
    shortable: Mapping[str, bool]


class VenueSink(Protocol):
    """Takes a broker's answers, in its event loop; never blocks or raises."""

    def report(self, report: VenueReport) -> None:
        """Take one answer; the same may come twice."""
        ...

    def connected(self, up: bool, reason: str) -> None:
        """Take note of whether answers can come at present."""
        ...


@runtime_checkable
class Venue(Protocol):
    """A broker outside; every call raises OutsideError where it could not be reached in time."""

    async def run(self, sink: VenueSink) -> None:
        """Deliver answers until cancelled; reconnects, and then says again what was missed."""
        ...

    async def submit(self, order: VenueOrder) -> VenueReport:
        """Send an order; one that the broker has already under this id is not sent twice.

        Returns ACCEPTED, REJECTED or HELD. After an OutsideError nobody knows whether it arrived:
        ask :meth:`find`, or submit it again.
        """
        ...

    async def cancel(self, client_id: str) -> None:
        """Ask for an order to be withdrawn; one that no longer works is ignored."""
        ...

    async def find(self, client_id: str) -> VenueState | None:
        """Order by our id, None where the broker has never seen it."""
        ...

    async def working(self) -> Sequence[VenueState]:
        """Every order that works."""
        ...

    async def reports(self, since: int) -> Sequence[VenueReport]:
        """Everything said since a moment (UTC nanoseconds), oldest first."""
        ...

    async def account(self) -> VenueAccount:
        """What is held."""
        ...


@runtime_checkable
class HoldingVenue(Venue, Protocol):
    """A broker that holds units for what works, and refuses a second order that is to close them.

    It is never sent more than closes what is held, and of a stop and a target of the same units
    both at once: one message, of which the broker fills one order and withdraws the other.
    """

    async def cannot(self, *orders: VenueOrder) -> str:
        """Why it cannot have an order, or a target and its stop as one; empty where it can."""
        ...

    async def submit_pair(self, target: VenueOrder, stop: VenueOrder) -> Sequence[VenueReport]:
        """Send both as one, under the rules of :meth:`submit`; what became of each."""
        ...
