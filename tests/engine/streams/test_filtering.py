"""Which ticks are believed, read by eye."""

from math import inf, isnan, nan

import pytest

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.filtering import FAR_NS, REMEMBERED, TickFilter

NOW = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


class Judged(TickFilter):
    """A filter that has judged ticks, and the prices it believed."""

    prices: list[float]


def filtered(*ticks: Tick, negative: str = "", expected: float = 100.0, **keys: object) -> Judged:
    """Judge ticks of A, whose last price is known, and of B, whose is not."""
    made = Judged(("A", "B"), TicksConfig.model_validate(keys), frozenset(negative))
    made.expect(0, expected)
    made.prices = [tick.price for _, tick in made.believed(ticks)]
    return made


def tick(
    price: float = 100.0, *, ts: int = NOW, number: str = "", symbol: str = "A", **more: float
) -> Tick:
    """A trade received when it happened."""
    return Tick(symbol, ts, price, more.get("size", 1.0), more.get("bid", nan),
                more.get("ask", nan), int(more.get("received", NOW)), number)  # fmt: skip


FAULTS = [
    ("a symbol nobody follows", tick(symbol="C"), reasons.UNKNOWN_SYMBOL),
    ("no price and no quote", tick(nan), reasons.NOT_A_NUMBER),
    ("an infinite price", tick(inf), reasons.NOT_A_NUMBER),
    ("minus infinity", tick(-inf), reasons.NOT_A_NUMBER),
    ("an infinite bid", tick(bid=inf), reasons.NOT_A_NUMBER),
    ("an infinite size", tick(size=inf), reasons.NOT_A_NUMBER),
    ("a price of zero", tick(0.0), reasons.NOT_POSITIVE),
    ("a price below zero", tick(-5.0), reasons.NOT_POSITIVE),
    ("an ask of zero", tick(ask=0.0), reasons.NOT_POSITIVE),
    ("a size below zero", tick(size=-1.0), reasons.NOT_POSITIVE),
    ("a bid above its ask", tick(bid=101.0, ask=100.0), reasons.CROSSED),
    ("ahead of us by more than 5 s", tick(ts=NOW + 5 * SECOND + 1), reasons.FUTURE),
    ("a stamp of no year there is", tick(ts=FAR_NS, received=0), reasons.FUTURE),
    ("a minute and more old", tick(ts=NOW - 60 * SECOND - 1), reasons.STALE),
    ("no stamp", tick(ts=0, received=0), reasons.STALE),
]
BELIEVED = [
    ("a bid of zero, nobody bids", tick(bid=0.0, ask=100.0)),
    ("bid and ask the same", tick(bid=100.0, ask=100.0)),
    ("ahead by just 5 s", tick(ts=NOW + 5 * SECOND)),
    ("old by just a minute", tick(ts=NOW - 60 * SECOND)),
    ("a size nobody told", tick(size=nan)),
    ("a trade of nothing", tick(size=0.0)),
    ("a quote alone", tick(nan, bid=99.0, ask=101.0)),
    ("a jump of just a fifth", tick(120.0)),
]


@pytest.mark.parametrize(("what", "one", "reason"), FAULTS, ids=[case[0] for case in FAULTS])
def test_a_faulty_tick_is_dropped_and_counted_by_its_reason(
    what: str, one: Tick, reason: str
) -> None:
    found = filtered(one)
    assert found.prices == []
    assert dict(found.drops) == {reason: 1}


@pytest.mark.parametrize(("what", "one"), BELIEVED, ids=[case[0] for case in BELIEVED])
def test_a_tick_on_the_right_side_of_a_border_is_believed(what: str, one: Tick) -> None:
    found = filtered(one)
    assert len(found.prices) == 1
    assert not found.drops


def test_every_reason_of_the_list_belongs_to_somebody() -> None:
    elsewhere = {
        reasons.MALFORMED, reasons.LATE, reasons.CONFIRMED_LATE, reasons.OFF_SESSION,
        reasons.OVERFLOW,
    }  # fmt: skip
    here = {reason for _, _, reason in FAULTS} | {reasons.DUPLICATE, reasons.SPIKE}
    assert here | elsewhere == set(reasons.REASONS)


def test_prices_of_zero_and_less_are_believed_where_the_instrument_has_them() -> None:
    prices = [0.5, 0.0, -0.25, 0.5, -9.0, 0.5]
    ticks = [tick(price, number=str(k)) for k, price in enumerate(prices)]
    found = filtered(*ticks, negative="A", expected=2.0, spike=0.8)  # near: within 1.6
    assert found.prices == [0.5, 0.0, -0.25, 0.5, 0.5]
    assert found.drops == {reasons.SPIKE: 1}


