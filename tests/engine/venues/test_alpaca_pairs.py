"""Orders of one position at Alpaca: what works holds its units, a target and its stop are one."""

import asyncio
from typing import Any

import pytest

from tests.alpaca_broker import KEY, SECRET, AlpacaBroker
from tests.alpaca_scenes import ORDER, Told, insisted, played, venue_at
from tests.loopback import until
from tests.scripted_account import account, orders, took
from tradewind.engine.live.dispatch import Dispatch
from tradewind.engine.live.facts import Command
from tradewind.engine.live.sendings import Sendings
from tradewind.engine.types import Action, Intent, OrderType, TimeInForce
from tradewind.engine.venues.alpaca import AlpacaVenue
from tradewind.engine.venues.facts import HoldingVenue, ReportKind, VenueOrder

TARGET = VenueOrder("run-9_8", "KO", -10.0, OrderType.LIMIT, limit=60.0)
STOP = VenueOrder("run-8_9", "KO", -10.0, OrderType.STOP, stop=45.0)
CLOSE = VenueOrder("run-10", "KO", -10.0, OrderType.MARKET)

BRACKET = Intent(0, action=Action.ORDER, qty=10.0, stop_loss=90.0, take_profit=120.0)
TIGHTER = Intent(0, action=Action.REPLACE, order=1, stop=95.0)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_KEY", KEY)
    monkeypatch.setenv("ALPACA_SECRET", SECRET)


def test_two_orders_for_the_same_units_are_too_many_and_one_of_both_is_not() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        assert isinstance(venue, HoldingVenue)
        await venue.submit(ORDER)
        await venue.submit(STOP._replace(client_id="run-8"))
        second = await venue.submit(TARGET._replace(client_id="run-9"))
        assert (second.kind, second.reason) == (
            ReportKind.HELD,
            "alpaca: insufficient qty available for order (requested: 10.0, available: 0)",
        )
        await venue.cancel("run-8")
        taken = await venue.submit_pair(TARGET, STOP)
        assert [one.kind for one in taken] == [ReportKind.ACCEPTED] * 2
        sent = broker.ledger.orders["run-9_8"]
        assert (sent["order_class"], sent["type"], sent["limit_price"]) == ("oco", "limit", "60.0")
        assert "run-8_9" not in broker.ledger.orders
        for order in (TARGET, STOP):
            state = await venue.find(order.client_id)
            assert state is not None
            assert state.working
            assert state.order[:4] == order[:4]
        names = {state.order.client_id for state in await venue.working()}
        assert names == {"run-9_8", "run-8_9"}

    played(scene)


@pytest.mark.parametrize("filled", [0, 1])
@pytest.mark.parametrize("garble", ["", "twice", "backwards", "lost"])
def test_what_one_of_a_pair_fills_is_told_once_under_its_own_name(filled: int, garble: str) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER)
        broker.garble = garble
        await venue.submit_pair(TARGET, STOP)
        legs = list(broker.ledger.orders.values())[1:]
        await broker.fill(legs[filled], 4.0)
        await broker.fill(legs[filled], 6.0)
        if garble == "backwards":
            await broker.let_go()
        elif garble == "lost":
            broker.garble = ""
            await broker.break_off()
        await until(lambda: told.ends((STOP, TARGET)[filled].client_id))
        await until(lambda: told.filled((TARGET, STOP)[filled].client_id) == -10.0)

    told = played(scene)
    done, ended = (TARGET, STOP) if filled == 0 else (STOP, TARGET)
    fills = [one.qty for one in told.once(done.client_id) if one.kind is ReportKind.FILL]
    assert fills == [-4.0, -6.0]
    assert told.ends(ended.client_id) == [ReportKind.CANCELLED]
    assert told.filled(ended.client_id) == 0.0


def test_a_stop_that_the_broker_sends_again_for_what_is_left_works_on() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER)
        await venue.submit_pair(TARGET, STOP)
        await broker.fill(broker.ledger.orders["run-9_8"], 4.0)
        await until(lambda: told.filled("run-9_8") == -4.0)
        legs = list(broker.ledger.orders.values())[2:]
        assert [(one["status"], one["qty"]) for one in legs] == [
            ("replaced", "10.0"),
            ("held", "6"),
        ]
        await broker.fill(legs[1], 6.0)
        await until(lambda: told.filled("run-8_9") == -6.0 and bool(told.ends("run-9_8")))
        assert not told.ends("run-8_9")

    played(scene)


