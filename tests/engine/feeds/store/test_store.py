"""The local store: nothing damaged is used, nothing half-written is seen."""

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from tradewind.engine.errors import StoreError
from tradewind.engine.feeds import store_files
from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.store_merge import Difference
from tradewind.engine.feeds.store_records import Entry, Key, Refusal
from tradewind.engine.feeds.store_series import Events, Prices, Series
from tradewind.engine.records import DAY_NS

KO, MSFT = Key("yahoo", "1d", "KO"), Key("yahoo", "1d", "MSFT")
FLIPS = 250  # of each file; every flip that leaves the content readable must be found


def entry_of(key: Key) -> Entry:
    return Entry(
        provider=key.provider,
        interval=key.interval,
        symbol=key.symbol,
        covered_from="2024-03-01",
        covered_to="2024-03-20",
        first=0,
        last=0,
        rows=0,
        timezone="America/New_York",
        session_end=960,
        currency="USD",
        fetched_at=1_710_000_000 * 10**9,
        provider_version="yfinance 1.7.0",
        prices_file="",
        prices_sha256="",
        events_file="",
        events_sha256="",
        bytes=0,
    )


def series_of(price: float) -> Series:
    days = np.arange(19_783, 19_797, dtype=np.int64) * DAY_NS
    values = np.column_stack([price + np.arange(14.0) + j for j in (0, 2, -2, 1, 900)])
    events = Events(days[3:5], np.array(["dividend", "split"], "U12"), np.array([0.75, 4.0]))
    return Series(Prices(days, values), events)


def same(one: Series, other: Series) -> bool:
    pairs = [
        (one.prices.ts, other.prices.ts),
        (one.prices.values, other.prices.values),
        (one.events.ts, other.events.ts),
        (one.events.kind, other.events.kind),
        (one.events.value, other.events.value),
    ]
    return all(np.array_equal(a, b) for a, b in pairs)


