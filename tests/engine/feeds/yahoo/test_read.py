"""What a config gets from Yahoo through the store, and what is asked of Yahoo for it."""

import subprocess
import sys
from datetime import date, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.yahoo_listings import Bar, Listing, hours, listing, march, moment
from tests.yahoo_loopback import Clock, FakeYahoo, Reader, days_of
from tradewind.engine.errors import (
    ConfigError,
    DataError,
)
from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.yahoo import fetch, show


def test_two_symbols_are_fetched_stored_and_read(fake: FakeYahoo, get: Reader) -> None:
    fake.listings.update(MSFT=march(), KO=march(50.0))

    (msft, ko), notes = get(symbols=("MSFT", "KO"))

    assert (msft.symbol, ko.symbol, notes) == ("MSFT", "KO", ())
    assert days_of(msft)[0] == "2024-03-04" and days_of(msft)[-1] == "2024-03-20"
    assert msft.close.tolist() == [101.0 + i for i in range(13)]
    assert ko.high[0] == 52.0 and ko.volume[0] == 1_000_001.0


def test_what_is_stored_is_not_asked_for_again(fake: FakeYahoo, get: Reader) -> None:
    fake.listings["MSFT"] = march()
    first, _ = get()
    asked = len(fake.asked)
    second, _ = get()
    assert len(fake.asked) == asked
    assert first[0].close.tolist() == second[0].close.tolist()