# what each trade is: (price, seconds since, size, number); what is believed
REPEATS = [
    ("the same number twice", [(100, 0, 1, "7"), (101, 1, 2, "7")], [100]),
    ("no number: the same time, price and size", [(100, 0, 1, ""), (100, 0, 1, "")], [100]),
    ("no number and no size", [(100, 0, nan, ""), (100, 0, float("nan"), "")], [100]),
    ("no number: another size", [(100, 0, 1, ""), (100, 0, 2, "")], [100, 100]),
    ("no number: another time", [(100, 0, 1, ""), (100, 1, 1, "")], [100, 100]),
    ("two numbers at the same time", [(100, 0, 1, "7"), (100, 0, 1, "8")], [100, 100]),
]


@pytest.mark.parametrize(("what", "trades", "want"), REPEATS, ids=[case[0] for case in REPEATS])
def test_a_trade_is_believed_once(
    what: str, trades: list[tuple[float, int, float, str]], want: list[float]
) -> None:
    found = filtered(*(
        tick(price, ts=NOW - 5 * SECOND + s * SECOND, size=size, number=number)
        for price, s, size, number in trades
    ))  # fmt: skip
    assert found.prices == want
    assert found.drops[reasons.DUPLICATE] == len(trades) - len(want)


def test_a_symbols_trades_are_remembered_up_to_a_number() -> None:
    many = [tick(number=str(k)) for k in range(REMEMBERED + 1)]
    found = filtered(*many, many[1], many[0])
    assert found.drops == {reasons.DUPLICATE: 1}  # the oldest was forgotten


def test_the_same_number_of_another_symbol_is_another_trade() -> None:
    ticks = [tick(number="7"), *(tick(symbol="B", number=str(k)) for k in (7, 8, 9, 10))]
    assert len(filtered(*ticks).prices) == 5


# prices that come, those believed, those dropped as spikes, those still held; confirm is 2
JUMPS = [
    ("a lone spike", [100, 1e4, 101], [100, 101], 1, 0),
    ("two spikes alike", [100, 1e4, 1e4, 101], [100, 101], 2, 0),
    ("a gap, confirmed by two more", [100, 50, 51, 52, 53], [100, 50, 51, 52, 53], 0, 0),
    ("a gap that is not confirmed yet", [100, 50, 51], [100], 0, 2),
    ("spikes up and down", [100, 1e4, 1, 1e4, 1, 101], [100, 101], 4, 0),
    ("a spike inside of a gap", [100, 50, 1e4, 51, 52, 53], [100, 51, 52, 53], 2, 0),
    ("a gap and back", [100, 50, 50, 50, 100, 100, 100], [100, 50, 50, 50, 100, 100, 100], 0, 0),
    ("a slide in small steps", [100, 85, 72, 61, 52], [100, 85, 72, 61, 52], 0, 0),
]


@pytest.mark.parametrize(
    ("what", "prices", "want", "spikes", "held"), JUMPS, ids=[c[0] for c in JUMPS]
)
def test_a_jump_is_believed_when_others_confirm_it(
    what: str, prices: list[float], want: list[float], spikes: int, held: int
) -> None:
    found = filtered(*(tick(p, number=str(k)) for k, p in enumerate(prices)), confirm=2)
    assert found.prices == want
    assert found.drops[reasons.SPIKE] == spikes
    assert found.n_held == held
    assert len(prices) == len(want) + spikes + held


def test_where_nothing_is_known_the_first_price_must_be_confirmed() -> None:
    prices = [1e4, 100.0, 101.0, 100.0, 102.0]
    found = filtered(*(tick(p, number=str(k)) for k, p in enumerate(prices)), expected=nan)
    assert found.prices == [100.0, 101.0, 100.0, 102.0]
    assert found.drops == {reasons.SPIKE: 1}


def test_a_quote_that_moves_the_price_is_doubted_like_a_trade() -> None:
    wild = tick(nan, bid=9e3, ask=11e3)
    assert len(filtered(wild, quotes="ignore").prices) == 1
    found = filtered(wild, tick(nan, bid=99.0, ask=101.0), quotes="mid")
    assert len(found.prices) == 1
    assert isnan(found.prices[0])
    assert found.drops == {reasons.SPIKE: 1}


def test_what_is_fetched_later_may_be_old() -> None:
    made = TickFilter(("A",), TicksConfig())
    made.expect(0, 100.0)
    old = tick(ts=NOW - 3600 * SECOND)
    assert len(list(made.believed([old], live=False))) == 1
    assert list(made.believed([tick(ts=NOW - 3601 * SECOND)])) == []


def test_a_tick_that_does_not_say_when_it_came_is_judged_by_the_clock_given() -> None:
    made = TickFilter(("A",), TicksConfig())
    made.expect(0, 100.0)
    silent = tick(received=0)
    assert list(made.believed([silent], now=NOW + 61 * SECOND)) == []
    assert list(made.believed([silent], now=NOW - 6 * SECOND)) == []
    assert len(list(made.believed([silent], now=NOW))) == 1
    assert made.drops == {reasons.STALE: 1, reasons.FUTURE: 1}
