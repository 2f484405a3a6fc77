"""Crypto exchanges through ccxt: what the common suite does not ask."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.ccxt_loopback import MINUTE_MS, CcxtLoopback, now_ms
from tests.loopback import Heard, until
from tradewind.engine.errors import ConfigError, DataError, OutsideError
from tradewind.engine.features.stream import Row
from tradewind.engine.streams.ccxt_exchange import Exchanges
from tradewind.engine.streams.ccxt_feed import CcxtConnection, CcxtFeed
from tradewind.engine.streams.facts import FeedState, Tick
from tradewind.engine.streams.supervisor import Slowed

BOTH = CcxtLoopback.symbols
Scene = Callable[[CcxtLoopback], Coroutine[Any, Any, Any]]


def played(scene: Scene) -> Any:
    """Play a scene with a server that listens."""

    async def play() -> Any:
        server = CcxtLoopback()
        await server.start()
        try:
            return await scene(server)
        finally:
            await server.stop()

    return asyncio.run(play())


def bar(begin_ms: int, close: float) -> list[Any]:
    """Bar of a minute in the wire's words."""
    prices = [str(close - 1), str(close + 1), str(close - 2), str(close)]
    return [begin_ms, *prices, "7.5", begin_ms + MINUTE_MS - 1, "0", 3, "0", "0", "0"]


def test_a_symbol_that_there_is_not_is_told_with_the_nearest() -> None:
    async def scene(server: CcxtLoopback) -> None:
        await server.feed(["BTC/USD"], 20.0).run(Heard())

    with pytest.raises(ConfigError, match=r"no market 'BTC/USD' \(did you mean 'BTC/USDT'\?\)"):
        played(scene)


def test_an_exchange_that_there_is_not_is_told_with_the_nearest() -> None:
    feed = CcxtFeed(exchange="binanse").following(BOTH, "1m")
    with pytest.raises(ConfigError, match=r"paper\.feed\.exchange.*did you mean 'binance'"):
        asyncio.run(feed.run(Heard()))


def test_a_test_network_that_there_is_not_is_refused() -> None:
    made = Exchanges("kraken", {}, testnet=True, spot=True)
    with pytest.raises(ConfigError, match="no test network"):
        made.made()


def test_a_test_network_is_another_address() -> None:
    made = Exchanges("binance", {}, testnet=True, spot=True).made()
    assert "testnet" in made.urls["api"]["public"]
    assert "testnet" in made.urls["api"]["ws"]["spot"]


def test_questions_rarer_than_the_patience_are_refused() -> None:
    with pytest.raises(ConfigError, match="poll_s is 5 and mute_s 5"):
        CcxtFeed(poll_s=5.0, mute_s=5.0)


@pytest.mark.parametrize(
    ("status", "kind"), [(418, Slowed), (429, Slowed), (403, ConfigError), (451, ConfigError),
                         (500, ConnectionError)],
)  # fmt: skip
def test_what_an_exchange_answers_is_understood(status: int, kind: type[Exception]) -> None:
    async def scene(server: CcxtLoopback) -> None:
        made = Exchanges("binance", server.urls, testnet=False, spot=True)
        server.refuse(status)
        connection = CcxtConnection(made, BOTH, 0.01, {})
        with pytest.raises(kind):
            await connection.open()
        await connection.close()

    played(scene)


def polled_by(server: CcxtLoopback, seen: Any, *without: str) -> CcxtConnection:
    """Connection to an exchange that does not stream."""
    made = Exchanges("binance", server.urls, testnet=False, spot=True)
    connection = CcxtConnection(made, BOTH, 0.01, seen)
    lacks = ("watchTrades", "watchTradesForSymbols", *without)
    connection._made.has = {**connection._made.has, **dict.fromkeys(lacks, False)}
    return connection


