"""The replay held to what is asked of every feed, as far as a history can break at all."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.minutes import bars_at, session_bars
from tests.rows import same
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.records import Panel
from tradewind.engine.streams.facts import FeedNotice, FeedState, Tick
from tradewind.engine.streams.intake import Intake
from tradewind.engine.streams.replay import Replay

ROOM = 64  # rows that may wait, as in a run
pytestmark = pytest.mark.parametrize("played_as", ["bars", "ticks"])


class Room:
    """A sink with a queue of rows, as a run has it, emptied by somebody who may be slow."""

    def __init__(self, panel: Panel) -> None:
        self.intake, self.late_ns = Intake(panel.rows(0, 1), TicksConfig()), 2_000_000_000
        self.waiting: asyncio.Queue[Row] = asyncio.Queue(ROOM)
        self.notices: list[FeedNotice] = []
        self.most = self.put = 0

    def notice(self, notice: FeedNotice) -> None:
        self.notices.append(notice)

    def ticks(self, batch: list[Tick]) -> None:
        self.intake.take(batch)

    async def clock(self, now: int, leaving: tuple[int, ...]) -> None:
        for row in self.intake.advance(now + self.late_ns):
            await self.row(row, leaving)

    async def row(self, row: Row, leaving: tuple[int, ...]) -> None:
        await self.waiting.put(row)
        self.put += 1
        self.most = max(self.most, self.waiting.qsize())

    async def emptied(self, n: int, pause: Callable[[], Coroutine[Any, Any, Any]]) -> list[Row]:
        """So many rows, with a pause behind each."""
        found = []
        for _ in range(n):
            found.append(await self.waiting.get())
            await pause()
        return found


def history() -> Panel:
    return bars_at(
        session_bars("XNYS", "2017-11-20", "2017-11-28", 5), "AB", interval="5m", calendar="XNYS"
    )


def feed(panel: Panel, played_as: Any, **given: Any) -> Any:
    return Replay(played_as=played_as, **given).over(panel, 1)


def test_it_is_live_from_the_last_bar_known_and_down_at_the_end_of_its_history(
    played_as: str,
) -> None:
    async def scene() -> None:
        panel = history()
        sink = Room(panel)
        rows = asyncio.create_task(sink.emptied(panel.n_bars - 1, lambda: asyncio.sleep(0)))
        await feed(panel, played_as).run(sink)
        assert same(await rows, [Row.of(panel, t) for t in range(1, panel.n_bars)])
        states = [(one.state, one.at) for one in sink.notices]
        assert states == [
            (FeedState.LIVE, int(panel.ts[0])), (FeedState.DOWN, int(panel.ts[-1])),
        ]  # fmt: skip

    asyncio.run(scene())


def test_a_slow_consumer_loses_nothing_and_no_more_than_its_room_is_waiting(
    played_as: str,
) -> None:
    async def scene() -> None:
        panel = history()
        sink, turns = Room(panel), 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(other()),
                 asyncio.create_task(feed(panel, played_as).run(sink))]  # fmt: skip
        rows = await sink.emptied(panel.n_bars - 1, lambda: asyncio.sleep(0.0001))
        for task in tasks:
            task.cancel()
        assert len(rows) == panel.n_bars - 1
        assert sink.most == ROOM
        assert turns > panel.n_bars  # others have theirs while it plays

    asyncio.run(scene())


@pytest.mark.parametrize("speed", ["max", 1.0])
def test_it_ends_at_once_where_it_is_cancelled_between_two_bars(played_as: str, speed: Any) -> None:
    async def scene() -> None:
        panel = history()
        sink = Room(panel)
        task = asyncio.create_task(feed(panel, played_as, speed=speed).run(sink))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sink.put == (ROOM if speed == "max" else 0)
        assert [one.state for one in sink.notices] == [FeedState.LIVE]

    asyncio.run(scene())


def test_a_jump_of_a_history_is_its_own_and_nothing_of_it_is_dropped(played_as: str) -> None:
    async def scene() -> None:
        panel = history()
        for field in (panel.open, panel.high, panel.low, panel.close):
            field[50:, 0] *= 100.0
        sink = Room(panel)
        rows = asyncio.create_task(sink.emptied(panel.n_bars - 1, lambda: asyncio.sleep(0)))
        await feed(panel, played_as).run(sink)
        assert same(await rows, [Row.of(panel, t) for t in range(1, panel.n_bars)])
        assert not sink.intake.drops

    asyncio.run(scene())
