"""What Yahoo's messages mean, through yfinance's own client where a server can say it."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import yfinance.live
from hypothesis import given
from hypothesis import strategies as st
from yfinance.pricing_pb2 import PricingData

from tests.conformance import played
from tests.loopback import Heard, YahooLoopback, until, wrapped
from tests.minutes import ns
from tradewind.engine.errors import ConfigError
from tradewind.engine.registry import names
from tradewind.engine.streams import reasons
from tradewind.engine.streams.day_volume import DayVolumes
from tradewind.engine.streams.facts import LiveFeed, Tick
from tradewind.engine.streams.grid import Grid
from tradewind.engine.streams.yahoo import MOST, YahooConnection, YahooStream, decimal

NOW_MS, DAY_MS = 1_704_294_000_000, 86_400_000
COIN, STOCK = 41, 8


class Messages:
    """A socket that has it all already."""

    def __init__(self, *messages: str) -> None:
        self._coming = list(messages)

    async def recv(self) -> str:
        return self._coming.pop(0)


def received(*messages: str, volumes: DayVolumes | None = None) -> tuple[list[Tick], Heard]:
    heard = Heard()
    ticks: list[Tick] = []
    connection = YahooConnection(
        yfinance.live, "ws://nowhere", {"KO": "KO", "BTC-USD": "btc-usd"}, volumes or DayVolumes()
    )
    connection._made._ws = Messages(*messages)

    async def take() -> None:
        for _ in messages:
            ticks.extend(await connection.receive(heard))

    asyncio.run(take())
    return ticks, heard


def priced(**fields: Any) -> str:
    return wrapped(PricingData(**{"id": "KO", "time": NOW_MS, **fields}).SerializeToString())


def test_a_message_becomes_a_tick() -> None:
    message = priced(price=59.87, bid=59.86, ask=59.88, day_volume=100, price_hint=2)
    (tick,), heard = received(message)
    assert tick[:6] == ("KO", NOW_MS * 1_000_000, 59.87, 0.0, 59.86, 59.88)
    assert tick.received > tick.ts
    assert heard.drops == []


def test_the_name_is_the_configs_whatever_yahoo_writes() -> None:
    (tick,), _ = received(priced(id="BTC-USD", price=45_000.5))
    assert tick.symbol == "btc-usd"


def test_what_is_absent_is_no_price() -> None:
    (tick,), _ = received(priced(bid=59.86, ask=59.88))
    assert np.isnan(tick.price) and tick.size == 0.0
    ticks, heard = received(priced(), priced(bid=59.86), priced(price=0.0))
    assert ticks == []
    assert [reason for reason, _ in heard.drops] == [reasons.NOT_POSITIVE] * 3


def test_volumes_of_the_day_become_sizes_and_numbers() -> None:
    ticks, _ = received(*(priced(price=60.0, day_volume=v, time=NOW_MS + k)
                          for k, v in enumerate([100, 130, 130, 180])))  # fmt: skip
    assert [tick.size for tick in ticks] == [0.0, 30.0, 0.0, 50.0]
    assert [tick.id for tick in ticks] == ["", f"{NOW_MS + 1}/130", "", f"{NOW_MS + 3}/180"]


def test_a_stamp_of_the_future_does_not_make_the_volumes_behind_it_old() -> None:
    now = time.time_ns() // 1_000_000
    told = [(now - 9, 100), (now + 3 * DAY_MS, 130), (now, 150), (now + 1, 160)]
    ticks, _ = received(
        *(priced(price=60.0, day_volume=volume, time=ms) for ms, volume in told),
        volumes=DayVolumes(lambda ts: 1 + (ts > (now + DAY_MS) * 1_000_000)),
    )
    assert [tick.size for tick in ticks] == [0.0, 30.0, 20.0, 10.0]


def test_what_a_coin_traded_is_not_known() -> None:
    ticks, _ = received(*(priced(id="BTC-USD", price=4e4, day_volume=v, quote_type=COIN)
                          for v in (100, 90, 120)))  # fmt: skip
    assert [np.isnan(tick.size) for tick in ticks] == [True] * 3


def test_fields_that_nobody_knew_of_do_no_harm() -> None:
    envelope = json.loads(priced(price=60.0)) | {"shape": "new", "parts": [1, {"a": None}]}
    content = PricingData(id="KO", time=NOW_MS, price=61.0).SerializeToString()
    unknown = bytes([0xFA, 0x3F, 0x03]) + b"new"  # field 1023, three bytes
    ticks, heard = received(json.dumps(envelope), wrapped(content + unknown))
    assert [tick.price for tick in ticks] == [60.0, 61.0]
    assert heard.drops == []


def test_a_cut_message_never_becomes_a_tick_of_other_numbers() -> None:
    whole = PricingData(id="KO", time=NOW_MS, price=61.0, day_volume=70).SerializeToString()
    ticks, _ = received(*(wrapped(whole[:n]) for n in range(len(whole))))
    assert {tick.price for tick in ticks} <= {61.0}
    assert {tick.ts for tick in ticks} <= {NOW_MS * 1_000_000}


@given(st.binary(max_size=200))
def test_no_content_breaks_the_reading(content: bytes) -> None:
    ticks, heard = received(wrapped(content))
    assert len(ticks) + len(heard.drops) == 1


# price as it was sent, what must come out
PRICES = [
    (59.87, 59.87),
    (745_123.45, 745_123.44),  # what a float32 holds of it
    (190.1234, 190.1234),  # between the steps of the exchange
    (1.08765, 1.08765),
    (0.00001234, 0.00001234),
    (12_345.0, 12_345.0),
    (-37.63, -37.63),
    (0.0, 0.0),
]


@pytest.mark.parametrize(("sent", "want"), PRICES)
def test_a_float32_is_the_decimal_that_was_sent(sent: float, want: float) -> None:
    assert decimal(float(np.float32(sent))) == want


@given(st.integers(1, 9_999_999), st.integers(0, 6))
def test_a_price_of_seven_digits_comes_back_whole(number: int, shift: int) -> None:
    price = number / 10**shift
    assert decimal(float(np.float32(price))) == price


@pytest.mark.parametrize("price", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_stays_none(price: float) -> None:
    assert np.array_equal(decimal(price), price, equal_nan=True)


# what happens, (stamp in seconds, volume of the day) of each message, sizes
VOLUMES = [
    ("the first says nothing of when", [(0, 500)], [0]),
    ("it grows", [(0, 500), (1, 600), (2, 650)], [0, 100, 50]),
    ("the same comes twice", [(0, 500), (1, 600), (1, 600)], [0, 100, 0]),
    ("an old one comes late", [(0, 500), (2, 650), (1, 600), (3, 660)], [0, 150, 0, 10]),
    ("a trade is taken back", [(0, 500), (1, 490), (2, 495)], [0, 0, 5]),
    ("a new day", [(0, 500), (60_000, 20), (60_001, 25)], [0, 20, 5]),
    ("none is told in between", [(0, 500), (1, 0), (2, 510)], [0, 0, 10]),
    ("two of one moment", [(0, 500), (1, 510), (1, 530), (1, 520)], [0, 10, 20, 0]),
    ("below zero", [(0, 500), (1, -5), (2, 510)], [0, 0, 10]),
]


@pytest.mark.parametrize(("what", "told", "want"), VOLUMES, ids=[case[0] for case in VOLUMES])
def test_what_was_traded_between_two_messages(
    what: str, told: Sequence[tuple[int, int]], want: list[int]
) -> None:
    made = DayVolumes()
    assert [made.size("KO", 10**18 + s * 10**9, volume) for s, volume in told] == want


def of_new_york() -> Callable[[int], int]:
    grid = Grid("XNYS", "1d", extended_hours=False)

    def day(ts: int) -> int:
        found = grid.of(ts)
        return 0 if found is None else found.close

    return day


def test_a_new_day_that_begins_with_more_than_the_old_one_had_is_all_new() -> None:
    made = DayVolumes(of_new_york())
    told = [("2018-01-04T20:00", 500), ("2018-01-04T21:05", 520), ("2018-01-05T14:31", 900)]
    assert [made.size("KO", ns(at), volume) for at, volume in told] == [0, 20, 900]


def test_a_volume_of_yesterday_that_is_told_before_the_open_is_none_of_today() -> None:
    made = DayVolumes(of_new_york())
    told = [("2018-01-04T20:00", 500), ("2018-01-05T14:29", 500), ("2018-01-05T14:30", 7),
            ("2018-01-05T14:31", 9)]  # fmt: skip
    assert [made.size("KO", ns(at), volume) for at, volume in told] == [0, 0, 7, 2]


def test_what_was_traded_before_the_open_is_not_counted_again_after_it() -> None:
    made = DayVolumes(of_new_york())
    told = [("2018-01-04T20:00", 500), ("2018-01-05T13:00", 10), ("2018-01-05T14:31", 30)]
    assert [made.size("KO", ns(at), volume) for at, volume in told] == [0, 10, 20]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(-10, 1_000))))
def test_a_size_is_never_negative_nor_more_than_the_day(told: list[tuple[int, int]]) -> None:
    made = DayVolumes()
    for s, volume in told:
        assert 0 <= made.size("KO", 10**18 + s * 10**9, volume) <= max(volume, 0)


def test_it_is_a_feed_by_its_name() -> None:
    assert "yahoo" in names("feeds")
    feed = YahooStream().following(("KO", "brk-b"), "1m", "XNYS")
    assert isinstance(feed, LiveFeed)
    assert feed.symbols == ("KO", "brk-b")


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: YahooStream(url="https://yahoo"), r"paper\.feed\.url.*websocket"),
        (lambda: YahooStream().following(["US0378331005"], "1m"), r"paper\.feed: .*ISIN"),
        (lambda: YahooStream().following(["A/B"], "1m"), r"paper\.feed: .*cannot be a Yahoo"),
        (lambda: YahooStream().following([f"S{k}" for k in range(MOST + 1)], "1m"), "251"),
    ],
)
def test_what_cannot_be_followed_is_an_error_of_the_config(make: Any, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        make()


def test_the_start_says_what_the_quotes_are() -> None:
    heard = played("yahoo", _connected)
    assert "unofficial" in heard.notices[0].reason and "personal use" in heard.notices[0].reason


async def _connected(server: Any, heard: Heard) -> None:
    await asyncio.wait_for(server.ready.wait(), 20.0)


def test_what_is_followed_is_told_again_and_again() -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await until(lambda: len(server.subscribed) >= 3)

    class Beating(YahooLoopback):
        def feed(self, symbols: Sequence[str], mute_s: float) -> LiveFeed:
            made = super().feed(symbols, mute_s)
            made.heartbeat_s = 0.05  # type: ignore[attr-defined]
            asked.append(self)
            return made

    asked: list[YahooLoopback] = []
    played(Beating, scene, mute_s=20.0)
    assert {tuple(sorted(each["subscribe"])) for each in asked[0].subscribed} == {("BRK-B", "KO")}
    assert asked[0].connections == 1


def test_volumes_go_on_over_a_new_connection() -> None:
    async def scene(server: Any, heard: Heard) -> None:
        await _connected(server, heard)
        await server.send(server.trade("KO", time.time_ns(), 50.0, 100))
        await until(lambda: len(heard.all) == 1)
        server.reset()
        await until(lambda: server.connections > 1 and server.ready.is_set())
        await server.send(server.trade("KO", time.time_ns(), 50.0, 140))
        await until(lambda: len(heard.all) == 2)

    assert [tick.size for tick in played("yahoo", scene, mute_s=20.0).all] == [0.0, 40.0]
