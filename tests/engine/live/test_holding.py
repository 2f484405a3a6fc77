"""A broker that holds units for what works: never two orders for the same ones, none lost."""

from collections.abc import Callable

import pytest

from tests.holding_broker import HoldingBroker, Trader
from tests.scripted_account import account, orders, took
from tradewind.engine.live.account import Account
from tradewind.engine.live.facts import Command
from tradewind.engine.types import Action, Intent
from tradewind.engine.venues.facts import ReportKind, VenueOrder, VenueReport

BRACKET = Intent(0, action=Action.ORDER, qty=50.0, stop_loss=90.0, take_profit=120.0)
TIGHTER = Intent(0, action=Action.REPLACE, order=1, stop=95.0)
CLOSE = Command("c", "flatten", "test", 1, {})


def at_a_venue(script: dict[int, list[Intent]], *symbols: str) -> Account:
    """Account whose orders somebody else fills."""
    return account(script, symbols=symbols or ("KO",), at_a_venue=True)


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


def made_room(kill_at: int = 10**9) -> Trader:
    """A run that sells a part at once of what a pair holds, and then has its stop filled."""
    trader = entered({1: [Intent(0, action=Action.ORDER, qty=-20.0)]}, kill_at)
    took(trader.account, 100.0)
    trader.work(for_s=1.0)
    trader.broker.withdraw()
    trader.work(for_s=10.0)
    trader.broker.fill("run-1_2.2", -30.0)
    trader.work()
    return trader


def test_a_pair_makes_room_for_what_closes_at_once_and_returns_for_the_rest() -> None:
    trader = made_room()
    assert trader.broker.asked[2:] == [
        "withdraw run-1_2", "send run-3 -20", "send run-2_1.2 -30 and run-1_2.2 -30"
    ]  # fmt: skip
    assert trader.account.book.state.qty[0] == 0.0
    assert orders(trader.account)[0] == orders(trader.account)[3] == "FILLED"
    assert "WORKING" not in orders(trader.account)
    assert not trader.broker.works()


@pytest.mark.parametrize("story", [replaced, made_room])
def test_a_run_killed_between_any_two_steps_has_each_order_once(
    story: Callable[..., Trader],
) -> None:
    whole = story()
    assert len(whole.steps) > 15
    for kill_at in range(1, len(whole.steps) + 1):
        trader = story(kill_at)
        assert list(trader.broker.kept) == list(whole.broker.kept), kill_at
        assert orders(trader.account) == orders(whole.account), kill_at
        assert trader.account.book.fills.tobytes() == whole.account.book.fills.tobytes(), kill_at
        assert "held" not in trader.broker.asked


def test_what_nobody_confirms_is_sent_after_a_while_and_again_under_the_same_name() -> None:
    trader = entered({})
    trader.account.obey(CLOSE)
    trader.work(for_s=29.0)
    assert trader.broker.asked[2:] == ["withdraw run-1_2"]
    trader.work(for_s=40.0)
    refused = trader.broker.asked[3:]
    assert set(refused) == {"send run-3 -50", "held"}
    trader.broker.withdraw()
    trader.work(for_s=31.0)
    assert trader.broker.held("KO") == 0.0
    assert trader.broker.asked[3 + len(refused) :] == ["send run-3 -50"]
    assert [event.facts["id"] for event in trader.journal if event.kind == "submit"][-1] == "run-3"


def test_one_symbol_does_not_wait_for_another() -> None:
    other = Intent(1, action=Action.ORDER, qty=10.0)
    one = at_a_venue({0: [BRACKET], 1: [TIGHTER, other]}, "KO", "MSFT")
    trader = Trader(one, HoldingBroker())
    for _ in range(2):
        took(one, 100.0)
        trader.work()
    assert trader.broker.asked[2:] == ["withdraw run-2_1", "send run-4 10"]


def test_a_stop_that_is_refused_is_asked_again_and_never_given_up() -> None:
    trader = entered({1: [TIGHTER]})
    trader.broker.slow = False
    trader.broker.refuses = lambda order: "not at this price" if order.qty < 0.0 else ""
    took(trader.account, 100.0)
    trader.work(for_s=300.0)
    assert set(trader.broker.asked[3:]) == {"send run-2_3 -50 and run-3_2 -50", "send run-3 -50"}
    assert len(trader.broker.asked) > 10
    assert orders(trader.account)[2:] == ["WORKING", "WORKING"]
    assert any("asked again: not at this price" in said for said in trader.said)
    trader.broker.refuses = lambda order: ""
    trader.work(for_s=31.0)
    assert trader.broker.works() == ["run-3"]


def test_a_pair_that_cannot_be_one_is_its_stop_and_the_target_when_a_close_has_reached_it() -> None:
    trader = Trader(at_a_venue({0: [BRACKET]}), HoldingBroker())
    trader.broker.no_pairs, trader.broker.slow = "no pairs here", False
    for price in (100.0, 110.0, 121.0, 110.0):
        took(trader.account, price)
        trader.work(for_s=1.0)
    assert trader.broker.asked == [
        "send run-0 50", "send run-1 -50", "withdraw run-1", "send run-2 -50", "withdraw run-2",
        "send run-1.2 -50",
    ]  # fmt: skip
    assert "no pairs here" in trader.said[0]
    trader.broker.fill("run-1.2", -50.0)
    trader.work()
    assert orders(trader.account) == ["FILLED", "FILLED", "CANCELLED_BRACKET"]


def test_an_entry_whose_stop_the_broker_cannot_have_is_not_sent() -> None:
    trader = Trader(at_a_venue({0: [BRACKET]}), HoldingBroker())
    trader.broker.no_orders = "no stops here"
    took(trader.account, 100.0)
    trader.work()
    assert not trader.broker.asked
    assert orders(trader.account)[0] == "REJECTED_VENUE"


def test_an_order_that_adds_is_given_up_where_the_broker_keeps_holding() -> None:
    trader = entered({1: [Intent(0, action=Action.ORDER, qty=10.0)]})

    async def held(order: VenueOrder) -> VenueReport:
        return VenueReport(ReportKind.HELD, order.client_id, 0, "held", reason="wash trade")

    trader.broker.submit = held  # type: ignore[method-assign]
    took(trader.account, 100.0)
    trader.work(for_s=100.0)
    assert orders(trader.account)[3] == "WORKING"
    trader.work(for_s=300.0)
    assert orders(trader.account)[3] == "REJECTED_VENUE"
    assert trader.broker.works() == ["run-2_1", "run-1_2"]
