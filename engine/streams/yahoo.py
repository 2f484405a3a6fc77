"""Yahoo's stream of quotes through yfinance's own client, watched over by ours.

By itself that client does not outlive one disconnect: it is used here for one connection at a time.
Yahoo's quotes are unofficial and for personal use: nobody promises that they are right, on time or
there tomorrow. Prices travel as float32. Of coins Yahoo tells the volume of the last 24 hours and
no other, so what one message added is not known.
"""

import asyncio
import json
import logging
import time
from base64 import b64decode
from collections.abc import Sequence
from functools import partial
from math import nan
from typing import Annotated, Any, Self

import numpy as np
from annotated_types import Gt

from tradewind.engine.bars.sessions import is_intraday
from tradewind.engine.errors import ConfigError, UnknownSymbolError
from tradewind.engine.feeds.yahoo_symbols import checked_symbol
from tradewind.engine.streams import reasons
from tradewind.engine.streams.day_volume import DayVolumes
from tradewind.engine.streams.facts import RowSink, Sink, Tick
from tradewind.engine.streams.grid import Grid
from tradewind.engine.streams.optional import refused
from tradewind.engine.streams.supervisor import Patience, Supervisor

URL = "wss://streamer.finance.yahoo.com/?version=2"
ABOUT = "Yahoo's quotes are unofficial and for personal use"
HEARTBEAT_S = 15.0
MS_NS = 1_000_000
COIN = 41  # the wire's number of a cryptocurrency among kinds of quotes
SHOWN = 80  # characters of a message in the log
MOST = 250  # symbols that one connection is asked for


