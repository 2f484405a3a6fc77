"""Ticks to bars, read by eye and held to what must always be so."""

from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.minutes import MINUTE_NS, ns, utc
from tests.rows import same
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.records import FIELDS
from tradewind.engine.streams import reasons
from tradewind.engine.streams.bar_maker import BarMaker
from tradewind.engine.streams.drops import Drops
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.open_bar import added, joined

SECOND = 1_000_000_000
OPEN = ns("2018-01-05T14:30")
LATE_S = 2.0


def maker(*calendars: str | None, interval: str = "1m", last_ts: int = 0, **keys: Any) -> BarMaker:
    """Bar maker of symbols on these calendars."""
    config = TicksConfig.model_validate({"lateness_s": LATE_S, **keys})
    return BarMaker(calendars or ("XNYS",), interval, config, last_ts=last_ts, drops=Drops())


def trade(s: float, price: float, size: float = 1.0, number: str = "", begin: int = OPEN) -> Tick:
    """A trade ``s`` seconds after the open."""
    return Tick("A", begin + int(s * SECOND), price, size, id=number)


def values(row: Row, k: int = 0) -> list[float]:
    return [float(getattr(row, name)[k]) for name in FIELDS]


def test_a_bar_is_first_highest_lowest_last_and_the_sum() -> None:
    made = maker()
    for s, price, size in [(0, 10, 5), (1, 12, 1), (30, 9, 2), (59.9, 11, 3), (60, 20, 7)]:
        assert made.take(0, trade(s, price, size))
    (row,) = made.advance(OPEN + 62 * SECOND)
    assert utc([row.ts]) == ["2018-01-05T14:31"]
    assert values(row) == [10, 12, 9, 11, 11]
    (row,) = made.advance(OPEN + 122 * SECOND)
    assert values(row) == [20, 20, 20, 20, 7]


def test_a_bar_waits_as_long_as_its_ticks_may_be_late() -> None:
    made = maker()
    assert made.due_after(OPEN) is None
    made.take(0, trade(1, 10))
    assert made.due_after(OPEN) == OPEN + 62 * SECOND
    assert made.due_after(OPEN + 62 * SECOND) is None
    assert made.advance(OPEN + 62 * SECOND - 1) == []
    made.take(0, trade(59, 11))
    (row,) = made.advance(OPEN + 62 * SECOND)
    assert values(row)[3] == 11
    assert not made.take(0, trade(59.5, 12))
    assert made.drops == {reasons.LATE: 1}


def test_a_mute_market_closes_its_bars_by_the_clock_and_silent_bars_make_no_row() -> None:
    made = maker()
    made.take(0, trade(1, 10))
    assert len(made.advance(OPEN + 3600 * SECOND)) == 1
    assert made.advance(OPEN + 7200 * SECOND) == []


def test_bars_of_all_symbols_that_close_together_are_one_row_nan_for_the_silent() -> None:
    made = maker("XNYS", "XNYS", "XNYS")
    made.take(0, trade(1, 10))
    made.take(2, trade(2, 30))
    made.take(2, trade(70, 31))  # the first is halted in the second minute
    first, second = made.advance(OPEN + 180 * SECOND)
    assert np.isnan(first.close).tolist() == [False, True, False]
    assert np.isnan(second.close).tolist() == [True, True, False]
    for name in FIELDS:
        assert np.isnan(getattr(first, name)[1])


