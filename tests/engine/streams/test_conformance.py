"""Every adapter against a server that speaks its provider's wire, and breaks in every known way."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from tests.loopback import LOOPBACKS, Heard, until
from tradewind.engine.errors import ConfigError
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import FeedState

MUTE_S = 1.0
BURST = 5_000
TURN_S = 0.25  # generous: a busy machine takes turns of its own; the benchmark has the figure
pytestmark = pytest.mark.parametrize("provider", sorted(LOOPBACKS))
Scene = Callable[[Any, Heard], Coroutine[Any, Any, None]]


def played(provider: str, scene: Scene, *, mute_s: float = MUTE_S, symbols: Any = None) -> Heard:
    """Play a scene between a feed of KO and MSFT and its server."""
    heard = Heard()

    async def play() -> None:
        server = LOOPBACKS[provider]()
        await server.start()
        feed = server.feed(symbols or server.symbols, mute_s)
        task = asyncio.create_task(feed.run(heard))
        try:
            await asyncio.wait([asyncio.create_task(scene(server, heard)), task],
                               return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
            if task.done():
                task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, ConfigError):
                await task
            await server.stop()

    asyncio.run(play())
    return heard


async def connected(server: Any, heard: Heard, price: float = 50.0) -> None:
    """Wait for a subscription, and for the first tick behind it."""
    await asyncio.wait_for(server.ready.wait(), 20.0)
    n = len(heard.all)
    await server.send(server.trade(server.symbols[0], time.time_ns(), price, n + 1))
    await until(lambda: len(heard.all) > n)


def test_a_feed_connects_subscribes_and_is_live(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        assert set(server.asked()) == set(server.symbols)

    heard = played(provider, scene)
    assert heard.states[:2] == [FeedState.CONNECTING, FeedState.LIVE]
    assert heard.all[0].price == 50.0
    assert heard.all[0].received >= heard.all[0].ts


@pytest.mark.parametrize("end", ["close_clean", "reset"])
def test_after_an_end_a_feed_subscribes_again_and_tells_the_gap(provider: str, end: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        for n in range(3):
            await connected(server, heard, 50.0 + n)
            found = getattr(server, end)()
            if found is not None:
                await found
            await until(lambda n=n: server.connections > n + 1)
        await connected(server, heard, 60.0)

    heard = played(provider, scene)
    assert heard.states.count(FeedState.GAP) == 3
    assert [tick.price for tick in heard.all] == [50.0, 51.0, 52.0, 60.0]
    gap = next(notice for notice in heard.notices if notice.state is FeedState.GAP)
    assert gap.since == heard.all[0].ts


@pytest.mark.parametrize("silence", ["mute", "vanish"])
def test_silence_is_noticed_and_the_feed_reconnects(provider: str, silence: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        if silence == "vanish":
            server.vanish()
        await until(lambda: FeedState.STALE in heard.states)
        await until(lambda: server.connections > 1)
        await connected(server, heard, 51.0)

    heard = played(provider, scene)
    stale = next(notice for notice in heard.notices if notice.state is FeedState.STALE)
    assert f"{MUTE_S:g} s" in stale.reason
    assert heard.all[-1].price == 51.0


def test_malformed_messages_are_counted_and_the_stream_goes_on(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        broken = server.broken()
        await server.send(*broken)
        await connected(server, heard, 51.0)
        assert len(heard.drops) == len(broken)

    heard = played(provider, scene, mute_s=20.0)
    assert {reason for reason, _ in heard.drops} == {reasons.MALFORMED}
    assert heard.states == [FeedState.CONNECTING, FeedState.LIVE]


def test_what_the_filter_decides_is_passed_on_in_its_order(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        name, now = server.symbols[0], time.time_ns()
        later, earlier = now, now - 1_000_000_000
        sent = [(later, 51.0), (earlier, 50.5), (earlier, 50.5), (now, 5100.0)]
        await server.send(*(server.trade(name, ts, price, 9) for ts, price in sent))
        await until(lambda: len(heard.all) == 5)

    heard = played(provider, scene, mute_s=20.0)
    assert [tick.price for tick in heard.all[1:]] == [51.0, 50.5, 50.5, 5100.0]
    assert heard.all[2].ts < heard.all[1].ts


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0, -3.0])
def test_a_price_that_is_none_never_looks_like_one(provider: str, price: float) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.send(server.trade(server.symbols[0], time.time_ns(), price, 9))
        await connected(server, heard, 51.0)

    heard = played(provider, scene, mute_s=20.0)
    between = [tick.price for tick in heard.all[1:-1]]
    assert all(not value > 0.0 or value == float("inf") for value in between)
    assert between or heard.drops


def test_an_unknown_symbol_is_dropped_by_name(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.send(server.trade(server.stranger, time.time_ns(), 5.0, 1))
        await connected(server, heard, 51.0)

    heard = played(provider, scene, mute_s=20.0)
    assert [reason for reason, _ in heard.drops] == [reasons.UNKNOWN_SYMBOL]


def test_stamps_that_are_late_make_the_feed_delayed(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        late = time.time_ns() - 60_000_000_000
        await server.send(server.trade(server.symbols[0], late, 51.0, 9))
        await until(lambda: FeedState.DELAYED in heard.states)
        await connected(server, heard, 52.0)

    heard = played(provider, scene, mute_s=20.0)
    assert heard.states[-1] is FeedState.LIVE


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_for_good_ends_the_feed_with_an_error(provider: str, status: int) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        server.refuse(status)
        server.reset()
        await asyncio.sleep(20.0)

    with pytest.raises(ConfigError, match=r"paper\.feed"):
        played(provider, scene)


def test_too_many_requests_are_answered_with_a_longer_wait(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        server.refuse(429)
        server.reset()
        await until(lambda: any("429" in notice.reason for notice in heard.notices))

    heard = played(provider, scene)
    told = next(notice for notice in heard.notices if "429" in notice.reason)
    assert told.state is FeedState.DOWN
    assert "waiting 30 s" in told.reason


def test_a_burst_leaves_others_their_turn(provider: str) -> None:
    longest = [0.0]

    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        name, now, n = server.symbols[0], time.time_ns(), len(heard.all)
        messages = [server.trade(name, now + k, 50.0 + k % 7, k) for k in range(BURST)]

        async def watch() -> None:
            while True:
                begun = time.monotonic()
                await asyncio.sleep(0)
                longest[0] = max(longest[0], time.monotonic() - begun)

        watcher = asyncio.create_task(watch())
        await server.send(*messages)
        await until(lambda: len(heard.all) == n + BURST, 60.0)
        watcher.cancel()

    heard = played(provider, scene, mute_s=30.0)
    assert len(heard.all) == BURST + 1
    assert longest[0] < TURN_S


def test_a_slow_consumer_loses_nothing(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        heard.slow_s = 0.002
        name, now = server.symbols[0], time.time_ns()
        await server.send(*(server.trade(name, now + k, 50.0, k) for k in range(300)))
        await until(lambda: len(heard.all) == 301, 60.0)

    assert len(played(provider, scene, mute_s=30.0).all) == 301
