"""Alpaca's stream of updates of orders: each execution told once and in its turn.

Updates may come twice, late or not at all. One that does not follow on what was told of its order
is not believed; the server's own list of executions is asked instead.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tradewind.engine.streams.alpaca_client import refused, socket_params
from tradewind.engine.streams.facts import FeedNotice, FeedState, Sink, Tick
from tradewind.engine.streams.optional import client as imported
from tradewind.engine.venues import alpaca_orders as words
from tradewind.engine.venues.alpaca_history import MISSING, History
from tradewind.engine.venues.alpaca_rest import KEY, Found
from tradewind.engine.venues.facts import ReportKind, VenueReport, VenueSink
from tradewind.engine.venues.ids import other_of

FILLS, BEGUN = ("fill", "partial_fill"), ("new", "accepted", "pending_new")
MOST_TOLD = 10_000  # orders that are over and remembered


class Told:
    """What has been told of which order, and who is to be told.

    Parameters
    ----------
    history : History
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.sink: VenueSink | None = None
        self.working: set[str] = set()
        self._filled: dict[str, float] = {}

    def follow(self, client_id: str) -> None:
        """Tell, from now on, what becomes of an order, also what is missed meanwhile."""
        self.working.add(client_id)

    async def catch_up(self) -> None:
        """Tell everything of the orders that are followed, whether it was told before or not."""
        open_ones = {one["client_order_id"]: one for one in await self.history.orders("open")}
        found = [
            open_ones.get(name) or await self.history.order(name) for name in sorted(self.working)
        ]
        await self.tell_all([one for one in found if one is not None])

    async def tell_all(self, orders: Sequence[Found]) -> None:
        """Tell everything of these orders."""
        if self.sink is not None:
            self._say(await self.history.told(orders))
            for one in orders:
                if one["status"] in words.OVER:
                    self._over(one["client_order_id"])

    async def take(self, update: Found) -> None:
        """Tell what one update says."""
        found, event = self.history.ours(update["order"]), update["event"]
        if found is None:  # a leg that is told before the answer that shows whose it is
            await self.catch_up()
            if self.history.ours(update["order"]) is None:
                self.history.estranged(update["order"])
            return
        order = found
        client_id, filled = order["client_order_id"], words.filled_qty(order)
        known = self._filled.get(client_id, 0.0)
        if event in BEGUN:
            self._say([words.accepted(order)])
        elif event in FILLS:
            qty = words.number(update.get("qty"))
            if filled <= known + MISSING:
                return
            if abs(known + qty - filled) > MISSING:
                await self._look(client_id)
                return
            at, price = words.when(update["timestamp"]), float(update["price"])
            self._say([words.fill(order, qty, price, filled, at)])
            if filled >= words.number(order["qty"]) - MISSING:
                self._over(client_id)
        elif order["status"] in words.ENDED:
            # The server sends a leg again where the other has filled a part: it works on.
            sent_again = order["status"] == "replaced" and other_of(client_id) is not None
            if filled > known + MISSING or sent_again:
                await self._look(client_id)
                return
            end = words.end_of(order, words.when(update["timestamp"]), f"alpaca: {event}")
            self._say([end] if end else [])
            self._over(client_id)

    async def _look(self, client_id: str) -> None:
        """Tell what the server's list says of an order whose update cannot be believed."""
        found = await self.history.order(client_id)
        await self.tell_all([found] if found else [])

    def _say(self, reports: Iterable[VenueReport]) -> None:
        for report in reports:
            if report.kind is ReportKind.FILL:
                filled = float(report.id.rpartition("/")[2])
                self._filled[report.client_id] = max(
                    filled, self._filled.get(report.client_id, 0.0)
                )
            if self.sink is not None:
                self.sink.report(report)

    def _over(self, client_id: str) -> None:
        self.working.discard(client_id)
        if len(self._filled) > MOST_TOLD:
            oldest = next(iter(self._filled))
            if oldest not in self.working:
                del self._filled[oldest]


class UpdatesConnection:
    """One connection to the stream of updates, for a supervisor.

    Parameters
    ----------
    keys : (str, str)
    url : str
    told : Told
    """

    def __init__(self, keys: tuple[str, str], url: str, told: Told) -> None:
        stream = imported("alpaca.trading.stream", wanted_by=KEY).TradingStream
        self._made = stream(
            *keys, paper=True, raw_data=True, url_override=url, websocket_params=socket_params()
        )
        self._made.subscribe_trade_updates(_nobody)
        self._told = told
        self._waiting: deque[Found] = deque()

    async def open(self) -> None:
        """Connect, sign in, listen; then tell what was missed, so that nothing falls between."""
        try:
            await self._made._start_ws()
        except Exception as error:
            raise refused(error, KEY) from None
        await self._told.catch_up()
        if self._told.sink is not None:
            self._told.sink.connected(True, "updates of orders come")

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Take one message; what it said is told by the time this returns."""
        if not self._waiting:
            frame = await self._made._ws.recv()
            try:
                message = json.loads(frame)
                if message.get("stream") == "trade_updates":
                    update = message["data"]
                    _ = update["event"], update["order"]["client_order_id"]
                    self._waiting.append(update)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                # Whose it was is not known: a new connection tells everything again.
                raise ConnectionError(f"an update that is none ({type(error).__name__})") from None
        while self._waiting:  # still there if this is broken off and called again
            await self._told.take(self._waiting[0])
            self._waiting.popleft()
        return ()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._made.close()


class StateOnly:
    """Takes a supervisor's notices; there are no ticks here.

    Parameters
    ----------
    connected : callable
        Of the sink.
    """

    def __init__(self, connected: Callable[[bool, str], None]) -> None:
        self._connected = connected

    def notice(self, notice: FeedNotice) -> None:
        """Say that no updates come."""
        if notice.state is FeedState.DOWN:
            self._connected(False, f"no updates of orders: {notice.reason}")

    def ticks(self, batch: Any) -> None:
        """Take nothing."""

    def bars(self, closed: Any) -> None:
        """Take nothing."""

    def dropped(self, reason: str, what: str) -> None:
        """Take nothing."""


async def _nobody(message: Any) -> None:
    """Handle a message: it never comes to that, but the client wants to know what for."""