def test_calendars_that_differ_close_bars_of_their_own() -> None:
    made = maker("XNYS", "24/7", interval="1d")
    made.take(0, trade(1, 10))
    made.take(1, trade(2, 20))
    rows = made.advance(OPEN + 86_400 * SECOND)
    assert utc([row.ts for row in rows]) == ["2018-01-05T21:00", "2018-01-06T00:00"]
    assert [np.isnan(row.close).tolist() for row in rows] == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("moment", "closes"),
    [
        ("2017-11-24T17:59", ["2017-11-24T18:00"]),  # half a day
        ("2018-03-12T13:30", ["2018-03-12T20:00"]),  # the clocks went forward
        ("2018-11-05T14:30", ["2018-11-05T21:00"]),  # and back
        ("2018-01-06T15:00", []),  # Saturday
        ("2018-01-05T22:00", []),  # after hours
        ("2017-11-23T15:00", []),  # Thanksgiving
    ],
)
def test_a_day_closes_with_its_session(moment: str, closes: list[str]) -> None:
    made = maker(interval="1d")
    went_in = made.take(0, trade(0, 10, begin=ns(moment)))
    assert went_in == bool(closes)
    rows = made.advance(ns(moment) + 86_400 * SECOND)
    assert utc([row.ts for row in rows]) == closes
    assert made.drops[reasons.OFF_SESSION] == (not closes)


def test_trades_after_hours_make_bars_where_that_is_asked_for() -> None:
    made = maker(interval="1h", extended_hours=True)
    assert made.take(0, trade(0, 10, begin=ns("2018-01-05T22:10")))
    (row,) = made.advance(ns("2018-01-06T00:00"))
    assert utc([row.ts]) == ["2018-01-05T23:00"]


def test_quotes_move_the_price_only_where_that_is_asked_for() -> None:
    quote = Tick("A", OPEN + SECOND, bid=9.0, ask=11.0)
    assert not maker().take(0, quote)
    made = maker(quotes="mid")
    assert made.take(0, quote)
    made.take(0, trade(2, 12, 5))
    (row,) = made.advance(OPEN + 62 * SECOND)
    assert values(row) == [10, 12, 10, 12, 5]


def test_a_size_that_nobody_told_makes_the_volume_unknown() -> None:
    made = maker()
    for s, size in enumerate((1.0, nan, 2.0, 0.1)):
        made.take(0, trade(s, 10, size))
    (row,) = made.advance(OPEN + 62 * SECOND)
    assert values(row)[:4] == [10] * 4
    assert np.isnan(row.volume[0])


def test_of_trades_at_the_same_time_the_higher_number_is_the_later() -> None:
    numbered = [trade(1, 10 + k, number=str(k)) for k in range(8, 13)]
    for order in (numbered, numbered[::-1]):
        made = maker()
        made.take_many([(0, tick) for tick in order])
        (row,) = made.advance(OPEN + 62 * SECOND)
        assert values(row)[:4] == [18, 22, 18, 22]


def test_a_clock_that_jumps_lets_no_bar_out_twice() -> None:
    made, seen = maker(), []
    for minute in range(5):
        made.take(0, trade(60 * minute + 1, 10 + minute))
        for jump in (0, -3600, 30, -86_400, 0):
            seen += made.advance(OPEN + (60 * minute + 62 + jump) * SECOND)
    ts = [row.ts for row in seen]
    assert ts == sorted(set(ts))
    assert len(ts) == 5


def test_a_clock_far_ahead_lets_out_what_is_there_and_its_late_trades_are_counted() -> None:
    made = maker()
    made.take(0, trade(1, 10))
    assert len(made.advance(OPEN + 3 * 86_400 * SECOND)) == 1
    assert not made.take(0, trade(2, 11))
    assert made.take(0, trade(61, 12))  # the bars that follow are not lost
    assert len(made.advance(OPEN + 122 * SECOND)) == 1


def test_after_a_restart_bars_that_are_known_are_not_made_again() -> None:
    made = maker(last_ts=OPEN + MINUTE_NS)
    assert not made.take(0, trade(30, 10))
    assert made.take(0, trade(60, 11))
    assert [row.ts for row in made.advance(OPEN + 200 * SECOND)] == [OPEN + 2 * MINUTE_NS]
    assert made.drops == {reasons.LATE: 1}


def whole(minute: int, *closes: float) -> Row:
    """Bar from a history."""
    price = np.array(closes)
    return Row(OPEN + minute * MINUTE_NS, price, price, price, price, np.ones_like(price))