def content_of(store: Store) -> list[tuple[Entry, Series]]:
    state = store.lookup([KO, MSFT])
    return [store.load(entry) for key in (KO, MSFT) if (entry := state[key][0])]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two symbols and a revision."""
    store = Store(tmp_path / "store")
    with store.writing() as pen:
        pen.save(entry_of(KO), series_of(50.0))
        pen.save(entry_of(MSFT), series_of(400.0))
        pen.record(KO, 17, "kept", [Difference("bar", 5, (1.0,), (2.0,))])
    yield store


def test_what_was_saved_is_read_to_the_last_bit(store: Store) -> None:
    (ko, ko_series), (msft, msft_series) = content_of(store)
    assert same(ko_series, series_of(50.0)) and same(msft_series, series_of(400.0))
    assert (ko.rows, ko.first, msft.last) == (14, 19_783 * DAY_NS, 19_796 * DAY_NS)
    assert ko.bytes == sum(p.stat().st_size for p in store.folder.glob("yahoo/1d/KO/*"))


def test_prices_and_events_are_files_apart(store: Store) -> None:
    names = sorted(path.name.split("-")[0] for path in store.folder.glob("yahoo/1d/KO/*"))
    assert names == ["events", "prices"]


def test_a_save_leaves_only_the_files_it_refers_to(store: Store) -> None:
    (store.folder / "yahoo" / "1d" / "KO" / ".prices-x.parquet.1.tmp").write_bytes(b"crash")
    with store.writing() as pen:
        entry, _ = pen.load(KO) or pytest.fail("KO is stored")
        pen.save(entry, series_of(51.0))
    assert len(list((store.folder / "yahoo" / "1d" / "KO").iterdir())) == 2
    assert same(content_of(store)[0][1], series_of(51.0))


def test_an_error_on_the_way_leaves_everything_as_it_was(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as pen:
        pen.save(entry_of(KO), series_of(99.0))
        raise ZeroDivisionError
    assert same(content_of(store)[0][1], series_of(50.0))


def test_a_reader_follows_a_writer_that_was_faster(store: Store) -> None:
    old = store.lookup([KO])[KO][0]
    assert old is not None
    with store.writing() as pen:
        pen.save(old, series_of(51.0))
    entry, series = store.load(old)
    assert same(series, series_of(51.0)) and entry.prices_file != old.prices_file


@pytest.mark.parametrize("kind", ["prices", "events"])
def test_every_flipped_bit_and_every_cut_of_a_file_is_found(store: Store, kind: str) -> None:
    (path,) = store.folder.glob(f"yahoo/1d/KO/{kind}-*.parquet")
    whole = path.read_bytes()
    entry = store.lookup([KO])[KO][0]
    assert entry is not None
    draw = random.Random(5)
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=rf"{kind}-.*KO.*tradewind data fetch KO"):
            store.load(entry)
        path.write_bytes(whole[: draw.randrange(len(whole))])
        with pytest.raises(StoreError):
            store.load(entry)


def test_files_that_traded_places_are_found(store: Store) -> None:
    (ko,) = store.folder.glob("yahoo/1d/KO/prices-*.parquet")
    (msft,) = store.folder.glob("yahoo/1d/MSFT/prices-*.parquet")
    shutil.copy(msft, ko)
    with pytest.raises(StoreError, match=r"SHA-256"):
        content_of(store)


def test_a_missing_file_is_found(store: Store) -> None:
    for path in store.folder.glob("yahoo/1d/KO/events-*.parquet"):
        path.unlink()
    with pytest.raises(StoreError, match=r"events-.*is missing"):
        content_of(store)


def test_a_damaged_manifest_never_tells_anything_untrue(store: Store) -> None:
    path = store.manifest_path
    whole, truth = path.read_bytes(), content_of(store)
    told = store.revisions()
    draw = random.Random(7)
    used = [i for i in range(len(whole)) if whole[i]]  # empty pages hold nothing to lose
    found = 0
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[draw.choice(used)] ^= 1 << draw.randrange(8)
        _restore(store, bytes(damaged))
        try:
            content, revisions = content_of(store), store.revisions()
        except StoreError:
            found += 1
            continue
        assert [e for e, _ in content] == [e for e, _ in truth]
        assert all(same(a, b) for (_, a), (_, b) in zip(content, truth, strict=True))
        assert revisions == told
    assert found > FLIPS / 2


def test_a_manifest_cut_short_is_found(store: Store) -> None:
    whole = store.manifest_path.read_bytes()
    for size in (0, 1, 15, 100, 4096, len(whole) // 2, len(whole) - 1):
        _restore(store, whole[:size])
        with pytest.raises(StoreError, match=r"manifest.sqlite"):
            content_of(store)


def test_a_manifest_that_is_gone_is_found(store: Store) -> None:
    store.manifest_path.unlink()
    with pytest.raises(StoreError, match="is missing or empty"):
        content_of(store)


def _restore(store: Store, content: bytes) -> None:
    for suffix in ("-wal", "-shm"):
        store.manifest_path.with_name(store.manifest_path.name + suffix).unlink(missing_ok=True)
    store.manifest_path.write_bytes(content)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE series SET covered_to = '2024-03-25' WHERE symbol = 'KO'",
        "UPDATE series SET rows = 13 WHERE symbol = 'KO'",
        "DELETE FROM series WHERE symbol = 'KO'",
        "INSERT INTO series SELECT provider, '1h', symbol, covered_from, covered_to, first, last, "
        "rows, timezone, session_end, currency, fetched_at, provider_version, prices_file, "
        "prices_sha256, events_file, events_sha256, bytes, seal FROM series WHERE symbol = 'KO'",
        "DROP TRIGGER revisions_no_delete; DELETE FROM revisions",
        "DROP TRIGGER revisions_no_update; UPDATE revisions SET rows = '[]'",
        "DELETE FROM seal",
        "DROP TABLE refusals",
    ],
)
def test_a_manifest_changed_by_hand_is_found(store: Store, statement: str) -> None:
    with sqlite3.connect(store.manifest_path) as db:
        db.executescript(statement)
    db.close()
    with pytest.raises(StoreError, match=r"manifest"):
        content_of(store)


@pytest.mark.parametrize("statement", ["DELETE FROM revisions", "UPDATE revisions SET rows = ''"])
def test_revisions_cannot_be_taken_back(store: Store, statement: str) -> None:
    db = sqlite3.connect(store.manifest_path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)
    db.close()


def test_a_difference_goes_on_record_once(store: Store) -> None:
    known, new = Difference("bar", 5, (1.0,), (2.0,)), Difference("bar", 6, None, (2.0,))
    with store.writing() as pen:
        assert pen.record(KO, 18, "kept", [known, new]) == [new]
        assert pen.record(KO, 19, "replaced", [known]) == [known]
        assert pen.record(KO, 20, "kept", [known]) == []
    assert [r.noticed_at for r in store.revisions(KO)] == [17, 18, 19]
    assert store.revisions(MSFT) == []


def test_a_success_forgets_the_failure_before_it(store: Store) -> None:
    with store.writing() as pen:
        pen.refuse(Refusal("yahoo", "1d", "KO", 1, 2, "ProviderDownError", "down"))
    assert [e.last_error for e in store.contents()] == ["ProviderDownError: down", ""]
    with store.writing() as pen:
        pen.save(entry_of(KO), series_of(50.0))
    assert [e.last_error for e in store.contents()] == ["", ""]


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "../../etc/passwd",
        "/etc/passwd",
        "a\\b",
        "C:",
        "CON",
        "nul.txt",
        "^GSPC",
        "a/../b",
        "x.",
        "~",
        "%2E%2E",
        "\0",
        "é",
        "BRK-B",
        "EURUSD=X",
        "com1",
    ],
)
def test_no_name_leaves_the_store(tmp_path: Path, name: str) -> None:
    safe = store_files.encoded(name)
    folder = store_files.place(tmp_path, Key("yahoo", "1d", name))
    assert folder.resolve().parent == (tmp_path / "yahoo" / "1d").resolve()
    assert not set(safe) & set('/\\:*?"<>|\0')
    assert safe.split(".")[0].upper() not in {"CON", "NUL", "COM1"} and not safe.endswith(".")
    assert unquote(safe) == name


def test_names_keep_apart_in_the_store() -> None:
    names = ["A.B", "A%2EB", "A/B", "A%2FB", "..", "%2E%2E", "CON", "%43ON"]
    assert len({store_files.encoded(name) for name in names}) == len(names)


def test_a_store_that_cannot_be_written_says_so_and_keeps_what_it_had(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left.*untouched"), store.writing() as pen:
        pen.save(entry_of(KO), series_of(99.0))
    monkeypatch.undo()
    assert same(content_of(store)[0][1], series_of(50.0))
    assert not list(store.folder.rglob("*.tmp"))


def test_a_store_where_a_file_stands_says_so(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("I am a file")
    with (
        pytest.raises(StoreError, match=r"store.*data\.store"),
        Store(tmp_path / "store").writing(),
    ):
        pass


def test_only_damage_is_set_aside(store: Store) -> None:
    assert store.set_damage_aside() is None
    _restore(store, b"not a database, but long enough to be taken for one" * 100)
    aside = store.set_damage_aside()
    assert aside is not None and (aside / "manifest.sqlite").exists()
    assert len(list(aside.glob("yahoo/1d/*/*.parquet"))) == 4
    assert store.contents() == []
    with store.writing() as pen:
        pen.save(replace(entry_of(KO), covered_to="2024-03-21"), series_of(50.0))
    assert [e.covered_to for e in store.contents()] == ["2024-03-21"]
