"""Through a storm of faults the bars are those of the calm, or a fault that was logged says why."""

from functools import cache
from itertools import islice

import numpy as np
import pytest

from tests.minutes import bars_at, ns
from tests.rows import differing, same
from tests.storm import ADDED, Storm, Weather, storm
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.grid import Grid
from tradewind.engine.streams.intake import Intake
from tradewind.engine.streams.sim import Sim

SYMBOLS = "ABCDEFGHIJKLMNOPQRST"
BEGIN = ns("2017-11-24T14:25")  # half a day, and the last minutes before its open
N_TICKS, PER_SECOND = 45_000, 8.0
CONFIG = TicksConfig(lateness_s=10.0)  # the latest tick is 5 s late, and the clock 3 s wrong
BATCH = 50
SEEDS = (1, 2)
CALM = Weather(gaps=0, unsized=0.0, ahead_s=0.0)


@cache
def calm() -> tuple[Tick, ...]:
    """Ticks of a market that never existed; every other symbol gives its trades no numbers."""
    feed = Sim(seed=5, per_second=PER_SECOND).following(SYMBOLS, "1m")
    ticks = islice(feed.ticks(BEGIN), N_TICKS)
    return tuple(t if ord(t.symbol) % 2 else t._replace(id="") for t in ticks)


def taken(ticks: list[Tick] | tuple[Tick, ...]) -> tuple[list[Row], Intake, list[str]]:
    """Rows that an intake makes, our clock being when each tick was received."""
    known = bars_at([ns("2017-11-22T21:00")], SYMBOLS, interval="1m", calendar="XNYS")
    intake = Intake(known, CONFIG)
    rows, told = [], []
    for first in range(0, len(ticks), BATCH):
        intake.take(ticks[first : first + BATCH])
        rows += intake.advance(ticks[min(first + BATCH, len(ticks)) - 1].received)
        told += [text for text in [intake.skew.news()] if text]
    rows += intake.advance(ticks[-1].received + 3_600_000_000_000)
    return rows, intake, told


@cache
def calm_rows() -> tuple[Row, ...]:
    rows, intake, told = taken(calm())
    assert set(intake.drops) == {reasons.OFF_SESSION}
    assert not told
    return tuple(rows)


@cache
def blown(seed: int, weather: Weather) -> tuple[Storm, list[Row], Intake, list[str]]:
    found = storm(calm(), seed=seed, weather=weather)
    return found, *taken(found.arrivals)


def test_the_calm_is_a_morning_of_bars() -> None:
    rows = calm_rows()
    assert len(rows) > 80
    assert sum(int((~np.isnan(row.close)).sum()) for row in rows) > 80 * len(SYMBOLS) * 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_has_ten_thousand_faults_of_every_kind(seed: int) -> None:
    found, *_ = blown(seed, Weather())
    assert len(found.log) > 10_000
    kinds = {fault.kind for fault in found.log}
    assert kinds == {*ADDED, "delayed", "unsized", "lost", "ahead"}
    assert repr(found) == repr(storm(calm(), seed=seed))  # one NaN is not like another


@pytest.mark.parametrize("seed", SEEDS)
def test_where_nothing_is_lost_every_bar_is_that_of_the_calm_in_every_bit(seed: int) -> None:
    found, rows, _, told = blown(seed, CALM)
    assert len(found.log) > 10_000
    assert not found.harmed()
    assert same(rows, calm_rows())
    assert not told  # 3 s are within the limit


@pytest.mark.parametrize("seed", SEEDS)
def test_bars_differ_only_where_the_log_says_that_a_tick_was_harmed(seed: int) -> None:
    found, rows, _, _ = blown(seed, Weather())
    grid = Grid("XNYS", "1m", extended_hours=False)
    bins = {(symbol, grid.of(ts)) for symbol, ts in found.harmed()}
    harmed = {(symbol, at.close) for symbol, at in bins if at is not None}
    known, n_differing = {row.ts: row for row in rows}, 0
    nothing = np.full(len(SYMBOLS), np.nan)
    for row in calm_rows():
        ours = known.pop(row.ts, Row(row.ts, nothing, nothing, nothing, nothing, nothing))
        changed = {(SYMBOLS[k], row.ts) for k in differing(row, ours)}
        assert changed <= harmed
        n_differing += len(changed)
    assert not known  # no bar came of faults alone
    assert n_differing > 50


@pytest.mark.parametrize("seed", SEEDS)
def test_no_price_of_a_bar_is_one_that_never_was(seed: int) -> None:
    _, rows, _, _ = blown(seed, Weather())
    true: dict[str, set[float]] = {symbol: set() for symbol in SYMBOLS}
    for tick in calm():
        true[tick.symbol].add(tick.price)
    for row in rows:
        for k, symbol in enumerate(SYMBOLS):
            if not np.isnan(row.close[k]):
                assert {row.open[k], row.high[k], row.low[k], row.close[k]} <= true[symbol]


@pytest.mark.parametrize("weather", [CALM, Weather()])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_is_counted_under_its_reason(seed: int, weather: Weather) -> None:
    found, _, intake, _ = blown(seed, weather)
    counted = intake.drops.copy()
    del counted[reasons.OFF_SESSION]  # the minutes before the open: no fault of the storm's
    counted[reasons.SPIKE] += intake.filter.n_held
    assert counted == found.counted()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_source_whose_clock_runs_half_a_minute_ahead_is_told_of(seed: int) -> None:
    *_, told = blown(seed, Weather(gap_s=120.0))
    assert len(told) == 2
    assert "ahead of our clock" in told[0]
    assert "again" in told[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_come_in_their_order_each_once_and_none_before_it_is_over(seed: int) -> None:
    found, *_ = blown(seed, Weather())
    known = bars_at([ns("2017-11-22T21:00")], SYMBOLS, interval="1m", calendar="XNYS")
    intake, last = Intake(known, CONFIG), 0
    for tick in found.arrivals:
        intake.take([tick])
        for row in intake.advance(tick.received):
            assert last < row.ts <= tick.received
            last = row.ts
    assert last
