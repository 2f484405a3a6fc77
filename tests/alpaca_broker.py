"""Alpaca's trading server on this machine: its wire, a ledger of its own, and faults on demand."""

import asyncio
import json
from collections import defaultdict, deque
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from tests.alpaca_ledger import OPEN, Ledger, update

ASSETS = {"KO": True, "MSFT": True, "BRK.B": False, "BTC/USD": True}  # name -> fractionable
KEY, SECRET = "CANARYKEY0123456789", "CANARYSECRET9876543210"
HELD_BACK_S = 5.0


class AlpacaBroker:
    """The server.

    Attributes
    ----------
    ledger : Ledger
    faults : dict of str to deque of str
        What goes wrong with the next requests, by method: ``reset`` (never arrived), ``hang``
        (never arrived, never answered), ``late`` (arrives after the client gave up), ``lost``
        (arrived, the answer did not), ``500``, ``500 after``, ``429``, ``401``.
    garble : str
        What goes wrong with updates: ``twice``, ``backwards``, ``lost``, ``torn``.
    race : str
        What happens before an order can be withdrawn: ``fills``, ``fills a part``.
    slow : bool
        Whether a withdrawal waits, as ``pending_cancel``, for :meth:`withdraw`.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.faults: defaultdict[str, deque[str]] = defaultdict(deque)
        self.garble = self.race = ""
        self.slow = False
        self.requests: list[tuple[str, str]] = []
        self.arrived = asyncio.Event()
        self.retry_after: str | None = "0.05"
        self.account_number = "PA3ABCDEFGHI"
        self.listening = 0
        self.port = 0
        self._peers: list[web.WebSocketResponse] = []
        self._held: list[dict[str, Any]] = []
        self._runner: Any = None

    async def start(self) -> None:
        """Listen; after the first time on the same port again."""
        app = web.Application(middlewares=[self._troubled])
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/v2/account", self._account)
        app.router.add_get("/v2/positions", self._positions)
        app.router.add_get("/v2/assets/{name}", self._asset)
        app.router.add_post("/v2/orders", self._submit)
        app.router.add_get("/v2/orders", self._orders)
        app.router.add_get("/v2/orders:by_client_order_id", self._order)
        app.router.add_get("/v2/orders/{id}", self._by_number)
        app.router.add_delete("/v2/orders/{id}", self._cancel)
        app.router.add_get("/v2/account/activities/FILL", self._activities)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        """Listen no more."""
        for peer in list(self._peers):
            await peer.close()
        await self._runner.cleanup()

    async def restart(self) -> None:
        """Go away and come back without having forgotten anything."""
        await self.stop()
        await self.start()

    @property
    def url(self) -> str:
        """Address of the REST interface."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        """Address of the stream."""
        return f"ws://127.0.0.1:{self.port}/stream"

    @web.middleware
    async def _troubled(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path == "/stream":
            return await handler(request)  # type: ignore[no-any-return]
        self.requests.append((request.method, request.path))
        fault = self.faults[request.method].popleft() if self.faults[request.method] else ""
        if request.headers.get("APCA-API-KEY-ID") != KEY or fault == "401":
            return failed(401, 40110000, f"request by {KEY} {SECRET} is not authorized")
        if fault == "429":
            headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return failed(429, 42910000, "too many requests.", headers)
        if fault == "500":
            return failed(500, 50010000, "internal server error occurred")
        if fault == "html":
            return web.Response(text="<html>down for maintenance</html>")
        if fault in ("reset", "hang"):
            await asyncio.sleep(HELD_BACK_S if fault == "hang" else 0.0)
            return gone(request)
        if fault == "late":
            await request.read()
            while request.transport is not None and not request.transport.is_closing():
                await asyncio.sleep(0.01)
        answer: web.StreamResponse = await handler(request)
        self.arrived.set()
        if fault == "lost":
            return gone(request)
        return failed(500, 50010000, "but it was done") if fault == "500 after" else answer

    async def _submit(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["client_order_id"] in self.ledger.orders:
            return failed(422, 40010001, "client_order_id must be unique")
        if asked["symbol"] not in ASSETS:
            return failed(422, 42210000, f"asset {asked['symbol']!r} not found")
        cost = float(asked["qty"]) * self.ledger.price[asked["symbol"]]
        if asked["side"] == "buy" and cost > self.ledger.cash:
            return failed(403, 40310000, "insufficient buying power")
        free, oco = self.ledger.available(asked["symbol"], asked["side"]), "stop_loss" in asked
        if free is None and oco:
            return failed(422, 42210000, "oco orders must be exit orders")
        if free is not None and float(asked["qty"]) > free:
            said = f"(requested: {asked['qty']}, available: {free:g})"
            return failed(403, 40310000, f"insufficient qty available for order {said}")
        order = self.ledger.take_pair(asked) if oco else self.ledger.take(asked)
        first = self.ledger.nested(order)
        told = [update("new", order)]
        if order["type"] == "market" and order["time_in_force"] != "cls":
            told += [self.ledger.fill(order, float(order["qty"]) * x) for x in self.ledger.parts]
        await self.tell(*told)
        return web.json_response(first)

    async def _cancel(self, request: web.Request) -> web.Response:
        found = [o for o in self.ledger.orders.values() if o["id"] == request.match_info["id"]]
        if not found:
            return failed(404, 40410000, "order not found")
        order, left = found[0], float(found[0]["qty"]) - float(found[0]["filled_qty"])
        if self.race and order["status"] in OPEN:
            await self.fill(order, left if self.race == "fills" else left / 2)
        if order["status"] not in OPEN or order["status"] == "pending_cancel":
            return failed(422, 42210000, "order is not cancelable")
        for one in (order, *self.ledger.others(order)):
            one["status"] = "pending_cancel"
            await self.tell(update("pending_cancel", one))
        if not self.slow:
            await self.withdraw()
        return web.Response(status=204)

    async def withdraw(self) -> None:
        """Let every withdrawal that waits come to its end."""
        for order in self.ledger.orders.values():
            if order["status"] == "pending_cancel":
                await self.tell(self.ledger.end(order, "canceled"))

    async def fill(self, order: dict[str, Any], qty: float) -> None:
        """Fill a part of an order; what came with it is lowered, and ends with the whole."""
        told = [self.ledger.fill(order, qty)]
        for one in self.ledger.others(order):
            told += self.ledger.lowered(one, qty)
        await self.tell(*told)

    async def _by_number(self, request: web.Request) -> web.Response:
        for order in self.ledger.orders.values():
            if order["id"] == request.match_info["id"]:
                nested = request.query.get("nested") == "true"
                return web.json_response(self.ledger.nested(order) if nested else order)
        return failed(404, 40410000, "order not found")

    async def _order(self, request: web.Request) -> web.Response:
        order = self.ledger.orders.get(request.query["client_order_id"])
        if order is None:
            return failed(404, 40410000, "order not found")
        return web.json_response(order)

    async def _orders(self, request: web.Request) -> web.Response:
        asked = request.query
        found = [
            self.ledger.nested(order) for order in self.ledger.orders.values()
            if not order["leg_of"]
            and (asked.get("status") == "all" or (order["status"] in OPEN) == (
                asked.get("status", "open") == "open"))
            and order["submitted_at"] > asked.get("after", "")
            and order["submitted_at"] < asked.get("until", "9")
        ]  # fmt: skip
        found.sort(
            key=lambda order: str(order["submitted_at"]), reverse=asked["direction"] != "asc"
        )
        return web.json_response(found[: int(asked.get("limit", 50))])

    async def _activities(self, request: web.Request) -> web.Response:
        asked = request.query
        found = [
            one for one in self.ledger.activities
            if one["transaction_time"] > asked.get("after", "")
            and one["id"] > asked.get("page_token", "")
        ]  # fmt: skip
        return web.json_response(found[: int(asked.get("page_size", 100))])

    async def _account(self, request: web.Request) -> web.Response:
        price, held = self.ledger.price, self.ledger.positions()
        equity = self.ledger.cash + sum(qty * price[name] for name, qty in held.items())
        return web.json_response({
            "id": str(uuid4()), "account_number": self.account_number, "status": "ACTIVE",
            "cash": str(self.ledger.cash), "equity": str(equity), "currency": "USD",
        })  # fmt: skip

    async def _positions(self, request: web.Request) -> web.Response:
        return web.json_response([
            {
                "symbol": name.replace("/", ""), "qty": str(qty),
                "side": "long" if qty > 0 else "short",
                "asset_class": "crypto" if "/" in name else "us_equity",
            }
            for name, qty in self.ledger.positions().items()
        ])  # fmt: skip

    async def _asset(self, request: web.Request) -> web.Response:
        for name, fractionable in ASSETS.items():
            if request.match_info["name"] in (name, name.replace("/", "")):
                return web.json_response({
                    "id": str(uuid4()), "symbol": name, "fractionable": fractionable,
                    "shortable": name == "KO", "easy_to_borrow": True, "tradable": True,
                })  # fmt: skip
        return failed(404, 40410000, "asset not found")

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        peer = web.WebSocketResponse()
        await peer.prepare(request)
        try:
            async for message in peer:
                if message.type is WSMsgType.TEXT:
                    await self._heard(peer, json.loads(message.data))
        finally:
            if peer in self._peers:
                self._peers.remove(peer)
        return peer

    async def _heard(self, peer: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        if asked["action"] == "authenticate":
            good = asked["data"] == {"key_id": KEY, "secret_key": SECRET}
            told = {"status": "authorized" if good else "unauthorized", "action": "authenticate"}
            await peer.send_bytes(json.dumps({"stream": "authorization", "data": told}).encode())
        elif asked["action"] == "listen":
            self._peers.append(peer)
            self.listening += 1
            told = {"streams": asked["data"]["streams"]}
            await peer.send_bytes(json.dumps({"stream": "listening", "data": told}).encode())

    async def tell(self, *told: dict[str, Any]) -> None:
        """Send updates, the way ``garble`` says."""
        if self.garble == "lost":
            return
        if self.garble == "backwards":
            self._held += told
            return
        for one in told:
            for peer in list(self._peers):
                frame = json.dumps(one).encode()
                if self.garble == "torn":
                    await peer.send_bytes(frame[: len(frame) // 2])
                else:
                    await peer.send_bytes(frame)
                    if self.garble == "twice":
                        await peer.send_bytes(frame)

    async def let_go(self) -> None:
        """Send what was held back, the newest first."""
        self.garble, held = "", self._held[::-1]
        self._held = []
        await self.tell(*held)

    async def break_off(self) -> None:
        """Break every stream off."""
        for peer in list(self._peers):
            transport = peer._req.transport if peer._req else None
            if transport is not None:
                transport.abort()


def failed(
    status: int, code: int, said: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Error in the wire's words."""
    return web.json_response({"code": code, "message": said}, status=status, headers=headers)


def gone(request: web.Request) -> web.Response:
    """No answer: the connection is broken off."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
