"""Trades of crypto exchanges through ccxt: watched where the exchange streams, polled where not."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Self

from annotated_types import Gt

from tradewind.engine.errors import ConfigError
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import RowSink, Sink, Tick
from tradewind.engine.streams.optional import client
from tradewind.engine.streams.supervisor import Patience, Slowed, Supervisor

WANTED_BY = "paper.feed"
MS_NS = 1_000_000
SHOWN = 80  # characters of a trade in the log


class CcxtFeed:
    """Trades of one exchange.

    Parameters
    ----------
    exchange : str
        As ccxt calls it: ``binance``, ``kraken`` ...
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
        urls: dict[str, str] | None = None,
        poll_s: Annotated[float, Gt(0)] = 2.0,
        mute_s: Annotated[float, Gt(0)] = 60.0,
        delayed_s: Annotated[float, Gt(0)] = 10.0,
    ) -> None:
        self.exchange, self.urls, self.poll_s = exchange, dict(urls or {}), poll_s
        self.patience = Patience(open_s=30.0, mute_s=mute_s, delayed_s=delayed_s)
        self._symbols: tuple[str, ...] = ()

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
        pro = await asyncio.to_thread(client, "ccxt.pro", wanted_by=WANTED_BY)
        if self.exchange not in pro.exchanges:
            near = get_close_matches(self.exchange, pro.exchanges, 1)
            guess = f" (did you mean {near[0]!r}?)" if near else ""
            raise ConfigError(f"{WANTED_BY}.exchange: ccxt has no {self.exchange!r}{guess}")
        connect = partial(CcxtConnection, pro, self)
        await Supervisor(connect, self.patience).run(sink)


class CcxtConnection:
    """One connection.

    Parameters
    ----------
    pro : module
        ``ccxt.pro``.
    feed : CcxtFeed
    """

    def __init__(self, pro: Any, feed: CcxtFeed) -> None:
        self._errors, self._feed = client("ccxt", wanted_by=WANTED_BY), feed
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
        self._made = getattr(pro, feed.exchange)({"newUpdates": True, "options": options})
        for kind, url in feed.urls.items():
            self._made.urls["api"] = _moved(self._made.urls["api"], kind, url)
        self._since: dict[str, int] = {}
        self._streams = False

    async def open(self) -> None:
        """Learn which markets there are."""
        try:
            await self._made.load_markets()
        except Exception as error:
            raise self._told(error) from None
        known = list(self._made.markets)
        for name in self._feed.symbols:
            if name not in known:
                near = get_close_matches(name, known, 1)
                guess = f" (did you mean {near[0]!r}?)" if near else ""
                raise ConfigError(
                    f"{WANTED_BY}: {self._feed.exchange} has no market {name!r}{guess}"
                )
        self._streams = bool(self._made.has.get("watchTradesForSymbols"))

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Next trades."""
        try:
            if self._streams:
                trades = await self._made.watch_trades_for_symbols(list(self._feed.symbols))
            else:
                trades = await self._polled()
        except Exception as error:
            raise self._told(error) from None
        received = time.time_ns()
        return [tick for trade in trades for tick in self._ticks(trade, received, sink)]

    async def _polled(self) -> list[Any]:
        """Trades since the last question."""
        await asyncio.sleep(self._feed.poll_s)
        found: list[Any] = []
        for name in self._feed.symbols:
            since = self._since.get(name)
            trades = await self._made.fetch_trades(name, since)
            news = [trade for trade in trades if since is None or trade["timestamp"] > since]
            if news:
                self._since[name] = max(trade["timestamp"] for trade in news)
            found += news if since is not None else []
        return found

    def _ticks(self, trade: Any, received: int, sink: Sink) -> list[Tick]:
        try:
            name = trade["symbol"]
            if name not in self._feed.symbols:
                sink.dropped(reasons.UNKNOWN_SYMBOL, f"a trade of {str(name)[:SHOWN]!r}")
                return []
            ts, price = int(trade["timestamp"]) * MS_NS, float(trade["price"])
            size = float(trade["amount"])
        except (KeyError, TypeError, ValueError):
            sink.dropped(reasons.MALFORMED, str(trade)[:SHOWN])
            return []
        number = str(trade.get("id") or "")
        return [Tick(name, ts, price, size, received=received, id=number)]

    def _told(self, error: Exception) -> Exception:
        """What an error of ccxt means."""
        errors = self._errors
        words = f"{self._feed.exchange}: {type(error).__name__}: {error}"
        if isinstance(error, errors.RateLimitExceeded | errors.DDoSProtection):
            return Slowed(words)
        if isinstance(error, errors.AuthenticationError | errors.PermissionDenied):
            return ConfigError(f"{WANTED_BY}: {words}; public trades need no key: check the region")
        if isinstance(error, errors.BadSymbol | errors.NotSupported):
            return ConfigError(f"{WANTED_BY}: {words}")
        return ConnectionError(words)

    async def close(self) -> None:
        """Let go of everything."""
        await self._made.close()


def _moved(urls: Any, kind: str, url: str, inside: bool = False) -> Any:
    """Addresses of an exchange with all of one kind (``rest``, ``ws``) replaced."""
    if isinstance(urls, Mapping):
        return {key: _moved(value, kind, url, inside or key == "ws") for key, value in urls.items()}
    return url if inside == (kind == "ws") else urls
