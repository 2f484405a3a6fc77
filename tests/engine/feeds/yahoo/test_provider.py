"""The genuine yfinance client against Yahoo on loopback."""

import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.yahoo_listings import Listing, chart, hours, listing
from tests.yahoo_loopback import (
    BROKEN,
    CUT_OFF,
    HOSTS,
    SORRY,
    TOO_MANY,
    Canned,
    Clock,
    FakeYahoo,
    days_of,
)
from tradewind.engine.errors import (
    DataError,
    MalformedPayloadError,
    ProviderDownError,
    RateLimitedError,
    TradewindError,
    UnknownSymbolError,
)
from tradewind.engine.feeds.provider import Retry, Yahoo
from tradewind.engine.records import Floats

FIRST = date(2024, 3, 4)


def test_a_range_comes_back_as_the_bars_that_traded(fake: FakeYahoo, yahoo: Yahoo) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")

    answer = yahoo.history("MSFT", "1d", FIRST)

    assert days_of(answer.prices)[0] == "2024-03-04"
    assert days_of(answer.prices)[-1] == "2024-03-20"
    assert answer.prices.values[0].tolist() == [100.5, 102.0, 100.0, 101.0, 1_000_001.0]
    assert (answer.timezone, answer.currency) == ("America/New_York", "USD")
    assert (answer.session_end, answer.last_day) == (16 * 60, date(2024, 3, 20))


def test_the_client_asks_yahoos_own_hosts_and_no_others(fake: FakeYahoo, yahoo: Yahoo) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")
    yahoo.history("MSFT", "1d", FIRST)
    assert "query2.finance.yahoo.com" in fake.hosts and set(fake.hosts) <= set(HOSTS)


def test_a_chart_is_read_to_the_last_digit(fake: FakeYahoo, yahoo: Yahoo) -> None:
    payload = Path(__file__).with_name("msft_2024_02.json").read_text()
    fake.listings["MSFT"] = listing("2024-02-13", "2024-02-16")
    fake.script("MSFT", Canned(200, payload), Canned(200, payload))

    answer = yahoo.history("MSFT", "1d", date(2024, 2, 13), date(2024, 2, 16))

    assert days_of(answer.prices) == ["2024-02-13", "2024-02-14", "2024-02-15", "2024-02-16"]
    assert answer.prices.values[:, 3].tolist() == [
        406.32000732421875,
        409.489990234375,
        406.55999755859375,
        404.05999755859375,
    ]
    assert answer.prices.values[1].tolist()[:3] == [
        408.07000732421875,
        409.8399963378906,
        404.57000732421875,
    ]
    assert answer.prices.values[:, 4].tolist() == [27_824_900, 20_401_200, 21_825_500, 22_281_100]
    assert answer.events.kind.tolist() == ["dividend"]
    assert answer.events.value.tolist() == [0.75]
    assert str(answer.events.ts.astype("datetime64[ns]")[0])[:10] == "2024-02-14"


def test_dividends_and_splits_come_with_their_day(fake: FakeYahoo, yahoo: Yahoo) -> None:
    fake.listings["MSFT"] = listing(
        "2024-03-01",
        "2024-03-20",
        dividends={date(2024, 3, 7): 0.8},
        splits={date(2024, 3, 13): (4, 1)},
    )
    events = yahoo.history("MSFT", "1d", FIRST).events
    assert events.kind.tolist() == ["dividend", "split"]
    assert events.value.tolist() == pytest.approx([0.2, 4.0], rel=1e-6)
    assert [str(t)[:10] for t in events.ts.astype("datetime64[ns]")] == ["2024-03-07", "2024-03-13"]


def test_too_many_requests_is_waited_out(
    fake: FakeYahoo, yahoo: Yahoo, clock: Clock, retry: Retry
) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")
    fake.script("MSFT", *[TOO_MANY] * 4)
    told: list[str] = []

    answer = yahoo.history("MSFT", "1d", FIRST, note=told.append)

    assert len(answer.prices) == 13
    assert clock.sleeps == [1.0, 2.0]
    assert "429" in told[0] and "asking again in 1 s" in told[0]


