"""The journal of a paper run: an SQLite file that only grows.

Everything of one turn goes in as one transaction, which is on the disk before anything is acted on.
Each row carries a checksum over itself and the row before it, so a row that was changed, taken out
or put elsewhere is noticed. One process writes; any number read.
"""

import json
import os
import socket
import sqlite3
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from tradewind.engine.errors import InvariantError, JournalError
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.kinds import KINDS

FORMAT, APPLICATION = 1, 0x74776A31
SCHEMA = """
CREATE TABLE about (facts TEXT NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,
    blob BLOB NOT NULL, crc INTEGER NOT NULL
);
CREATE INDEX bars ON events (kind, seq) WHERE kind IN ('bar', 'forecast', 'equity');
CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, crc INTEGER, seal TEXT, blob BLOB NOT NULL);
CREATE TRIGGER no_update BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'a journal only grows');
END;
CREATE TRIGGER no_delete BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'a journal only grows');
END;
"""
INSERT = "INSERT INTO events (seq, at, kind, facts, blob, crc) VALUES (?, ?, ?, ?, ?, ?)"
SELECT = "SELECT seq, at, kind, facts, blob, crc FROM events"
INDEXED = frozenset({"bar", "forecast", "equity"})
KEPT = 2  # snapshots
SYNC = {"full": "FULL", "normal": "NORMAL"}


