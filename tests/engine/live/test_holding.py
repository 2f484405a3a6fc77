"""A broker that holds units for what works: never two orders for the same ones, none lost."""

import pytest

from tests.holding_broker import HoldingBroker, Trader
from tests.scripted_account import account, orders, took
from tradewind.engine.live.account import Account
from tradewind.engine.live.facts import Command
from tradewind.engine.types import Action, Intent, OrderType
from tradewind.engine.venues.facts import ReportKind, VenueOrder

BRACKET = Intent(0, action=Action.ORDER, qty=50.0, stop_loss=90.0, take_profit=120.0)
TIGHTER = Intent(0, action=Action.REPLACE, order=1, stop=95.0)
CLOSE = Command("c", "flatten", "test", 1, {})


def at_a_venue(script: dict[int, list[Intent]], **more: object) -> Account:
    """Account whose orders somebody else fills."""
    return account(script, at_a_venue=True, **more)


def entered(script: dict[int, list[Intent]], kill_at: int = 10**9) -> Trader:
    """A run that has bought 50 and protects them."""
    trader = Trader(at_a_venue({0: [BRACKET]} | script), HoldingBroker(), kill_at)
    took(trader.account, 100.0)
    trader.work()
    return trader


def test_a_stop_and_a_target_of_the_same_units_are_one_message() -> None:
    trader = entered({})
    assert trader.broker.asked == ["send run-0 50", "send run-2_1 -50 and run-1_2 -50"]
    assert trader.broker.works() == ["run-2_1", "run-1_2"]


@pytest.mark.parametrize(("filled", "stands"), [
    ("run-1_2", ["FILLED", "FILLED", "CANCELLED_BRACKET"]),
    ("run-2_1", ["FILLED", "CANCELLED_BRACKET", "FILLED"]),
])  # fmt: skip
def test_what_the_broker_fills_of_a_pair_is_booked_once_on_the_right_order(
    filled: str, stands: list[str]
) -> None:
    trader = entered({})
    trader.broker.fill(filled, -20.0)
    trader.work()
    assert trader.account.book.state.qty[0] == 30.0
    trader.broker.fill(filled, -30.0)
    trader.work()
    assert trader.account.book.state.qty[0] == 0.0
    assert orders(trader.account) == stands
    assert not trader.broker.works()
    assert len(trader.broker.asked) == 2


def replaced(kill_at: int = 10**9) -> Trader:
    """A run that tightens its stop, and closes everything later."""
    trader = entered({1: [TIGHTER]}, kill_at)
    took(trader.account, 100.0)
    trader.work(for_s=1.0)
    trader.broker.withdraw()
    trader.work(for_s=1.0)
    trader.broker.fill("run-2_3", -20.0)
    trader.account.obey(CLOSE)
    trader.work(for_s=1.0)
    trader.broker.withdraw()
    trader.work(for_s=5.0)
    return trader


def test_what_follows_a_withdrawal_is_sent_when_it_has_ended() -> None:
    trader = replaced()
    assert trader.broker.asked == [
        "send run-0 50", "send run-2_1 -50 and run-1_2 -50", "withdraw run-2_1",
        "send run-2_3 -50 and run-3_2 -50", "withdraw run-2_3", "send run-4 -30",
    ]  # fmt: skip
    assert trader.broker.held("KO") == trader.account.book.state.qty[0] == 0.0
    assert orders(trader.account)[3:] == ["CANCELLED_REBALANCE", "PARTLY_FILLED"]


def test_a_run_killed_between_any_two_steps_has_each_order_once() -> None:
    whole = replaced()
    assert len(whole.steps) > 15
    for kill_at in range(1, len(whole.steps) + 1):
        trader = replaced(kill_at)
        assert list(trader.broker.kept) == list(whole.broker.kept), kill_at
        assert orders(trader.account) == orders(whole.account), kill_at
        assert trader.account.book.fills.tobytes() == whole.account.book.fills.tobytes(), kill_at
        assert "held" not in trader.broker.asked
