"""The journal of a paper run: an SQLite file that only grows.

Everything of one turn goes in as one transaction, which is on the disk before anything is acted on.
Each row carries a checksum over itself and the row before it, so a row that was changed, taken out
or put elsewhere is noticed. One process writes; any number read.

What :meth:`Journal.open` checks: format, what it is about, that its end is there, its newest whole
snapshot, and every event behind that; in a file under ``WHOLE`` bytes every page and every event.
What it does not: events before the snapshot in a larger file. Those are checked when they are read,
and all of them by :meth:`JournalReader.verify`.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from tradewind.engine.errors import InvariantError, JournalError
from tradewind.engine.journal import snapshots
from tradewind.engine.journal.connecting import check_sync, lay_out, writable
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.faults import DamagedError, explained, is_damage, take_out
from tradewind.engine.journal.kinds import KINDS
from tradewind.engine.journal.layout import (
    INSERT,
    LAST_OF_KIND,
)
from tradewind.engine.journal.lease import Lease, note_path, noted
from tradewind.engine.journal.reader import ENDLESS, JournalReader, TolerantReader
from tradewind.engine.journal.rows import rows_of, text_of

__all__ = ["Journal", "JournalReader"]

WHOLE = 64_000_000  # bytes; a smaller file is checked from end to end when it is opened


class Journal(JournalReader):
    """A journal that is written, by one thread; make one with :meth:`create` or :meth:`open`."""

    _seq: int
    _crc: int
    _kept_at: int  # number of the event of the newest snapshot

    def __init__(self, path: Path, lease: Lease, *, sync: str, busy_s: float) -> None:
        self._lease = lease
        self._begin(Path(path), partial(writable, sync=sync, busy_s=busy_s))
        try:
            self._find_end()
        except BaseException:
            self._file.close()
            raise

    @classmethod
    def create(cls, path: Path, *, about: Mapping[str, Any], sync: str = "full") -> Self:
        """Begin a journal.

        Parameters
        ----------
        path : Path
            Of a file that does not exist.
        about : mapping
            Of which run it is, in plain JSON values; written once.
        sync : str
            ``full``: on the disk when :meth:`append` returns, power cut or not; ``normal``: only
            the death of the process is outlived.

        Raises
        ------
        JournalError
            If the file exists or cannot be written.
        """
        path = Path(path)
        check_sync(path, sync)
        facts = text_of(about, "about")
        lease = Lease(path, 0.0)
        try:
            if path.exists():
                raise JournalError(f"{path}: there is a journal already; 'tradewind paper resume'")
            lay_out(path, facts)
            note_path(path).unlink(missing_ok=True)
        except BaseException:
            lease.release()
            raise
        lease.release()
        return cls.open(path, sync=sync, busy_s=1.0)  # 'status' may look for a moment

    @classmethod
    def open(cls, path: Path, *, sync: str = "full", busy_s: float = 5.0) -> Self:
        """Go on with a journal; what follows its newest snapshot is checked.

        Parameters
        ----------
        path : Path
        sync : str
            As in :meth:`create`.
        busy_s : float
            How long another process that writes it is waited for.

        Raises
        ------
        JournalError
            If another process writes it, its folder cannot be written, or it is damaged; the
            message says up to which event it is good.
        """
        path = Path(path)
        check_sync(path, sync)
        if not path.is_file():
            raise JournalError(f"{path}: no journal there; name the folder of a paper run")
        lease = Lease(path, busy_s)
        try:
            return cls(path, lease, sync=sync, busy_s=busy_s)
        except BaseException as error:
            lease.release()
            if isinstance(error, JournalError) and _is_of_damage(error):
                raise _located(path, error) from None
            raise

    def _find_end(self) -> None:
        """Check what :meth:`open` promises, and stand behind the last event."""
        last = self.count
        self._end_there(noted(self.path), last)
        small = self.path.stat().st_size <= WHOLE
        self._kept_at, crc = self._kept(last)
        after = self._kept_at
        if small:
            after = crc = 0
        self._crc = self._crc_through(after, crc, last)
        if small:
            with explained(self.path):
                (said,) = self._file.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                raise JournalError(
                    f"{self.path}: all {last} events are good, but the file is damaged elsewhere "
                    f"({said}); {take_out(self.path)}"
                )
        self._seq, self._sound = last, range(after + 1, last + 1)
        with explained(self.path):
            self._priors = {
                kind: self._file.execute(LAST_OF_KIND, (kind, last)).fetchone()[0] for kind in KINDS
            }

    def _kept(self, last: int) -> tuple[int, int]:
        """(number, checksum) of the event after which the newest whole snapshot was made."""
        with explained(self.path):
            found = next(snapshots.whole(self._file), None)
        if found is None:
            return 0, 0
        if found.seq > last:
            raise JournalError(
                f"{self.path}: ends at event {last}, but a snapshot was made after event "
                f"{found.seq}: its end was cut off; {take_out(self.path)}"
            )
        if self._crc_of(found.seq) != found.crc:
            raise DamagedError(self.path, found.seq - 1, "its snapshot was made after another")
        return found.seq, found.crc

    def append(self, events: Sequence[Event]) -> int:
        """Write events as one transaction; number of the last. They are durable on return.

        Raises
        ------
        JournalError
            If they cannot be written; then none of them is, and the same may be tried again.
        InvariantError
            If an event is of an unknown kind, or its facts are no plain values.
        """
        if not events:
            return self._seq
        priors = dict(self._priors)
        rows = rows_of(events, self._seq, self._crc, priors)
        with self._transaction():
            self._file.executemany(INSERT, rows)
        self._seq, _, self._crc, *_ = rows[-1]
        self._priors = priors
        self._lease.note(self._seq)
        return self._seq

    def keep_snapshot(self, seq: int, blob: bytes) -> None:
        """Keep the state after event ``seq``; all but the newest two are dropped.

        Raises
        ------
        JournalError
            If it cannot be written; the older ones then stay.
        InvariantError
            If there is no such event.
        """
        if not 0 <= seq <= self._seq:
            raise InvariantError(f"journal: a snapshot after event {seq} of {self._seq}")
        snapshot = snapshots.Snapshot(seq, self._crc_of(seq), blob)
        with self._transaction():
            snapshots.put(self._file, snapshot)
        self._kept_at = max(self._kept_at, seq)

    @property
    def since_snapshot(self) -> int:
        """How many events were written since the newest snapshot: what a restart does again."""
        return self._seq - self._kept_at

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        with explained(self.path):
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._file.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # some errors have rolled back already
                    self._file.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file and of the right to write it."""
        with suppress(sqlite3.Error):  # whatever was acknowledged is in the -wal file
            self._file.execute("PRAGMA wal_checkpoint(PASSIVE)")
        super().close()
        self._lease.release()


def _is_of_damage(error: JournalError) -> bool:
    cause = error.__cause__
    return isinstance(error, DamagedError) or (
        isinstance(cause, sqlite3.Error) and is_damage(cause)
    )


def _located(path: Path, error: JournalError) -> JournalError:
    """Say where a journal is damaged: up to which event it is good, and where its snapshot lies."""
    try:
        with TolerantReader(path) as reader:
            good = sum(1 for _ in reader.good())
            kept = reader.kept(ENDLESS)
    except JournalError:
        return error
    if isinstance(error, DamagedError) and good > error.good:
        return error
    where = ""
    if kept:
        side = "before" if good < kept[-1].seq else "behind"
        where = f", {side} the newest whole snapshot, that of event {kept[-1].seq}"
    return DamagedError(path, good, getattr(error, "why", str(error.__cause__)), where)
