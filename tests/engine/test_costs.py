from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.engine.config.fees import (
    AnyFeesConfig,
    FeeTierConfig,
    PercentFeesConfig,
    PerShareFeesConfig,
    TieredFeesConfig,
)
from tradewind.engine.costs import (
    Fees,
    affordable_qty,
    against_us,
    costs,
    order_fee,
    quote_price,
    raw_fee,
    tier,
)
from tradewind.engine.executors.cost_terms import fees_of


def test_a_config_in_basis_points_becomes_fractions() -> None:
    found = costs(fee_bps=1.0, spread_bps=4.0, slippage_bps=2.0, borrow_annual=0.0365)
    assert found.fees.taker == found.fees.maker == pytest.approx(0.0001)
    assert found.half_spread.values == pytest.approx(0.0002)
    assert found.slippage == pytest.approx(0.0002)
    assert found.borrow_daily.values == pytest.approx(0.0001)


def test_a_buyer_pays_the_ask_and_a_seller_gets_the_bid() -> None:
    assert quote_price(100.0, 1.0, 0.001) == pytest.approx(100.1)
    assert quote_price(100.0, -1.0, 0.001) == pytest.approx(99.9)


@pytest.mark.parametrize(
    ("price", "side", "want"),
    [
        (10.001, 1.0, 10.01),  # a buyer pays up to the next cent
        (10.009, -1.0, 10.00),  # a seller gets down to it
        (10.01, 1.0, 10.01),
        (0.1 + 0.2, 1.0, 0.30),  # on the grid but for rounding
        (0.1 + 0.2, -1.0, 0.30),
    ],
)
def test_a_price_paid_is_rounded_to_the_tick_against_us(
    price: float, side: float, want: float
) -> None:
    assert against_us(price, side, 0.01) == pytest.approx(want, abs=1e-12)


def charged(rule: AnyFeesConfig, fills: list[tuple[float, float, bool]]) -> list[float]:
    """What each fill of one order is charged, as the simulators do it."""
    fees = fees_of(rule)
    raw = value = paid = month = 0.0
    result = []
    for qty, price, maker in fills:
        raw += raw_fee(fees, qty, qty * price, maker, month)
        value += qty * price
        month += qty * price
        result.append(order_fee(fees, raw, value) - paid)
        paid += result[-1]
    return result


FIXED = PerShareFeesConfig(kind="per_share", per_unit=0.005, minimum=1.0, maximum=0.01)


@pytest.mark.parametrize(
    ("units", "price", "want"),
    # Interactive Brokers, US stocks, fixed pricing: USD 0.005 a share, at least 1.00, at most 1 %
    # of the value; the three rows are the broker's own examples
    [(100, 25.0, 1.00), (1_000, 25.0, 5.00), (1_000, 0.25, 2.50)],
)
def test_fees_per_share_are_those_of_a_published_schedule(
    units: float, price: float, want: float
) -> None:
    assert charged(FIXED, [(units, price, False)]) == pytest.approx([want])


def test_the_maximum_beats_the_minimum() -> None:
    assert charged(FIXED, [(10, 5.0, False)]) == pytest.approx([0.50])  # 1 % of 50, not 1.00


def test_an_order_filled_in_parts_pays_its_minimum_once() -> None:
    assert charged(FIXED, [(50, 25.0, False), (50, 25.0, False), (200, 25.0, False)]) == (
        pytest.approx([1.00, 0.0, 0.50])
    )


def test_a_maker_pays_the_makers_rate() -> None:
    rule = PercentFeesConfig(kind="percent", taker_bps=10.0, maker_bps=2.0)
    assert charged(rule, [(100, 50.0, False)]) == pytest.approx([5.0])
    assert charged(rule, [(100, 50.0, True)]) == pytest.approx([1.0])


def test_without_a_rate_of_its_own_a_maker_pays_the_takers() -> None:
    rule = PercentFeesConfig(kind="percent", taker_bps=10.0)
    assert charged(rule, [(100, 50.0, True)]) == pytest.approx([5.0])


TIERED = TieredFeesConfig(
    kind="tiered",
    tiers=(
        FeeTierConfig(from_value=0.0, taker_bps=10.0, maker_bps=8.0),
        FeeTierConfig(from_value=10_000.0, taker_bps=6.0, maker_bps=4.0),
        FeeTierConfig(from_value=50_000.0, taker_bps=2.0, maker_bps=0.0),
    ),
)


@pytest.mark.parametrize(
    ("month", "row", "taker", "maker"),
    [
        (0.0, 0, 1.0, 0.8),
        (9_999.99, 0, 1.0, 0.8),
        (10_000.0, 1, 0.6, 0.4),  # a tier begins at its own value
        (49_999.0, 1, 0.6, 0.4),
        (50_000.0, 2, 0.2, 0.0),
        (9e9, 2, 0.2, 0.0),
    ],
)
def test_the_value_traded_this_month_chooses_the_tier(
    month: float, row: int, taker: float, maker: float
) -> None:
    fees = fees_of(TIERED)
    assert tier(fees, month) == row
    assert raw_fee(fees, 10.0, 1_000.0, False, month) == pytest.approx(taker)
    assert raw_fee(fees, 10.0, 1_000.0, True, month) == pytest.approx(maker)


