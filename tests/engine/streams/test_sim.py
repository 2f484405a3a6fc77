"""Markets that never existed."""

import asyncio
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np

from tests.minutes import ns
from tradewind.engine.registry import names
from tradewind.engine.streams.facts import FeedState, LiveFeed
from tradewind.engine.streams.sim import YEAR_S, Sim

START = ns("2024-01-03T15:00")
ENOUGH = 20_000
SIGMAS = 5.0  # one run in a million fails by chance, and the seed is fixed


def test_the_same_seed_gives_the_same_ticks_and_another_others() -> None:
    one, again, other = (
        list(islice(Sim(seed=seed).following(("A", "B"), "1m").ticks(START), 500))
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_trades_arrive_as_often_and_prices_move_as_much_as_was_asked() -> None:
    feed = Sim(per_second=50.0, vol_annual=0.5, price=1e6).following("ABCD", "1m")
    ticks = list(islice(feed.ticks(START), ENOUGH))
    gaps = np.diff([tick.ts for tick in ticks]) / 1e9
    assert abs(gaps.mean() * 50.0 - 1.0) < SIGMAS / np.sqrt(ENOUGH)
    for symbol in "ABCD":
        mine = [tick for tick in ticks if tick.symbol == symbol]
        moves = np.diff(np.log([tick.price for tick in mine]))
        years = np.diff([tick.ts for tick in mine]) / 1e9 / YEAR_S
        assert abs((moves**2 / years).mean() / 0.25 - 1.0) < SIGMAS * np.sqrt(2 / len(moves))


def test_every_tick_could_be_believed() -> None:
    ticks = list(islice(Sim().following("AB", "1m").ticks(START), 1_000))
    assert all(0 < t.bid <= t.price <= t.ask and t.size > 0 and t.received == t.ts for t in ticks)
    assert len({t.id for t in ticks}) == len(ticks)
    assert [t.ts for t in ticks] == sorted({t.ts for t in ticks})


def test_it_is_a_feed_by_its_name_and_delivers_until_it_is_cancelled() -> None:
    assert "sim" in names("feeds")
    feed = Sim(per_second=2_000.0).following(("A", "B"), "1m", "24/7")
    assert isinstance(feed, LiveFeed)
    heard: list[Any] = []
    states: list[Any] = []
    enough = asyncio.Event()

    class Sink:
        def ticks(self, batch: Any) -> None:
            heard.extend(batch)
            if len(heard) > 100:
                enough.set()

        def notice(self, notice: Any) -> None:
            states.append(notice.state)

    async def listen() -> None:
        task = asyncio.create_task(feed.run(Sink()))  # type: ignore[arg-type]
        await asyncio.wait_for(enough.wait(), 60.0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(listen())
    assert states == [FeedState.LIVE]
    assert [int(tick.id) for tick in heard] == list(range(len(heard)))
    assert all(tick.received >= tick.ts - 1_000_000_000 for tick in heard)