def test_the_pause_yahoo_names_is_kept(fake: FakeYahoo, yahoo: Yahoo, clock: Clock) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")
    slow = Canned(429, "Too Many Requests", headers={"Retry-After": "17"})
    fake.script("MSFT", slow, slow)
    yahoo.history("MSFT", "1d", FIRST)
    assert clock.sleeps == [17.0]


def test_too_many_requests_for_ever_is_a_rate_limit(
    fake: FakeYahoo, yahoo: Yahoo, clock: Clock
) -> None:
    fake.always["MSFT"] = TOO_MANY
    with pytest.raises(RateLimitedError, match=r"MSFT: Yahoo answered 429.*asked 5 times"):
        yahoo.history("MSFT", "1d", FIRST)
    assert clock.sleeps == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (BROKEN, ProviderDownError, "HTTP 500"),
        (Canned(200, "Will be right back..."), ProviderDownError, "server error"),
        (Canned(403, "<html>Forbidden</html>"), ProviderDownError, "refused.*403"),
        (SORRY, MalformedPayloadError, "not a chart: '<!DOCTYPE html>"),
        (CUT_OFF, MalformedPayloadError, 'not a chart: \'{"chart"'),
        (Canned(200, "{}"), MalformedPayloadError, "not a chart"),
        (Canned(200, "[" * 100_000), MalformedPayloadError, "not a chart"),
        (Canned(404, "<html>gone</html>"), MalformedPayloadError, "HTTP 404"),
    ],
)
def test_what_yfinance_hides_is_an_error(
    fake: FakeYahoo,
    yahoo: Yahoo,
    clock: Clock,
    answer: Canned,
    error: type[TradewindError],
    words: str,
) -> None:
    fake.always["MSFT"] = answer
    with pytest.raises(error, match=words):
        yahoo.history("MSFT", "1d", FIRST)
    assert len(clock.sleeps) == 2


def test_a_failure_is_not_remembered_when_yahoo_recovers(fake: FakeYahoo, yahoo: Yahoo) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")
    fake.always["MSFT"] = BROKEN
    with pytest.raises(ProviderDownError):
        yahoo.history("MSFT", "1d", FIRST, date(2024, 3, 8))
    fake.always.clear()
    assert len(yahoo.history("MSFT", "1d", FIRST, date(2024, 3, 8)).prices) == 5


def test_an_unknown_symbol_is_told_by_name_and_not_retried(
    fake: FakeYahoo, yahoo: Yahoo, clock: Clock
) -> None:
    with pytest.raises(UnknownSymbolError, match=r"MSFTT: Yahoo has no such symbol \(No data"):
        yahoo.history("MSFTT", "1d", FIRST)
    assert clock.sleeps == []


def test_a_closed_port_is_a_provider_down(cut_off: Yahoo, clock: Clock) -> None:
    with pytest.raises(ProviderDownError, match="MSFT: Yahoo cannot be reached"):
        cut_off.history("MSFT", "1d", FIRST)
    assert clock.sleeps == [1.0, 2.0]


def test_a_range_without_bars_is_empty_and_no_error(fake: FakeYahoo, yahoo: Yahoo) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-08")
    answer = yahoo.history("MSFT", "1d", date(2024, 3, 11))
    assert len(answer.prices) == 0 and answer.timezone == "America/New_York"


def test_days_before_the_listing_are_empty_and_no_error(fake: FakeYahoo, yahoo: Yahoo) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")
    words = "Data doesn't exist for startDate = 631170000, endDate = 633848400"
    error = {"chart": {"result": None, "error": {"code": "Bad Request", "description": words}}}
    fake.always["MSFT"] = Canned(400, json.dumps(error))
    answer = yahoo.history(
        "MSFT", "1d", date(1990, 1, 1), date(1990, 2, 1), timezone="America/New_York"
    )
    assert len(answer.prices) == 0


