"""Alpaca's stream: what the common suite does not ask."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

import pytest

from tests.loopback import AlpacaLoopback, Heard, packed, stamp, until
from tradewind.engine.errors import ConfigError
from tradewind.engine.streams.alpaca_client import named, refused_words
from tradewind.engine.streams.alpaca_feed import AlpacaFeed
from tradewind.engine.streams.facts import FeedState, Tick
from tradewind.engine.streams.supervisor import Slowed

WHEN = 1_700_000_000_123_456_789


def heard_of(*messages: dict[str, Any], symbols: tuple[str, ...] = ("KO", "BRK-B")) -> list[Tick]:
    """Ticks of messages, behind a first and before a last trade of KO."""
    heard = Heard()

    async def play() -> None:
        server = AlpacaLoopback()
        await server.start()
        feed = server.feed(symbols, 20.0)
        task = asyncio.create_task(feed.run(heard))
        await asyncio.wait_for(server.ready.wait(), 20.0)
        sent = [packed({"t": stamp(WHEN), **one}) for one in messages]
        last = server.trade("KO", time.time_ns(), 99.0, 9)
        await server.send(*sent, last)
        await until(lambda: heard.all and heard.all[-1].price == 99.0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await server.stop()
        assert set(server.asked()) == {named(name) for name in symbols}

    asyncio.run(play())
    assert not heard.drops
    return heard.all[:-1]


def trade(**more: Any) -> dict[str, Any]:
    return {"T": "t", "S": "KO", "p": 50.0, "s": 3, "i": 7, "x": "V", "z": "A", **more}


def test_a_trade_keeps_its_nanoseconds_and_a_number_that_is_the_exchanges() -> None:
    (tick,) = heard_of(trade())
    assert tick[:4] == ("KO", WHEN, 50.0, 3.0)
    assert tick.id == "V7"


def test_a_quote_of_which_nobody_offers_one_side_has_none() -> None:
    quote = {"T": "q", "S": "KO", "bp": 49.5, "ap": 0, "bs": 1, "as": 0}
    (tick,) = heard_of(quote)
    assert tick.bid == 49.5
    assert tick.ask != tick.ask
    assert tick.price != tick.price


def test_yahoos_names_are_alpacas_on_the_wire_and_ours_again_in_ticks() -> None:
    (tick,) = heard_of(trade(S="BRK.B"))
    assert tick.symbol == "BRK-B"
    assert (named("BTC-USD"), named("BTC/USD"), named("KO")) == ("BTC/USD", "BTC/USD", "KO")


@pytest.mark.parametrize(
    ("conditions", "tape", "counts"),
    [
        (["@"], "C", True), ([" ", "I"], "A", True), (["@", "F", "I"], "C", True),
        ([" ", "B"], "A", False), (["B"], "C", True), (["W"], "C", False), (["4"], "B", False),
        (["M"], "A", False), (["P"], "C", False), (["T"], "A", True), (None, "A", True),
    ],
)  # fmt: skip
def test_prices_of_another_time_or_kind_are_no_ticks(
    conditions: list[str] | None, tape: str, counts: bool
) -> None:
    assert len(heard_of(trade(c=conditions, z=tape))) == counts


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("auth failed (402)", ConfigError), ("symbol limit exceeded (405)", ConfigError),
        ("connection limit exceeded (406)", Slowed), ("slow client (407)", Slowed),
        ("insufficient subscription (409)", ConfigError),
        ("auth timeout (404)", ConnectionError), ("internal error (500)", ConnectionError),
    ],
)  # fmt: skip
def test_the_servers_words_are_understood(said: str, kind: type[Exception]) -> None:
    assert isinstance(refused_words(said, "paper.feed"), kind)


def test_another_connection_with_the_key_is_waited_for() -> None:
    heard = Heard()

    async def play() -> None:
        server = AlpacaLoopback()
        await server.start()
        task = asyncio.create_task(server.feed(("KO",), 20.0).run(heard))
        await asyncio.wait_for(server.ready.wait(), 20.0)
        await server.send(packed({"T": "error", "code": 406, "msg": "connection limit exceeded"}))
        await until(lambda: FeedState.DOWN in heard.states)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await server.stop()

    asyncio.run(play())
    assert "connection limit exceeded" in heard.notices[-1].reason
    assert "waiting" in heard.notices[-1].reason


def test_a_missing_key_is_asked_for_by_the_name_of_its_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOBODYS_KEY", raising=False)
    feed = AlpacaFeed(key="NOBODYS_KEY").following(["KO"], "1m")
    with pytest.raises(ConfigError, match="the secret NOBODYS_KEY is neither"):
        asyncio.run(feed.run(Heard()))


def test_no_key_is_told_in_notices_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    heard = Heard()

    async def play() -> None:
        server = AlpacaLoopback()
        await server.start()
        feed = server.feed(("KO",), 20.0)
        task = asyncio.create_task(feed.run(heard))
        await asyncio.wait_for(server.ready.wait(), 20.0)
        await server.send(packed({"T": "error", "msg": "odd: canary-key-4711 canary-secret-4711"}))
        await until(lambda: FeedState.DOWN in heard.states)
        heard.drops.append(("", repr(feed)))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await server.stop()

    asyncio.run(play())
    logged = [record for record in caplog.records if not record.name.startswith("websockets.serv")]
    everything = f"{heard.notices} {heard.drops} {[one.getMessage() for one in logged]}"
    assert "odd: [hidden] [hidden]" in everything
    assert "canary" not in everything
