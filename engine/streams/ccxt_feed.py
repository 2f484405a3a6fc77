"""Trades of crypto exchanges through ccxt: watched where the exchange streams, polled where not."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from math import nan
from typing import Annotated, Any, Self

from annotated_types import Gt

from tradewind.engine.errors import ConfigError
from tradewind.engine.features.stream import Row
from tradewind.engine.streams import reasons
from tradewind.engine.streams.ccxt_bars import bars_between
from tradewind.engine.streams.ccxt_exchange import WANTED_BY, Exchanges
from tradewind.engine.streams.ccxt_polling import Polling, Seen
from tradewind.engine.streams.ccxt_watching import SHOWN, Watching
from tradewind.engine.streams.facts import RowSink, Sink, Tick
from tradewind.engine.streams.supervisor import Patience, Supervisor

MS_NS = 1_000_000


class CcxtFeed:
    """Trades of one exchange.

    Parameters
    ----------
    exchange : str
        As ccxt calls it: ``binance``, ``kraken`` ...
    testnet : bool
        Whether its network for tests is used, where it has one.
    urls : mapping of str to str
        In place of the exchange's own: ``rest`` and ``ws``.
    poll_s : float
        Between two questions where the exchange does not stream.
    mute_s, delayed_s : float
        Silence after which a connection is given up; age on arrival from which trades are called
        delayed.
    """

    def __init__(
        self,
        *,
        exchange: str = "binance",
        testnet: bool = False,
        urls: dict[str, str] | None = None,
        poll_s: Annotated[float, Gt(0)] = 2.0,
        mute_s: Annotated[float, Gt(0)] = 60.0,
        delayed_s: Annotated[float, Gt(0)] = 10.0,
    ) -> None:
        if poll_s >= mute_s:
            raise ConfigError(
                f"{WANTED_BY}: poll_s is {poll_s:g} and mute_s {mute_s:g}; what is asked so seldom "
                "looks mute, so make mute_s the longer one"
            )
        self.exchange, self.testnet, self.urls = exchange, testnet, dict(urls or {})
        self.poll_s = poll_s
        self.patience = Patience(open_s=30.0, mute_s=mute_s, delayed_s=delayed_s)
        self._symbols: tuple[str, ...] = ()
        self._exchanges: Exchanges | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names it follows, such as ``BTC/USDT``."""
        return self._symbols

    def following(self, symbols: Sequence[str], interval: str, calendar: str | None = None) -> Self:
        """Follow these symbols; they trade round the clock."""
        del interval, calendar
        self._symbols = tuple(symbols)
        return self

    async def run(self, sink: RowSink) -> None:
        """Deliver until cancelled; raises ConfigError for an exchange or symbol there is not."""
        seen: Seen = {}
        connect = partial(CcxtConnection, await self._made(), self._symbols, self.poll_s, seen)
        await Supervisor(connect, self.patience).run(sink)

    async def _made(self) -> Exchanges:
        if self._exchanges is None:
            spot = not any(":" in name for name in self._symbols)
            make = partial(Exchanges, self.exchange, self.urls, testnet=self.testnet, spot=spot)
            self._exchanges = await asyncio.to_thread(make)  # importing ccxt takes seconds
        return self._exchanges

    async def backfill(self, since: int, until: int, interval: str) -> list[Row]:
        """Bars of the exchange itself that closed in a stretch of time: what a gap took.

        Parameters
        ----------
        since, until : int
            UTC nanoseconds; bars that close later than ``since`` and not later than ``until``.
        interval : str

        Raises
        ------
        DataError
            If the exchange has no such bars.
        OutsideError
            If it cannot be asked.
        """
        return await bars_between(await self._made(), self._symbols, interval, since, until)


class CcxtConnection:
    """One connection.

    Parameters
    ----------
    exchanges : Exchanges
    symbols : sequence of str
    poll_s : float
    seen : dict
        Trades that were polled last, by symbol; shared by all connections of a run.
    """

    def __init__(
        self, exchanges: Exchanges, symbols: Sequence[str], poll_s: float, seen: Seen
    ) -> None:
        self._exchanges, self._symbols = exchanges, symbols
        self._made = exchanges.made()
        self._polling = Polling(self._made, symbols, poll_s, seen)
        self._answer: tuple[int, Any] = (0, {})
        self._taken, self._made.on_rest_response = self._made.on_rest_response, self._answered
        self._watching: Watching | None = None

    def _answered(self, code: int, reason: str, url: str, method: str, headers: Any, *rest: Any
                  ) -> Any:  # fmt: skip
        self._answer = (code, headers)
        return self._taken(code, reason, url, method, headers, *rest)

    async def open(self) -> None:
        """Learn which markets there are, and begin to watch."""
        try:
            await self._exchanges.learn(self._made, self._symbols)
            has = self._made.has
            if has.get("watchTradesForSymbols") or has.get("watchTrades"):
                base = self._exchanges.errors.BaseError
                self._watching = Watching(self._made, self._symbols, base)
                await self._watching.begun()
        except Exception as error:
            raise self._exchanges.meaning(error, self._answer) from None
        if self._watching is not None:
            return
        if not has.get("fetchTrades") and not has.get("fetchTicker"):
            raise ConfigError(
                f"{WANTED_BY}: {self._exchanges.name} tells neither trades nor quotes"
            )

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Next trades, or quotes where there are no trades to be had."""
        try:
            if self._watching is None:
                trades, broken = await self._polling.next(), self._polling.broken
            else:
                await self._watching.wait()
                trades, self._watching.trades = self._watching.trades, []
                broken = self._watching.broken
            for what in broken:
                sink.dropped(reasons.MALFORMED, what)
            broken.clear()
        except Exception as error:
            raise self._exchanges.meaning(error, self._answer) from None
        received = time.time_ns()
        return [tick for trade in trades for tick in self._ticks(trade, received, sink)]

    def _ticks(self, trade: Any, received: int, sink: Sink) -> list[Tick]:
        try:
            name = trade["symbol"]
            if name not in self._symbols:
                sink.dropped(reasons.UNKNOWN_SYMBOL, f"a trade of {str(name)[:SHOWN]!r}")
                return []
            if "amount" not in trade:
                return [_quote(name, trade, received)]
            ts, price = int(trade["timestamp"]) * MS_NS, float(trade["price"])
            size = float(trade["amount"])
        except (KeyError, TypeError, ValueError):
            sink.dropped(reasons.MALFORMED, str(trade)[:SHOWN])
            return []
        number = str(trade.get("id") or "")
        return [Tick(name, ts, price, size, received=received, id=number)]

    async def close(self) -> None:
        """Let go of everything; the sockets first, so that nobody waits for one that is dead."""
        session = self._made.session
        if session is not None:
            await session.close()
        if self._watching is not None:
            await self._watching.close()
        await self._made.close()


def _quote(name: str, told: Mapping[str, Any], received: int) -> Tick:
    """Return the last price of a summary, and its quote."""
    ts = int(told["timestamp"]) * MS_NS if told.get("timestamp") else received
    price, bid, ask = (nan if told.get(x) is None else float(told[x]) for x in
                       ("last", "bid", "ask"))  # fmt: skip
    return Tick(name, ts, price, nan, bid, ask, received)
