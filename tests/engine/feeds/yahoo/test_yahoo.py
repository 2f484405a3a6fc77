"""What a config gets from Yahoo through the store, and what is asked of Yahoo for it."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.yahoo_listings import Bar, Listing, listing, moment
from tests.yahoo_loopback import BROKEN, TOO_MANY, Clock, FakeYahoo
from tradewind.engine.config import DataConfig
from tradewind.engine.errors import (
    ConfigError,
    DataError,
    PartialUniverseError,
    ProviderDownError,
    RateLimitedError,
    StoreError,
    UnknownSymbolError,
)
from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.yahoo import fetch, read, show

Reader = Callable[..., tuple[list[RawBars], tuple[str, ...]]]


@pytest.fixture
def get(folder: Path, yahoo: Yahoo) -> Reader:
    """Read MSFT from the first of March on, with whatever else is given."""

    def get(client: Yahoo = yahoo, **keys: Any) -> tuple[list[RawBars], tuple[str, ...]]:
        block = {"symbols": ("MSFT",), "start": date(2024, 3, 4), "store": folder, **keys}
        return read(DataConfig(source="yahoo", **block), yahoo=client)

    return get


def days_of(bars: RawBars) -> list[str]:
    return [str(day) for day in bars.ts.astype("datetime64[ns]").astype("datetime64[D]")]


def march(price: float = 100.0, **more: Any) -> Listing:
    return listing("2024-03-01", "2024-03-29", price, **more)


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


def test_a_later_dividend_changes_nothing_that_is_stored_and_nothing_before_its_day(
    fake: FakeYahoo, get: Reader, clock: Clock, folder: Path
) -> None:
    fake.listings["MSFT"] = march()
    before, _ = get(end=date(2024, 3, 20))
    clock.set("2024-03-25 18:00")
    fake.listings["MSFT"].dividends[date(2024, 3, 22)] = 1.14  # the close before is 114

    later, notes = get(end=date(2024, 3, 25))
    same, _ = get(end=date(2024, 3, 20))

    assert notes == () and show(folder)[0].revisions == 0
    assert same[0].close.tolist() == before[0].close.tolist()
    assert later[0].close[:14].tolist() == pytest.approx([(101 + i) * 0.99 for i in range(14)])
    assert later[0].close[14:].tolist() == [115.0, 116.0]


def test_a_later_split_changes_nothing_that_is_stored_and_nothing_before_its_day(
    fake: FakeYahoo, get: Reader, clock: Clock, folder: Path
) -> None:
    fake.listings["MSFT"] = march()
    before, _ = get(end=date(2024, 3, 20))
    clock.set("2024-03-25 18:00")
    fake.listings["MSFT"].split(date(2024, 3, 22), 7)

    later, notes = get(end=date(2024, 3, 25))
    same, _ = get(end=date(2024, 3, 20))

    assert notes == () and show(folder)[0].revisions == 0
    assert same[0].close.tolist() == before[0].close.tolist()
    assert later[0].close.tolist() == pytest.approx([(101 + i) / 7 for i in range(16)], rel=1e-6)
    assert later[0].volume.tolist() == pytest.approx([7e6 + 7 * (i + 1) for i in range(16)])


def test_a_split_before_earlier_days_are_asked_for_is_known_to_them(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    fake.listings["MSFT"] = march()
    get(start=date(2024, 3, 13))
    clock.set("2024-03-25 18:00")
    fake.listings["MSFT"].split(date(2024, 3, 22), 2)

    bars, notes = get(end=date(2024, 3, 20))

    assert notes == ()
    assert bars[0].close.tolist() == [101.0 + i for i in range(13)]


def test_a_changed_bar_in_the_overlap_is_a_revision_and_the_stored_one_stays(
    fake: FakeYahoo, get: Reader, clock: Clock, folder: Path
) -> None:
    fake.listings["MSFT"] = march()
    get()
    clock.set("2024-03-21 18:00")
    fake.listings["MSFT"].bars[date(2024, 3, 19)] = (111.5, 113.0, 111.0, 112.25, 1_000_012.0)

    bars, notes = get()

    assert bars[0].close[days_of(bars[0]).index("2024-03-19")] == 112.0
    assert len(notes) == 1
    assert "MSFT: Yahoo now tells the bar of 2024-03-19 (close 112, now 112.25)" in notes[0]
    assert "--refetch" in notes[0]
    (revision,) = Store(folder).revisions()
    assert revision.action == "kept" and revision.noticed_at == round(clock.now() * 1e9)
    assert "112.0" in revision.rows and "112.25" in revision.rows
    assert show(folder)[0].revisions == 1


def test_a_revision_is_told_once(fake: FakeYahoo, get: Reader, clock: Clock, folder: Path) -> None:
    fake.listings["MSFT"] = march()
    get()
    fake.listings["MSFT"].bars[date(2024, 3, 19)] = (111.5, 113.0, 111.0, 112.25, 1_000_012.0)
    clock.set("2024-03-21 18:00")
    assert len(get()[1]) == 1
    clock.set("2024-03-22 18:00")
    assert get()[1] == ()
    assert show(folder)[0].revisions == 1


def test_a_refetch_takes_the_new_bar_and_records_the_old(
    fake: FakeYahoo, get: Reader, yahoo: Yahoo, folder: Path
) -> None:
    fake.listings["MSFT"] = march()
    get()
    fake.listings["MSFT"].bars[date(2024, 3, 6)] = (102.5, 104.0, 102.0, 103.25, 1_000_003.0)

    report = fetch(["MSFT"], store=folder, refetch=True, start=date(2024, 3, 4), yahoo=yahoo)

    assert "replaced what was stored" in report.notes[0] and "103.25" in report.notes[0]
    bars, _ = get(offline=True)
    assert bars[0].close[2] == 103.25
    (revision,) = Store(folder).revisions()
    assert revision.action == "replaced" and "103.0" in revision.rows


def test_a_bar_that_comes_late_is_added_and_told(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    fake.listings["MSFT"] = march()
    held = fake.listings["MSFT"].bars.pop(date(2024, 3, 19))
    bars, _ = get()
    assert "2024-03-19" not in days_of(bars[0])
    fake.listings["MSFT"].bars[date(2024, 3, 19)] = held
    clock.set("2024-03-21 18:00")
    bars, notes = get()
    assert "2024-03-19" in days_of(bars[0])
    assert "told late of the bar of 2024-03-19" in notes[0]


def test_a_dividend_that_vanishes_or_changes_is_a_revision(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    fake.listings["MSFT"] = march(dividends={date(2024, 3, 18): 1.0, date(2024, 3, 19): 1.0})
    before, _ = get(end=date(2024, 3, 20))
    del fake.listings["MSFT"].dividends[date(2024, 3, 18)]
    fake.listings["MSFT"].dividends[date(2024, 3, 19)] = 2.0
    clock.set("2024-03-21 18:00")

    _, notes = get()
    same, _ = get(end=date(2024, 3, 20))

    assert "the dividend of 2024-03-18 (no longer there) and 1 more" in notes[0]
    assert same[0].close.tolist() == before[0].close.tolist()


def test_a_series_in_other_units_is_held_back(
    fake: FakeYahoo, get: Reader, clock: Clock, folder: Path
) -> None:
    fake.listings["MSFT"] = march()
    get()
    clock.set("2024-03-25 18:00")
    fake.listings["MSFT"].factor = 0.5

    bars, notes = get()

    assert days_of(bars[0])[-1] == "2024-03-20" and bars[0].close[-1] == 113.0
    assert "all closes of the overlap are 0.5 times the stored ones" in notes[0]
    with pytest.raises(DataError, match=r"2024-03-21 to 2024-03-25"):
        get(end=date(2024, 3, 25))


def test_a_refetch_accepts_the_new_units(
    fake: FakeYahoo, get: Reader, clock: Clock, folder: Path, yahoo: Yahoo
) -> None:
    fake.listings["MSFT"] = march()
    get()
    clock.set("2024-03-25 18:00")
    fake.listings["MSFT"].factor = 0.5
    fetch(["MSFT"], store=folder, refetch=True, yahoo=yahoo)
    bars, notes = get()
    assert bars[0].close.tolist() == [(101.0 + i) / 2 for i in range(16)] and notes == ()


def test_an_unknown_symbol_alone_is_an_unknown_symbol(fake: FakeYahoo, get: Reader) -> None:
    with pytest.raises(UnknownSymbolError, match="MSFT: Yahoo has no such symbol") as caught:
        get()
    assert caught.value.exit_code == 2


def test_an_unknown_symbol_is_not_asked_for_again_within_a_day(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    with pytest.raises(UnknownSymbolError):
        get()
    fake.asked.clear()
    with pytest.raises(UnknownSymbolError, match=r"Yahoo's answer of 2024-03-20 22:00 UTC"):
        get()
    assert fake.asked == []
    fake.listings["MSFT"] = march()
    clock.set("2024-03-21 18:01")
    assert len(get()[0][0].ts) == 14


def test_a_refetch_asks_for_an_unknown_symbol_at_once(
    fake: FakeYahoo, get: Reader, folder: Path, yahoo: Yahoo
) -> None:
    with pytest.raises(UnknownSymbolError):
        get()
    fake.listings["MSFT"] = march()
    assert fetch(["MSFT"], store=folder, refetch=True, yahoo=yahoo).fetched[0].added == 14


def test_one_missing_symbol_of_three_is_named_and_the_others_are_stored(
    fake: FakeYahoo, get: Reader, folder: Path
) -> None:
    fake.listings.update(MSFT=march(), KO=march(50.0))
    with pytest.raises(PartialUniverseError, match=r"1 of 3 symbols.*JPMM: Yahoo has no") as caught:
        get(symbols=("MSFT", "JPMM", "KO"))
    assert caught.value.exit_code == 2
    assert [entry.symbol for entry in show(folder)] == ["KO", "MSFT"]


def test_one_symbol_that_fails_for_now_is_safe_to_try_again(
    fake: FakeYahoo, get: Reader, folder: Path
) -> None:
    fake.listings.update(MSFT=march(), JPM=march(), KO=march(50.0))
    fake.always["JPM"] = BROKEN
    with pytest.raises(PartialUniverseError, match=r"JPM: Yahoo answered HTTP 500") as caught:
        get(symbols=("MSFT", "JPM", "KO"))
    assert caught.value.exit_code == 3
    fake.always.clear()
    fake.asked.clear()
    bars, _ = get(symbols=("MSFT", "JPM", "KO"))
    assert len(bars) == 3 and {symbol for symbol, _ in fake.asked} == {"JPM"}


def test_after_a_rate_limit_the_other_symbols_are_left_in_peace(
    fake: FakeYahoo, get: Reader
) -> None:
    fake.listings.update(MSFT=march(), KO=march())
    fake.always["MSFT"] = TOO_MANY
    with pytest.raises(RateLimitedError, match=r"2 of 2 symbols.*KO: was not asked"):
        get(symbols=("MSFT", "KO"))
    assert "KO" not in {symbol for symbol, _ in fake.asked}


def test_offline_is_served_from_the_store_and_says_how_old_it_is(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    fake.listings["MSFT"] = march()
    online, _ = get()
    asked = len(fake.asked)
    clock.set("2024-03-23 18:00")

    bars, notes = get(offline=True)

    assert bars[0].close.tolist() == online[0].close.tolist() and len(fake.asked) == asked
    assert notes == (
        "Yahoo was not asked (data.offline); from the local store alone: MSFT "
        "(fetched 2024-03-20 22:00 UTC, 3 days ago, complete to 2024-03-20)",
    )


def test_offline_without_the_days_says_which_are_missing(fake: FakeYahoo, get: Reader) -> None:
    fake.listings["MSFT"] = march()
    get()
    with pytest.raises(DataError, match=r"missing: 2024-02-01 to 2024-03-03") as caught:
        get(offline=True, start=date(2024, 2, 1))
    assert caught.value.exit_code == 2 and "data fetch MSFT" in str(caught.value)
    with pytest.raises(DataError, match=r"KO.*2024-03-04 to now"):
        get(offline=True, symbols=("KO",))


def test_without_a_network_a_complete_store_serves_and_says_so(
    fake: FakeYahoo, get: Reader, clock: Clock, cut_off: Yahoo
) -> None:
    fake.listings["MSFT"] = march()
    get()
    clock.set("2024-03-25 18:00")
    bars, notes = get(cut_off)
    assert days_of(bars[0])[-1] == "2024-03-20"
    assert "Yahoo could not be asked (MSFT: Yahoo cannot be reached" in notes[0]
    assert "complete to 2024-03-20" in notes[0]


def test_without_a_network_an_incomplete_store_is_a_provider_down_that_names_the_days(
    fake: FakeYahoo, get: Reader, clock: Clock, cut_off: Yahoo
) -> None:
    fake.listings["MSFT"] = march()
    get()
    clock.set("2024-03-25 18:00")
    with pytest.raises(ProviderDownError, match=r"missing: 2024-03-21 to 2024-03-25") as caught:
        get(cut_off, end=date(2024, 3, 25))
    assert caught.value.exit_code == 3


def test_a_damaged_store_is_refused_and_a_refetch_mends_it(
    fake: FakeYahoo, get: Reader, folder: Path, yahoo: Yahoo
) -> None:
    fake.listings["MSFT"] = march()
    get()
    (path,) = folder.glob("yahoo/1d/MSFT/prices-*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"prices-.*SHA-256.*tradewind data fetch MSFT"):
        get(offline=True)
    with pytest.raises(StoreError):
        get()
    fetch(["MSFT"], store=folder, refetch=True, yahoo=yahoo)
    assert len(get()[0][0].ts) == 13


def test_a_damaged_manifest_is_refused_and_a_refetch_begins_anew(
    fake: FakeYahoo, get: Reader, folder: Path, yahoo: Yahoo
) -> None:
    fake.listings["MSFT"] = march()
    get()
    (folder / "manifest.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 4000)
    with pytest.raises(StoreError, match=r"manifest.sqlite.*--refetch"):
        get()
    report = fetch(["MSFT"], store=folder, refetch=True, yahoo=yahoo)
    assert "was moved to" in report.notes[0]
    assert len(get()[0][0].ts) == 13
    assert list(folder.glob("damaged-*/yahoo/1d/MSFT/prices-*.parquet"))


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


def hours(day: date, n_bars: int, price: float = 100.0) -> dict[datetime, Bar]:
    """Hours of a New York session; the first closes at 10:30."""
    zone = ZoneInfo("America/New_York")
    return {
        datetime.combine(day, time(9 + i, 30), zone): (price, price + 9, price - 1, price + i, 9.0)
        for i in range(n_bars)
    }


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


def test_show_tells_the_last_failure(
    fake: FakeYahoo, folder: Path, yahoo: Yahoo, clock: Clock
) -> None:
    fake.listings["MSFT"] = march()
    fetch(["MSFT"], store=folder, yahoo=yahoo)
    clock.set("2024-03-25 18:00")
    fake.always["MSFT"] = BROKEN
    with pytest.raises(ProviderDownError):
        fetch(["MSFT"], store=folder, yahoo=yahoo)
    assert show(folder)[0].last_error.startswith("ProviderDownError: MSFT: Yahoo answered HTTP 500")


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
        "from tradewind.engine.config import DataConfig\n"
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
