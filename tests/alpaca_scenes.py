"""A venue of Alpaca beside a broker on this machine: what its tests begin with."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from tests.alpaca_broker import AlpacaBroker
from tests.loopback import until
from tradewind.engine.errors import ConfigError, OutsideError
from tradewind.engine.types import OrderType
from tradewind.engine.venues.alpaca import AlpacaVenue
from tradewind.engine.venues.facts import ReportKind, VenueOrder, VenueReport

ORDER = VenueOrder("run-7", "KO", 10.0, OrderType.MARKET)
LIMIT = VenueOrder("run-8", "KO", -10.0, OrderType.LIMIT, limit=60.0)
Scene = Callable[[AlpacaBroker, AlpacaVenue, "Told"], Coroutine[Any, Any, None]]


class Told:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.reports: list[VenueReport] = []
        self.states: list[tuple[bool, str]] = []

    def report(self, report: VenueReport) -> None:
        """Remember an answer."""
        self.reports.append(report)

    def connected(self, up: bool, reason: str) -> None:
        """Remember a state."""
        self.states.append((up, reason))

    def once(self, client_id: str) -> list[VenueReport]:
        """Each thing said of an order, in the order in which it was said first."""
        said = {one.id: one for one in reversed(self.reports) if one.client_id == client_id}
        return list(said.values())[::-1]

    def filled(self, client_id: str) -> float:
        """Units filled, each execution counted once."""
        return sum(one.qty for one in self.once(client_id))

    def ends(self, client_id: str) -> list[ReportKind]:
        """How an order ended."""
        over = (ReportKind.CANCELLED, ReportKind.EXPIRED, ReportKind.REJECTED)
        return [one.kind for one in self.once(client_id) if one.kind in over]


def venue_at(broker: AlpacaBroker, timeout_s: float = 20.0) -> AlpacaVenue:
    """Venue of that broker."""
    return AlpacaVenue(url=broker.url, stream_url=broker.stream_url, timeout_s=timeout_s)


def played(scene: Scene, *, timeout_s: float = 20.0, listening: bool = True) -> Told:
    """Play a scene between a venue that listens and a broker."""
    told = Told()

    async def play() -> None:
        broker = AlpacaBroker()
        await broker.start()
        venue = venue_at(broker, timeout_s)
        tasks = [asyncio.create_task(venue.run(told))] if listening else []
        try:
            if listening:
                await until(lambda: told.states)
            await scene(broker, venue, told)
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError, ConfigError):
                    await task
            await broker.stop()

    asyncio.run(play())
    return told


async def insisted(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until there is an answer, as a run does."""
    for _ in range(100):
        try:
            return await ask()
        except OutsideError:
            await asyncio.sleep(0.02)
    raise AssertionError("no answer in a hundred tries")


def fills_of(broker: AlpacaBroker) -> float:
    """Units filled by the broker's own ledger."""
    return sum(
        float(one["qty"]) * (1 if one["side"] == "buy" else -1) for one in broker.ledger.activities
    )