def test_an_exchange_that_does_not_stream_is_asked_and_each_trade_told_once() -> None:
    async def scene(server: CcxtLoopback) -> list[str]:
        seen: Any = {}
        server.happened("BTC/USDT", 1, 49.0)
        connection = polled_by(server, seen)
        await connection.open()
        assert await connection.receive(Heard()) == []
        found: list[Tick] = []
        for number in range(2, 6):  # all within a millisecond or two
            server.happened("BTC/USDT", number, 50.0)
            server.happened("ETH/USDT", number, 5.0)
            if number % 2:
                found += await connection.receive(Heard())
        await connection.close()
        server.happened("BTC/USDT", 6, 51.0)
        again = polled_by(server, seen)
        await again.open()
        found += await again.receive(Heard())
        await again.close()
        assert server.connections == 0
        return [f"{tick.symbol} {tick.id}" for tick in found]

    told = played(scene)
    assert len(told) == len(set(told)) == 9
    assert "BTC/USDT 6" in told
    assert "BTC/USDT 1" not in told


def test_an_exchange_without_trades_is_asked_for_quotes() -> None:
    async def scene(server: CcxtLoopback) -> None:
        connection = polled_by(server, {}, "fetchTrades")
        await connection.open()
        server.happened("BTC/USDT", 1, 49.0)
        server.happened("ETH/USDT", 1, 5.0)
        await connection.receive(Heard())
        assert await connection.receive(Heard()) == []
        server.happened("BTC/USDT", 2, 50.0)
        (tick,) = await connection.receive(Heard())
        assert (tick.symbol, tick.price, tick.bid, tick.ask) == ("BTC/USDT", 50.0, 50.0, 50.0)
        assert tick.size != tick.size
        await connection.close()

    played(scene)


def test_the_bars_of_a_gap_are_those_of_the_exchange_and_only_whole_ones() -> None:
    async def scene(server: CcxtLoopback) -> list[Row]:
        begin = now_ms() // MINUTE_MS * MINUTE_MS - 250 * MINUTE_MS
        for k in range(251):  # the last is not over yet
            server.bars.setdefault("BTCUSDT", []).append(bar(begin + k * MINUTE_MS, 50.0 + k))
            if k % 2:
                server.bars.setdefault("ETHUSDT", []).append(bar(begin + k * MINUTE_MS, 5.0))
        feed = CcxtFeed(urls=server.urls).following(BOTH, "1m")
        since = (begin + 20 * MINUTE_MS) * 1_000_000
        return await feed.backfill(since, 2**62, "1m")

    rows = played(scene)
    assert len(rows) == 230
    assert {b.ts - a.ts for a, b in pairwise(rows)} == {60_000_000_000}
    assert rows[-1].ts <= time.time_ns()
    assert rows[0].close[0] == 70.0
    assert (rows[0].open[0], rows[0].high[0], rows[0].low[0]) == (69.0, 71.0, 68.0)
    assert rows[0].volume[0] == 7.5
    assert [bool(np.isnan(row.close[1])) for row in rows[:4]] == [True, False, True, False]


def test_bars_that_an_exchange_does_not_have_or_cannot_give_are_errors() -> None:
    async def scene(server: CcxtLoopback) -> None:
        feed = CcxtFeed(urls=server.urls).following(BOTH, "1m")
        with pytest.raises(DataError, match=r"no bars of '7m'; it has .*1m"):
            await feed.backfill(0, 2**62, "7m")
        server.refuse(503)
        with pytest.raises(OutsideError, match="binance"):
            await feed.backfill(now_ms() * 1_000_000 - 10**12, 2**62, "1m")

    played(scene)


def test_markets_are_learned_once_however_often_it_connects() -> None:
    async def scene(server: CcxtLoopback) -> list[str]:
        heard, feed = Heard(), server.feed(BOTH, 20.0)
        task = asyncio.create_task(feed.run(heard))
        for n in range(3):
            await asyncio.wait_for(server.ready.wait(), 20.0)
            await server.send(server.trade("BTC/USDT", time.time_ns(), 50.0 + n, n))
            await until(lambda n=n: len(heard.all) > n)
            server.reset()
            await until(lambda n=n: server.connections > n + 1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert heard.states.count(FeedState.GAP) >= 2
        return server.paths

    assert played(scene).count("/exchangeInfo") == 1


def test_a_gap_of_years_is_no_gap_and_another_source_is_asked() -> None:
    async def scene(server: CcxtLoopback) -> None:
        feed = CcxtFeed(urls=server.urls).following(BOTH, "1m")
        with pytest.raises(DataError, match="more than 20000 bars"):
            await feed.backfill(0, 2**62, "1m")

    played(scene)