@pytest.mark.parametrize("fault", ["reset", "lost", "500", "500 after"])
def test_a_pair_whose_answer_is_lost_is_there_once_and_another_process_knows_both(
    fault: str,
) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER)
        broker.faults["POST"].append(fault)
        taken = await insisted(lambda: venue.submit_pair(TARGET, STOP))
        assert [one.client_id for one in taken] == ["run-9_8", "run-8_9"]
        assert [one["type"] for one in broker.ledger.orders.values()] == ["market", "limit", "stop"]
        later = venue_at(broker)
        for order in (STOP, TARGET):
            state = await later.find(order.client_id)
            assert state is not None
            assert state.order.client_id == order.client_id
        assert await later.find("run-11_12") is None

    played(scene)


@pytest.mark.parametrize("name", ["run-9_8", "run-8_9"])
def test_a_withdrawal_takes_its_time_and_until_then_the_units_are_held(name: str) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER)
        await venue.submit_pair(TARGET, STOP)
        broker.slow = True
        await venue.cancel(name)
        await venue.cancel(name)
        assert (await venue.submit(CLOSE)).kind is ReportKind.HELD
        state = await venue.find(name)
        assert state is not None
        assert state.working
        assert not told.ends(name)
        await broker.withdraw()
        await until(lambda: told.ends("run-9_8") and told.ends("run-8_9"))
        assert (await venue.submit(CLOSE)).kind is ReportKind.ACCEPTED
        await asyncio.sleep(0)

    told = played(scene)
    assert told.ends("run-9_8") == told.ends("run-8_9") == [ReportKind.CANCELLED]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"symbol": "BTC-USD"}, "for coins"),
        ({"qty": -1.5}, "whole number"),
        ({"tif": TimeInForce.IOC}, "time in force"),
        ({"limit": 45.0}, "not beyond the target"),
    ],
)
def test_a_pair_that_alpaca_cannot_have_is_not_sent(change: dict[str, object], reason: str) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        target, stop = (
            one._replace(**{k: v for k, v in change.items() if k != "limit" or one is TARGET})  # type: ignore[arg-type]
            for one in (TARGET, STOP)
        )
        refused = await venue.submit_pair(target, stop)
        assert [one.kind for one in refused] == [ReportKind.REJECTED] * 2
        assert reason in refused[0].reason
        assert ("POST", "/v2/orders") not in broker.requests

    played(scene, listening=False)


def test_a_leg_of_an_order_that_somebody_placed_by_hand_is_looked_up_once() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER)
        await venue.submit_pair(TARGET._replace(client_id="run-9_8", qty=-4.0),
                                STOP._replace(qty=-4.0))  # fmt: skip
        theirs = broker.ledger.take_pair({
            "symbol": "KO", "qty": 2.0, "side": "sell", "type": "limit", "time_in_force": "gtc",
            "client_order_id": "by hand", "order_class": "oco",
            "take_profit": {"limit_price": 70.0}, "stop_loss": {"stop_price": 40.0},
        })  # fmt: skip
        await broker.fill(broker.ledger.others(theirs)[0], 2.0)
        await broker.fill(broker.ledger.orders["run-9_8"], 4.0)
        await until(lambda: told.filled("run-9_8") == -4.0)
        assert not told.ends("run-9_8")

    played(scene)


def test_a_run_moves_its_stop_and_closes_while_every_withdrawal_takes_its_time() -> None:
    one, sendings = account({0: [BRACKET], 1: [TIGHTER]}, at_a_venue=True), Sendings("run")

    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        broker.ledger.price["KO"], broker.slow = 100.0, True

        async def write(events: Any) -> None:
            del events

        async def hear(report: Any) -> None:
            one.answer(report)

        async def aside(do: Any) -> Any:
            return do()

        def later(seconds: float, do: Any) -> None:
            asyncio.get_running_loop().call_soon(do)  # a clock that does not wait

        dispatch = Dispatch(
            one, venue, sendings, write=write, hear=hear, aside=aside, later=later,
            reached=lambda step: None, tell=lambda text: None,
        )  # fmt: skip

        async def work(*, until_sent: str = "") -> None:
            for _ in range(40):
                await dispatch.send()
                for report in told.reports:
                    if not sendings.says_nothing(report):
                        one.answer(report)
                if until_sent in broker.ledger.orders or not (until_sent or one.book.working.size):
                    return
                await broker.withdraw()
                await asyncio.sleep(0.005)

        took(one, 100.0)
        await work(until_sent="run-2_1")
        took(one, 100.0)
        await work(until_sent="run-2_3")
        assert one.book.state.qty[0] == 10.0
        assert [one["status"] for one in broker.ledger.orders.values()] == [
            "filled", "canceled", "canceled", "new", "held"
        ]  # fmt: skip
        one.obey(Command("c", "flatten", "test", 1, {}))
        await work(until_sent="run-4")
        await work()
        assert broker.ledger.positions() == {}

    played(scene)
    assert orders(one) == [
        "FILLED", "CANCELLED_REPLACED", "CANCELLED_REBALANCE", "CANCELLED_REBALANCE", "FILLED"
    ]  # fmt: skip
