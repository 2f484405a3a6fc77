"""Alpaca's paper account as the broker of a run.

Orders go over its REST interface under ids of ours, what becomes of them comes over its stream.
There is no way to trade real money with this: addresses and accounts are checked to be for paper.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from annotated_types import Gt

from tradewind.engine.errors import ConfigError, OutsideError
from tradewind.engine.secret import secret as value_of
from tradewind.engine.streams.alpaca_client import named
from tradewind.engine.streams.optional import client as imported
from tradewind.engine.streams.supervisor import Patience, Supervisor
from tradewind.engine.venues import alpaca_orders as words
from tradewind.engine.venues.alpaca_history import History
from tradewind.engine.venues.alpaca_rest import KEY, PAPER, Found, Refused, Rest, paper_address
from tradewind.engine.venues.alpaca_updates import StateOnly, Told, UpdatesConnection
from tradewind.engine.venues.facts import (
    ReportKind,
    VenueAccount,
    VenueOrder,
    VenueReport,
    VenueSink,
    VenueState,
)
from tradewind.engine.venues.naming import common

PATIENCE = Patience(open_s=120.0, mute_s=60.0)  # orders may have nothing to say for days
PAPER_ACCOUNT = "PA"  # how the number of such an account begins
COIN = "crypto"


class AlpacaVenue:
    """A paper account at Alpaca.

    Commissions are none; regulatory fees, which the broker books by the day, are in the account
    and in no report.

    Parameters
    ----------
    key, secret : str
        *Names* of the secrets that hold the two halves of the key.
    url, stream_url : str, optional
        Other servers; on this machine, or those of paper accounts.
    timeout_s : float
        After which nobody knows whether a message arrived.
    """

    def __init__(
        self,
        *,
        key: str = "ALPACA_KEY",
        secret: str = "ALPACA_SECRET",
        url: str = f"https://{PAPER}",
        stream_url: str = f"wss://{PAPER}/stream",
        timeout_s: Annotated[float, Gt(0)] = 10.0,
    ) -> None:
        url = paper_address(url, ("http", "https"))
        self._stream_url = paper_address(stream_url, ("ws", "wss"))
        self._keys = (
            value_of(key, wanted_by=f"{KEY}.key"), value_of(secret, wanted_by=f"{KEY}.secret")
        )  # fmt: skip
        self._rest = Rest(self._keys, url.rstrip("/"), timeout_s)
        self._history = History(self._rest)
        self._told = Told(self._history)
        self._assets: dict[str, Found | None] = {}
        self._ours: dict[str, str] = {}
        self._is_paper = False

    async def run(self, sink: VenueSink) -> None:
        """Deliver answers until cancelled; a new connection tells first what was missed."""
        await asyncio.to_thread(imported, "alpaca.trading.stream", wanted_by=KEY)  # takes seconds
        while not self._is_paper:
            try:
                await self._checked()
            except OutsideError as error:
                sink.connected(False, f"{error}")
                await asyncio.sleep(PATIENCE.longest_wait_s)
        self._told.sink = sink
        connect = partial(UpdatesConnection, self._keys, self._stream_url, self._told)
        never = lambda now: False  # noqa: E731 - silence says nothing here
        await Supervisor(connect, PATIENCE, never).run(StateOnly(sink.connected))

    async def submit(self, order: VenueOrder) -> VenueReport:
        """Send an order; one that the broker has already under this id is not sent twice."""
        refusal = await self.cannot(order)
        return _rejected(order, refusal) if refusal else (await self._sent(order))[0]

    async def submit_pair(self, target: VenueOrder, stop: VenueOrder) -> Sequence[VenueReport]:
        """Send a target and its stop as one order of class ``oco``."""
        refusal = await self.cannot(target, stop)
        if refusal:
            return [_rejected(one, refusal) for one in (target, stop)]
        return await self._sent(target, stop)

    async def cannot(self, *orders: VenueOrder) -> str:
        """Why Alpaca cannot have an order, or a target and its stop as one."""
        await self._checked()
        for order in orders:
            self._ours[named(order.symbol)] = order.symbol
            refusal = words.refusal(order, fractionable=await self._fractionable(order))
            if refusal:
                return refusal
        return words.pair_refusal(*orders) if len(orders) == 2 else ""

    async def _sent(self, *orders: VenueOrder) -> list[VenueReport]:
        """What became of an order, or of two that one message sends."""
        for order in orders:
            self._told.follow(order.client_id)
        first = orders[0]
        try:
            made = words.wire(first) if len(orders) < 2 else words.wire_pair(*orders)
            taken = self._history.unfolded(await self._rest.post(made))
        except Refused as refused:
            # Also a refusal for other reasons may be of an order that is there already: its first
            # message arrived, and has used up the money or the units that the second one lacks.
            looked = [await self._history.order(order.client_id) for order in orders]
            taken = [found for found in looked if found is not None]
            if not taken:
                return [self._refused(order, refused.said) for order in orders]
            if not all(map(words.same, taken, orders)):
                return [self._strange(order, taken[0]) for order in orders]
            await self._told.tell_all(taken)
        at = {one["client_order_id"]: one for one in taken}
        return [words.accepted(at.get(one.client_id, taken[0]), one.client_id) for one in orders]

    def _refused(self, order: VenueOrder, said: str) -> VenueReport:
        self._told.working.discard(order.client_id)
        report = _rejected(order, f"alpaca: {said}")
        if not words.holding(said):
            return report
        return report._replace(kind=ReportKind.HELD, id=f"{order.client_id}/held")

    def _strange(self, order: VenueOrder, found: Found) -> VenueReport:
        self._told.working.discard(order.client_id)
        return _rejected(
            order,
            f"alpaca has another order under the id {order.client_id}: {found['side']} "
            f"{found['qty']} {found['symbol']}; give the run a name that was never used",
        )

    async def _fractionable(self, order: VenueOrder) -> bool:
        if order.qty == round(order.qty):
            return True
        asset = await self._asset(order.symbol)
        return bool(asset and asset.get("fractionable"))

    async def cancel(self, client_id: str) -> None:
        """Ask for an order to be withdrawn; one that no longer works is ignored."""
        await self._checked()
        found = await self._history.order(client_id)
        if found is None or found["status"] in words.OVER:
            return
        try:
            await self._rest.delete(found["id"])
        except Refused:  # it ended in between: what it ended with is told
            return

    async def find(self, client_id: str) -> VenueState | None:
        """Order by our id, None where the broker has never seen it.

        What was said of it is told to whoever listens, once more: who asks may have missed it.
        """
        await self._checked()
        found = await self._history.order(client_id)
        if found is None:
            return None
        self._told.follow(client_id)
        await self._told.tell_all([found])
        return words.state_of(found, self._name(found["symbol"]))

    async def working(self) -> Sequence[VenueState]:
        """Every order that works."""
        await self._checked()
        found = await self._history.orders("open")
        return [words.state_of(one, self._name(one["symbol"])) for one in found]

    async def reports(self, since: int) -> Sequence[VenueReport]:
        """Everything said since a moment (UTC nanoseconds), oldest first."""
        await self._checked()
        return await self._history.since(since)

    async def account(self) -> VenueAccount:
        """What is held, and which of the symbols held or traded can be sold short."""
        account = await self._checked(again=True)
        positions, names = {}, set(self._ours)
        for one in await self._rest.get("/positions"):
            coin = await self._asset(one["symbol"]) if one["asset_class"] == COIN else None
            name = coin["symbol"] if coin else one["symbol"]
            sign = -1.0 if one["side"] == "short" else 1.0
            positions[self._name(name)] = sign * abs(float(one["qty"]))
            names.add(name)
        assets = {name: await self._asset(name) for name in sorted(names)}
        shortable = {
            self._name(name): bool(one and one.get("shortable") and one.get("easy_to_borrow"))
            for name, one in assets.items()
        }
        return VenueAccount(
            float(account["cash"]), float(account["equity"]), positions, shortable
        )  # fmt: skip

    async def _checked(self, *, again: bool = False) -> Found:
        """Account, known to be one for paper; empty where that was known before."""
        if self._is_paper and not again:
            return {}
        try:
            found: Found = await self._rest.get("/account")
        except Refused as refused:
            raise ConfigError(f"{KEY}: alpaca does not show the account: {refused}") from None
        if not str(found.get("account_number", "")).startswith(PAPER_ACCOUNT):
            raise ConfigError(
                f"{KEY}: the keys are those of an account for real money; make keys of the paper "
                "account: nothing here trades real money"
            )
        self._is_paper = True
        return found

    async def _asset(self, symbol: str) -> Found | None:
        """What can be done with a symbol; None where the broker does not have it."""
        name = named(symbol)
        if name not in self._assets:
            try:
                self._assets[name] = await self._rest.get(f"/assets/{name.replace('/', '%2F')}")
            except Refused:
                self._assets[name] = None
        return self._assets[name]

    def _name(self, theirs: str) -> str:
        """Our name of a symbol: as it was last sent, else as Yahoo writes it."""
        return self._ours.get(theirs) or common(theirs)


def _rejected(order: VenueOrder, reason: str) -> VenueReport:
    client_id = order.client_id
    return VenueReport(
        ReportKind.REJECTED, client_id, time.time_ns(), f"{client_id}/rejected", reason=reason
    )  # fmt: skip
