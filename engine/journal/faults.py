"""What SQLite and the disk say, told so that a reader knows what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradewind.engine.errors import JournalDiskError, JournalError
from tradewind.engine.journal.layout import PAGE

DAMAGE = (
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_IOERR_READ",
    "SQLITE_IOERR_SHORT_READ",
    "SQLITE_IOERR_CORRUPTFS",
)

PASSING = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_LOCKED")  # trying again may help


def take_out(path: Path) -> str:
    """Say what to do with a damaged journal."""
    return (
        f"'tradewind paper salvage {path.resolve().parent.name}' takes the good events out and "
        "keeps this file beside them; or go back to an older copy of the folder"
    )


class DamagedError(JournalError):
    """A journal of which only the first ``good`` events are what was written."""

    def __init__(self, path: Path, good: int, why: str, where: str = "") -> None:
        super().__init__(
            f"{path}: event {good + 1} is not what was written ({why}){where}; the {good} events "
            f"before it are good: {take_out(path)}"
        )
        self.good, self.why = good, why


def name_of(error: sqlite3.Error) -> str:
    """SQLite's own name of an error, empty where it has none."""
    return getattr(error, "sqlite_errorname", None) or ""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file itself is not whole."""
    if type(error) is sqlite3.OperationalError and not name_of(error):
        return True  # Python's own: a text that is no text
    return name_of(error).startswith(DAMAGE)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says into a JournalError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise fault(path, error) from error


def fault(path: Path, error: sqlite3.Error) -> JournalError:
    """Error of ours for one of SQLite: whether trying again helps, and what to do."""
    passes = name_of(error).startswith(PASSING) and not is_damage(error)
    return (JournalDiskError if passes else JournalError)(told(path, error))


def told(path: Path, error: sqlite3.Error) -> str:
    """Tell what is wrong with a file, and what to do."""
    name = name_of(error)
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):
        return f"{path}: the disk is full, nothing more was written; free space there and resume"
    if name.startswith("SQLITE_NOTADB"):
        return f"{path}: is no journal, or its first page is damaged ({error}); {take_out(path)}"
    if is_damage(error):
        return f"{path}: is damaged or was cut short{_size(path)} ({error}); {take_out(path)}"
    if name.startswith("SQLITE_IOERR"):
        return (
            f"{path}: the disk refuses ({error}, {name}), nothing more was written; look for a "
            "full disk, a limit on files or a failing disk, free space there and resume"
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return (
            f"{path}: cannot be opened or written ({error}); mount its folder writable, or give it "
            "to this user"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path}: another program holds it ({error}); close that program and try again"
    return f"{path}: {error}"


def _size(path: Path) -> str:
    """How a file's size is wrong, if it is; its content is not opened, which would drop locks."""
    try:
        size = path.stat().st_size
    except OSError:
        return ""
    return f" in the middle of a page, at {size} bytes" if size % PAGE else ""