def test_a_refused_range_is_told_in_yahoos_words(fake: FakeYahoo, yahoo: Yahoo) -> None:
    words = "1m data not available. Only 8 days worth of 1m granularity data are allowed"
    error = {"code": "Unprocessable Entity", "description": words}
    fake.always["MSFT"] = Canned(422, json.dumps({"chart": {"result": None, "error": error}}))
    with pytest.raises(DataError, match="Only 8 days"):
        yahoo.history("MSFT", "1m", FIRST, timezone="America/New_York")


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2024-03-20 12:00", "2024-03-19"),
        ("2024-03-20 16:29", "2024-03-19"),
        ("2024-03-20 16:30", "2024-03-20"),
    ],
)
def test_the_bar_of_a_session_that_has_not_settled_is_left_out(
    fake: FakeYahoo, yahoo: Yahoo, clock: Clock, now: str, last: str
) -> None:
    clock.set(now)
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")
    answer = yahoo.history("MSFT", "1d", FIRST)
    assert days_of(answer.prices)[-1] == last
    assert str(answer.last_day) == last


def test_a_chart_of_another_symbol_is_refused(fake: FakeYahoo, yahoo: Yahoo) -> None:
    fake.listings["MSFT"] = fake.listings["KO"] = listing("2024-03-01", "2024-03-20")
    yahoo.history("KO", "1d", FIRST)
    payload = Path(__file__).with_name("msft_2024_02.json").read_text()
    fake.always["KO"] = Canned(200, payload)
    with pytest.raises(MalformedPayloadError, match="KO: Yahoo answered with a chart of MSFT"):
        yahoo.history("KO", "1d", FIRST)


def test_a_chart_of_other_days_is_refused(fake: FakeYahoo, yahoo: Yahoo) -> None:
    payload = Path(__file__).with_name("msft_2024_02.json").read_text()
    fake.always["MSFT"] = Canned(200, payload)
    with pytest.raises(MalformedPayloadError, match="bars of other days than 2024-03-04"):
        yahoo.history("MSFT", "1d", FIRST)


def test_bars_longer_than_asked_are_refused(fake: FakeYahoo, yahoo: Yahoo) -> None:
    payload = Path(__file__).with_name("msft_2024_02.json").read_text()
    fake.always["MSFT"] = Canned(200, payload.replace('"1d",\n    "range"', '"1mo",\n    "range"'))
    assert '"dataGranularity": "1mo"' in fake.always["MSFT"].body
    with pytest.raises(MalformedPayloadError, match="asked for 1d bars, Yahoo answered 1mo"):
        yahoo.history("MSFT", "1d", date(2024, 2, 12))


def test_columns_of_unequal_length_are_malformed(fake: FakeYahoo, yahoo: Yahoo) -> None:
    document = json.loads(Path(__file__).with_name("msft_2024_02.json").read_text())
    document["chart"]["result"][0]["indicators"]["quote"][0]["close"].pop()
    fake.always["MSFT"] = Canned(200, json.dumps(document))
    with pytest.raises(MalformedPayloadError, match="could not make sense"):
        yahoo.history("MSFT", "1d", date(2024, 2, 12))


def test_a_session_without_prices_is_left_out_for_the_checks_to_find(
    fake: FakeYahoo, yahoo: Yahoo
) -> None:
    fake.listings["MSFT"] = listing("2024-03-01", "2024-03-20")
    fake.listings["MSFT"].bars[date(2024, 3, 6)] = (np.nan,) * 5
    assert "2024-03-06" not in days_of(yahoo.history("MSFT", "1d", FIRST).prices)


