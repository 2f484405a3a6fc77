"""What a feed delivers on its way to rows."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from tests.minutes import MINUTE_NS, bars_at, ns
from tests.rows import same
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import FeedNotice, FeedState, Tick
from tradewind.engine.streams.intake import Intake
from tradewind.engine.types import Bar

OPEN, SECOND = ns("2018-01-05T14:30"), 1_000_000_000


def intake(symbols: str = "AB", spike: float = 0.2) -> Intake:
    """Intake behind a history that ends a day before, at 100 or so."""
    history = bars_at([ns("2018-01-04T21:00")], symbols, interval="1m", calendar="XNYS")
    return Intake(history, TicksConfig(spike=spike))


def tick(s: float, price: float, symbol: str = "A", number: str = "") -> Tick:
    at = OPEN + int(s * SECOND)
    return Tick(symbol, at, price, 1.0, received=at + SECOND // 10, id=number)


def test_ticks_of_a_batch_and_one_by_one_make_the_same_rows() -> None:
    ticks = [tick(k, 100.0 + k % 7, "AB"[k % 2], str(k)) for k in range(300)]
    whole, single = intake(), intake()
    whole.take(ticks)
    for one in ticks:
        single.take([one])
    end = OPEN + 3600 * SECOND
    rows = whole.advance(end)
    assert len(rows) == 5
    assert same(rows, single.advance(end))
    assert whole.n_ticks == single.n_ticks == 300
    assert not whole.drops


def test_it_knows_when_each_symbol_was_last_heard_of() -> None:
    made = intake()
    assert made.quoted_at.tolist() == [0, 0]
    made.take([tick(5, 100.0), tick(3, 100.0), tick(9, float("nan"))])
    assert made.quoted_at.tolist() == [tick(5, 1).received, 0]
    kept = made.quoted_at
    made.take([tick(20, 100.0)])
    assert kept.tolist() == [tick(5, 1).received, 0]


def test_an_empty_batch_is_nothing() -> None:
    made = intake()
    made.take([])
    assert made.advance(OPEN + 3600 * SECOND) == []


def test_bars_of_a_source_that_makes_them_become_rows_also_one_symbol_at_a_time() -> None:
    made, close = intake(spike=99.0), OPEN + MINUTE_NS
    a, b = (Bar(name, close, 1.0, 2.0, 0.5, 1.5, 9.0) for name in "AB")
    for closed in ([a], [b], [Bar("C", close, 1.0, 1.0, 1.0, 1.0, 1.0)]):
        made.maker.put(made.take_bars(closed))
    (row,) = made.advance(close + 10 * SECOND)
    assert row.close.tolist() == [1.5, 1.5]
    assert made.quoted_at.tolist() == [close, close]
    assert made.take_bars([a]) == []  # it is out


# open, high, low, close, volume of a bar that its source made; why it is not used
BARS = [
    ("whole", (2.0, 3.0, 1.0, 2.0, 9.0), ""),
    ("a volume that nobody told", (2.0, 3.0, 1.0, 2.0, nan), ""),
    ("no close", (2.0, 3.0, 1.0, nan, 9.0), reasons.NOT_A_NUMBER),
    ("an infinite high", (2.0, inf, 1.0, 2.0, 9.0), reasons.NOT_A_NUMBER),
    ("an infinite volume", (2.0, 3.0, 1.0, 2.0, inf), reasons.NOT_A_NUMBER),
    ("a low of zero", (2.0, 3.0, 0.0, 2.0, 9.0), reasons.NOT_POSITIVE),
    ("a volume below zero", (2.0, 3.0, 1.0, 2.0, -9.0), reasons.NOT_POSITIVE),
    ("a close above its high", (2.0, 3.0, 1.0, 4.0, 9.0), reasons.MALFORMED),
    ("high and low exchanged", (2.0, 1.0, 3.0, 2.0, 9.0), reasons.MALFORMED),
]


@pytest.mark.parametrize(("what", "values", "reason"), BARS, ids=[case[0] for case in BARS])
def test_a_bar_of_a_source_is_believed_or_counted_under_a_reason(
    what: str, values: tuple[float, float, float, float, float], reason: str
) -> None:
    made = intake(spike=99.0)
    rows = made.take_bars([Bar("A", OPEN + MINUTE_NS, *values)])
    assert len(rows) == (not reason)
    assert made.drops == ({reason: 1} if reason else {})


def closing(minute: int, price: float) -> Bar:
    return Bar("A", OPEN + minute * MINUTE_NS, price, price, price, price, nan)


# prices of one bar after the other, behind a history at 100 or so; those that are believed
JUMPS = [
    ("a calm", [100.0, 101.0, 102.0], [100.0, 101.0, 102.0]),
    ("a spike", [100.0, 9e3, 102.0], [100.0, 102.0]),
    ("a real jump costs one bar", [100.0, 200.0, 201.0, 202.0], [100.0, 201.0, 202.0]),
    ("two that do not agree", [100.0, 200.0, 300.0, 102.0], [100.0, 102.0]),
    ("two spikes around a good one", [100.0, 200.0, 101.0, 200.0], [100.0, 101.0]),
]


@pytest.mark.parametrize(("what", "prices", "want"), JUMPS, ids=[case[0] for case in JUMPS])
def test_a_bar_that_jumps_is_a_spike_and_the_next_one_near_it_is_believed(
    what: str, prices: list[float], want: list[float]
) -> None:
    made = intake()
    rows = [made.take_bars([closing(k, price)]) for k, price in enumerate(prices, 1)]
    assert [float(row.close[0]) for found in rows for row in found] == want
    assert made.drops.total() == made.drops[reasons.SPIKE] == len(prices) - len(want)


def test_a_repeated_spike_does_not_confirm_itself_and_a_repeated_bar_is_known_without_volume() -> (
    None
):
    made = intake()
    for price in (200.0, 200.0, 100.0, 100.0):
        made.take_bars([closing(1, price)])
    assert made.drops == {reasons.SPIKE: 2, reasons.DUPLICATE: 1}


def test_a_bar_of_a_source_that_thought_better_of_it_takes_the_place_of_the_first() -> None:
    made = intake()
    for price in (100.0, 101.0):
        made.maker.put(made.take_bars([closing(1, price)]))
    assert [float(row.close[0]) for row in made.advance(OPEN + 120 * SECOND)] == [101.0]


MADE: Any = Tick  # of anything


@pytest.mark.parametrize(
    "odd",
    [
        None, ("A", OPEN, 50.0), MADE("A", OPEN, "50"), MADE("A", "now", 50.0),
        MADE(["A"], OPEN, 50.0), MADE("A", OPEN, 50.0, received="now"),
        MADE("A", OPEN, 50.0, id=["7"]),
    ],
)  # fmt: skip
def test_what_is_no_tick_is_counted_and_shown_and_does_no_harm(odd: Any) -> None:
    made = intake()
    made.take([odd, tick(5, 100.0)])
    assert made.drops == {reasons.MALFORMED: 1}
    assert made.drops.news()[0].startswith("malformed: 1 not used")
    assert len(made.advance(OPEN + 120 * SECOND)) == 1


def test_a_stamp_that_is_no_number_is_none() -> None:
    made = intake()
    made.take([MADE("A", nan, 100.0)])
    assert made.drops == {reasons.STALE: 1}


def test_late_ticks_are_counted_and_gaps_remembered() -> None:
    made = intake()
    made.take([tick(1, 100.0)])
    assert len(made.advance(OPEN + 62 * SECOND)) == 1
    made.take([tick(2, 100.0)])
    made.count(reasons.MALFORMED)
    made.heard(FeedNotice(FeedState.GAP, OPEN, "again", since=OPEN))
    assert made.drops == {reasons.LATE: 1, reasons.MALFORMED: 1}
    assert (made.gaps, made.reconnects, made.state.state) == (1, 1, FeedState.GAP)


def test_the_day_of_a_bar_is_that_of_its_exchange() -> None:
    made = intake()
    days = [made.day_of(ns(at)) for at in ("2018-01-05T14:31", "2018-01-05T21:00")]
    assert days == [int(np.datetime64("2018-01-05").astype(np.int64))] * 2
    assert made.in_session(OPEN + SECOND)
    assert not made.in_session(ns("2018-01-06T15:00"))
