"""Alpaca's paper account: every order there once, every execution counted once, no key told."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.alpaca_broker import KEY, SECRET, AlpacaBroker, failed
from tests.alpaca_scenes import LIMIT, ORDER, Told, insisted, played, venue_at
from tests.loopback import until
from tradewind.engine.errors import ConfigError, OutsideError, RateLimitedError
from tradewind.engine.types import OrderType, TimeInForce
from tradewind.engine.venues import alpaca_orders as words
from tradewind.engine.venues import alpaca_rest
from tradewind.engine.venues.alpaca import AlpacaVenue
from tradewind.engine.venues.facts import ReportKind, Venue, VenueOrder


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_KEY", KEY)
    monkeypatch.setenv("ALPACA_SECRET", SECRET)


def test_it_is_a_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(AlpacaVenue(), Venue)


def test_a_broker_that_restarts_has_forgotten_nothing_and_tells_what_was_missed() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(LIMIT)
        await broker.stop()
        with pytest.raises(OutsideError):
            await venue.find(LIMIT.client_id)
        broker.ledger.fill(broker.ledger.orders[LIMIT.client_id], 3.0)
        broker.ledger.end(broker.ledger.orders[LIMIT.client_id], "expired")
        await broker.start()
        await until(lambda: told.ends(LIMIT.client_id))

    told = played(scene)
    assert told.filled(LIMIT.client_id) == -3.0
    assert told.ends(LIMIT.client_id) == [ReportKind.EXPIRED]
    assert [up for up, _ in told.states][:2] == [True, False]
    assert told.states[-1][0]


def test_another_process_is_told_of_an_order_it_asks_for() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER)
        later, heard = venue_at(broker), Told()
        task = asyncio.create_task(later.run(heard))
        await until(lambda: heard.states)
        assert not heard.reports
        state = await later.find(ORDER.client_id)
        assert state is not None
        assert (state.filled_qty, state.average_price, state.working) == (10.0, 50.0, False)
        await until(lambda: heard.filled(ORDER.client_id) == 10.0)
        assert {one.id for one in heard.reports} == {one.id for one in told.reports}
        assert await later.find("run-99") is None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    assert played(scene).reports


def test_what_was_said_since_a_moment_is_said_again_under_the_same_ids() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        before = time.time_ns()
        await venue.submit(ORDER)
        await venue.submit(LIMIT)
        await venue.cancel(LIMIT.client_id)
        await until(lambda: told.ends(LIMIT.client_id))
        again = await venue.reports(before)
        assert {one.id for one in again} == {one.id for one in told.reports}
        assert [one.at for one in again] == sorted(one.at for one in again)
        assert not await venue.reports(time.time_ns())

    played(scene)


def test_more_orders_than_a_page_are_all_found() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        sent = {"symbol": "KO", "qty": 2, "side": "buy", "type": "limit", "time_in_force": "gtc"}
        for number in range(1201):
            order = broker.ledger.take({**sent, "client_order_id": f"run-{number}"})
            if number < 250:
                broker.ledger.fill(order, 1.0)
        found = await venue.working()
        assert len({one.order.client_id for one in found}) == 1201
        fills = [one for one in await venue.reports(0) if one.kind is ReportKind.FILL]
        assert len(fills) == 250

    played(scene, listening=False)


class Clock:
    """Stands for the modules ``time`` and ``asyncio``: every wait is noted, and over at once."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return sum(self.waits)

    def time(self) -> float:
        return 1_000.0

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def to_thread(self, do: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.to_thread(do, *given)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Clock of the REST interface, which stands still but for what is waited for."""
    made = Clock()
    monkeypatch.setattr(alpaca_rest, "time", made)
    monkeypatch.setattr(alpaca_rest, "asyncio", made)
    return made


def test_a_rate_limit_is_waited_for_as_told_and_in_the_end_given_up(clock: Clock) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        broker.retry_after = "7"
        await venue.find("run-1")
        broker.faults["GET"].extend(["429"] * 2)
        clock.waits.clear()
        assert await venue.find("run-1") is None
        assert [wait for wait in clock.waits if wait] == [7.0, 7.0]
        broker.faults["GET"].extend(["429"] * 9)
        with pytest.raises(RateLimitedError, match="429"):
            await venue.find("run-1")

    played(scene, listening=False)


def test_a_limit_that_says_when_it_ends_is_waited_for_until_then(clock: Clock) -> None:
    wait_s = alpaca_rest._wait_s
    assert wait_s({"X-RateLimit-Reset": str(clock.time() + 5.0)}) == 5.0
    assert wait_s({"Retry-After": "7"}) == 7.0
    assert wait_s({"Retry-After": "86400"}) == alpaca_rest.LONGEST_WAIT_S
    assert wait_s({}) == 1.0


def test_a_refusal_by_the_broker_is_a_rejection_in_its_words() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        poor = await venue.submit(ORDER._replace(qty=1e6))
        assert (poor.kind, poor.reason) == (
            ReportKind.REJECTED, "alpaca: insufficient buying power"
        )  # fmt: skip
        strange = await venue.submit(ORDER._replace(symbol="NOPE"))
        assert "NOPE" in strange.reason
        assert not broker.ledger.orders

    played(scene)


def test_an_order_whose_first_message_took_the_money_is_not_called_refused() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        broker.faults["POST"].append("lost")
        big = ORDER._replace(qty=1900.0)
        with pytest.raises(OutsideError):
            await venue.submit(big)

        async def poor(request: Any) -> Any:
            return failed(403, 40310000, "insufficient buying power")

        broker._submit = poor  # type: ignore[method-assign]
        await broker.restart()
        assert (await insisted(lambda: venue.submit(big))).kind is ReportKind.ACCEPTED

    played(scene)


def test_an_id_that_was_used_for_another_order_is_refused() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER)
        other = await venue.submit(ORDER._replace(qty=11.0))
        assert other.kind is ReportKind.REJECTED
        assert "run-7" in other.reason
        assert len(broker.ledger.orders) == 1

    played(scene)


REFUSED = [
    (ORDER._replace(symbol="BRK-B", qty=1.5), "whole units"),
    (ORDER._replace(qty=1.5, order_type=OrderType.LIMIT, limit=9.0), "only at the market"),
    (ORDER._replace(qty=1.5, tif=TimeInForce.IOC), "only for the day"),
    (ORDER._replace(tif=TimeInForce.GTD), "GTC, DAY and IOC"),
    (ORDER._replace(tif=TimeInForce.BARS), "GTC, DAY and IOC"),
    (ORDER._replace(order_type=OrderType.LIMIT), "limit price is nan"),
    (ORDER._replace(order_type=OrderType.STOP, stop=-1.0), "stop price is -1"),
    (ORDER._replace(order_type=OrderType.TRAILING_STOP), "one distance"),
    (ORDER._replace(symbol="BTC-USD", order_type=OrderType.STOP, stop=1.0), "for coins"),
    (ORDER._replace(symbol="BTC-USD", tif=TimeInForce.DAY), "for coins"),
    (ORDER._replace(client_id="r" * 140 + "-1"), "shorter name"),
    (ORDER._replace(qty=0.0), "quantity"),
]


@pytest.mark.parametrize(("order", "reason"), REFUSED)
def test_what_alpaca_cannot_have_is_refused_with_a_reason_and_never_sent(
    order: VenueOrder, reason: str
) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        report = await venue.submit(order)
        assert report.kind is ReportKind.REJECTED
        assert reason in report.reason
        assert ("POST", "/v2/orders") not in broker.requests

    played(scene, listening=False)


SENT = [
    (ORDER, {"type": "market", "time_in_force": "gtc", "side": "buy", "qty": 10.0}),
    (ORDER._replace(qty=-1.25), {"time_in_force": "day", "side": "sell", "qty": 1.25}),
    (ORDER._replace(tif=TimeInForce.IOC), {"time_in_force": "ioc"}),
    (ORDER._replace(order_type=OrderType.MARKET_ON_CLOSE), {"time_in_force": "cls"}),
    (ORDER._replace(order_type=OrderType.LIMIT, limit=9.999), {"limit_price": 9.99}),
    (ORDER._replace(qty=-1.0, order_type=OrderType.LIMIT, limit=9.991), {"limit_price": 10.0}),
    (ORDER._replace(order_type=OrderType.LIMIT, limit=0.12349), {"limit_price": 0.1234}),
    (
        ORDER._replace(order_type=OrderType.STOP_LIMIT, limit=9.5, stop=9.0),
        {"limit_price": 9.5, "stop_price": 9.0, "type": "stop_limit"},
    ),
    (ORDER._replace(order_type=OrderType.STOP, stop=9.0), {"stop_price": 9.0}),
    (ORDER._replace(order_type=OrderType.TRAILING_STOP, trail=0.5), {"trail_price": 0.5}),
    (
        ORDER._replace(order_type=OrderType.TRAILING_STOP, trail_fraction=0.025),
        {"trail_percent": 2.5},
    ),
    (ORDER._replace(symbol="BRK-B"), {"symbol": "BRK.B"}),
    (ORDER._replace(symbol="BTC-USD", qty=0.25), {"symbol": "BTC/USD", "time_in_force": "gtc"}),
]


@pytest.mark.parametrize(("order", "wanted"), SENT)
def test_an_order_is_sent_in_the_wires_words_and_read_back_as_it_was(
    order: VenueOrder, wanted: dict[str, Any]
) -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        assert (await venue.submit(order)).kind is ReportKind.ACCEPTED
        taken = broker.ledger.orders[order.client_id]
        for name, value in wanted.items():
            assert taken[name] == (str(value) if isinstance(value, float) else value)
        state = await venue.find(order.client_id)
        assert state is not None
        assert state.order[:4] == order[:4]
        assert (state.order.trail_fraction == order.trail_fraction) or order.trail_fraction != (
            order.trail_fraction
        )

    played(scene, listening=False)


def test_the_account_tells_what_is_held_and_what_can_be_sold_short() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        await venue.submit(ORDER._replace(qty=-4.0))
        await venue.submit(ORDER._replace(client_id="run-9", symbol="BTC/USD", qty=0.5))
        await venue.submit(ORDER._replace(client_id="run-10", symbol="BRK-B", qty=2.0))
        held = await venue.account()
        assert held.positions == {"KO": -4.0, "BTC/USD": 0.5, "BRK-B": 2.0}
        assert held.shortable == {"KO": True, "BTC/USD": False, "BRK-B": False}
        assert held.cash == 100_000.0 + 4 * 50 - 0.5 * 50 - 2 * 50
        assert held.equity == 100_000.0

    played(scene, listening=False)


def test_an_account_for_real_money_is_refused() -> None:
    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        broker.account_number = "123456789"
        with pytest.raises(ConfigError, match="real money"):
            await venue.submit(ORDER)
        with pytest.raises(ConfigError, match="real money"):
            await venue.run(told)
        assert not broker.ledger.orders

    played(scene, listening=False)


@pytest.mark.parametrize(
    "address",
    [
        {"url": "https://api.alpaca.markets"},
        {"stream_url": "wss://api.alpaca.markets/stream"},
        {"url": "https://paper-api.alpaca.markets.example.com"},
        {"url": "https://127.0.0.1@api.alpaca.markets"},
    ],
)
def test_an_address_for_real_money_is_refused(address: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="real money"):
        AlpacaVenue(**address)  # type: ignore[arg-type]


def test_a_missing_key_is_asked_for_by_the_name_of_its_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ALPACA_SECRET")
    with pytest.raises(ConfigError, match=r"paper\.venue\.secret: the secret ALPACA_SECRET"):
        AlpacaVenue()


def test_a_wrong_key_ends_the_run_and_no_key_is_ever_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []

    async def scene(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        for fault in ("reset", "hang"):
            broker.faults["POST"].append(fault)
            with pytest.raises(OutsideError) as away:
                await venue.submit(ORDER)
            said.append(f"{away.value!r} {away.value}")
        broker.faults["GET"].append("401")
        with pytest.raises(ConfigError) as refused:
            await venue.find(ORDER.client_id)
        said.append(f"{refused.value!r} {refused.value} {refused.value.__cause__!r}")
        assert "[hidden]" in said[-1]
        await venue.submit(ORDER)
        await until(lambda: told.filled(ORDER.client_id) == 10.0)
        await broker.break_off()
        await until(lambda: len(told.states) >= 3)
        said.append(f"{venue!r} {vars(venue._rest)['_made']!r} {told.states} {told.reports}")

    played(scene, timeout_s=1.0)
    monkeypatch.setenv("ALPACA_KEY", "CANARYOTHER0123456789")

    async def wrong(broker: AlpacaBroker, venue: AlpacaVenue, told: Told) -> None:
        with pytest.raises(ConfigError, match=r"paper\.venue: alpaca refuses the keys") as refused:
            await venue.run(told)
        said.append(str(refused.value))

    played(wrong, listening=False)
    assert len(said) == 5
    assert len(caplog.records) > 5
    everything = "\n".join([*said, *(record.getMessage() for record in caplog.records)])
    assert "CANARY" not in everything


def test_times_keep_their_nanoseconds() -> None:
    whole = 1_622_540_800 * 1_000_000_000
    assert words.when("2021-06-01T09:46:40.123456789Z") == whole + 123_456_789
    assert words.when("2021-06-01T09:46:40Z") == whole
    assert words.when("2021-06-01T05:46:40.5-04:00") == whole + 500_000_000
    assert words.when("2021-06-01T05:46:40-04:00") == whole
    assert words.when(None) == 0
