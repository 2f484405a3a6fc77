"""The store's table of contents: what is held, since when, and the digest of every file.

One SQLite file in WAL mode, so several processes may work at once. SQLite finds a broken page but
not a flipped bit inside a value; therefore every row carries a SHA-256 of its own content, the
revisions are chained each to the one before, and one seal covers all rows together, so that none
can vanish, change or trade places unseen.
"""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from tradewind.engine.errors import StoreError
from tradewind.engine.feeds.store_records import Entry, Key, Refusal, Revision

BUSY_S = 30.0  # another process writes for milliseconds; this long means it hangs
_OPEN_TRIES = 200
# What SQLite says when the disk or a permission is the trouble; anything else is damage.
_UNREADABLE = (sqlite3.Error, ValueError, TypeError, OverflowError)  # what damaged rows raise
_OUTSIDE = ("unable to open", "readonly", "locked", "full", "disk I/O", "busy")


_TABLES = {"series": Entry, "refusals": Refusal, "revisions": Revision}
_KEYS = {
    "series": "provider, interval, symbol",
    "refusals": "provider, interval, symbol",
    "revisions": "number",
}


class DamagedManifestError(StoreError):
    """The manifest is not what was written; nothing beside it can be verified."""


class Manifest:
    """Open manifest of one store; use as a context manager.

    Raises
    ------
    StoreError
        If the file is damaged or cannot be opened, or is missing beside stored files.
    """

    def __init__(self, path: Path, remedy: str) -> None:
        """Open ``path``, made where the store is new; ``remedy`` ends messages about damage."""
        self.path = path
        self._remedy = remedy
        self._db = self._guarded_open()

    def __enter__(self) -> "Manifest":
        """Return the manifest itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._db.close()

    def _guarded_open(self) -> sqlite3.Connection:
        had_files = any(self.path.parent.glob("*/*/*/*.parquet"))
        if had_files and not (self.path.is_file() and self.path.stat().st_size):
            raise self._damaged("is missing or empty, though series are stored beside it")
        db: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
            _enter_wal(db)
            self._prepare(db, had_files)
        except StoreError:
            if db is not None:
                db.close()
            raise
        except (*_UNREADABLE, OSError) as error:
            if db is not None:
                db.close()
            raise self._translated(error) from None
        return db

    def _prepare(self, db: sqlite3.Connection, had_files: bool) -> None:
        """Make the tables of a new store, check those of an old one."""
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        with _finished(db):
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'seal'").fetchone():
                if had_files:
                    raise self._damaged("has no tables, though series are stored beside it")
                _make_tables(db)
            if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise self._damaged("fails SQLite's integrity check")
            self._check(db)

    def _damaged(self, what: str) -> DamagedManifestError:
        return DamagedManifestError(f"{self.path}: the store's manifest {what}. {self._remedy}")

    def _translated(self, error: Exception) -> StoreError:
        if isinstance(error, _UNREADABLE) and not any(word in str(error) for word in _OUTSIDE):
            return self._damaged(f"is damaged ({error})")
        return StoreError(
            f"{self.path}: the store's manifest cannot be opened ({error}); "
            "make its folder writable, or name another one with data.store"
        )

    def _check(self, db: sqlite3.Connection) -> None:
        """Compare every row with its seal, and all seals with the common one."""
        try:
            self._check_rows(db)
        except _UNREADABLE as error:
            raise self._translated(error) from None

    def _check_rows(self, db: sqlite3.Connection) -> None:
        digest = sha256()
        for table, kind in _TABLES.items():
            previous = ""
            for *values, seal in db.execute(f"SELECT * FROM {table} ORDER BY {_KEYS[table]}"):
                if table != "revisions":
                    previous = ""
                if seal != _seal(values, previous) or len(values) != len(fields(kind)):
                    raise self._damaged(f"has a row in {table!r} that does not match its seal")
                previous = seal
                digest.update(seal.encode())
        if db.execute("SELECT value FROM seal").fetchall() != [(digest.hexdigest(),)]:
            raise self._damaged("lacks rows it once had, or has others")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store's only pen: nobody else writes until the block ends, all or nothing."""
        with self.holding():
            self._check(self._db)
            yield
            self._reseal()

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Keep other writers out without writing."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            with _finished(self._db):
                yield
        except sqlite3.Error as error:
            raise self._translated(error) from None

    def _reseal(self) -> None:
        digest = sha256()
        for table in _TABLES:
            for (seal,) in self._db.execute(f"SELECT seal FROM {table} ORDER BY {_KEYS[table]}"):
                digest.update(str(seal).encode())
        self._db.execute("UPDATE seal SET value = ?", (digest.hexdigest(),))

    def entry(self, key: Key) -> Entry | None:
        """Return what is held of a series, None where nothing is."""
        row = self._one("series", key)
        return Entry(*row) if row else None

    def entries(self) -> list[Entry]:
        """Return all series, in order of provider, interval, symbol."""
        return [Entry(*row[:-1]) for row in self._rows("SELECT * FROM series ORDER BY 1, 2, 3")]

    def refusal(self, key: Key) -> Refusal | None:
        """Return the last failed attempt since the last success, None where there was none."""
        row = self._one("refusals", key)
        return Refusal(*row) if row else None

    def revisions(self, key: Key | None = None) -> list[Revision]:
        """Return the revisions of one series, or all, oldest first."""
        rows = self._rows("SELECT * FROM revisions ORDER BY number")
        found = [Revision(*row[:-1]) for row in rows]
        wanted = None if key is None else astuple(key)
        return [r for r in found if wanted in (None, (r.provider, r.interval, r.symbol))]

    def put(self, row: Entry | Refusal) -> None:
        """Write a series or a refusal over an older one; inside :meth:`writing`."""
        self._insert("series" if isinstance(row, Entry) else "refusals", astuple(row), "")

    def forgive(self, key: Key) -> None:
        """Forget a refusal; inside :meth:`writing`."""
        self._db.execute(
            "DELETE FROM refusals WHERE provider = ? AND interval = ? AND symbol = ?", astuple(key)
        )

    def add_revision(self, key: Key, noticed_at: int, action: str, rows: str) -> None:
        """Append a revision; inside :meth:`writing`."""
        last = self._db.execute("SELECT number, seal FROM revisions ORDER BY number DESC LIMIT 1")
        number, previous = last.fetchone() or (0, "")
        self._insert("revisions", (number + 1, *astuple(key), noticed_at, action, rows), previous)

    def _insert(self, table: str, values: tuple[object, ...], previous: str) -> None:
        marks = ", ".join("?" * (len(values) + 1))
        verb = "INSERT" if table == "revisions" else "INSERT OR REPLACE"
        self._db.execute(
            f"{verb} INTO {table} VALUES ({marks})", (*values, _seal(values, previous))
        )

    def _one(self, table: str, key: Key) -> tuple[Any, ...] | None:
        rows = self._rows(
            f"SELECT * FROM {table} WHERE provider = ? AND interval = ? AND symbol = ?",
            astuple(key),
        )
        if not rows:
            return None
        *values, seal = rows[0]
        if seal != _seal(values, ""):
            raise self._damaged(f"has a row in {table!r} that does not match its seal")
        return tuple(values)

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except _UNREADABLE as error:
            raise self._translated(error) from None


@contextlib.contextmanager
def _finished(db: sqlite3.Connection) -> Iterator[None]:
    """Commit the open transaction, or take it back where the block fails."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _enter_wal(db: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait here when another process is switching too."""
    for _ in range(_OPEN_TRIES):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.01)
    db.execute("PRAGMA journal_mode = WAL")


def _make_tables(db: sqlite3.Connection) -> None:
    for table, kind in _TABLES.items():
        columns = ", ".join(
            f"{f.name} {'INTEGER' if f.type is int else 'TEXT'}" for f in fields(kind)
        )
        db.execute(f"CREATE TABLE {table} ({columns}, seal TEXT, PRIMARY KEY ({_KEYS[table]}))")
    # Revisions are history: SQLite itself refuses to change or drop one.
    for verb in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER revisions_no_{verb.lower()} BEFORE {verb} ON revisions "
            "BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END"
        )
    db.execute("CREATE TABLE seal (value TEXT)")
    db.execute("INSERT INTO seal VALUES (?)", (sha256().hexdigest(),))


def _seal(values: Sequence[object], previous: str) -> str:
    return sha256(json.dumps([previous, *values], default=repr).encode()).hexdigest()
