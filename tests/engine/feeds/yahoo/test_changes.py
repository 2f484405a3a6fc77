"""Dividends, splits and corrections that come after the bars were stored."""

from datetime import date
from pathlib import Path

import pytest

from tests.yahoo_listings import march
from tests.yahoo_loopback import Clock, FakeYahoo, Reader, days_of
from tradewind.engine.errors import (
    DataError,
)
from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.yahoo import fetch, show


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


def test_a_split_that_yahoo_tells_before_it_rewrites_its_prices_is_held_back(
    fake: FakeYahoo, get: Reader, clock: Clock
) -> None:
    fake.listings["MSFT"] = march()
    get()
    clock.set("2024-03-22 18:00")
    fake.listings["MSFT"].split(date(2024, 3, 22), 2)
    fake.listings["MSFT"].factor = 2.0  # undoes what the server divides by
    bars, notes = get()
    assert days_of(bars[0])[-1] == "2024-03-20" and "2 times the stored ones" in notes[0]
    fake.listings["MSFT"].factor = 1.0
    bars, notes = get()
    assert days_of(bars[0])[-1] == "2024-03-22" and notes == ()
    assert bars[0].close[0] == 50.5