@pytest.mark.parametrize("name", ["", "../x", "MS FT", "MSFT?x=1", "A/B", "US5949181045", "Ä"])
def test_a_name_that_cannot_be_a_symbol_is_never_asked_for(
    fake: FakeYahoo, yahoo: Yahoo, name: str
) -> None:
    with pytest.raises(UnknownSymbolError, match=r"wants|wanted"):
        yahoo.history(name, "1d", FIRST)
    assert fake.asked == []


def test_hourly_bars_bear_their_close_and_the_last_ends_with_the_session(
    fake: FakeYahoo, yahoo: Yahoo
) -> None:
    fake.listings["MSFT"] = Listing({}, intraday=hours(date(2024, 3, 19), 7))
    prices = yahoo.history("MSFT", "1h", date(2024, 3, 19), date(2024, 3, 19)).prices
    clocks = [str(t)[11:16] for t in prices.ts.astype("datetime64[ns]")]
    assert clocks == ["14:30", "15:30", "16:30", "17:30", "18:30", "19:30", "20:00"]


def test_an_hour_that_is_not_over_is_left_out(fake: FakeYahoo, yahoo: Yahoo, clock: Clock) -> None:
    clock.set("2024-03-20 13:10")  # the bar of 11:30 closed at 12:30 and settled at 13:00
    fake.listings["MSFT"] = Listing({}, intraday=hours(date(2024, 3, 20), 7))
    prices = yahoo.history("MSFT", "1h", date(2024, 3, 20)).prices
    assert str(prices.ts.astype("datetime64[ns]")[-1])[11:16] == "16:30"
    assert len(prices) == 3


def test_minutes_are_asked_for_a_week_at_a_time(fake: FakeYahoo, yahoo: Yahoo) -> None:
    zone = ZoneInfo("America/New_York")
    minutes = {
        datetime(2024, 3, day, 9, 30, tzinfo=zone): (1.0, 2.0, 0.5, 1.5, 9.0) for day in (5, 13, 19)
    }
    fake.listings["MSFT"] = Listing({}, intraday=minutes)
    answer = yahoo.history("MSFT", "1m", date(2024, 3, 4), date(2024, 3, 19))
    assert len(answer.prices) == 3
    assert fake.ranges("MSFT") == [
        ("2024-03-04", "2024-03-11"),
        ("2024-03-11", "2024-03-18"),
        ("2024-03-18", "2024-03-20"),
    ]


def test_pauses_grow_are_spread_and_have_an_end() -> None:
    retry = Retry(base_s=1, cap_s=10, jitter=lambda: 0.0)
    late = Retry(base_s=1, cap_s=10, jitter=lambda: 0.99)
    assert [retry.pause_s(i, 0) for i in (1, 2, 3, 9)] == [0.5, 1.0, 2.0, 10.0]
    assert late.pause_s(1, 0) == pytest.approx(1.49)


def test_yahoos_own_adjusted_close_is_what_our_adjustment_gives(
    fake: FakeYahoo, yahoo: Yahoo
) -> None:
    from tradewind.engine.feeds.store_series import SPLIT
    from tradewind.engine.feeds.yahoo_units import adjusted, as_traded

    fake.listings["MSFT"] = listing(
        "2024-03-01",
        "2024-03-20",
        dividends={date(2024, 3, 7): 0.8, date(2024, 3, 13): 0.3, date(2024, 3, 18): 0.1},
        splits={date(2024, 3, 13): (4, 1)},
    )
    answer = yahoo.history("MSFT", "1d", date(2024, 3, 1))
    series = as_traded(answer.prices, answer.events, answer.events.of(SPLIT))
    ours: Floats = adjusted(series, 2**62, "MSFT").values[:, 3]

    document = chart("MSFT", fake.listings["MSFT"], {}, fake.now())
    theirs = chart("MSFT", fake.listings["MSFT"], {"period1": "0"}, fake.now())["chart"]["result"][
        0
    ]
    assert document["chart"]["error"] is None
    assert ours == pytest.approx(theirs["indicators"]["adjclose"][0]["adjclose"], rel=2e-7)
