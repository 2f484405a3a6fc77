"""What a backtrader strategy's run records: orders, reasons, fills and their money."""

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tests.backtrader_runs import (
    FLAT,
    on,
    options,
    ran,
    reasons,
)
from tradewind.engine.config.backtrader import SlippageConfig
from tradewind.engine.types import OrderType, Reason


def test_an_order_is_recorded_with_the_bar_it_was_decided_on_and_filled_on_the_next() -> None:
    found = ran(lambda s: s.buy(size=3) if on(2)(s) else None, FLAT)
    (order,), (fill,) = found.simulation.orders, found.simulation.fills
    assert (order["bar"], order["qty"], order["filled_qty"]) == (2, 3.0, 3.0)
    assert (fill["bar"], fill["qty"], fill["price"], fill["mid"]) == (3, 3.0, 10.0, 10.0)
    assert reasons(found) == [Reason.FILLED]
    assert found.first_bar == 0
    np.testing.assert_array_equal(found.simulation.cash, [1_000.0] * 3 + [970.0] * 5)


@pytest.mark.parametrize(
    ("asked", "type_", "limit", "stop"),
    [
        ({}, OrderType.MARKET, np.nan, np.nan),
        ({"exectype": bt.Order.Close}, OrderType.MARKET_ON_CLOSE, np.nan, np.nan),
        ({"exectype": bt.Order.Limit, "price": 5.0}, OrderType.LIMIT, 5.0, np.nan),
        ({"exectype": bt.Order.Stop, "price": 20.0}, OrderType.STOP, np.nan, 20.0),
        ({"exectype": bt.Order.StopLimit, "price": 20.0, "plimit": 21.0},
         OrderType.STOP_LIMIT, 21.0, 20.0),
        ({"exectype": bt.Order.StopTrail, "trailamount": 4.0},
         OrderType.TRAILING_STOP, np.nan, 14.0),
        ({"exectype": bt.Order.StopTrailLimit, "trailpercent": 0.5, "price": 10.0, "plimit": 10.5},
         OrderType.TRAILING_STOP, 15.5, 15.0),
    ],
)  # fmt: skip
def test_every_order_type_of_backtrader_has_its_name_and_prices_here(
    asked: dict[str, Any], type_: OrderType, limit: float, stop: float
) -> None:
    found = ran(lambda s: s.buy(size=1, **asked) if on(0)(s) else None, FLAT)
    (row,) = found.simulation.orders
    assert row["order_type"] == type_
    np.testing.assert_array_equal([row["limit"], row["stop"]], [limit, stop])


def bracket(strategy: Any) -> None:
    if on(0)(strategy):
        strategy.buy_bracket(size=1, exectype=bt.Order.Market, stopprice=9.0, limitprice=11.0)


def test_a_target_filled_ends_the_stop_as_a_bracket_does() -> None:
    found = ran(bracket, [*FLAT[:3], (10.0, 12.0, 9.5, 11.5), *FLAT[:3]])
    assert reasons(found) == [Reason.FILLED, Reason.CANCELLED_BRACKET, Reason.FILLED]
    orders = found.simulation.orders
    assert orders["parent"].tolist() == [-1, 0, 0]
    assert orders["stop"][1] == 9.0
    assert orders["limit"][2] == 11.0


def group(strategy: Any) -> None:
    if on(0)(strategy):
        first = strategy.buy(size=1, exectype=bt.Order.Limit, price=9.0)
        strategy.buy(size=2, exectype=bt.Order.Limit, price=8.0, oco=first)
    if on(2)(strategy):
        strategy.mine = strategy.buy(size=1, exectype=bt.Order.Limit, price=1.0)
    if on(4)(strategy):
        strategy.cancel(strategy.mine)


def test_who_cancelled_an_order_is_told_apart() -> None:
    found = ran(group, [*FLAT[:2], (10.0, 10.0, 8.9, 10.0), *FLAT])
    assert reasons(found) == [Reason.FILLED, Reason.CANCELLED_OCO, Reason.CANCELLED_USER]
    oco = found.simulation.orders["oco"]
    assert oco[0] == oco[1] != 0
    assert oco[2] == 0