def test_what_is_fetched_counts_for_the_symbols_that_it_has() -> None:
    made = maker("XNYS", "XNYS")
    made.take(0, trade(1, 10))
    made.take(1, trade(1, 20))
    made.fill([whole(1, nan, 20.5)], now=OPEN + 61 * SECOND)
    (row,) = made.advance(OPEN + 62 * SECOND)
    assert row.close.tolist() == [10, 20.5]


def test_bars_of_one_moment_that_come_apart_are_put_together() -> None:
    made = maker("XNYS", "XNYS")
    assert made.put([whole(1, 10, nan)]) == made.put([whole(1, nan, 20)]) == 1
    (row,) = made.advance(OPEN + 62 * SECOND)
    assert row.close.tolist() == [10, 20]


def test_a_fetched_bar_that_is_not_over_or_was_let_out_is_left_out() -> None:
    made = maker()
    made.take(0, trade(1, 10))
    made.take(0, trade(61, 11))
    assert len(made.advance(OPEN + 62 * SECOND)) == 1
    assert made.fill([whole(1, 9), whole(2, 9)], now=OPEN + 90 * SECOND) == 0
    (row,) = made.advance(OPEN + 122 * SECOND)
    assert values(row)[3] == 11


def test_two_bars_joined_keep_what_the_better_one_has() -> None:
    assert joined(whole(1, nan, 2), whole(1, 3, 4)).close.tolist() == [3, 2]


sizes, prices = st.floats(0, 1e9), st.floats(1, 1e6)
seconds, columns, numbers = st.floats(0, 239.9), st.integers(0, 1), st.integers(0, 9)
trades = st.lists(st.tuples(seconds, prices, sizes, columns, numbers), min_size=1, max_size=40)


def ticks_of(drawn: list[tuple[float, float, float, int, int]]) -> list[tuple[int, Tick]]:
    return [
        (k, Tick("AB"[k], OPEN + int(s * SECOND), price, size, id=f"{number}"))
        for s, price, size, k, number in drawn
    ]


def rows_of(ticks: list[tuple[int, Tick]]) -> list[Row]:
    made = maker("XNYS", "XNYS")
    made.take_many(ticks)
    return made.advance(OPEN + 3600 * SECOND)


@settings(max_examples=150, deadline=None)
@given(trades, st.randoms(use_true_random=False))
def test_ticks_in_any_order_make_the_same_bars(drawn: Any, draw: Any) -> None:
    ticks = ticks_of(drawn)
    mixed = ticks.copy()
    draw.shuffle(mixed)
    assert same(rows_of(ticks), rows_of(mixed))
    assert sum(np.nansum(row.volume) for row in rows_of(ticks)) == pytest.approx(
        sum(tick.size for _, tick in ticks)
    )


@settings(max_examples=100, deadline=None)
@given(trades, st.integers(0, 260))
def test_later_ticks_never_change_a_row_that_is_out(drawn: Any, cut_s: int) -> None:
    ticks = sorted(ticks_of(drawn), key=lambda one: one[1].ts)
    cut = OPEN + cut_s * SECOND
    known, later = maker("XNYS", "XNYS"), maker("XNYS", "XNYS")
    known.take_many([one for one in ticks if one[1].ts <= cut])
    out = known.advance(cut)
    kept = [{name: getattr(row, name).copy() for name in FIELDS} for row in out]
    later.take_many([one for one in ticks if one[1].ts <= cut])
    again = later.advance(cut)
    later.take_many(ticks)
    behind = later.advance(OPEN + 3600 * SECOND)
    assert same(out, again)
    for row, before in zip(again, kept, strict=True):
        assert all(np.array_equal(getattr(row, n), before[n], equal_nan=True) for n in FIELDS)
    assert all(row.ts > cut - LATE_S * SECOND for row in behind)
    every = [row.ts for row in (*again, *behind)]
    assert every == sorted(set(every))


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=30))
def test_floats_are_added_without_losing_a_bit(numbers: list[float]) -> None:
    from fractions import Fraction

    parts: list[float] = []
    for x in numbers:
        parts = added(parts, x)
    assert sum(map(Fraction, parts)) == sum(map(Fraction, numbers))
    assert len(parts) < 12
