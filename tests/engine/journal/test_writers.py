"""One process writes, and may die at any moment; others read beside it."""

import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import journal_writer
from tests.journal_writer import event, new_events
from tradewind.engine.errors import JournalError
from tradewind.engine.journal.journal import Journal, JournalReader

KILLS = 30


@contextmanager
def writer(path: Path, sync: str = "normal") -> Iterator["subprocess.Popen[str]"]:
    """A process that writes until it is killed."""
    command = [sys.executable, journal_writer.__file__, str(path), sync]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip().isdigit()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def killed(path: Path, sync: str, turns: int) -> int:
    """Let a process write, kill it after so many turns; the last number it has told."""
    with writer(path, sync) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(turns)]
        process.kill()
        told += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    return told[-1]


@pytest.mark.slow
@pytest.mark.parametrize("sync", ["full", "normal"])
def test_what_was_acknowledged_outlives_thirty_kills(tmp_path: Path, sync: str) -> None:
    path, turns, before = tmp_path / "j.sqlite", random.Random(sync), 0
    for _ in range(KILLS):
        told = killed(path, sync, turns.randint(1, 60))
        assert told > before
        with JournalReader(path) as reader:
            assert told <= reader.verify() <= told + 40  # a turn that was not told yet may be there
            newest = list(reader.events(after=before))
            assert newest == [event(seq) for seq in range(before + 1, reader.count + 1)]
            before = reader.count
    with Journal.open(path) as journal:
        assert list(journal.events()) == [event(seq) for seq in range(1, before + 1)]
        snapshot = journal.snapshot()
        assert snapshot is not None
        assert snapshot[1] == str(snapshot[0]).encode() * 1000


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with writer(path) as process:
        with pytest.raises(JournalError, match=rf"process {process.pid} on \S+ writes it"):
            Journal.open(path, busy_s=0.0)
        with pytest.raises(JournalError, match=f"process {process.pid} on"):
            Journal.create(path, about={})
    with Journal.open(path, busy_s=0.0) as journal:
        with pytest.raises(JournalError, match="writes it, and a journal has one writer"):
            Journal.open(path, busy_s=0.0)
        assert journal.append(new_events(journal.count + 1, journal.count + 1)) == journal.count


def test_a_writer_that_waits_gets_the_journal_when_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with writer(path) as process:
        timer = threading.Timer(0.3, process.kill)
        timer.start()
        with Journal.open(path, busy_s=60.0) as journal:
            assert journal.count
        timer.join()


def test_a_reader_beside_a_writer_sees_whole_turns_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with writer(path) as process, JournalReader(path) as reader:
        assert process.stdout is not None
        told: set[int] = {0}
        ends: list[int] = []
        while len(ends) < 40 or len(set(ends)) <= 5:
            ends.append(reader.count)
            begun = max(0, ends[-1] - 50)
            newest = [one.seq for one in reader.events(after=begun)]
            assert newest == [begun + n for n in range(1, len(newest) + 1)]
            ends.append(newest[-1] if newest else 0)
            told.add(int(process.stdout.readline()))
        process.kill()
        told |= {int(line) for line in process.stdout.read().split("\n")[:-1]}
        assert {end for end in ends if end <= max(told)} <= told
        assert reader.verify() >= max(told)


def test_a_turn_that_was_not_committed_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    killed(path, "normal", 5)
    wal = path.with_name("j.sqlite-wal")
    with JournalReader(path) as reader:
        last = reader.count
    torn, size = last, wal.stat().st_size
    while torn == last:  # behind the last whole turn may lie a part of one that never was
        size -= 100
        os.truncate(wal, size)
        path.with_name("j.sqlite-shm").unlink()
        with JournalReader(path) as reader:
            torn = reader.count
    with JournalReader(path) as reader:
        assert 0 < torn < last
        assert list(reader.events()) == [event(seq) for seq in range(1, torn + 1)]
    with pytest.raises(JournalError, match=f"ends at event {torn}, but {last} were acknowledged"):
        Journal.open(path)


def test_a_lost_wal_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    told = killed(path, "full", 5)
    shutil.copytree(tmp_path, tmp_path / "copy")
    path.with_name("j.sqlite-wal").unlink()
    path.with_name("j.sqlite-shm").unlink()
    with pytest.raises(JournalError, match="-wal file is missing"):
        Journal.open(path)
    with Journal.open(tmp_path / "copy" / "j.sqlite") as journal:
        assert journal.verify() >= told


def test_a_reader_on_the_same_file_in_the_same_process_leaves_the_writer_its_locks(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.sqlite"
    with Journal.create(path, about={}) as journal:
        for first in range(1, 50):
            with JournalReader(path) as reader:
                assert reader.count == first - 1
            journal.append(new_events(first, first))
            with JournalReader(path) as reader:
                assert reader.last(event(first).kind) == event(first)
        assert journal.verify() == 49


def test_a_reader_in_another_thread_reads_on_while_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    seen: list[int] = []

    def read() -> None:
        with JournalReader(path) as reader:
            while not seen or seen[-1] < 300:
                numbers = [one.seq for one in reader.events()]
                assert numbers == list(range(1, len(numbers) + 1))
                seen.append(len(numbers))

    with Journal.create(path, about={}, sync="normal") as journal:
        thread = threading.Thread(target=read)
        thread.start()
        for first in range(1, 300, 3):
            journal.append(new_events(first, first + 2))
        thread.join()
    assert seen[-1] == 300
