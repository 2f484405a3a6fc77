"""Binance on this machine as an exchange that does not stream: trades are asked for."""

import asyncio
import json
import time
from collections.abc import Sequence
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.ccxt_loopback import CcxtLoopback, answered
from tradewind.engine.streams.ccxt_exchange import Exchanges
from tradewind.engine.streams.facts import LiveFeed

AT_MOST = 500  # trades of an answer
NO_JSON = (b"", b"{")
TRADES = ("/trades", "/aggTrades")


class CcxtPolled(CcxtLoopback):
    """The server; what it is told to send is in the answer to the next question about a symbol.

    A connection is what the feed's watcher makes anew; the server sees questions alone, and is told
    of it by the exchange object that each begins with.
    """

    needed = ("p", "q", "T")  # an answer's trades are of the market that was asked about

    def __init__(self) -> None:
        super().__init__()
        self._coming: dict[str, list[str | bytes]] = {}
        self._told: set[str] = set()
        self._breaks = ""
        self._numbers = count(1)

    def feed(self, symbols: Sequence[str], mute_s: float) -> LiveFeed:
        """Feed that asks here."""
        made: Any = super().feed(symbols, mute_s)
        made._exchanges = _Asked(self)
        return made  # type: ignore[no-any-return]

    def begun(self) -> None:
        """The feed has begun anew."""
        self.connections += 1
        self.ready.clear()
        self._told.clear()
        self._breaks = ""

    def asked(self) -> list[str]:
        """Symbols that were asked for."""
        return [name for name in self.symbols if name.replace("/", "") in self._told]

    def trade(self, symbol: str, ts: int, price: float, size: int) -> str:
        """A trade of an answer; ``s`` says in whose."""
        number, ms = next(self._numbers), ts // 1_000_000
        return json.dumps({
            "a": number, "p": str(price), "q": str(size), "f": number, "l": number, "T": ms,
            "m": False, "M": True, "s": symbol.replace("/", ""),
        })  # fmt: skip

    def broken(self) -> list[str | bytes]:
        """Answers that are none, and trades in them that are none."""
        bare = json.loads(self.trade("BTC/USDT", time.time_ns(), 50.0, 1))
        return [
            b"{", b"", b"null", b'{"a": 1}', b'"trades"', "7", "[]",
            json.dumps(bare | {"a": "x1", "p": "much"}), json.dumps(bare | {"a": "x2", "T": None}),
        ]  # fmt: skip

    async def complain(self, status: int) -> None:
        """Answer every question with it."""
        self.refuse(status)

    async def send(self, *messages: str | bytes) -> None:
        """Have trades in the next answers; what is bytes is an answer of its own."""
        for message in messages:
            found = json.loads(message) if isinstance(message, str) else None
            name = found["s"] if isinstance(found, dict) else "BTCUSDT"
            self._coming.setdefault(name, []).append(message)
        await asyncio.sleep(0)

    async def _serve(self, connection: ServerConnection) -> None:
        raise AssertionError("nobody streams here")

    def _refuse(self, connection: ServerConnection, request: Request) -> Any:
        if self.refuses is None and urlsplit(request.path).path in TRADES:
            if self._breaks in ("reset", "clean"):
                line = connection.transport
                (line.abort if self._breaks == "reset" else line.close)()
                return self._never(connection)
            if self._breaks == "mute":
                self._breaks = ""
                return self._never(connection)
        found = super()._refuse(connection, request)
        if self.refuses is None and len(self._told) == len(self.symbols):
            self.ready.set()
        return found

    async def _never(self, connection: ServerConnection) -> Response:
        await connection.wait_closed()
        return answered(200, [])

    def _recent(self, query: dict[str, str]) -> Any:
        self._told.add(query["symbol"])
        coming = self._coming.get(query["symbol"], [])
        answer: list[Any] = []
        while coming and len(answer) < AT_MOST:
            message = coming.pop(0)
            if isinstance(message, bytes):
                if answer:
                    coming.insert(0, message)
                    break
                return message if message in NO_JSON else json.loads(message)
            answer.append(json.loads(message))
        return answer

    async def close_clean(self) -> None:
        """Close the line that a question comes over, and say nothing, until it begins anew."""
        self.ready.clear()
        self._breaks = "clean"

    def reset(self) -> None:
        """Break every question off until it begins anew."""
        self.ready.clear()
        self._breaks = "reset"

    def vanish(self) -> None:
        """Never answer the next question."""
        self._breaks = "mute"


class _Asked(Exchanges):
    """Makes exchange objects that cannot stream."""

    def __init__(self, server: CcxtPolled) -> None:
        super().__init__("binance", server.urls, testnet=False, spot=True)
        self._server = server

    def made(self) -> Any:
        """New client object."""
        made = super().made()
        made.has = {**made.has, "watchTrades": False, "watchTradesForSymbols": False}
        self._server.begun()
        return made
