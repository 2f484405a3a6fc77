"""A consumer that is slower than the stream; an exchange that is asked waits for it by itself."""

import time
from typing import Any

import pytest

from tests.conformance import LONG_S, NAMELESS, SERVERS, connected, played
from tests.loopback import Heard, until
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import FeedState


@pytest.mark.parametrize("provider", sorted(set(SERVERS) - {NAMELESS}))
def test_a_consumer_that_is_too_slow_gets_the_newest_and_is_told_of_the_gap(
    provider: str,
) -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await connected(server, heard)
        held, (one, other), now = heard.most_held, server.symbols, time.time_ns()
        messages = [server.trade(one, now, 50.0, k) for k in range(1, 4 * held)]
        heard.slow_s = 0.2
        await server.send(server.trade(other, now, 49.0, 7), *messages)
        await server.send(server.trade(one, now + 2_000_000, 51.0, 9 * held))
        await until(lambda: heard.all[-1].price == 51.0, 60.0)
        heard.slow_s = 0.0
        await connected(server, heard, 52.0)

    heard = played(provider, scene, mute_s=LONG_S, most_held=50)
    assert {reason for reason, _ in heard.drops} == {reasons.OVERFLOW}
    assert len(heard.all) + len(heard.drops) == 1 + 1 + 199 + 1 + 1
    assert 49.0 in [tick.price for tick in heard.all]
    assert FeedState.GAP in heard.states and heard.states[-1] is FeedState.LIVE
