"""Servers on this machine that speak the wire of genuine providers, and misbehave when told to."""

import asyncio
import base64
import json
import os
import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgpack
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.bending import bent_fields, bent_pricing
from tradewind.engine.streams.facts import FeedNotice, FeedState, LiveFeed, Tick

DELAYED_S = 2.0  # age from which the feeds here call their ticks late


class Loopback(Protocol):
    """A provider that a feed connects to."""

    symbols: tuple[str, str]
    stranger: str
    connections: int
    subscribed: list[Any]
    ready: asyncio.Event

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Listen no more."""
        ...

    def feed(self, symbols: Sequence[str], mute_s: float) -> LiveFeed:
        """Feed that connects to it."""
        ...

    def trade(self, symbol: str, ts: int, price: float, size: int) -> str | bytes:
        """Message of a trade."""
        ...

    def drifted(self, symbol: str, ts: int, price: float, size: int) -> str | bytes:
        """The same with a field that nobody knows of yet."""
        ...

    def broken(self) -> Sequence[str | bytes]:
        """Messages that are none, each in a way of its own."""
        ...

    def bent(self, symbol: str) -> Sequence[str | bytes]:
        """Trades with a field that is missing, renamed, or of another type; each in turn."""
        ...

    def asked(self) -> Sequence[str]:
        """Symbols of the last subscription."""
        ...

    async def send(self, *messages: str | bytes) -> None:
        """Send messages to whoever is connected."""
        ...

    async def close_clean(self) -> None:
        """Close every connection as the protocol wants it."""
        ...

    def reset(self) -> None:
        """Break every connection off."""
        ...

    def vanish(self) -> None:
        """Neither read nor write any more, without a word: what a cut cable looks like."""
        ...

    def refuse(self, status: int) -> None:
        """Answer new connections with an HTTP status."""
        ...

    async def complain(self, status: int) -> None:
        """Say in the middle of the stream what an HTTP status means: 401 or 429."""
        ...

    def welcome(self) -> None:
        """Answer them as before."""
        ...

    async def away(self) -> None:
        """Break every connection off and listen no more."""
        ...

    async def back(self) -> None:
        """Listen again at the same address."""
        ...


class WebsocketLoopback:
    """What providers over websockets share."""

    def __init__(self) -> None:
        self.connections = self.port = 0
        self.subscribed: list[Any] = []
        self.refuses: tuple[int, dict[str, str]] | None = None
        self.ready = asyncio.Event()
        self._peers: list[ServerConnection] = []
        self._server: Any = None

    async def start(self) -> None:
        """Listen on a free port."""
        await self.back()
        self.port = self._server.sockets[0].getsockname()[1]

    async def back(self) -> None:
        """Listen again at the same address."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._refuse,
            ping_interval=None,
            close_timeout=0.2,
        )

    async def away(self) -> None:
        """Break every connection off and listen no more."""
        self.reset()
        await self.stop()

    async def stop(self) -> None:
        """Listen no more."""
        self._server.close(close_connections=True)
        await self._server.wait_closed()

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuses is None:
            return None
        status, headers = self.refuses
        return Response(status, "refused", Headers(headers), b"")

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        self._peers.append(connection)
        try:
            await self.greet(connection)
            async for message in connection:
                self.hear(message)
        finally:
            self._peers.remove(connection)
            self.ready.clear()

    async def greet(self, connection: ServerConnection) -> None:
        """Say what comes first."""

    def hear(self, message: str | bytes) -> None:
        """Take a request."""
        self.subscribed.append(json.loads(message))
        self.ready.set()

    async def send(self, *messages: str | bytes) -> None:
        """Send messages to whoever is connected."""
        for peer in list(self._peers):
            for message in messages:
                await peer.send(message)

    async def close_clean(self) -> None:
        """Close every connection as the protocol wants it."""
        for peer in list(self._peers):
            await peer.close(1000)

    def reset(self) -> None:
        """Break every connection off."""
        for peer in list(self._peers):
            peer.transport.abort()

    def refuse(self, status: int) -> None:
        """Answer new connections with a status."""
        self.refuses = (status, {})

    async def complain(self, status: int) -> None:
        """Close for a breach of the rules, and refuse from then on: for wires without words."""
        self.refuse(status)
        for peer in list(self._peers):
            await peer.close(1008, "policy violation")

    def welcome(self) -> None:
        """Answer them as before."""
        self.refuses = None

    def vanish(self) -> None:
        """Neither read nor write any more, without a word: what a cut cable looks like."""
        for peer in list(self._peers):
            peer.transport.pause_reading()


