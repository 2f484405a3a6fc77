"""Whatever goes wrong on the way to Alpaca and back: one order, each execution once."""

import asyncio

import pytest

from tests.alpaca_broker import KEY, SECRET, AlpacaBroker
from tests.alpaca_scenes import LIMIT, ORDER, Told, fills_of, insisted, played
from tests.loopback import until
from tradewind.engine.venues.alpaca import AlpacaVenue
from tradewind.engine.venues.facts import ReportKind

SEND_FAULTS = ("", "reset", "hang", "late", "lost", "500", "500 after", "429", "html")
GARBLES = ("", "twice", "backwards", "lost", "torn")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_KEY", KEY)
    monkeypatch.setenv("ALPACA_SECRET", SECRET)


@pytest.mark.parametrize("fault", SEND_FAULTS)
@pytest.mark.parametrize("garble", GARBLES)
def test_whatever_goes_wrong_there_is_one_order_and_each_execution_once(
    fault: str, garble: str
) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        if fault:
            broker.faults["POST"].append(fault)
        broker.garble = garble
        report = await insisted(lambda: venue.submit(ORDER))
        assert report.kind is ReportKind.ACCEPTED
        if garble == "backwards":
            await broker.let_go()
        elif garble in ("lost", "torn"):
            broker.garble = ""
            await broker.break_off()
        await until(lambda: told.filled(ORDER.client_id) == 10.0)
        await asyncio.sleep(0.05)
        assert list(broker.ledger.orders) == [ORDER.client_id]
        assert fills_of(broker) == 10.0

    timeout_s = 0.4 if fault in ("hang", "late") else 20.0
    told = played(scene, timeout_s=timeout_s)
    once = told.once(ORDER.client_id)
    assert [one.qty for one in once if one.kind is ReportKind.FILL] == [4.0, 6.0]
    assert told.filled(ORDER.client_id) == 10.0
    assert not told.ends(ORDER.client_id)


@pytest.mark.parametrize("fault", ["", "reset", "lost", "500", "500 after", "429", "hang"])
@pytest.mark.parametrize("race", ["", "fills", "fills a part"])
@pytest.mark.parametrize("garble", ["", "twice", "backwards", "lost"])
def test_a_cancel_that_meets_a_fill_ends_as_the_broker_says(
    fault: str, race: str, garble: str
) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(LIMIT)
        if fault:
            broker.faults["DELETE"].append(fault)
        broker.race, broker.garble = race, garble
        await insisted(lambda: venue.cancel(LIMIT.client_id))
        await insisted(lambda: venue.cancel(LIMIT.client_id))
        if garble == "backwards":
            await broker.let_go()
        elif garble == "lost":
            broker.garble = ""
            await broker.break_off()
        status = broker.ledger.orders[LIMIT.client_id]["status"]
        await until(lambda: fills_of(broker) == told.filled(LIMIT.client_id))
        await until(lambda: status == "filled" or told.ends(LIMIT.client_id))
        await asyncio.sleep(0.02)
        assert len(broker.ledger.orders) == 1
        assert status == ("filled" if race == "fills" else "canceled")

    told = played(scene, timeout_s=0.4 if fault == "hang" else 20.0)
    filled = {"": 0.0, "fills": -10.0, "fills a part": -5.0}[race]
    assert told.filled(LIMIT.client_id) == filled
    assert told.ends(LIMIT.client_id) == ([] if race == "fills" else [ReportKind.CANCELLED])
    assert race == "fills" or told.once(LIMIT.client_id)[-1].kind is ReportKind.CANCELLED
