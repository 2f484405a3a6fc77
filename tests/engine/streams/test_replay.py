"""A history played again: every bar comes back, as it was and no faster than it is taken."""

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.minutes import bars_at, ns, session_bars
from tests.rows import same
from tradewind.engine.config.data import DataConfig
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.features.stream import Row
from tradewind.engine.feeds import load
from tradewind.engine.records import FIELDS, Ints, Panel
from tradewind.engine.streams.facts import FeedState
from tradewind.engine.streams.intake import Intake
from tradewind.engine.streams.replay import Replay
from tradewind.engine.streams.tick_paths import TickPaths


class Taker:
    """A sink that makes bars of what comes, and may be slow."""

    def __init__(self, panel: Panel, config: TicksConfig | None = None, first: int = 1) -> None:
        self.config = config or TicksConfig()
        self.intake = Intake(panel.rows(0, first), self.config)
        self.rows: list[Row] = []
        self.leaving: list[tuple[int, ...]] = []
        self.states: list[FeedState] = []
        self.n_ticks = self.waiting = self.most_waiting = 0

    def ticks(self, batch: Any) -> None:
        self.n_ticks += len(batch)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        self.intake.take(batch)

    def notice(self, notice: Any) -> None:
        self.states.append(notice.state)

    def bars(self, closed: Any) -> None:
        raise AssertionError

    def dropped(self, reason: str, what: str) -> None:
        raise AssertionError

    async def row(self, row: Row, leaving: tuple[int, ...]) -> None:
        self.rows.append(row)
        self.leaving.append(leaving)
        await asyncio.sleep(0)

    async def clock(self, now: int, leaving: tuple[int, ...]) -> None:
        await asyncio.sleep(0)
        self.waiting -= 1
        for row in self.intake.advance(now + int(self.config.lateness_s * 1e9)):
            await self.row(row, leaving)


def played(panel: Panel, played_as: Any, first: int = 1, **keys: Any) -> Taker:
    """Play a panel from ``first`` on."""
    config = TicksConfig.model_validate(keys)
    taker = Taker(panel, config, first)
    asyncio.run(Replay(played_as=played_as).over(panel, first, config).run(taker))
    return taker


def rows_of(panel: Panel, first: int = 1) -> list[Row]:
    return [Row.of(panel, t) for t in range(first, panel.n_bars)]


def holed(panel: Panel, seed: int, share: float) -> Panel:
    """The panel with bars missing here and there."""
    gone = np.random.default_rng(seed).random(panel.shape) < share
    gone[:, 0] = False
    fields: Any = {name: np.where(gone, np.nan, getattr(panel, name)) for name in FIELDS}
    return replace(panel, **fields)


def test_ticks_of_a_real_history_make_its_very_bars_again() -> None:
    config = DataConfig.model_validate(
        {"source": "embedded", "symbols": ["KO", "MSFT", "XOM"], "start": "2015-01-02",
         "end": "2017-12-29"}
    )  # fmt: skip
    panel = load(config).panel
    taker = played(panel, "ticks")
    assert same(taker.rows, rows_of(panel))
    assert not taker.intake.drops
    assert taker.n_ticks >= 4 * 3 * (panel.n_bars - 1)
    assert taker.states == [FeedState.LIVE, FeedState.DOWN]


CALENDARS: list[tuple[str | None, str, Ints]] = [
    ("XNYS", "5m", session_bars("XNYS", "2017-11-20", "2017-11-28", 5)),
    ("XNYS", "1h", session_bars("XNYS", "2018-03-05", "2018-03-16", 60)),
    ("XHKG", "1h", session_bars("XHKG", "2018-03-05", "2018-03-16", 60)),
    ("24/7", "1h", ns("2018-03-24T00:00") + np.arange(1, 72) * 3_600_000_000_000),
    (None, "1d", ns("2018-03-24T00:00") + np.arange(1, 30) * 86_400_000_000_000),
]


@pytest.mark.parametrize(("calendar", "interval", "ts"), CALENDARS)
@pytest.mark.parametrize("spike", [0.2, 1e-4])
def test_the_whole_way_gives_the_same_bits_on_every_calendar_however_easily_it_doubts(
    calendar: str | None, interval: str, ts: Ints, spike: float
) -> None:
    panel = holed(bars_at(ts, "ABC", interval=interval, calendar=calendar), 3, 0.2)
    taker = played(panel, "ticks", spike=spike)
    assert same(taker.rows, rows_of(panel))
    assert not taker.intake.drops
    assert taker.intake.filter.n_held == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.001, 1.5), st.integers(1, 12))