class YahooLoopback(WebsocketLoopback):
    """Yahoo's stream: JSON around base64 around protobuf."""

    symbols = ("KO", "BRK-B")
    stranger = "ACME"

    def asked(self) -> list[str]:
        """Symbols of the last subscription."""
        return list(self.subscribed[-1]["subscribe"])

    def broken(self) -> list[str | bytes]:
        """Messages that are none: no JSON, no base64, no protobuf, cut off, fields missing."""
        whole = self.trade("KO", time.time_ns(), 50.0, 1)
        return [
            "{", "[]", "{}", whole[: len(whole) // 2], json.dumps({"message": 7}),
            json.dumps({"message": "%%%"}), wrapped(b"\xff\xff\xff"), wrapped(b""),
            self.trade("KO", 0, 50.0, 1),
        ]  # fmt: skip

    def feed(self, symbols: Sequence[str], mute_s: float) -> LiveFeed:
        """Feed that connects here."""
        from tradewind.engine.streams.yahoo import YahooStream

        url = f"ws://127.0.0.1:{self.port}/?version=2"
        return YahooStream(url=url, mute_s=mute_s, delayed_s=DELAYED_S).following(
            symbols, "1m", None
        )

    def trade(self, symbol: str, ts: int, price: float, size: int) -> str:
        """Message of a trade; ``size`` is the volume of the day so far, as on the wire."""
        from yfinance.pricing_pb2 import PricingData

        found = PricingData(
            id=symbol, price=price, time=ts // 1_000_000, day_volume=size, price_hint=2
        )
        return wrapped(found.SerializeToString())

    def quote(self, symbol: str, ts: int, bid: float, ask: float) -> str:
        """Message of a quote."""
        from yfinance.pricing_pb2 import PricingData

        found = PricingData(id=symbol, time=ts // 1_000_000, bid=bid, ask=ask)
        return wrapped(found.SerializeToString())

    def bent(self, symbol: str) -> list[str | bytes]:
        """Protobuf's fields of name, price and time, and the one of its envelope."""
        told = [wrapped(content) for content in bent_pricing(symbol)]
        whole = json.loads(self.trade(symbol, time.time_ns(), 50.0, 1))
        return [*told, *(json.dumps(one) for one in bent_fields(whole, ("message",)))]

    def drifted(self, symbol: str, ts: int, price: float, size: int) -> str:
        """The same with a field that nobody knows of yet, in the envelope and in the message."""
        found = json.loads(self.trade(symbol, ts, price, size))
        content = base64.b64decode(found["message"]) + b"\xfa\x3f\x03new"  # field 1023
        return json.dumps(json.loads(wrapped(content)) | {"shape": {"new": [1]}})


def wrapped(content: bytes) -> str:
    """Yahoo's envelope."""
    return json.dumps({"type": "pricing", "message": base64.b64encode(content).decode()})


class AlpacaLoopback(WebsocketLoopback):
    """Alpaca's stream: lists of messages in msgpack, behind a greeting and a sign-in."""

    symbols = ("KO", "MSFT")
    stranger = "ACME"

    def feed(self, symbols: Sequence[str], mute_s: float) -> LiveFeed:
        """Feed that connects here."""
        from tradewind.engine.streams.alpaca_feed import AlpacaFeed

        os.environ.update(CANARY_KEY="canary-key-4711", CANARY_SECRET="canary-secret-4711")
        url = f"ws://127.0.0.1:{self.port}"
        return AlpacaFeed(
            key="CANARY_KEY", secret="CANARY_SECRET", url=url, mute_s=mute_s, delayed_s=DELAYED_S
        ).following(symbols, "1m", None)

    async def greet(self, connection: ServerConnection) -> None:
        """Say hello, and take the keys."""
        await connection.send(packed({"T": "success", "msg": "connected"}))
        given = msgpack.unpackb(await connection.recv())
        assert (given["key"], given["secret"]) == ("canary-key-4711", "canary-secret-4711")
        await connection.send(packed({"T": "success", "msg": "authenticated"}))

    def hear(self, message: str | bytes) -> None:
        """Take a request."""
        self.subscribed.append(msgpack.unpackb(message))
        self.ready.set()

    def asked(self) -> list[str]:
        """Symbols of the last subscription."""
        return list(self.subscribed[-1]["trades"])

    def trade(self, symbol: str, ts: int, price: float, size: int) -> bytes:
        """Message of a trade."""
        return packed({"T": "t", "S": symbol, "p": price, "s": size, "t": stamp(ts), "i": size})

    def quote(self, symbol: str, ts: int, bid: float, ask: float) -> bytes:
        """Message of a quote."""
        return packed({"T": "q", "S": symbol, "bp": bid, "ap": ask, "t": stamp(ts)})

    def bent(self, symbol: str) -> list[str | bytes]:
        """Fields of a trade and of a quote."""
        (trade,) = msgpack.unpackb(self.trade(symbol, time.time_ns(), 50.0, 1))
        (quote,) = msgpack.unpackb(self.quote(symbol, time.time_ns(), 49.0, 51.0))
        made = bent_fields(trade, "TSpst") + bent_fields(quote, ("bp", "ap"))
        return [packed(one) for one in made]

    async def complain(self, status: int) -> None:
        """Say so in words."""
        said = {401: (402, "auth failed"), 429: (406, "connection limit exceeded")}[status]
        await self.send(packed({"T": "error", "code": said[0], "msg": said[1]}))

    def drifted(self, symbol: str, ts: int, price: float, size: int) -> bytes:
        """The same with a field that nobody knows of yet."""
        (found,) = msgpack.unpackb(self.trade(symbol, ts, price, size))
        return packed(found | {"new": {"a": [1]}})

    def broken(self) -> list[str | bytes]:
        """Messages that are none: no msgpack, no list, fields missing or of another kind."""
        whole = self.trade("KO", time.time_ns(), 50.0, 1)
        return [
            b"\xc1", whole[: len(whole) // 2], msgpack.packb({"T": "t"}), msgpack.packb(7),
            packed({"T": "t", "S": "KO"}), packed({"T": "zz"}),
            packed({"T": "t", "S": "KO", "p": "much", "s": 1, "t": stamp(1)}),
            packed({"T": "t", "S": "KO", "p": 50.0, "s": 1, "t": 5}), packed(None),
        ]  # fmt: skip


def packed(message: Any) -> bytes:
    """A frame of one message."""
    return bytes(msgpack.packb([message]))


def stamp(ts: int) -> Any:
    """A time as msgpack has it."""
    return msgpack.Timestamp.from_unix_nano(ts)


LOOPBACKS: dict[str, Any] = {"alpaca": AlpacaLoopback, "yahoo": YahooLoopback}


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.all: list[Tick] = []
        self.notices: list[FeedNotice] = []
        self.drops: list[tuple[str, str]] = []
        self.slow_s, self.most_held = 0.0, 0

    def ticks(self, batch: Sequence[Tick]) -> None:
        """Remember ticks."""
        if self.slow_s:
            time.sleep(self.slow_s)
        self.all += batch

    def bars(self, closed: Any) -> None:
        """Nobody sends bars here."""
        raise AssertionError("bars")

    def notice(self, notice: FeedNotice) -> None:
        """Remember a state."""
        self.notices.append(notice)

    def dropped(self, reason: str, what: str) -> None:
        """Remember a drop."""
        self.drops.append((reason, what))

    async def row(self, row: Any, leaving: tuple[int, ...]) -> None:
        """Nobody sends rows here."""
        raise AssertionError("row")

    async def clock(self, now: int, leaving: tuple[int, ...]) -> None:
        """Nor times."""
        raise AssertionError("clock")

    @property
    def states(self) -> list[FeedState]:
        """States in their order."""
        return [notice.state for notice in self.notices]


async def until(true: Any, seconds: float = 20.0) -> None:
    """Wait until something is true, generously: the machine may be busy."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)
