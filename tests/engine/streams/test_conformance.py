"""Every adapter against a server that speaks its provider's wire, and breaks in every known way."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from tests.conformance import LONG_S, MUTE_S, NAMELESS, connected, every_provider, played
from tests.loopback import Heard, until
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import FeedState
from tradewind.engine.streams.filtering import TickFilter

BURST = 5_000
AT_ONCE = BURST // 5  # ticks between two turns of others; clients read some hundreds at a time
DAY_NS = 86_400_000_000_000
QUOTING = ("alpaca", "yahoo")  # the wires that carry quotes
QUOTES = [(49.0, 50.0), (51.0, 50.0)]  # bid and ask
CROSSED_OF = {name: {reasons.CROSSED: 1} for name in QUOTING}
pytestmark = every_provider


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
    assert heard.states.count(FeedState.GAP) == heard.states.count(FeedState.DOWN) == 3
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
    assert f"no tick for {MUTE_S:g} s" in stale.reason
    assert heard.all[-1].price == 51.0


def test_malformed_messages_are_counted_and_the_stream_goes_on(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        broken = server.broken()
        await server.send(*broken)
        await connected(server, heard, 51.0)
        assert len(heard.drops) == len(broken)

    heard = played(provider, scene, mute_s=LONG_S)
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

    heard = played(provider, scene, mute_s=LONG_S)
    prices = [tick.price for tick in heard.all[1:]]
    if provider == NAMELESS:
        assert sorted(prices) == [50.5, 50.5, 51.0, 5100.0]
    else:
        assert prices == [51.0, 50.5, 50.5, 5100.0]
        assert heard.all[2].ts < heard.all[1].ts


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0, -3.0])
def test_a_price_that_is_none_never_looks_like_one(provider: str, price: float) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.send(server.trade(server.symbols[0], time.time_ns(), price, 9))
        await connected(server, heard, 51.0)

    heard = played(provider, scene, mute_s=LONG_S)
    between = [tick.price for tick in heard.all[1:-1]]
    assert all(not value > 0.0 or value == float("inf") for value in between)
    assert between or heard.drops


def test_an_unknown_symbol_is_dropped_by_name(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.send(server.trade(server.stranger, time.time_ns(), 5.0, 1))
        await connected(server, heard, 51.0)

    heard = played(provider, scene, mute_s=LONG_S)
    want = [] if provider == NAMELESS else [reasons.UNKNOWN_SYMBOL]
    assert [reason for reason, _ in heard.drops] == want
    assert [tick.price for tick in heard.all] == [50.0, 51.0]


def test_stamps_that_are_late_make_the_feed_delayed(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        n = 0
        while FeedState.DELAYED not in heard.states:
            n += 1
            late = time.time_ns() - 60_000_000_000
            await server.send(server.trade(server.symbols[0], late, 51.0, 9 + n))
            await asyncio.sleep(0.1)
            assert n < 200
        await connected(server, heard, 52.0)
        await until(lambda: heard.all[-1].price == 52.0)

    heard = played(provider, scene, mute_s=LONG_S)
    assert heard.states[:3] == [FeedState.CONNECTING, FeedState.LIVE, FeedState.DELAYED]
    assert heard.states[-1] is FeedState.LIVE


def test_a_field_that_nobody_knows_of_does_no_harm(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.send(server.drifted(server.symbols[1], time.time_ns(), 51.0, 9))
        await until(lambda: len(heard.all) == 2)

    heard = played(provider, scene, mute_s=LONG_S)
    assert (heard.all[1].price, heard.drops) == (51.0, [])


def test_a_field_that_is_missing_renamed_or_of_another_type_makes_no_tick(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        bent = server.bent(server.symbols[0])
        await server.send(*bent)
        await connected(server, heard, 51.0)
        sent.extend(bent)

    sent: list[Any] = []
    heard = played(provider, scene, mute_s=LONG_S)
    assert [tick.price for tick in heard.all] == [50.0, 51.0]
    assert len(heard.drops) == len(sent) >= 9
    assert heard.states == [FeedState.CONNECTING, FeedState.LIVE]


def test_a_server_that_is_away_is_tried_until_it_is_back(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.away()
        await until(lambda: sum("onnect" in notice.reason for notice in heard.notices) > 2)
        await server.back()
        await connected(server, heard, 51.0)

    heard = played(provider, scene, mute_s=LONG_S)
    assert heard.states[-2:] == [FeedState.GAP, FeedState.LIVE]
    assert heard.states.count(FeedState.GAP) == 1


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
    assert 30 <= int(told.reason.split("waiting ")[1].split()[0]) <= 38


def test_a_refusal_in_the_middle_of_the_stream_is_one_for_good(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.complain(401)
        await asyncio.sleep(20.0)

    with pytest.raises(ConfigError, match=r"paper\.feed"):
        played(provider, scene, mute_s=LONG_S)


def test_a_limit_in_the_middle_of_the_stream_is_answered_with_a_longer_wait(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        await server.complain(429)
        await until(lambda: "waiting" in heard.notices[-1].reason)

    heard = played(provider, scene, mute_s=LONG_S)
    assert heard.states[-1] is FeedState.DOWN
    assert 30 <= int(heard.notices[-1].reason.split("waiting ")[1].split()[0]) <= 38


def test_of_stamps_of_the_future_and_crossed_quotes_nothing_is_believed(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        name, now = server.symbols[0], time.time_ns()
        await server.send(server.trade(name, now + DAY_NS, 52.0, 100))
        if provider in QUOTING:
            await server.send(*(server.quote(name, now, *two) for two in QUOTES))
        await connected(server, heard, 51.0)

    heard = played(provider, scene, mute_s=LONG_S)
    assert not heard.drops
    judge = TickFilter(sorted({tick.symbol for tick in heard.all}), TicksConfig())
    judge.expect(0, 50.0)
    believed = [(tick.price, tick.bid, tick.ask) for _, tick in judge.believed(heard.all)]
    quoted = [two for _, *two in believed if two[0] == two[0]]
    assert [price for price, *_ in believed if price == price] == [50.0, 51.0]
    assert quoted == ([[49.0, 50.0]] if provider in QUOTING else [])
    assert judge.drops == {reasons.FUTURE: 1} | CROSSED_OF.get(provider, {})


def test_a_burst_leaves_others_their_turn(provider: str) -> None:
    taken: list[int] = []  # ticks that had come at each turn of somebody else

    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        name, now, n = server.symbols[0], time.time_ns(), len(heard.all)
        messages = [server.trade(name, now + k, 50.0 + k % 7, k) for k in range(BURST)]

        async def other() -> None:
            while True:
                taken.append(len(heard.all))
                await asyncio.sleep(0)

        working = asyncio.create_task(other())
        await server.send(*messages)
        await until(lambda: len(heard.all) == n + BURST, 60.0)
        working.cancel()

    heard = played(provider, scene, mute_s=LONG_S)
    assert len(heard.all) == BURST + 1
    assert max(b - a for a, b in pairwise([*taken, len(heard.all)])) <= AT_ONCE


def test_a_slow_consumer_loses_nothing(provider: str) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        heard.slow_s = 0.002
        name, now = server.symbols[0], time.time_ns()
        await server.send(*(server.trade(name, now + k, 50.0, k) for k in range(300)))
        await until(lambda: len(heard.all) == 301, 60.0)

    assert len(played(provider, scene, mute_s=LONG_S).all) == 301
