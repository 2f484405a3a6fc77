"""Yahoo's stream of quotes through yfinance's own client, watched over by ours.

By itself that client does not outlive one disconnect: it is used here for one connection at a time.
Yahoo's quotes are unofficial and for personal use; prices travel as float32.
"""

import asyncio
import json
import logging
import time
from base64 import b64decode
from collections.abc import Sequence
from functools import partial
from math import isnan
from typing import Annotated, Any, Self

from annotated_types import Gt

from tradewind.engine.bars.sessions import is_intraday
from tradewind.engine.errors import ConfigError
from tradewind.engine.feeds.yahoo_symbols import checked_symbol
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import RowSink, Sink, Tick
from tradewind.engine.streams.grid import Grid
from tradewind.engine.streams.optional import refused
from tradewind.engine.streams.supervisor import Patience, Supervisor

URL = "wss://streamer.finance.yahoo.com/?version=2"
MS_NS = 1_000_000
DIGITS = 2  # of a price without a hint
SHOWN = 80  # characters of a message in the log
MOST = 250  # symbols that one connection is asked for


class YahooStream:
    """Trades and quotes of stocks, funds, currencies and coins.

    Parameters
    ----------
    url : str
    mute_s : float
        Silence during the session after which a connection is given up.
    delayed_s : float
        Age on arrival from which messages are called delayed.
    """

    def __init__(
        self,
        *,
        url: str = URL,
        mute_s: Annotated[float, Gt(0)] = 30.0,
        delayed_s: Annotated[float, Gt(0)] = 30.0,
    ) -> None:
        self.url, self.patience = url, Patience(mute_s=mute_s, delayed_s=delayed_s)
        self._symbols: tuple[str, ...] = ()
        self._grid: Grid | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names it follows."""
        return self._symbols

    def following(self, symbols: Sequence[str], interval: str, calendar: str | None = None) -> Self:
        """Follow these symbols; raises ConfigError for more than one connection carries."""
        if len(symbols) > MOST:
            raise ConfigError(
                f"paper.feed: yahoo streams {MOST} symbols at most and {len(symbols)} are asked "
                "for; follow fewer, or take another feed"
            )
        self._symbols = tuple(symbols)
        self._grid = Grid(calendar, interval if is_intraday(interval) else "1d",
                          extended_hours=False)  # fmt: skip
        return self

    async def run(self, sink: RowSink) -> None:
        """Deliver until cancelled."""
        client = await asyncio.to_thread(_client)  # importing it takes a second
        names = {checked_symbol(name): name for name in self._symbols}
        grid = self._grid or Grid(None, "1d", extended_hours=False)
        connect = partial(YahooConnection, client, self.url, names, {})
        await Supervisor(connect, self.patience, grid.in_session).run(sink)


class YahooConnection:
    """One connection.

    Parameters
    ----------
    client : module
        ``yfinance.live``.
    url : str
    names : mapping of str to str
        Yahoo's name of a listing -> ours.
    volumes : dict
        Volume of the day last told of each symbol; shared by all connections of a run.
    """

    def __init__(
        self, client: Any, url: str, names: dict[str, str], volumes: dict[str, int]
    ) -> None:
        self._made = client.AsyncWebSocket(url, verbose=False)
        self._pricing, self._names, self._volumes = client.PricingData, names, volumes

    async def open(self) -> None:
        """Connect and subscribe."""
        from websockets.exceptions import InvalidStatus

        try:
            await self._made.subscribe(list(self._names))
        except InvalidStatus as error:
            response = error.response
            raise refused(response.status_code, response.headers, "paper.feed", "yahoo") from None

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Next message as a tick."""
        message = await self._made._ws.recv()
        received = time.time_ns()
        try:
            envelope = json.loads(message)
            encoded = envelope["message"]
            found = self._pricing()
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
        digits = int(found.price_hint) or DIGITS
        price, bid, ask = (_rounded(value, digits) for value in (found.price, found.bid, found.ask))
        if price == 0.0:  # what is absent and what is zero are the same on the wire
            if not bid or not ask:
                sink.dropped(reasons.NOT_POSITIVE, f"{name} at {price}")
                return ()
            price = float("nan")
        size = float(self._grown(name, int(found.day_volume)))
        # Stamps are whole milliseconds, and two trades of one may be alike in price and size.
        number = f"{found.time}/{found.day_volume}" if size else ""
        return (
            Tick(
                name, int(found.time) * MS_NS, price, size,
                bid or float("nan"), ask or float("nan"), received, number,
            ),
        )  # fmt: skip

    def _grown(self, name: str, volume: int) -> int:
        """Units traded since the last message: the wire tells those of the day."""
        before = self._volumes.get(name)
        self._volumes[name] = volume
        if before is None:
            return 0
        return volume - before if volume >= before else volume

    async def close(self) -> None:
        """Let go of the connection."""
        await self._made.close()


def _rounded(value: float, digits: int) -> float:
    """Price on the grid it was quoted on: float32 does not hold it."""
    return value if isnan(value) or value in (float("inf"), float("-inf")) else round(value, digits)


def _client() -> Any:
    """Yfinance's live client, imported."""
    import yfinance.live

    # It logs a traceback for each refused connection; what matters of it is told as a state.
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    return yfinance.live
