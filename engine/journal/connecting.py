"""Files of journals as SQLite opens them: made, written, or only read."""

import os
import sqlite3
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from tradewind.engine.errors import JournalDiskError, JournalError, is_of_a_disk
from tradewind.engine.journal.faults import fault
from tradewind.engine.journal.layout import APPLICATION, FORMAT, PAGE, SCHEMA

SYNC = {"full": "FULL", "normal": "NORMAL"}
CHECKPOINT = 500  # pages written between two checkpoints
BUSY_S = 5.0  # how long a reader waits


def check_sync(path: Path, sync: str) -> None:
    """Refuse a mode that does not exist."""
    if sync not in SYNC:
        raise JournalError(f"{path}: sync is {sync!r}; wanted full or normal")


def writable(path: Path, *, sync: str, busy_s: float) -> sqlite3.Connection:
    """Open a file to write it."""
    uri = f"{path.resolve().as_uri()}?mode=rw"
    file = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_s
    )
    try:
        file.execute(f"PRAGMA synchronous={SYNC[sync]}")
        file.execute("PRAGMA fullfsync=ON")  # macOS: fsync alone stops at the drive's cache
        file.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
        file.execute("PRAGMA journal_size_limit=64000000")
        file.execute("PRAGMA secure_delete=OFF")
        file.execute("PRAGMA trusted_schema=OFF")
    except sqlite3.Error:
        file.close()
        raise
    return file


def lay_out(path: Path, facts: str) -> None:
    """Make the file whole under another name, then give it its own: no half-made one is ever seen.

    Raises
    ------
    JournalError
        If it cannot be written.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.unlink(missing_ok=True)
        file = sqlite3.connect(draft, isolation_level=None)
        try:
            file.execute(f"PRAGMA page_size={PAGE}")
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=FULL")
            file.executescript(
                f"BEGIN; PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT};{SCHEMA}"
            )
            about = (1, facts, sha256(facts.encode()).hexdigest())
            file.execute("INSERT INTO about (id, facts, seal) VALUES (?, ?, ?)", about)
            file.execute("COMMIT")
        finally:
            file.close()
        draft.rename(path)
        for folder in (path.parent, path.parent.parent):
            _synced(folder)
    except sqlite3.Error as error:
        raise fault(path, error) from None
    except OSError as error:
        raise (JournalDiskError if is_of_a_disk(error) else JournalError)(
            f"{path}: cannot be written: {error.strerror or error}"
        ) from None


def _synced(folder: Path) -> None:
    """Force a folder's list of names to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_only(path: Path, *, tolerant: bool = False) -> sqlite3.Connection:
    """Open a file to read it, also on a medium that cannot be written.

    ``tolerant`` reads a file that is shorter than it says.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    file = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False,
                           timeout=BUSY_S)  # fmt: skip
    try:
        if tolerant:
            file.execute("PRAGMA writable_schema=ON")
        file.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        file.close()
        if not _still(path):
            raise
        file = sqlite3.connect(
            f"{uri}&immutable=1", uri=True, isolation_level=None, check_same_thread=False
        )
    return file


def _still(path: Path) -> bool:
    """Whether nobody can write there and nothing waits in a ``-wal`` file to be taken over."""
    wal = path.with_name(f"{path.name}-wal")
    waits = wal.exists() and wal.stat().st_size > 0
    return not waits and not os.access(path.parent, os.W_OK)
