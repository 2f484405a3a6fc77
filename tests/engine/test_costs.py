import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.engine.costs import (
    affordable_qty,
    costs,
    fee_paid,
    quote_price,
    slipped_price,
)


def test_a_config_in_basis_points_becomes_fractions() -> None:
    found = costs(fee_bps=1.0, spread_bps=4.0, slippage_bps=2.0, borrow_annual=0.0365)
    assert found == pytest.approx((0.0001, 0.0002, 0.0002, 0.0001))


def test_a_buyer_pays_the_ask_and_a_seller_gets_the_bid() -> None:
    assert quote_price(100.0, 1.0, 0.001) == pytest.approx(100.1)
    assert quote_price(100.0, -1.0, 0.001) == pytest.approx(99.9)
    assert slipped_price(100.1, 1.0, 0.01) == pytest.approx(101.101)
    assert slipped_price(99.9, -1.0, 0.01) == pytest.approx(98.901)


def test_a_fee_is_never_negative() -> None:
    assert fee_paid(-10.0, 50.0, 0.001) == fee_paid(10.0, 50.0, 0.001) == pytest.approx(0.5)


AMOUNT = st.floats(1.0, 1e6)


@given(AMOUNT, st.floats(0.0, 1.0), st.floats(0.1, 5.0), st.floats(0.0, 0.05), st.floats(0.0, 0.02))
def test_after_the_most_that_is_affordable_exposure_is_exactly_at_the_cap(
    equity: float, used: float, cap: float, spread: float, fee: float
) -> None:
    gross = used * cap * equity
    mid, price = 37.0, 37.0 * (1 + spread)
    qty = affordable_qty(cap * equity - gross, cap, mid, price, fee)
    left = equity - qty * (price - mid) - qty * price * fee
    assert gross + qty * mid == pytest.approx(cap * left, rel=1e-9)


def test_nothing_is_affordable_without_room() -> None:
    assert affordable_qty(0.0, 1.0, 10.0, 10.0, 0.0) == 0.0
    assert affordable_qty(-5.0, 1.0, 10.0, 10.0, 0.0) == 0.0
