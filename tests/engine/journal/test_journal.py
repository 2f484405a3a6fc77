"""A journal gives back what was put in, and takes nothing that it could not give back."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal_writer import event, new_events
from tradewind.engine.errors import InvariantError, JournalError
from tradewind.engine.journal import reader as reading
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal, JournalReader
from tradewind.engine.journal.kinds import KINDS

KIND = st.sampled_from(sorted(KINDS))
TIME = st.integers(-(2**63), 2**63 - 1)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
EVENT = st.builds(
    Event, st.just(0), TIME, KIND, st.dictionaries(st.text(), PLAIN, max_size=5), st.binary()
)
ONE_FILE = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.create(tmp_path / "j.sqlite", about={"run": "r", "n": 1}) as made:
        yield made


def numbered(events: list[Event], first: int) -> list[Event]:
    return [one._replace(seq=seq) for seq, one in enumerate(events, first)]


def same(found: Any, wanted: Any) -> bool:
    """Equal, and of the same types all the way down: 1 is not 1.0, nor True."""
    if isinstance(wanted, dict):
        return list(found) == sorted(wanted) and all(same(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, float):
        return type(found) is float and found.hex() == wanted.hex()
    return type(found) is type(wanted) and bool(found == wanted)


@ONE_FILE
@given(turns=st.lists(st.lists(EVENT, max_size=4), max_size=4))
def test_any_facts_and_any_blob_come_back_as_they_were(
    turns: list[list[Event]], journal: Journal
) -> None:
    begun = journal.count
    for turn in turns:
        before = journal.count
        assert journal.append(turn) == before + len(turn)
    found = list(journal.events(after=begun))
    wanted = numbered([one for turn in turns for one in turn], begun + 1)
    assert found == wanted
    assert all(same(one.facts, other.facts) for one, other in zip(found, wanted, strict=True))
    assert journal.verify() == begun + len(wanted)


def test_a_journal_opened_again_has_everything_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal.create(path, about={"run": "r"}) as journal:
        journal.append(new_events(1, 10))
        journal.append(new_events(11, 12))
    with Journal.open(path) as journal:
        assert journal.about == {"run": "r"}
        assert journal.append(new_events(13, 13)) == 13
        assert list(journal.events()) == [event(seq) for seq in range(1, 14)]
        assert journal.verify() == 13
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "j.sqlite", "j.sqlite.holder", "j.sqlite.lock"
    ]  # fmt: skip


@pytest.mark.parametrize("chunk", [1, 3, 512])
def test_events_of_some_kinds_come_in_the_order_of_writing(
    journal: Journal, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", chunk)
    journal.append(new_events(1, 21))
    some = list(journal.events(after=2, kinds={"fill", "bar", "note"}))
    assert [one.seq for one in some] == [4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert some == [event(one.seq) for one in some]
    assert [one.seq for one in journal.events(after=16, kinds=["order"])] == [17, 21]
    assert [one.seq for one in journal.events(after=17)] == [18, 19, 20, 21]
    assert list(journal.events(kinds=())) == []


def test_last_is_the_newest_of_its_kind(journal: Journal) -> None:
    assert journal.last("order") is None
    journal.append(new_events(1, 9))
    assert journal.last("order") == event(9)
    assert journal.last("equity") == event(7)
    assert journal.last("daily") is None


def test_the_number_orders_where_the_clock_jumps_back(journal: Journal) -> None:
    journal.append([Event(0, at, "note", {"at": at}) for at in (5, 3, 9, -1)])
    assert [(one.seq, one.at) for one in journal.events()] == [(1, 5), (2, 3), (3, 9), (4, -1)]


def test_events_written_while_one_reads_are_not_read(journal: Journal) -> None:
    journal.append(new_events(1, 3))
    seen = []
    for one in journal.events():
        journal.append(new_events(journal.count + 1, journal.count + 1))
        seen.append(one.seq)
    assert (seen, journal.count) == ([1, 2, 3], 6)


def test_nothing_appended_is_nothing_written(journal: Journal) -> None:
    journal.append(new_events(1, 3))
    assert journal.append([]) == 3


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (Event(0, 0, "gossip"), "unknown kind 'gossip'"),
        (Event(0, 0, "note", {"x": math.nan}), "finite"),
        (Event(0, 0, "note", {"x": [1.0, {"y": math.inf}]}), "finite"),
        (Event(0, 0, "note", {"x": {"y": [{3: 4}]}}), "the key 3 is no text"),
        (Event(0, 0, "note", {"x": object()}), "object"),
        (Event(0, 0, "note", {"x": b"bytes"}), "bytes"),
        (Event(0, 2**63, "note"), "64 bits"),
        (Event(0, 0.5, "note"), "time or blob"),  # type: ignore[arg-type]
        (Event(0, 0, "note", {}, "text"), "time or blob"),  # type: ignore[arg-type]
        (Event(7, 0, "note"), "comes with the number 7"),
    ],
)
def test_an_event_that_could_not_come_back_is_refused_with_its_whole_turn(
    bad: Event, said: str, journal: Journal
) -> None:
    journal.append(new_events(1, 2))
    with pytest.raises(InvariantError, match=said) as raised:
        journal.append([*new_events(3, 3), bad])
    assert "event 4" in str(raised.value)
    assert journal.count == 2
    assert journal.append(new_events(3, 4)) == 4
    assert journal.verify() == 4


def test_the_newest_two_snapshots_are_kept(journal: Journal) -> None:
    assert journal.snapshot() is None
    journal.append(new_events(1, 9))
    for seq in (0, 3, 6, 9):
        journal.keep_snapshot(seq, b"state %d" % seq)
        assert journal.snapshot() == (seq, b"state %d" % seq)
    seqs = journal._file.execute("SELECT seq FROM snapshots ORDER BY seq").fetchall()
    assert seqs == [(6,), (9,)]
    with pytest.raises(InvariantError, match="after event 10 of 9"):
        journal.keep_snapshot(10, b"")


def test_a_journal_says_how_many_events_a_restart_would_do_again(journal: Journal) -> None:
    journal.append(new_events(1, 9))
    assert journal.since_snapshot == 9
    journal.keep_snapshot(7, b"state")
    assert journal.since_snapshot == 2
    path = journal.path
    journal.close()
    with Journal.open(path) as again:
        assert again.since_snapshot == 2


@ONE_FILE
@given(blob=st.binary(), times=st.sampled_from([1, 50_000]))
def test_any_snapshot_comes_back_as_it_was(blob: bytes, times: int, journal: Journal) -> None:
    journal.keep_snapshot(0, blob * times)
    assert journal.snapshot() == (0, blob * times)


def test_a_second_journal_is_not_begun_over_the_first(journal: Journal, tmp_path: Path) -> None:
    journal.append(new_events(1, 3))
    journal.close()
    with pytest.raises(JournalError, match="there is a journal already"):
        Journal.create(tmp_path / "j.sqlite", about={})
    with JournalReader(tmp_path / "j.sqlite") as reader:
        assert reader.verify() == 3


def test_a_journal_begun_where_one_was_removed_does_not_look_for_its_events(
    journal: Journal, tmp_path: Path
) -> None:
    journal.append(new_events(1, 3))
    journal.close()
    (tmp_path / "j.sqlite").unlink()
    with Journal.create(tmp_path / "j.sqlite", about={}) as other:
        assert other.verify() == 0


def test_a_draft_left_by_a_killed_process_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite.draft").write_bytes(b"half")
    with Journal.create(tmp_path / "j.sqlite", about={"run": "r"}) as journal:
        assert journal.append(new_events(1, 1)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no journal there"), (b"", "is empty"), (b"What is this?" * 999, "is no journal")],
)
def test_what_is_no_journal_is_said_to_be_none(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "j.sqlite").write_bytes(content)
    for opened in (JournalReader, Journal.open):
        with pytest.raises(JournalError, match=said):
            opened(tmp_path / "j.sqlite")


def test_a_mode_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="wanted full or normal"):
        Journal.create(tmp_path / "j.sqlite", about={}, sync="most")
    assert not (tmp_path / "j.sqlite").exists()
