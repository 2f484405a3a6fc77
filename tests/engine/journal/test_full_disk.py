"""A disk that is full or read-only: what was acknowledged stays, and with room it goes on."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import journal_writer
from tests.journal_writer import event, new_events
from tradewind.engine.errors import JournalDiskError, JournalError
from tradewind.engine.journal.journal import Journal, JournalReader


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(journal: Journal) -> int:
    """Append until the disk is full; the last number that was acknowledged."""
    while True:
        seq = journal.count
        try:
            journal.append(new_events(seq + 1, seq + 7))
        except JournalError as error:
            assert "free space there and resume" in str(error)
            assert error.exit_code == 3
            assert journal.count == seq
            return seq


@pytest.mark.parametrize("sync", ["full", "normal"])
def test_a_full_disk_refuses_a_turn_whole_and_with_space_the_same_journal_goes_on(
    small_disk: Path, sync: str
) -> None:
    path, ballast = small_disk / "j.sqlite", small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    with Journal.create(path, about={"run": "r"}, sync=sync) as journal:
        journal.append(new_events(1, 10))
        journal.keep_snapshot(10, b"ten")
        told = fill(journal)
        assert told > 100
        assert fill(journal) == told
        with pytest.raises(JournalError, match="free space there"):
            journal.keep_snapshot(told, os.urandom(300_000))
        assert journal.snapshot() == (10, b"ten")
        assert journal.verify() == told
        with JournalReader(path) as reader:
            assert list(reader.events()) == [event(seq) for seq in range(1, told + 1)]
        ballast.unlink()
        assert journal.append(new_events(told + 1, told + 50)) == told + 50
    with Journal.open(path) as journal:
        assert list(journal.events()) == [event(seq) for seq in range(1, told + 51)]
        assert journal.verify() == told + 50


def test_a_journal_is_opened_on_a_full_disk_and_goes_on_with_space(small_disk: Path) -> None:
    path, ballast = small_disk / "j.sqlite", small_disk / "ballast"
    with Journal.create(path, about={}) as journal:
        journal.append(new_events(1, 200))
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    with pytest.raises(JournalDiskError, match="free space there and resume"):
        Journal.open(path)
    ballast.unlink()
    with Journal.open(path) as journal:
        assert journal.verify() == 200
        assert journal.append(new_events(201, 201)) == 201


def test_a_journal_is_not_begun_on_a_full_disk(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(3 * 2**20 - 3 * 4096))
    with pytest.raises(JournalDiskError, match="free space there"):
        Journal.create(small_disk / "j.sqlite", about={})
    (small_disk / "ballast").unlink()
    with Journal.create(small_disk / "j.sqlite", about={}) as journal:
        assert journal.append(new_events(1, 1)) == 1


@pytest.mark.parametrize("ended", [True, False])
def test_a_journal_on_a_read_only_disk_is_read_and_not_written(
    small_disk: Path, ended: bool
) -> None:
    path = small_disk / "j.sqlite"
    with Journal.create(path, about={"run": "r"}) as journal:
        journal.append(new_events(1, 30))
        if not ended:  # as a writer leaves it that was killed
            killed = small_disk / "killed"
            killed.mkdir()
            for file in list(small_disk.glob("j.sqlite*")):
                shutil.copy(file, killed)
    path = path if ended else killed / "j.sqlite"
    assert path.with_name("j.sqlite-wal").exists() is not ended
    mount("-o", "remount,ro", str(small_disk))
    with JournalReader(path) as reader:
        assert reader.about == {"run": "r"}
        assert list(reader.events()) == [event(seq) for seq in range(1, 31)]
        assert reader.verify() == 30
    with pytest.raises(JournalDiskError, match="its folder cannot be written"):
        Journal.open(path)


@contextmanager
def nobody() -> Iterator[None]:
    """Root may write everywhere: be somebody who may not."""
    root = os.geteuid() == 0
    if root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)


def test_a_journal_in_a_folder_that_may_not_be_written_is_read() -> None:
    folder = Path(tempfile.mkdtemp(prefix="tradewind-closed-"))
    try:
        with Journal.create(folder / "j.sqlite", about={}) as journal:
            journal.append(new_events(1, 30))
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        with nobody(), JournalReader(folder / "j.sqlite") as reader:
            with pytest.raises(PermissionError):
                (folder / "new").touch()
            assert reader.verify() == 30
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize("sync", ["full", "normal"])
def test_a_limit_on_the_size_of_files_refuses_a_turn_whole_and_lifted_it_goes_on(
    tmp_path: Path, sync: str
) -> None:
    path = tmp_path / "j.sqlite"
    command = [sys.executable, journal_writer.__file__, str(path), sync, "1500000"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    *_, told, refused, more = done.stdout.splitlines()
    assert refused.startswith("refused: ")
    assert "nothing more was written" in refused
    assert int(more) == int(told) + 5
    with Journal.open(path) as journal:
        assert list(journal.events()) == [event(seq) for seq in range(1, int(more) + 1)]
        assert journal.verify() == int(more)