def test_later_days_are_asked_for_with_five_sessions_of_overlap(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    fake.listings["MSFT"] = march()
    get()
    clock.set("2024-03-25 18:00")
    fake.asked.clear()

    bars, notes = get()

    # Stored up to Wednesday the 20th; the fifth session back is Thursday the 14th.
    assert fake.ranges("MSFT") == [("2024-03-14", "2024-03-27")]
    assert len(fake.asked) == 1
    assert days_of(bars[0])[-1] == "2024-03-25" and notes == ()


def test_earlier_days_are_asked_for_up_to_five_sessions_of_overlap(
    fake: FakeYahoo, get: Reader
) -> None:
    fake.listings["MSFT"] = march()
    get(start=date(2024, 3, 11))
    fake.asked.clear()

    bars, notes = get()

    assert fake.ranges("MSFT") == [("2024-03-04", "2024-03-16")]
    assert days_of(bars[0])[0] == "2024-03-04" and len(bars[0].ts) == 13 and notes == ()


def test_nothing_is_asked_on_a_weekend(fake: FakeYahoo, get: Reader, clock: Clock) -> None:
    fake.listings["MSFT"] = march()
    clock.set("2024-03-22 18:00")
    get()
    fake.asked.clear()
    clock.set("2024-03-24 12:00")
    get()
    assert fake.asked == []


def test_the_bar_of_the_running_session_is_stored_once_it_is_over(
    fake: FakeYahoo, get: Reader, clock: Clock, folder: Path
) -> None:
    fake.listings["MSFT"] = march()
    clock.set("2024-03-20 12:00")
    bars, _ = get()
    assert days_of(bars[0])[-1] == "2024-03-19"
    fake.listings["MSFT"].bars[date(2024, 3, 20)] = (1.0, 3.0, 0.5, 2.0, 7.0)
    clock.set("2024-03-20 18:00")
    bars, notes = get()
    assert days_of(bars[0])[-1] == "2024-03-20" and bars[0].close[-1] == 2.0
    assert notes == () and show(folder)[0].revisions == 0


def test_weeks_and_months_are_made_from_whole_ones_of_days(fake: FakeYahoo, get: Reader) -> None:
    fake.listings["MSFT"] = listing("2024-01-01", "2024-03-29")
    weeks, _ = get(interval="1wk", start=date(2024, 2, 28))
    months, _ = get(interval="1mo", start=date(2024, 1, 1))
    # The week of Monday the 26th of February; the one of the 18th of March is not over.
    assert days_of(weeks[0]) == ["2024-03-01", "2024-03-08", "2024-03-15"]
    monday = 100.0 + 40
    assert weeks[0].open[0] == monday - 0.5 and weeks[0].close[0] == monday + 4
    assert weeks[0].high[0] == monday + 5 and weeks[0].low[0] == monday - 1
    assert days_of(months[0]) == ["2024-01-31", "2024-02-29"]
    assert months[0].volume[0] == pytest.approx(23e6 + sum(range(23)))


def test_a_fund_whose_gain_is_in_its_dividend_is_adjusted_once(
    fake: FakeYahoo, get: Reader
) -> None:
    days = {date(2024, 3, 7): 2.08}  # the close before is 104
    fake.listings["MSFT"] = march(kind="ETF", dividends=days, gains={date(2024, 3, 7): 1.04})
    bars, _ = get()
    assert bars[0].close[0] == pytest.approx(101 * (1 - 2 / 103 * 1.04))


def test_a_range_without_sessions_is_an_error_that_names_what_there_is(
    fake: FakeYahoo, get: Reader
) -> None:
    fake.listings["MSFT"] = march()
    get()
    with pytest.raises(DataError, match=r"no 1d bars from 2024-03-09 to 2024-03-10.*run from"):
        get(start=date(2024, 3, 9), end=date(2024, 3, 10))


def test_a_start_in_the_future_is_refused_before_yahoo_is_asked(
    fake: FakeYahoo, get: Reader
) -> None:
    fake.listings["MSFT"] = march()
    with pytest.raises(DataError, match="yet to come"):
        get(start=date(2031, 1, 1))
    assert fake.asked == []


def test_minutes_from_before_yahoos_reach_are_refused_in_words(
    fake: FakeYahoo, get: Reader
) -> None:
    with pytest.raises(DataError, match=r"5m bars from 2023-12-01.*looks back to 2024-01-21 only"):
        get(interval="5m", start=date(2023, 12, 1))


def test_hours_of_a_running_day_are_served_and_told_anew_when_it_is_over(
    fake: FakeYahoo, get: Reader, clock: Clock, folder: Path
) -> None:
    monday, tuesday = date(2024, 3, 18), date(2024, 3, 19)
    fake.listings["MSFT"] = Listing({}, intraday={**hours(monday, 7), **hours(tuesday, 7)})
    clock.set("2024-03-19 13:10")
    bars, notes = get(interval="60m", start=monday)
    assert len(bars[0].ts) == 7 + 3 and notes == ()
    fake.listings["MSFT"].intraday.update(hours(tuesday, 7, price=50.0))
    clock.set("2024-03-19 18:00")
    bars, notes = get(interval="1h", start=monday)
    assert bars[0].close.tolist() == [100.0 + i for i in range(7)] + [50.0 + i for i in range(7)]
    assert notes == () and [(e.interval, e.revisions) for e in show(folder)] == [("1h", 0)]
    fake.asked.clear()
    get(interval="1h", start=monday)
    assert fake.asked == []


def test_a_split_reaches_back_through_the_hours_before_its_day(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    monday, tuesday = date(2024, 3, 18), date(2024, 3, 19)
    intraday = {**hours(monday, 7), **hours(tuesday, 7, price=50.0)}
    fake.listings["MSFT"] = Listing({}, intraday=intraday, splits={tuesday: (2, 1)})
    bars, _ = get(interval="1h", start=monday)
    assert bars[0].close[:7].tolist() == [50.0 + i / 2 for i in range(7)]
    same, _ = get(interval="1h", start=monday, end=monday)
    assert same[0].close.tolist() == [100.0 + i for i in range(7)]


def test_what_trades_at_weekends_is_asked_for_at_weekends(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    days = [date(2024, 3, 1) + timedelta(days=i) for i in range(31)]
    coin: dict[date, Bar] = {day: (1.0, 3.0, 0.5, 2.0, 1000.0 + i) for i, day in enumerate(days)}
    fake.listings["BTC-USD"] = Listing(
        coin, zone="UTC", opens=time(0), closes=time(23, 59), kind="CRYPTOCURRENCY"
    )
    clock.seconds = moment("2024-03-22 12:00", "UTC")
    bars, _ = get(symbols=("BTC-USD",))
    assert days_of(bars[0])[-1] == "2024-03-21"
    clock.seconds = moment("2024-03-24 12:00", "UTC")
    bars, _ = get(symbols=("BTC-USD",))
    assert days_of(bars[0])[-1] == "2024-03-23"


def test_several_currencies_are_told(fake: FakeYahoo, get: Reader) -> None:
    fake.listings.update(MSFT=march(), VOD=march(currency="GBp"))
    _, notes = get(symbols=("MSFT", "VOD"))
    assert notes == (
        "Quoted in several currencies, and none is converted unless data.currencies names it: "
        "MSFT USD, VOD GBp",
    )


def test_a_fetch_of_all_symbols_is_refused(folder: Path, yahoo: Yahoo) -> None:
    with pytest.raises(ConfigError, match="name the symbols"):
        fetch("all", store=folder, yahoo=yahoo)


def test_an_interval_that_yahoo_lacks_is_refused(get: Reader) -> None:
    with pytest.raises(DataError, match=r"no bars of '7min'; wanted one of 1m, 2m"):
        get(interval="7min")


def test_all_symbols_of_yahoo_cannot_be_asked_for(get: Reader) -> None:
    with pytest.raises(ConfigError, match="name the symbols"):
        get(symbols="all")


def test_a_fetch_reports_what_it_did(fake: FakeYahoo, folder: Path, yahoo: Yahoo) -> None:
    fake.listings.update(MSFT=march(), KO=march())
    report = fetch(["MSFT", "KO"], start=date(2024, 3, 4), store=folder, yahoo=yahoo)
    again = fetch(["MSFT"], start=date(2024, 3, 4), store=folder, yahoo=yahoo)
    assert [(f.symbol, f.added, f.requests) for f in report.fetched] == [
        ("MSFT", 13, 1),
        ("KO", 13, 1),
    ]
    assert (again.fetched[0].added, again.fetched[0].requests) == (0, 0)
    (entry, _) = sorted(show(folder), key=lambda e: e.symbol, reverse=True)
    assert (entry.symbol, entry.interval, entry.rows) == ("MSFT", "1d", 13)
    assert (entry.covered_from, entry.covered_to) == ("2024-03-04", "2024-03-20")
    assert np.datetime64(entry.last, "ns") == np.datetime64("2024-03-20")
    assert entry.bytes > 0 and entry.last_error == ""


def test_an_empty_store_shows_nothing(folder: Path) -> None:
    assert show(folder) == []
    assert not folder.exists()


def test_names_in_small_letters_are_the_same_series(fake: FakeYahoo, get: Reader) -> None:
    fake.listings["MSFT"] = march()
    bars, _ = get(symbols=("msft",))
    assert bars[0].symbol == "msft" and len(fake.ranges("MSFT")) == 1


def test_a_read_from_the_store_imports_neither_pandas_nor_yfinance(
    fake: FakeYahoo, get: Reader, folder: Path
) -> None:
    fake.listings["MSFT"] = march()
    get()
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from tradewind.engine.config.run import DataConfig\n"
        "from tradewind.engine.feeds.yahoo import read\n"
        "config = DataConfig(source='yahoo', symbols=('MSFT',), offline=True, "
        "store=Path(sys.argv[1]))\n"
        "assert len(read(config)[0][0].ts) == 13\n"
        "print([name for name in ('pandas', 'yfinance', 'curl_cffi') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"