class JournalReader:
    """A journal that is only read, beside whoever writes it.

    Parameters
    ----------
    path : Path

    Raises
    ------
    JournalError
        If there is no journal there, or it is one of a later version.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise JournalError(f"{path}: no journal there; name the folder of a paper run")
        self._file = self._connected()
        self.about: Mapping[str, Any] = self._checked()

    def _connected(self) -> sqlite3.Connection:
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    def _checked(self) -> Mapping[str, Any]:
        with self._explained():
            (application,) = self._file.execute("PRAGMA application_id").fetchone()
            (version,) = self._file.execute("PRAGMA user_version").fetchone()
            if application != APPLICATION:
                raise JournalError(f"{self.path}: is no journal of a paper run")
            if version > FORMAT:
                raise JournalError(
                    f"{self.path}: has format {version}, and this tradewind knows {FORMAT}; use "
                    "the version that wrote it, or a later one"
                )
            found = self._file.execute("SELECT facts FROM about").fetchone()
        if found is None:
            raise JournalError(f"{self.path}: does not say of which run it is; it is damaged")
        about: Mapping[str, Any] = json.loads(found[0])
        return about

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into an error that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(_told(self.path, error)) from None

    @property
    def count(self) -> int:
        """Number of the last event."""
        with self._explained():
            (last,) = self._file.execute("SELECT max(seq) FROM events").fetchone()
        return int(last or 0)

    def events(self, *, after: int = 0, kinds: Collection[str] | None = None) -> Iterator[Event]:
        """Events behind number ``after``, oldest first; of all kinds, or of some.

        Raises
        ------
        JournalError
            If the file is damaged there.
        """
        with self._explained():
            for seq, at, kind, facts, blob, _ in self._rows(after, kinds):
                yield Event(seq, at, kind, json.loads(facts), blob)

    def _rows(self, after: int, kinds: Collection[str] | None) -> Iterator[Any]:
        if kinds is None:
            yield from self._file.execute(f"{SELECT} WHERE seq > ? ORDER BY seq", (after,))
            return
        marks = ", ".join("?" * len(kinds))
        narrow = "AND kind IN ('bar', 'forecast', 'equity') " if INDEXED.issuperset(kinds) else ""
        query = f"{SELECT} WHERE seq > ? AND kind IN ({marks}) {narrow}ORDER BY seq"
        yield from self._file.execute(query, (after, *kinds))

    def last(self, kind: str) -> Event | None:
        """Newest event of a kind, None where there is none."""
        query = f"{SELECT} WHERE kind = ? ORDER BY seq DESC LIMIT 1"
        with self._explained():
            row = self._file.execute(query, (kind,)).fetchone()
        return None if row is None else Event(row[0], row[1], row[2], json.loads(row[3]), row[4])

    def verify(self, *, after: int = 0, crc: int = 0) -> int:
        """Go through the chain of checksums; number of the last event.

        Raises
        ------
        JournalError
            At the first event that is not what was written.
        """
        expected = after + 1
        with self._explained():
            for seq, at, kind, facts, blob, written in self._rows(after, None):
                crc = _checksum(crc, seq, at, kind, facts, blob)
                if seq != expected or crc != written:
                    raise JournalError(
                        f"{self.path}: event {expected} is not what was written: the file was "
                        f"changed or is damaged; the {expected - 1} events before it are good"
                    )
                expected += 1
        return expected - 1

    def snapshot(self) -> tuple[int, bytes] | None:
        """(number of the event it was made after, bytes) of the newest snapshot that is whole."""
        with self._explained():
            rows = self._file.execute("SELECT seq, seal, blob FROM snapshots ORDER BY seq DESC")
            for seq, seal, blob in rows:
                if sha256(blob).hexdigest() == seal:
                    return seq, zlib.decompress(blob)
        return None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Journal(JournalReader):
    """A journal that is written; make one with :meth:`create` or :meth:`open`."""

    def __init__(self, path: Path, *, sync: str = "full", busy_s: float = 5.0) -> None:
        self._lock = _locked(Path(path), busy_s)
        try:
            super().__init__(path)
            with self._explained():
                self._file.execute(f"PRAGMA synchronous={SYNC[sync]}")
                self._file.execute("PRAGMA wal_autocheckpoint=4000")
            self._seq, self._crc = self._end()
        except BaseException:
            self._lock.release()
            raise

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    @classmethod
    def create(cls, path: Path, *, about: Mapping[str, Any], sync: str = "full") -> Self:
        """Begin a journal.

        Parameters
        ----------
        path : Path
            Of a file that does not exist.
        about : mapping
            Of which run it is, in plain JSON values.
        sync : str
            ``full``: on the disk when :meth:`append` returns, power cut or not; ``normal``: only
            the death of the process is outlived.

        Raises
        ------
        JournalError
            If the file exists or cannot be written.
        """
        if Path(path).exists():
            raise JournalError(f"{path}: there is a journal already; 'tradewind paper resume'")
        try:
            file = sqlite3.connect(path, isolation_level=None)
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=FULL")
            file.executescript(SCHEMA)
            file.execute(f"PRAGMA application_id={APPLICATION}")
            file.execute(f"PRAGMA user_version={FORMAT}")
            file.execute("INSERT INTO about VALUES (?)", (_text(about, "about"),))
            file.close()
        except sqlite3.Error as error:
            raise JournalError(_told(Path(path), error)) from None
        return cls(path, sync=sync)

    @classmethod
    def open(cls, path: Path, *, sync: str = "full", busy_s: float = 5.0) -> Self:
        """Go on with a journal; what follows its newest snapshot is checked.

        Raises
        ------
        JournalError
            If another process writes it, or it is damaged.
        """
        return cls(path, sync=sync, busy_s=busy_s)

    def _end(self) -> tuple[int, int]:
        """(number, checksum) of the last event, the chain checked from the newest snapshot on."""
        with self._explained():
            row = self._file.execute(
                "SELECT seq, crc FROM snapshots ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        after, crc = (0, 0) if row is None else (row[0], row[1])
        last = self.verify(after=after, crc=crc)
        with self._explained():
            end = self._file.execute("SELECT crc FROM events WHERE seq = ?", (last,)).fetchone()
        return last, 0 if end is None else end[0]

    def append(self, events: Sequence[Event]) -> int:
        """Write events as one transaction; number of the last. They are durable on return.

        Raises
        ------
        JournalError
            If they cannot be written; then none of them is.
        InvariantError
            If an event is of an unknown kind, or its facts are no plain values.
        """
        if not events:
            return self._seq
        rows, crc = [], self._crc
        for seq, event in enumerate(events, self._seq + 1):
            if event.kind not in KINDS:
                raise InvariantError(f"journal: event {seq} has the unknown kind {event.kind!r}")
            facts = _text(event.facts, f"event {seq}, {event.kind}")
            crc = _checksum(crc, seq, event.at, event.kind, facts, event.blob)
            rows.append((seq, event.at, event.kind, facts, event.blob, crc))
        with self._whole():
            self._file.executemany(INSERT, rows)
        self._seq, self._crc = self._seq + len(rows), crc
        return self._seq

    def keep_snapshot(self, seq: int, blob: bytes) -> None:
        """Keep the state after event ``seq``, the newest; all but the newest two are dropped.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        small = zlib.compress(blob, 1)
        with self._whole():
            self._file.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)",
                (seq, self._crc, sha256(small).hexdigest(), small),
            )
            self._file.execute(
                "DELETE FROM snapshots WHERE seq NOT IN "
                f"(SELECT seq FROM snapshots ORDER BY seq DESC LIMIT {KEPT})"
            )

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        with self._explained():
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._file.execute("COMMIT")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file and of the right to write it."""
        super().close()
        self._lock.release()


def _locked(path: Path, busy_s: float) -> FileLock:
    """Right to write a journal, held as long as this process lives."""
    place = path.with_name(f"{path.name}.lock")
    lock = FileLock(place, timeout=busy_s)
    try:
        lock.acquire()
    except Timeout:
        holder = _holder(place)
        raise JournalError(
            f"{path}: is being written by another process{holder}; stop it with 'tradewind paper "
            "stop', or wait until it ends"
        ) from None
    except OSError as error:
        raise JournalError(
            f"{path}: cannot be locked for writing: {error.strerror or error}"
        ) from None
    try:
        place.with_suffix(".holder").write_text(f"{os.getpid()} {socket.gethostname()}", "utf-8")
    except OSError as error:
        lock.release()
        raise JournalError(
            f"{path}: its folder cannot be written: {error.strerror or error}; make room there, "
            "or give it to this user"
        ) from None
    return lock


def _holder(place: Path) -> str:
    try:
        process, host = place.with_suffix(".holder").read_text("utf-8").split()
    except (OSError, ValueError):
        return ""
    return f" ({process} on {host})"


def _checksum(before: int, seq: int, at: int, kind: str, facts: str, blob: bytes) -> int:
    """CRC-32 of a row and, through its checksum, of all rows before it."""
    return zlib.crc32(blob, zlib.crc32(f"{before}|{seq}|{at}|{kind}|{facts}|".encode()))


def _text(facts: Mapping[str, Any], what: str) -> str:
    try:
        return json.dumps(facts, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvariantError(
            f"journal: {what}: facts are not plain finite values: {error}"
        ) from None


def _told(path: Path, error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if "FULL" in name:
        return f"{path}: the disk is full, and nothing of this turn was written; free space there"
    if "READONLY" in name or "CANTOPEN" in name or "PERM" in name:
        return f"{path}: cannot be written: {error}; mount it writable, or give it to this user"
    if "CORRUPT" in name or "NOTADB" in name:
        return (
            f"{path}: is damaged: {error}; copy the run's folder, then look at how far it can be "
            "read with 'tradewind paper status'"
        )
    if "BUSY" in name or "LOCKED" in name:
        return f"{path}: is locked by another program: {error}; close it and try again"
    return f"{path}: {error}"
