"""What happens when Yahoo, a symbol or the store cannot be had."""

from datetime import date
from pathlib import Path

import pytest

from tests.yahoo_listings import march
from tests.yahoo_loopback import BROKEN, TOO_MANY, Clock, FakeYahoo, Reader, days_of
from tradewind.engine.errors import (
    DataError,
    PartialUniverseError,
    ProviderDownError,
    RateLimitedError,
    StoreError,
    UnknownSymbolError,
)
from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.yahoo import fetch, show


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
