"""Alpaca's stream of trades and quotes through its own client, watched over by ours.

The client connects, signs in and subscribes; its loop, which reconnects by rules of its own, is not
used.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from math import nan
from typing import Annotated, Any, Literal, Self

from annotated_types import Gt

from tradewind.engine.bars.sessions import is_intraday
from tradewind.engine.secret import secret
from tradewind.engine.streams import reasons
from tradewind.engine.streams.alpaca_client import named, refused, refused_words, socket_params
from tradewind.engine.streams.facts import RowSink, Sink, Tick
from tradewind.engine.streams.grid import Grid
from tradewind.engine.streams.optional import client
from tradewind.engine.streams.supervisor import Patience, Supervisor

WANTED_BY = "paper.feed"
SHOWN = 80  # characters of a message in the log
# Sale conditions whose price is not that of the market at the time: averages, other settlements,
# derived and contingent prices, reports out of sequence, and official prices that repeat a print.
NOT_THE_MARKET = frozenset("CGHMNPQRUVWZ479")
AVERAGE, NASDAQ = "B", "C"  # an average price on tapes A and B, an ordinary trade on tape C


class AlpacaFeed:
    """Trades and quotes of US stocks, or of coins.

    Parameters
    ----------
    key, secret : str
        Names of the secrets that hold them, in the environment or the keyring.
    market : {"stocks", "crypto"}
    plan : {"iex", "sip"}
        Exchange that stocks are quoted from: one for free, or all of them.
    url : str
        In place of Alpaca's own; empty: theirs.
    mute_s, delayed_s : float
        Silence during the session after which a connection is given up; age on arrival from which
        messages are called delayed.
    """

    def __init__(
        self,
        *,
        key: str = "ALPACA_KEY",
        secret: str = "ALPACA_SECRET",
        market: Literal["stocks", "crypto"] = "stocks",
        plan: Literal["iex", "sip"] = "iex",
        url: str = "",
        mute_s: Annotated[float, Gt(0)] = 30.0,
        delayed_s: Annotated[float, Gt(0)] = 20.0,
    ) -> None:
        self.key, self.secret, self.market, self.plan, self.url = key, secret, market, plan, url
        self.patience = Patience(mute_s=mute_s, delayed_s=delayed_s)
        self._symbols: tuple[str, ...] = ()
        self._grid: Grid | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names it follows."""
        return self._symbols

    def following(self, symbols: Sequence[str], interval: str, calendar: str | None = None) -> Self:
        """Follow these symbols."""
        self._symbols = tuple(symbols)
        length = interval if is_intraday(interval) else "1d"
        self._grid = Grid(calendar, length, extended_hours=False)
        return self

    async def run(self, sink: RowSink) -> None:
        """Deliver until cancelled; raises ConfigError for a key that is refused."""
        keys = tuple(secret(name, wanted_by=WANTED_BY) for name in (self.key, self.secret))
        live = await asyncio.to_thread(client, "alpaca.data.live", wanted_by=WANTED_BY)
        make = partial(self._stream, live, *keys)
        grid = self._grid or Grid(None, "1d", extended_hours=False)
        connect = partial(AlpacaConnection, make, self._symbols)
        await Supervisor(connect, self.patience, grid.in_session).run(sink)

    def _stream(self, live: Any, key: str, hidden: str) -> Any:
        """Client of one connection."""
        given: dict[str, Any] = {
            "raw_data": True, "url_override": self.url or None,
            "websocket_params": socket_params(),
        }  # fmt: skip
        if self.market == "crypto":
            return live.CryptoDataStream(key, hidden, **given)
        plan = client("alpaca.data.enums", wanted_by=WANTED_BY).DataFeed(self.plan)
        return live.StockDataStream(key, hidden, feed=plan, **given)


class AlpacaConnection:
    """One connection.

    Parameters
    ----------
    make : callable
        Gives a client that is not connected.
    symbols : sequence of str
    """

    def __init__(self, make: Any, symbols: Sequence[str]) -> None:
        self._made, self._names = make(), {named(name): name for name in symbols}
        self._unpack = client("msgpack", wanted_by=WANTED_BY).unpackb

    async def open(self) -> None:
        """Connect, sign in and subscribe."""

        async def unused(message: Any) -> None:
            """The client wants somebody to hand messages to; we take them ourselves."""

        for subscribe in (self._made.subscribe_trades, self._made.subscribe_quotes):
            subscribe(unused, *self._names)
        try:
            await self._made._start_ws()
        except Exception as error:
            raise refused(error, WANTED_BY) from None
        await self._made._send_subscribe_msg()

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Messages of the next frame as ticks."""
        frame = await self._made._ws.recv()
        received = time.time_ns()
        try:
            messages = self._unpack(frame)
            if not isinstance(messages, list):
                raise TypeError(f"wanted a list of messages, found {type(messages).__name__}")
        except Exception as error:  # msgpack has errors of its own, and so has everything inside
            sink.dropped(reasons.MALFORMED, f"{type(error).__name__}: {frame[:SHOWN]!r}")
            return ()
        ticks = []
        for message in messages:
            tick = self._tick(message, received, sink)
            if tick is not None:
                ticks.append(tick)
        return ticks

    def _tick(self, message: Any, received: int, sink: Sink) -> Tick | None:
        kind = message.get("T") if isinstance(message, Mapping) else None
        if kind in ("success", "subscription"):
            return None
        if kind == "error":
            raise refused_words(str(message.get("msg", "an error without words")), WANTED_BY)
        try:
            return self._read(kind, message, received, sink)
        except (KeyError, TypeError, ValueError, AttributeError):
            sink.dropped(reasons.MALFORMED, str(message)[:SHOWN])
            return None

    def _read(
        self, kind: Any, message: Mapping[str, Any], received: int, sink: Sink
    ) -> Tick | None:
        if kind not in ("t", "q"):
            raise ValueError(kind)
        name = self._names.get(message["S"])
        if name is None:
            sink.dropped(reasons.UNKNOWN_SYMBOL, f"a message of {str(message['S'])[:SHOWN]!r}")
            return None
        ts = int(message["t"].to_unix_nano())
        if kind == "t":
            if not _of_the_market(message):
                return None
            price, size = float(message["p"]), float(message["s"])
            number = f"{message.get('x', '')}{message.get('i', '')}"  # each exchange counts anew
            return Tick(name, ts, price, size, nan, nan, received, number)
        bid, ask = float(message["bp"]), float(message["ap"])
        return Tick(name, ts, nan, 0.0, bid or nan, ask or nan, received)  # zero: nobody quotes

    async def close(self) -> None:
        """Let go of the connection."""
        await self._made.close()


def _of_the_market(message: Mapping[str, Any]) -> bool:
    """Whether a trade's price is one that somebody else could have had then."""
    conditions = message.get("c") or ()
    if AVERAGE in conditions and message.get("z") != NASDAQ:
        return False
    return not NOT_THE_MARKET.intersection(conditions)
