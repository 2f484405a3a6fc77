"""Binance on this machine, as far as ccxt asks it: markets, trades, bars, and a stream."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.bending import bent_fields
from tests.loopback import DELAYED_S, WebsocketLoopback
from tradewind.engine.streams.ccxt_feed import CcxtFeed
from tradewind.engine.streams.facts import LiveFeed

MINUTE_MS = 60_000


class CcxtLoopback(WebsocketLoopback):
    """The server.

    Attributes
    ----------
    bars : dict of str to list
        Of each market, as the wire has them.
    recent : dict of str to list
        Trades of each market that can be polled.
    paths : list of str
        What was asked over HTTP.
    """

    symbols = ("BTC/USDT", "ETH/USDT")
    stranger = "ACME/USDT"
    needed: tuple[str, ...] = ("s", "p", "q", "T")

    def __init__(self) -> None:
        super().__init__()
        self.bars: dict[str, list[list[Any]]] = {}
        self.recent: dict[str, list[dict[str, Any]]] = {}
        self.paths: list[str] = []

    @property
    def urls(self) -> dict[str, str]:
        """Where it is."""
        here = f"127.0.0.1:{self.port}"
        return {"rest": f"http://{here}", "ws": f"ws://{here}"}

    def feed(self, symbols: Sequence[str], mute_s: float) -> LiveFeed:
        """Feed that connects here."""
        made = CcxtFeed(
            urls=self.urls, poll_s=min(0.05, mute_s / 2), mute_s=mute_s, delayed_s=DELAYED_S
        )
        return made.following(symbols, "1m", None)

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        refused = super()._refuse(connection, request)
        asked = urlsplit(request.path)
        if refused is not None or request.headers.get("Upgrade"):
            return refused
        self.paths.append(asked.path)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        answers = {"/exchangeInfo": self._markets, "/klines": self._bars, "/trades": self._recent,
                   "/aggTrades": self._recent, "/ticker/24hr": self._ticker}  # fmt: skip
        if asked.path not in answers:
            return answered(404, {"code": -1, "msg": "no such thing"})
        return answered(200, answers[asked.path](query))

    def _markets(self, query: dict[str, str]) -> Any:
        return {
            "timezone": "UTC", "serverTime": now_ms(), "rateLimits": [], "exchangeFilters": [],
            "symbols": [market(name) for name in (*self.symbols, "XRP/USDT")],
        }  # fmt: skip

    def _bars(self, query: dict[str, str]) -> Any:
        begin, most = int(query.get("startTime", 0)), min(int(query.get("limit", 500)), 100)
        known = self.bars.get(query["symbol"], [])
        return [bar for bar in known if bar[0] >= begin][:most]

    def _recent(self, query: dict[str, str]) -> Any:
        return self.recent.get(query["symbol"], [])

    def _ticker(self, query: dict[str, str]) -> Any:
        trades = self.recent.get(query["symbol"], [])
        last: dict[str, Any] = trades[-1] if trades else {"p": "0", "T": now_ms()}
        return {
            "symbol": query["symbol"], "lastPrice": last["p"], "bidPrice": last["p"],
            "askPrice": last["p"], "closeTime": last["T"], "openTime": last["T"] - 1,
        }  # fmt: skip

    def hear(self, message: str | bytes) -> None:
        """Take a request, and answer it."""
        asked = json.loads(message)
        if asked.get("method") == "SUBSCRIBE":
            super().hear(message)
            told = json.dumps({"result": None, "id": asked["id"]})
            self._answering = asyncio.create_task(self.send(told))

    def asked(self) -> list[str]:
        """Symbols of the last subscription."""
        streams = [stream.partition("@")[0].upper() for stream in self.subscribed[-1]["params"]]
        return [name for name in self.symbols if name.replace("/", "") in streams]

    def trade(self, symbol: str, ts: int, price: float, size: int) -> str:
        """Message of a trade."""
        return json.dumps({
            "e": "trade", "E": ts // 1_000_000, "s": symbol.replace("/", ""), "t": size,
            "p": str(price), "q": str(size), "T": ts // 1_000_000, "m": False, "M": True,
        })  # fmt: skip

    def drifted(self, symbol: str, ts: int, price: float, size: int) -> str:
        """The same with a field that nobody knows of yet."""
        return json.dumps(json.loads(self.trade(symbol, ts, price, size)) | {"new": {"a": [1]}})

    def bent(self, symbol: str) -> list[str | bytes]:
        """Fields of a trade."""
        whole = json.loads(self.trade(symbol, time.time_ns(), 50.0, 1))
        return [json.dumps(one) for one in bent_fields(whole, self.needed)]

    async def complain(self, status: int) -> None:
        """Say so in the exchange's codes."""
        self.refuse(status)
        code, words = {401: (-2015, "Invalid API-key"), 429: (-1003, "Too many requests")}[status]
        await self.send(json.dumps({"error": {"code": code, "msg": words}, "id": 1}))

    def broken(self) -> list[str | bytes]:
        """Messages that are none: no JSON, cut off, not text, fields of another kind or missing."""
        whole = self.trade("BTC/USDT", time.time_ns(), 50.0, 1)
        bare = json.loads(whole)
        return [
            '{"e":', whole[: len(whole) // 2], b"\xff\xfe", "[]",
            json.dumps(bare | {"p": "much"}), json.dumps(bare | {"T": None}),
            json.dumps({"e": "trade"}),
        ]  # fmt: skip

    def happened(self, symbol: str, number: int, price: float) -> None:
        """Have a trade that can be polled."""
        self.recent.setdefault(symbol.replace("/", ""), []).append({
            "a": number, "p": str(price), "q": "1", "f": number, "l": number, "T": now_ms(),
            "m": False, "M": True,
        })  # fmt: skip


def market(name: str) -> dict[str, Any]:
    """Market in the wire's words."""
    base, quote = name.split("/")
    return {
        "symbol": base + quote, "status": "TRADING", "baseAsset": base, "quoteAsset": quote,
        "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"], "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False, "permissions": ["SPOT"], "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000",
             "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000",
             "stepSize": "0.00001"},
        ],
    }  # fmt: skip


def answered(status: int, found: Any) -> Response:
    """Answer over HTTP."""
    body = found if isinstance(found, bytes) else json.dumps(found).encode()
    headers = Headers({
        "Content-Type": "application/json", "Content-Length": str(len(body)),
        "Connection": "close",
    })  # fmt: skip
    return Response(status, "answered", headers, body)


def now_ms() -> int:
    """Our clock, in milliseconds."""
    return time.time_ns() // 1_000_000
