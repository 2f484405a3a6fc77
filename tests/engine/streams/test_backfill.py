"""Who asks the history for what a gap took, on a clock that skips every wait."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.minutes import MINUTE_NS, bars_at, ns
from tests.skipping import skipping
from tradewind.engine.config.data import DataConfig
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.errors import DataError, ProviderDownError
from tradewind.engine.features.stream import Row
from tradewind.engine.streams import backfill
from tradewind.engine.streams.backfill import GapFiller, in_a_thread, missed, rows_after
from tradewind.engine.streams.facts import FeedNotice, FeedState, Tick
from tradewind.engine.streams.intake import Intake

OPEN, SECOND = ns("2018-01-05T14:30"), 1_000_000_000
AWAY = ProviderDownError("the history is away")


def seconds() -> float:
    return asyncio.get_running_loop().time()


def now() -> int:
    return OPEN + int(seconds() * SECOND)


def bar(minute: int) -> Row:
    a = np.array([50.0])
    return Row(OPEN + minute * MINUTE_NS, a, a, a, a, a)


class Desk:
    """An intake that lost its feed 20 s after the open, and a history that does what it is told.

    ``says`` answers each question in turn: bars, an error, or a number of seconds that it takes to
    answer with nothing; the last one goes on. ``behind``: it has every bar that is over.
    """

    def __init__(self, *says: Any, interval: str = "1m") -> None:
        history = bars_at([ns("2018-01-04T21:00")], "A", interval=interval, calendar="XNYS")
        self.intake = Intake(history, TicksConfig(spike=1e9))
        self.says, self.asked, self.lines = list(says), [], []
        self.rows: list[tuple[float, int]] = []
        self.working = self.most_working = 0
        self.filler = GapFiller(
            self.intake.maker, self._fetch, clock=now, draw=Random(1),
            tell=lambda level, text: self.lines.append((level, text)),
        )  # fmt: skip

    asked: list[float]
    lines: list[tuple[str, str]]

    async def _fetch(self, since: int) -> list[Row]:
        self.asked.append(seconds())
        self.working += 1
        self.most_working = max(self.most_working, self.working)
        says = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        try:
            if isinstance(says, BaseException):
                raise says
            if isinstance(says, float):
                await asyncio.sleep(says)
                return []
            if says == "20 s late":
                n = int((now() - OPEN - 20 * SECOND) // MINUTE_NS)
                return [bar(m) for m in range(1, n + 1) if OPEN + m * MINUTE_NS > since]
            if says == "behind":
                n = int((now() - OPEN) // MINUTE_NS)
                return [bar(m) for m in range(1, n + 1) if OPEN + m * MINUTE_NS > since]
            return list(says)
        finally:
            self.working -= 1

    def feed(self, state: FeedState, since: int = 0) -> None:
        self.intake.heard(FeedNotice(state, now(), str(state), since=since))
        self.filler.wake()

    async def until(self, end_s: float, step_s: float = 0.25) -> None:
        """Let time pass, and bars out."""
        while seconds() < end_s:
            await asyncio.sleep(step_s)
            self.rows += [
                (seconds(), (row.ts - OPEN) // MINUTE_NS) for row in self.intake.advance(now())
            ]


def played(scene: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    skipping(scene())


def test_what_a_gap_took_is_there_within_seconds() -> None:
    async def scene() -> None:
        desk = Desk("behind")
        await desk.until(200.0)
        desk.feed(FeedState.DOWN)
        desk.feed(FeedState.GAP, since=OPEN + 20 * SECOND)
        await desk.until(203.0)
        assert [minute for _, minute in desk.rows] == [1, 2, 3]
        await desk.until(300.0)
        assert [minute for _, minute in desk.rows] == [1, 2, 3, 4]
        assert desk.rows[-1][0] < 240 + 2 + 1.0  # the bar that the feed came back in
        assert len(desk.asked) == 2
        assert desk.filler.state == ""

    played(scene)


def test_a_history_that_is_away_is_asked_for_as_long_as_the_gap_matters_ever_more_seldom() -> None:
    async def scene() -> None:
        desk = Desk(AWAY, interval="1d")  # the bar of the day: it matters until an hour after 21:00
        desk.feed(FeedState.DOWN)
        await desk.until(60.0)
        desk.feed(FeedState.GAP, since=OPEN)
        await desk.until(9.0 * 3600, 30.0)
        pauses = [b - a for a, b in pairwise(desk.asked)]
        assert all(2.0 <= pause <= 6.0 for pause in pauses[:1])
        assert max(pauses) <= 301.0
        assert all(pause >= 150.0 for pause in pauses[10:])
        assert len(set(pauses)) > 50
        assert 7.4 * 3600 < desk.asked[-1] <= 7.5 * 3600 + 30
        (skipped,) = desk.intake.maker.skipped
        assert skipped.last == ns("2018-01-05T21:00")
        level, text = desk.lines[3]
        assert level == "warning"
        assert "the history is away; try 5 in " in text

    played(scene)


def test_a_feed_that_is_late_for_good_has_each_bar_asked_for_when_the_history_has_it() -> None:
    async def scene() -> None:
        desk = Desk("20 s late")
        desk.feed(FeedState.DELAYED)
        ticks_at = 0
        while seconds() < 1800.0:
            stamp = now() - SECOND
            desk.intake.take([Tick("A", stamp, 50.0, 1.0, received=now(), id=f"{ticks_at}")])
            ticks_at += 1
            await desk.until(seconds() + 5.0)
        assert [minute for _, minute in desk.rows] == list(range(1, 30))
        assert all(at - 60 * minute <= 40.0 for at, minute in desk.rows[2:])
        assert len(desk.asked) <= 60  # 29 bars; without what it learns of the lag 110

    played(scene)


def test_while_it_is_away_the_state_of_the_feed_is_a_gap_and_says_why() -> None:
    async def scene() -> None:
        desk = Desk(AWAY, AWAY, "behind")
        await desk.until(70.0)
        desk.feed(FeedState.DOWN)
        desk.feed(FeedState.GAP, since=OPEN + 20 * SECOND)
        desk.feed(FeedState.LIVE)
        await desk.until(72.0)
        desk.intake.filling = desk.filler.state
        told = [desk.intake.state]
        assert "cannot be fetched: the history is away" in told[0].reason
        await desk.until(125.0)
        desk.intake.filling = desk.filler.state
        told.append(desk.intake.state)
        assert [notice.state for notice in told] == [FeedState.GAP, FeedState.LIVE]

    played(scene)


def test_of_one_gap_there_is_one_question_at_a_time_however_often_the_line_breaks() -> None:
    async def scene() -> None:
        desk = Desk(30.0)
        for k in range(40):
            desk.feed(FeedState.DOWN)
            await desk.until(k + 0.5)
            desk.feed(FeedState.GAP, since=now())
            await desk.until(k + 1.0)
        await desk.until(120.0)
        assert desk.most_working == 1
        assert 2 <= len(desk.asked) <= 5

    played(scene)


def test_a_line_that_breaks_every_second_does_not_make_it_ask_every_second() -> None:
    async def scene() -> None:
        desk = Desk("behind")
        for k in range(120):
            desk.feed(FeedState.DOWN)
            desk.feed(FeedState.GAP, since=now())
            await desk.until(k + 1.0)
        assert 20 <= len(desk.asked) <= 60

    played(scene)


@pytest.mark.parametrize("error", [DataError("no such bars"), OSError("disk"), ZeroDivisionError()])
def test_no_error_of_the_history_ends_anything(error: Exception) -> None:
    async def scene() -> None:
        desk = Desk(error, error, "behind")
        desk.feed(FeedState.DOWN)
        await desk.until(70.0)
        desk.feed(FeedState.GAP, since=OPEN)
        await desk.until(130.0)
        assert [minute for _, minute in desk.rows] == [1, 2]
        assert [level for level, _ in desk.lines[:2]] == [
            "error" if isinstance(error, ZeroDivisionError) else "warning"
        ] * 2

    played(scene)


def test_what_it_does_not_have_yet_is_asked_for_again() -> None:
    async def scene() -> None:
        desk = Desk([], [], [], [], "behind")
        desk.feed(FeedState.DOWN)
        await desk.until(30.0)
        desk.feed(FeedState.GAP, since=OPEN)
        await desk.until(120.0)
        assert desk.rows[0][1] == 1
        assert any("does not have all bars yet" in text for _, text in desk.lines)

    played(scene)


def test_a_feed_that_is_late_for_long_has_the_bars_of_the_history() -> None:
    async def scene() -> None:
        desk = Desk("behind")
        desk.feed(FeedState.DELAYED)
        for k in range(60):
            await desk.until(10.0 * k)
            late = now() - 40 * SECOND
            desk.intake.take([Tick("A", late, 10.0, 1.0, received=now(), id=str(k))])
        assert [minute for _, minute in desk.rows] == list(range(1, 10))
        assert all(at < 60 * minute + 45 for at, minute in desk.rows)

    played(scene)


def test_nothing_is_asked_where_nothing_is_missing() -> None:
    async def scene() -> None:
        desk = Desk("behind")
        desk.filler.wake()
        desk.feed(FeedState.LIVE)
        await desk.until(100.0)
        assert desk.asked == []

    played(scene)


def test_the_end_of_the_run_waits_for_no_answer() -> None:
    async def scene() -> None:
        desk = Desk(1e6)
        desk.feed(FeedState.DOWN)
        desk.feed(FeedState.GAP, since=now() - SECOND)
        await desk.until(5.0)
        assert desk.working == 1
        await desk.filler.close()
        assert desk.working == 0
        before = len(desk.asked)
        await desk.until(100.0)
        assert len(desk.asked) == before

    played(scene)


def test_a_thread_that_never_answers_keeps_neither_the_loop_nor_the_process() -> None:
    hanging, turns = threading.Event(), [0]

    async def scene() -> None:
        task = asyncio.create_task(in_a_thread(hanging.wait))
        for _ in range(100):
            await asyncio.sleep(0)
            turns[0] += 1
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())
    assert turns[0] == 100
    (thread,) = (one for one in threading.enumerate() if one.name == "history")
    assert thread.daemon
    hanging.set()
    thread.join()


def test_what_is_done_in_a_thread_comes_back_or_its_error_does() -> None:
    async def scene() -> None:
        assert await in_a_thread(lambda: 7) == 7
        with pytest.raises(DataError, match="broken"):
            await in_a_thread(broken)

    def broken() -> None:
        raise DataError("broken")

    asyncio.run(scene())


class Keeps:
    """A feed that keeps bars, or says why not."""

    def __init__(self, says: Any) -> None:
        self.says = says

    async def backfill(self, since: int, until: int, interval: str) -> list[Row]:
        if isinstance(self.says, BaseException):
            raise self.says
        return list(self.says)


def test_a_feed_that_keeps_bars_is_asked_first_and_the_history_when_it_cannot_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = bars_at([OPEN + m * MINUTE_NS for m in (1, 2, 3)], "A", interval="1m")
    config = DataConfig.model_validate({"source": "embedded", "end": "2017-01-01"})
    loaded: list[DataConfig] = []

    def load(config: DataConfig) -> Any:
        loaded.append(config)
        return type("Loaded", (), {"panel": panel})

    monkeypatch.setattr(backfill, "load", load)

    def rows(feed: Any) -> list[int]:
        found = asyncio.run(missed(feed, config, ["A"], OPEN + MINUTE_NS, "1m"))
        return [(row.ts - OPEN) // MINUTE_NS for row in found]

    assert rows(Keeps([bar(7)])) == [7]
    assert not loaded
    assert rows(Keeps(AWAY)) == rows(Keeps(DataError("too old"))) == rows(object()) == [2, 3]
    assert [one.end for one in loaded] == [None] * 3
    assert {one.start for one in loaded} == {date(2017, 12, 31)}  # five days before, of minutes


@pytest.mark.parametrize(
    ("start", "want"),
    [(None, [date(2017, 12, 3), None]), ("2017-01-01", [date(2017, 12, 3), date(2017, 1, 1)]),
     ("2018-01-02", [date(2018, 1, 2)])],
)  # fmt: skip
def test_the_whole_history_is_read_only_where_its_end_does_not_suffice(
    monkeypatch: pytest.MonkeyPatch, start: str | None, want: list[date | None]
) -> None:
    panel, asked = bars_at([OPEN], "A", interval="1d"), []
    config = DataConfig.model_validate({"source": "embedded", "start": start})

    def load(config: DataConfig) -> Any:
        asked.append(config.start)
        if len(asked) < len(want):
            raise DataError("A has no bars")
        return type("Loaded", (), {"panel": panel})

    monkeypatch.setattr(backfill, "load", load)
    assert len(asyncio.run(missed(object(), config, ["A"], OPEN - 1, "1d"))) == 1
    assert asked == want


def test_rows_are_in_the_columns_of_the_run_whatever_the_source_has() -> None:
    panel = bars_at([OPEN + m * MINUTE_NS for m in (1, 2, 3)], "BA", interval="1m")
    both, wide = rows_after(panel, ["A", "B"], OPEN + MINUTE_NS), rows_after(panel, "AXB", 0)
    assert len(both) == 2 and len(wide) == 3
    assert both[0].close.tolist() == [panel.close[1, 1], panel.close[1, 0]]
    assert np.isnan(wide[0].close).tolist() == [False, True, False]
