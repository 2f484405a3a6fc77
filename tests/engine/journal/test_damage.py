"""Whatever is changed, taken out or cut off is noticed, and what is good can be taken out."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal_writer import event, new_events
from tradewind.engine.errors import JournalError
from tradewind.engine.journal import connecting
from tradewind.engine.journal import journal as writing
from tradewind.engine.journal.journal import Journal, JournalReader
from tradewind.engine.journal.salvage import salvage

PAGE = 4096
N_EVENTS, SNAPSHOTS = 400, (100, 200, 300)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed journal of 400 events on many small pages, with snapshots after 200 and 300."""
    monkeypatch.setattr(connecting, "PAGE", PAGE)
    with Journal.create(tmp_path / "j.sqlite", about={"run": "r"}) as journal:
        for first in range(1, N_EVENTS, 20):
            journal.append(new_events(first, first + 19))
            if first + 19 in SNAPSHOTS:
                journal.keep_snapshot(first + 19, b"state %d" % (first + 19))
    return tmp_path / "j.sqlite"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every journal counts as a large one, which is checked from its snapshot on."""
    monkeypatch.setattr(writing, "WHOLE", 0)


def tamper(path: Path, *statements: str) -> None:
    """Change a journal as somebody would who knows SQLite."""
    file = sqlite3.connect(path)
    for name in ("events_stay", "events_remain", "about_stays"):
        file.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert file.execute(statement).rowcount
    file.commit()
    file.close()


def pages_with(path: Path, what: bytes) -> list[int]:
    """Numbers of the file's pages that hold some bytes, from 0."""
    whole = path.read_bytes()
    return sorted({found.start() // PAGE for found in re.finditer(re.escape(what), whole)})


def overwrite(path: Path, page: int, filler: bytes = b"\xa5") -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(filler * PAGE)


def test_the_file_itself_refuses_changes(path: Path) -> None:
    file = sqlite3.connect(path)
    for statement in ("UPDATE events SET at = 0", "DELETE FROM events WHERE seq = 400"):
        with pytest.raises(sqlite3.IntegrityError, match="a journal only grows"):
            file.execute(statement)
    with pytest.raises(sqlite3.IntegrityError, match="written once"):
        file.execute("UPDATE about SET facts = '{}'")
    with pytest.raises(sqlite3.IntegrityError):
        file.execute("INSERT INTO about SELECT 2, facts, seal FROM about")
    file.close()


CHANGES = {
    "a changed time": (["UPDATE events SET at = at + 1 WHERE seq = {n}"], 0),
    "changed facts": (["UPDATE events SET facts = replace(facts, 'n', 'm') WHERE seq = {n}"], 0),
    "a changed kind": (["UPDATE events SET kind = 'note' WHERE seq = {n}"], 0),
    "a changed blob": (["UPDATE events SET blob = x'00' WHERE seq = {n}"], 0),
    "a changed checksum": (["UPDATE events SET crc = crc + 1 WHERE seq = {n}"], 0),
    "facts that are a number": (["UPDATE events SET facts = x'ff' WHERE seq = {n}"], 0),
    "facts that are no text": (
        ["UPDATE events SET facts = CAST(x'ff' AS TEXT) WHERE seq = {n}"], 0,
    ),
    "a missing event": (["DELETE FROM events WHERE seq = {n}"], 0),
    "two events in each other's place": (
        ["UPDATE events SET seq = -1 WHERE seq = {n}", "UPDATE events SET seq = {n} WHERE seq = "
         "{n} + 4", "UPDATE events SET seq = {n} + 4 WHERE seq = -1"], 0,
    ),
    "an event put in and the rest moved": (
        ["UPDATE events SET seq = -seq WHERE seq > {n}", "UPDATE events SET seq = 1 - seq WHERE "
         "seq < 0", "INSERT INTO events SELECT seq + 1, prior, crc, at, kind, facts, blob FROM "
         "events WHERE seq = {n}"], 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("number", [2, 150, 395])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_an_event_is_noticed_and_what_is_before_it_is_good(
    path: Path, tmp_path: Path, change: str, number: int
) -> None:
    statements, later = CHANGES[change]
    tamper(path, *(statement.format(n=number) for statement in statements))
    good = number - 1 + later
    said = f"event {good + 1} is not what was written.*the {good} events before it are good"
    with JournalReader(path) as reader:
        with pytest.raises(JournalError, match=said):
            reader.verify()
        seen: list[int] = []
        with pytest.raises(JournalError, match=said):
            seen.extend(one.seq for one in reader.events())
        assert seen == list(range(1, good + 1))
    with pytest.raises(JournalError, match=said):
        Journal.open(path)
    assert salvage(path, tmp_path / "good.sqlite") == good
    with Journal.open(tmp_path / "good.sqlite") as saved:
        assert list(saved.events()) == [event(seq) for seq in range(1, good + 1)]
        assert saved.about == {"run": "r"}
        kept = [seq for seq in SNAPSHOTS[1:] if seq <= good]
        assert saved.snapshot() == ((kept[-1], b"state %d" % kept[-1]) if kept else None)
        assert saved.append(new_events(good + 1, good + 1)) == good + 1


@pytest.mark.parametrize("change", ["changed facts", "a missing event"])
def test_who_reads_one_kind_notices_a_change_too(path: Path, change: str) -> None:
    tamper(path, *(statement.format(n=150) for statement in CHANGES[change][0]))
    kind = event(150).kind
    with JournalReader(path) as reader:
        assert [one.seq for one in reader.events(kinds=[kind], after=160)][-1] == 398
        with pytest.raises(JournalError, match="is not what was written"):
            list(reader.events(kinds=[kind]))
        with pytest.raises(JournalError, match="is not what was written"):
            list(reader.events(kinds=[kind, "note"]))


def test_rows_cut_off_the_end_are_noticed(path: Path, tmp_path: Path) -> None:
    tamper(path, "DELETE FROM events WHERE seq > 390")
    said = "ends at event 390, but 400 were acknowledged"
    with JournalReader(path) as reader, pytest.raises(JournalError, match=said):
        reader.verify()
    with pytest.raises(JournalError, match=said):
        Journal.open(path)
    (tmp_path / "j.sqlite.holder").unlink()
    with Journal.open(path) as journal:
        assert journal.append(new_events(391, 391)) == 391


@pytest.mark.usefixtures("large")
def test_an_end_cut_off_before_the_snapshot_is_noticed_without_a_note(
    path: Path, tmp_path: Path
) -> None:
    tamper(path, "DELETE FROM events WHERE seq > 290")
    (tmp_path / "j.sqlite.holder").unlink()
    with pytest.raises(JournalError, match="snapshot was made after event 300"):
        Journal.open(path)


@pytest.mark.usefixtures("large")
def test_a_large_journal_is_opened_from_its_snapshot_on_and_checked_when_read(path: Path) -> None:
    tamper(path, "UPDATE events SET at = 7 WHERE seq = 150")
    with Journal.open(path) as journal:
        assert [one.seq for one in journal.events(after=300)] == list(range(301, 401))
        with pytest.raises(JournalError, match="event 150 is not what was written"):
            list(journal.events())
        with pytest.raises(JournalError, match="event 150 is not what was written"):
            journal.verify()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(("number", "side"), [(150, "before"), (350, "behind")])
def test_damage_that_is_found_at_the_opening_is_put_before_or_behind_the_snapshot(
    path: Path, number: int, side: str
) -> None:
    tamper(path, f"UPDATE events SET at = 7 WHERE seq IN ({number}, 360)")
    with pytest.raises(JournalError, match=f"event {number} is.*{side} the newest whole snapshot"):
        Journal.open(path)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    "change",
    ["blob = zeroblob(9)", "seal = 'x'", "seal = 7", "crc = crc + 1", "packed = 1 - packed"],
)
def test_a_damaged_newest_snapshot_is_passed_over_for_the_older_one(
    path: Path, change: str
) -> None:
    file = sqlite3.connect(path)
    file.execute(f"UPDATE snapshots SET {change} WHERE seq = 300")
    file.commit()
    file.close()
    with Journal.open(path) as journal:
        assert journal.snapshot() == (200, b"state 200")
        assert journal.verify() == N_EVENTS
        journal.keep_snapshot(400, b"state 400")
        assert journal.snapshot() == (400, b"state 400")


def test_the_snapshots_page_damaged_leaves_none_and_the_events_are_read(path: Path) -> None:
    (page,) = pages_with(path, b"state 300")
    overwrite(path, page)
    with JournalReader(path) as reader:
        assert reader.snapshot() is None
        assert len(list(reader.events())) == N_EVENTS
        with pytest.raises(JournalError, match="all 400 events are good, but the file is damaged"):
            reader.verify()
    with pytest.raises(JournalError, match="all 400 events are good, but the file is damaged"):
        Journal.open(path)


@pytest.mark.parametrize("filler", [b"\xa5", b"\0"])
@pytest.mark.parametrize("number", [1, 150, 390, 400])
def test_a_corrupt_page_is_said_and_the_events_before_it_are_taken_out(
    path: Path, tmp_path: Path, number: int, filler: bytes
) -> None:
    page = pages_with(path, b'{"n":%d,' % number)[-1]
    overwrite(path, page, filler)
    with pytest.raises(JournalError, match="events before it are good") as raised:
        Journal.open(path)
    (good,) = re.findall(r"the (\d+) events before it", str(raised.value))
    assert int(good) < number
    assert salvage(path, tmp_path / "good.sqlite") == int(good)
    with JournalReader(tmp_path / "good.sqlite") as saved:
        assert saved.verify() == int(good)
        assert list(saved.events()) == [event(seq) for seq in range(1, int(good) + 1)]
    with JournalReader(path) as reader, pytest.raises(JournalError):
        reader.verify()


def test_every_page_overwritten_in_turn_is_noticed_or_harmless(path: Path, tmp_path: Path) -> None:
    whole = [event(seq) for seq in range(1, N_EVENTS + 1)]
    noticed = 0
    for page in range(path.stat().st_size // PAGE):
        copy = tmp_path / "copy.sqlite"
        shutil.copy(path, copy)
        overwrite(copy, page)
        try:
            with Journal.open(copy) as journal:
                assert list(journal.events()) == whole, page
        except JournalError:
            noticed += 1
            (tmp_path / "good.sqlite").unlink(missing_ok=True)
            try:
                good = salvage(copy, tmp_path / "good.sqlite")
            except JournalError:
                assert page < 3  # the root, or what the journal is about
                continue
            with JournalReader(tmp_path / "good.sqlite") as saved:
                assert list(saved.events()) == whole[:good], page
    assert noticed > 20


@pytest.mark.parametrize("size", [100, PAGE, PAGE * 3 + 17, PAGE * 20, -PAGE, -1])
def test_a_file_cut_short_is_said_to_be_and_what_is_there_is_taken_out(
    path: Path, tmp_path: Path, size: int
) -> None:
    shorter = size if size > 0 else path.stat().st_size + size
    with path.open("r+b") as file:
        file.truncate(shorter)
    with pytest.raises(JournalError, match=r"cut short|events before it are good|first page"):
        Journal.open(path)
    with pytest.raises(JournalError), JournalReader(path) as reader:
        reader.verify()
    if shorter < 10 * PAGE:
        return
    good = salvage(path, tmp_path / "good.sqlite")
    with JournalReader(tmp_path / "good.sqlite") as saved:
        assert list(saved.events()) == [event(seq) for seq in range(1, good + 1)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("PRAGMA user_version=99", "has format 99, and this tradewind knows 1"),
        ("PRAGMA application_id=1", "is no journal of a paper run"),
        ("UPDATE about SET facts = '{}'", "what it says about its run is damaged"),
        ("DELETE FROM about", "what it says about its run is damaged"),
    ],
)
@pytest.mark.parametrize("opened", [JournalReader, Journal.open])
def test_another_file_another_version_and_a_journal_of_nothing_are_told_apart(
    path: Path, statement: str, said: str, opened: Callable[[Path], JournalReader]
) -> None:
    file = sqlite3.connect(path)
    file.execute("DROP TRIGGER about_stays")
    file.execute(statement)
    file.commit()
    file.close()
    with pytest.raises(JournalError, match=said):
        opened(path)


def test_a_journal_without_a_fault_is_salvaged_whole(path: Path, tmp_path: Path) -> None:
    assert salvage(path, tmp_path / "good.sqlite") == N_EVENTS
    with Journal.open(tmp_path / "good.sqlite") as saved, JournalReader(path) as old:
        assert list(saved.events()) == list(old.events())
        assert saved.snapshot() == old.snapshot() == (300, b"state 300")
    with pytest.raises(JournalError, match="there is a journal already"):
        salvage(path, tmp_path / "good.sqlite")