def test_wild_bars_come_back_as_they_were(seed: int, vol: float, confirm: int) -> None:
    draw = np.random.default_rng(seed)
    ts = session_bars("XNYS", "2017-11-20", "2017-11-24", 30)
    calm = bars_at(ts, "AB", interval="30m", calendar="XNYS", seed=seed)
    path = np.exp(np.cumsum(draw.normal(0, vol, (*calm.shape, 4)), axis=0).clip(-20, 20))
    wild = replace(
        calm, open=path[..., 0], high=path.max(axis=-1), low=path.min(axis=-1), close=path[..., 3]
    )
    assert same(played(wild, "ticks", confirm=confirm).rows, rows_of(wild))


def test_a_history_without_volumes_comes_back_without_them() -> None:
    panel = bars_at(CALENDARS[0][2], "AB", interval="5m", calendar="XNYS")
    bare = replace(panel, volume=np.full(panel.shape, np.nan))
    assert same(played(bare, "ticks").rows, rows_of(bare))


def test_ticks_of_a_bar_lie_inside_of_it_in_time_and_price() -> None:
    panel = bars_at(CALENDARS[0][2], "A", interval="5m", calendar="XNYS")
    paths = TickPaths(panel, 1, TicksConfig())
    for t in range(1, panel.n_bars):
        ticks = paths.ticks(t)
        stamps = [tick.ts for tick in ticks]
        assert stamps == sorted(stamps)
        assert int(panel.ts[t]) - 300_000_000_000 <= stamps[0]
        assert stamps[-1] < int(panel.ts[t])
        assert {tick.price for tick in ticks} <= {
            float(getattr(panel, name)[t, 0]) for name in ("open", "high", "low", "close")
        }
        assert ticks[0].price == panel.open[t, 0]
        assert ticks[-1].price == panel.close[t, 0]


def test_ticks_before_a_bar_do_not_know_what_comes_after_it() -> None:
    panel = bars_at(CALENDARS[0][2], "AB", interval="5m", calendar="XNYS")
    cut = panel.n_bars // 2
    whole, known = (TickPaths(p, 1, TicksConfig()) for p in (panel, panel.rows(0, cut)))
    assert all(whole.ticks(t) == known.ticks(t) for t in range(1, cut))


def test_bars_are_played_as_they_are_with_those_that_leave() -> None:
    panel = holed(bars_at(CALENDARS[0][2], "ABC", interval="5m", calendar="XNYS"), 4, 0.3)
    volume, close = panel.volume.copy(), panel.close.copy()
    gone: Any = {name: getattr(panel, name).copy() for name in FIELDS}
    for array in gone.values():
        array[200:, 2] = np.nan
    panel = replace(panel, **gone, ends=np.array([-1, -1, 199]))
    assert volume.shape == close.shape
    for played_as in ("bars", "ticks"):
        taker = played(panel, played_as)
        assert same(taker.rows, rows_of(panel))
        left = [t + 1 for t, leaving in enumerate(taker.leaving) if leaving == (2,)]
        assert left == [199]


def test_weeks_are_played_as_bars_and_as_ticks() -> None:
    config = DataConfig.model_validate(
        {"source": "embedded", "symbols": ["KO"], "start": "2016-01-04", "end": "2016-12-30"}
    )
    from tradewind.engine.bars.resampling import resample

    weekly = resample(load(config).panel, "1wk").panel
    assert weekly.n_bars > 40
    for played_as in ("bars", "ticks"):
        assert same(played(weekly, played_as).rows, rows_of(weekly))


def test_at_full_speed_no_bar_is_made_before_there_is_room() -> None:
    panel = bars_at(CALENDARS[0][2], "AB", interval="5m", calendar="XNYS")
    assert played(panel, "ticks").most_waiting == 1


def test_a_factor_of_real_time_waits_between_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    panel = bars_at(CALENDARS[0][2][:4], "A", interval="5m", calendar="XNYS")
    taker = Taker(panel)
    feed = Replay(speed=60.0).over(panel, 1)
    monkeypatch.setattr("tradewind.engine.streams.replay.asyncio.sleep", wait)
    asyncio.run(feed.run(taker))
    assert [s for s in waits if s] == [5.0, 5.0, 5.0]


def test_bars_off_the_grid_are_refused_as_ticks_with_what_to_do() -> None:
    panel = bars_at(CALENDARS[0][2] + 1, "A", interval="5m", calendar="XNYS")
    with pytest.raises(ConfigError, match="played_as: bars"):
        played(panel, "ticks")


def test_columns_beside_the_bars_are_refused_as_ticks() -> None:
    panel = bars_at(CALENDARS[0][2], "A", interval="5m", calendar="XNYS")
    with pytest.raises(ConfigError, match="bid"):
        played(replace(panel, columns={"bid": panel.close}), "ticks")


def test_a_replay_without_a_history_says_so() -> None:
    panel = bars_at(CALENDARS[0][2], "A", interval="5m", calendar="XNYS")
    with pytest.raises(ConfigError, match="history"):
        asyncio.run(Replay().run(Taker(panel)))