def test_margin_expiry_and_the_end_of_data_have_their_reasons() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.buy(size=1_000)  # cannot be paid for
        if on(1)(strategy):
            tomorrow = strategy.data.datetime.datetime(0) + bt.datetime.timedelta(days=1)
            strategy.buy(size=1, exectype=bt.Order.Limit, price=1.0, valid=tomorrow)
            strategy.buy(size=1, exectype=bt.Order.Limit, price=1.0)

    found = ran(next_, FLAT)
    assert reasons(found) == [Reason.REJECTED_CASH, Reason.EXPIRED, Reason.END_OF_DATA]
    assert len(found.simulation.fills) == 0


def test_an_order_whose_fill_cannot_be_paid_ends_partly_filled_or_rejected() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.sell(size=50)
        if on(2)(strategy):
            strategy.buy(size=140)  # 50 close, 90 open and cost more than there is by then

    jump = [*FLAT[:3], *[(20.0, 20.5, 19.5, 20.0)] * 5]
    found = ran(next_, jump)
    assert reasons(found) == [Reason.FILLED, Reason.PARTLY_FILLED]
    assert found.simulation.orders["filled_qty"].tolist() == [-50.0, 50.0]


def test_a_fill_through_zero_is_two_and_each_pays_its_own_fee() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.buy(size=4)
        if on(2)(strategy):
            strategy.sell(size=10)

    found = ran(next_, FLAT, settings=options(commission=0.01))
    fills = found.simulation.fills
    assert fills["qty"].tolist() == [4.0, -4.0, -6.0]
    np.testing.assert_allclose(fills["fee"], [0.4, 0.4, 0.6])
    assert fills["order"].tolist() == [0, 1, 1]


def test_a_filler_fills_in_parts() -> None:
    def setup(cerebro: Any) -> None:
        cerebro.broker.set_filler(bt.broker.fillers.FixedSize(size=2))

    found = ran(lambda s: s.buy(size=5) if on(0)(s) else None, FLAT, setup=setup)
    assert found.simulation.fills["qty"].tolist() == [2.0, 2.0, 1.0]
    assert found.simulation.fills["bar"].tolist() == [1, 2, 3]
    assert any("set filler of the broker to FixedSize" in note for note in found.notes)


def test_spread_and_slippage_of_a_fill_are_told_apart() -> None:
    settings = options(SlippageConfig(slip_perc=0.02, slip_out=True), share=0.75)
    found = ran(lambda s: s.buy(size=1) if on(0)(s) else None, FLAT, settings=settings)
    (fill,) = found.simulation.fills
    assert (fill["mid"], fill["price"]) == (10.0, 10.2)
    assert fill["quote"] == pytest.approx(10.15)


def test_interest_on_a_short_is_paid_as_borrow_and_not_as_a_fee() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.sell(size=10)
        if on(3)(strategy):
            strategy.close()

    found = ran(next_, FLAT, settings=options(interest=0.365, commission=0.001))
    sim = found.simulation
    np.testing.assert_allclose(sim.borrow, [0, 0, 0.1, 0.1, 0.1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(sim.fills["fee"], [0.1, 0.1])
    assert sim.equity[-1] == pytest.approx(1_000.0 - 0.3 - 0.2)


def test_commission_can_be_so_much_a_unit() -> None:
    settings = options(commission=0.25, commtype="fixed", stocklike=True)
    found = ran(lambda s: s.buy(size=4) if on(0)(s) else None, FLAT, settings=settings)
    assert found.simulation.fills["fee"].tolist() == [1.0]


def test_slippage_can_be_so_much_a_fill() -> None:
    settings = options(SlippageConfig(slip_fixed=0.25, slip_out=True))
    found = ran(lambda s: s.buy(size=4) if on(0)(s) else None, FLAT, settings=settings)
    assert found.simulation.fills["price"].tolist() == [10.25]
