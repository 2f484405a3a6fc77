"""A run whose journal is damaged, brought to where it can go on; the damaged file is kept.

What cannot be read is lost, and with it everything behind it: each event is held to the one before.
A turn is one transaction, so one that is not whole goes as well.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradewind.engine.errors import JournalError, RunError
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal, JournalReader
from tradewind.engine.journal.lease import Lease, noted
from tradewind.engine.journal.reader import TolerantReader
from tradewind.engine.journal.salvage import salvage
from tradewind.engine.live.home import Home
from tradewind.engine.live.recovery import ACCOUNT, INPUTS
from tradewind.engine.records import label

DRAFT = "journal.salvaged.sqlite"
BESIDE = ("-wal", "-shm", ".holder")  # files of a journal; the journal itself goes last


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged journal.

    Attributes
    ----------
    run : str
    why : str
        What was wrong with it.
    kept, lost : int
        Events.
    by_kind : dict of str to int
        Of what was lost, as far as the file still tells.
    last_bar, lost_upto : str
        Time of the last bar that is kept, and of the last that is lost; empty where unknown.
    damaged : Path
        Where the damaged journal lies now.
    """

    run: str
    why: str
    kept: int
    lost: int
    by_kind: dict[str, int]
    last_bar: str
    lost_upto: str
    damaged: Path

    @property
    def sentence(self) -> str:
        """What is kept, what is lost, and from when to when."""
        kept = f"{self.kept:,} events are kept"
        if self.last_bar:
            kept += f", the last bar is that of {self.last_bar}"
        if not self.lost:
            return f"{kept}; nothing is lost"
        parts = ", ".join(f"{n:,} {kind}" for kind, n in sorted(self.by_kind.items()))
        upto = f", up to the bar of {self.lost_upto}" if self.lost_upto else ""
        return (
            f"{kept}; {self.lost:,} events behind it are lost{f' ({parts})' if parts else ''}{upto}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "run": self.run, "why": self.why, "kept": self.kept, "lost": self.lost,
            "by_kind": self.by_kind, "last_bar": self.last_bar, "lost_upto": self.lost_upto,
            "damaged": str(self.damaged),
        }  # fmt: skip


def salvaged(home: Home) -> Salvaged:
    """Put the good part of a damaged journal in its place, and the damaged one beside it.

    Raises
    ------
    JournalError
        If a process works on the run, or not even what the journal is about can be read.
    RunError
        If nothing is wrong with it.
    """
    path, draft = home.journal, home.folder / DRAFT
    with _alone(path):
        if draft.is_file() and not path.exists():  # an earlier try ended between the two names
            _placed(draft, path)
        why = _damage(path)
        for file in home.folder.glob(f"{DRAFT}*"):  # what an earlier try has left
            file.unlink()
        acknowledged, damaged = noted(path), _name(path)
        cut, last_bar = _cut(path, acknowledged)
        with TolerantReader(path) as reader:
            by_kind, lost_upto = reader.beyond(cut)
        kept = salvage(path, draft, upto=cut)
        lost = max(acknowledged - kept, sum(by_kind.values()))
        said = {"what": "salvaged", "lost": lost, "damaged": damaged.name}
        with Journal.open(draft) as journal:
            journal.append([Event(0, time.time_ns(), "note", said)])
        for tail in BESIDE:
            if path.with_name(path.name + tail).exists():
                path.with_name(path.name + tail).rename(damaged.with_name(damaged.name + tail))
        path.rename(damaged)
        _placed(draft, path)
    return Salvaged(
        home.run, why, kept, lost, by_kind, label(last_bar) if last_bar else "",
        label(lost_upto) if lost_upto else "", damaged,
    )  # fmt: skip


def _name(path: Path) -> Path:
    """Where the damaged journal goes."""
    return path.with_name(f"journal.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.sqlite")


def _placed(draft: Path, path: Path) -> None:
    """Give the new journal its name, last of its files."""
    for tail in ("-wal", ".holder"):
        if draft.with_name(draft.name + tail).exists():
            draft.with_name(draft.name + tail).rename(path.with_name(path.name + tail))
    draft.rename(path)
    for file in draft.parent.glob(f"{draft.name}*"):
        file.unlink()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the right to write a journal: whoever works on the run has it otherwise."""
    lease = Lease(path, 0.0)
    try:
        yield
    finally:
        lease.release()


def _damage(path: Path) -> str:
    """What is wrong with a journal; raises RunError where nothing is."""
    try:
        with JournalReader(path) as reader:
            n = reader.verify()
    except JournalError as error:
        return str(error).partition("; the ")[0].partition("; 'tradewind")[0]
    raise RunError(
        f"{path}: all {n:,} events are what was written, so there is nothing to salvage; "
        f"'tradewind paper resume {path.resolve().parent.name}' goes on"
    )


def _cut(path: Path, acknowledged: int) -> tuple[int, int]:
    """(number of the last event that is kept, time of the last bar up to it or 0).

    Where something is lost behind the last good event, the turn that it is of may be as well.
    """
    good = turn = bar = bar_before = 0
    with TolerantReader(path) as reader:
        for event in reader.good():
            good = event.seq
            if event.kind in INPUTS or event.kind not in ACCOUNT:
                turn, bar_before = good - (event.kind in INPUTS), bar
            if event.kind == "bar":
                bar = event.at
        whole = acknowledged <= good and not reader.beyond(good)[0]
    return (good, bar) if whole else (turn, bar_before)