class YahooStream:
    """Trades and quotes of stocks, funds, currencies and coins: unofficial, for personal use.

    Parameters
    ----------
    url : str
    mute_s : float
        Silence during the session after which a connection is given up.
    delayed_s : float
        Age on arrival from which messages are called delayed.
    heartbeat_s : float
        How often what is followed is told again, as Yahoo wants it.
    """

    def __init__(
        self,
        *,
        url: str = URL,
        mute_s: Annotated[float, Gt(0)] = 30.0,
        delayed_s: Annotated[float, Gt(0)] = 30.0,
        heartbeat_s: Annotated[float, Gt(0)] = HEARTBEAT_S,
    ) -> None:
        if not url.startswith(("wss://", "ws://")):
            raise ConfigError(f"paper.feed.url: {url!r} is no websocket; wanted wss://HOST/...")
        self.url, self.heartbeat_s = url, heartbeat_s
        self.patience = Patience(mute_s=mute_s, delayed_s=delayed_s)
        self._symbols: tuple[str, ...] = ()
        self._calendar: str | None = None
        self._grid = self._days = Grid(None, "1d", extended_hours=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names it follows."""
        return self._symbols

    def following(self, symbols: Sequence[str], interval: str, calendar: str | None = None) -> Self:
        """Follow these symbols.

        Raises
        ------
        ConfigError
            For more than one connection carries, or a name that cannot be one of Yahoo's.
        """
        if len(symbols) > MOST:
            raise ConfigError(
                f"paper.feed: yahoo streams {MOST} symbols at most and {len(symbols)} are asked "
                "for; follow fewer, or take another feed"
            )
        self._symbols, self._calendar = tuple(symbols), calendar
        self._names()
        length = interval if is_intraday(interval) else "1d"
        self._grid = Grid(calendar, length, extended_hours=False)
        self._days = Grid(calendar, "1d", extended_hours=False)
        return self

    def _names(self) -> dict[str, str]:
        """Yahoo's name of a listing -> ours."""
        try:
            return {checked_symbol(name): name for name in self._symbols}
        except UnknownSymbolError as error:
            raise ConfigError(f"paper.feed: {error}") from None

    def _day(self, ts: int) -> int:
        """Session that a moment is in; 0 where it is in none, or the exchange is not known."""
        found = None if self._calendar is None else self._days.of(ts)
        return 0 if found is None else found.close

    async def run(self, sink: RowSink) -> None:
        """Deliver until cancelled."""
        client = await asyncio.to_thread(_client)
        for grid in (self._grid, self._days):  # learning the sessions takes a second too
            await asyncio.to_thread(grid.in_session, time.time_ns())
        connect = partial(
            YahooConnection, client, self.url, self._names(), DayVolumes(self._day),
            heartbeat_s=self.heartbeat_s,
        )  # fmt: skip
        await Supervisor(connect, self.patience, self._grid.in_session, about=ABOUT).run(sink)


class YahooConnection:
    """One connection.

    Parameters
    ----------
    client : module
        ``yfinance.live``.
    url : str
    names : mapping of str to str
        Yahoo's name of a listing -> ours.
    volumes : DayVolumes
        Shared by all connections of a run.
    heartbeat_s : float
    """

    def __init__(
        self,
        client: Any,
        url: str,
        names: dict[str, str],
        volumes: DayVolumes,
        *,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._made = client.AsyncWebSocket(url, verbose=False)
        self._made._subscription_interval = heartbeat_s
        self._client, self._names, self._volumes = client, names, volumes

    async def open(self) -> None:
        """Connect and subscribe; the client then does so again with every heartbeat."""
        from websockets.exceptions import InvalidStatus

        try:
            # its own _connect writes a traceback to the log for every server that is not there
            self._made._ws = await self._client.async_connect(self._made.url)
        except InvalidStatus as error:
            response = error.response
            raise refused(response.status_code, response.headers, "paper.feed", "yahoo") from None
        await self._made.subscribe(list(self._names))

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Next message as a tick."""
        message = await self._made._ws.recv()
        received = time.time_ns()
        try:
            encoded = json.loads(message)["message"]
            found = self._client.PricingData()
            found.ParseFromString(b64decode(encoded, validate=True))
        except Exception as error:  # json, base64 and protobuf each have errors of their own
            sink.dropped(reasons.MALFORMED, f"{type(error).__name__}: {str(message)[:SHOWN]}")
            return ()
        return self._tick(found, received, sink)

    def _tick(self, found: Any, received: int, sink: Sink) -> Sequence[Tick]:
        name = self._names.get(found.id)
        if name is None:
            reason = reasons.UNKNOWN_SYMBOL if found.id else reasons.MALFORMED
            sink.dropped(reason, f"a message of {found.id[:SHOWN]!r}")
            return ()
        if not found.time:
            sink.dropped(reasons.MALFORMED, f"{name} without a time")
            return ()
        price, bid, ask = (decimal(value) for value in (found.price, found.bid, found.ask))
        if price == 0.0:  # what is absent and what is zero are the same on the wire
            if not bid or not ask:
                sink.dropped(reasons.NOT_POSITIVE, f"{name} at {price}")
                return ()
            price = nan
        ts, volume = int(found.time) * MS_NS, int(found.day_volume)
        size = nan
        if found.quote_type != COIN:  # a stamp of the future is no reason to call the rest old
            size = float(self._volumes.size(name, min(ts, received), volume))
        # Stamps are whole milliseconds, and two trades of one may be alike in price and size.
        number = f"{found.time}/{volume}" if size else ""
        return (Tick(name, ts, price, size, bid or nan, ask or nan, received, number),)

    async def close(self) -> None:
        """Let go of the connection, also where nobody answers."""
        socket = self._made._ws
        try:
            await self._made.close()
        finally:
            if socket is not None:
                socket.transport.abort()


def decimal(price: float) -> float:
    """Shortest decimal that travels as the same float32: what was sent, up to seven digits."""
    return float(str(np.float32(price))) if price else price


def _client() -> Any:
    """Yfinance's live client, imported, which takes a second."""
    import yfinance.live

    # It logs a traceback for what breaks; what matters of it is told as a state.
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    return yfinance.live