def test_a_fill_does_not_choose_its_own_tier() -> None:
    assert charged(TIERED, [(100, 90.0, False), (100, 90.0, False), (100, 90.0, False)]) == (
        pytest.approx([9.0, 9.0, 5.4])  # 0 and 9,000 traded before: tier 0; then 18,000: tier 1
    )


POSITIVE = st.floats(0.0, 1e3)
TIER = st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 100.0), st.floats(0.0, 0.1))


@st.composite
def schedules(draw: st.DrawFn, n_tiers: int = 4) -> Fees:
    rows = draw(st.lists(TIER, min_size=1, max_size=n_tiers))
    steps = draw(st.lists(st.floats(1.0, 1e5), min_size=len(rows) - 1, max_size=len(rows) - 1))
    taker, maker, per_unit = np.array(rows).T
    minimum = draw(st.floats(0.0, 20.0))
    maximum = draw(st.one_of(st.just(inf), st.floats(1e-4, 1.0)))
    starts = np.append(0.0, np.cumsum(steps))
    return Fees(starts, taker / 1e4, maker / 1e4, per_unit, minimum, maximum)


FILLS = st.lists(st.tuples(st.floats(0.01, 1e4), st.floats(0.01, 1e3), st.booleans()), max_size=8)


@given(schedules(), FILLS)
def test_what_an_order_has_paid_never_falls(
    fees: Fees, fills: list[tuple[float, float, bool]]
) -> None:
    raw = value = month = paid = 0.0
    for qty, price, maker in fills:
        raw += raw_fee(fees, qty, qty * price, maker, month)
        value += qty * price
        month += qty * price
        total = order_fee(fees, raw, value)
        assert total >= paid
        assert total <= fees.maximum * value
        paid = total


@given(schedules(n_tiers=1), st.floats(1.0, 1e4), st.floats(0.01, 1e3), st.lists(st.floats(0.0, 1)))
def test_splitting_an_order_over_fills_does_not_change_its_fee(
    fees: Fees, qty: float, price: float, cuts: list[float]
) -> None:
    parts = np.diff(np.concatenate([[0.0], np.sort(cuts), [1.0]])) * qty
    raw = sum(raw_fee(fees, part, part * price, False, 0.0) for part in parts)
    value = float(sum(part * price for part in parts))
    whole = raw_fee(fees, qty, qty * price, False, 0.0)
    assert order_fee(fees, raw, value) == pytest.approx(order_fee(fees, whole, qty * price))


@given(schedules(), st.floats(0.0, 1e6), st.floats(0.01, 1e3), POSITIVE)
def test_splitting_an_order_changes_its_fee_by_the_tier_rule_alone(
    fees: Fees, month: float, qty: float, price: float
) -> None:
    """Within one tier the parts pay what the whole pays, wherever the month stands."""
    half = qty / 2
    at_start, at_half = tier(fees, month), tier(fees, month + half * price)
    whole = raw_fee(fees, qty, qty * price, False, month)
    parts = raw_fee(fees, half, half * price, False, month)
    parts += raw_fee(fees, half, half * price, False, month + half * price)
    if at_start == at_half:
        assert parts == pytest.approx(whole)
    else:
        after = (
            fees.taker[at_half] - fees.taker[at_start],
            (fees.per_unit[at_half] - fees.per_unit[at_start]),
        )
        moved = half * price * after[0] + half * after[1]
        assert parts - whole == pytest.approx(moved, abs=1e-9 * max(whole, parts, 1.0))


AMOUNT = st.floats(1.0, 1e6)


@given(
    AMOUNT, st.floats(0.0, 1.0), st.floats(0.1, 5.0), st.floats(0.0, 0.05), st.floats(0.0, 1.0),
    st.floats(0.0, 10.0),
)  # fmt: skip
def test_after_the_most_that_is_affordable_exposure_is_exactly_at_the_cap(
    equity: float, used: float, cap: float, spread: float, per_unit: float, once: float
) -> None:
    gross = used * cap * equity
    mid, price = 37.0, 37.0 * (1 + spread)
    qty = affordable_qty(cap * equity - gross, cap, mid, price, per_unit, once)
    left = equity - qty * (price - mid) - qty * per_unit - once
    if qty > 0.0:
        assert gross + qty * mid == pytest.approx(cap * left, rel=1e-9)
    else:
        assert cap * (equity - once) <= gross * (1 + 1e-12)


def test_nothing_is_affordable_without_room() -> None:
    assert affordable_qty(0.0, 1.0, 10.0, 10.0, 0.0, 0.0) == 0.0
    assert affordable_qty(-5.0, 1.0, 10.0, 10.0, 0.0, 0.0) == 0.0
    assert affordable_qty(5.0, 1.0, 10.0, 10.0, 0.0, 6.0) == 0.0
