"""The right to write a journal, and a note of how far it was written.

Beside ``journal.sqlite`` lie ``journal.sqlite.lock``, which the operating system unlocks when its
holder dies, and ``journal.sqlite.holder``: the number of the last event that was acknowledged, and
who wrote it. The number is not forced to the disk; it tells a journal whose end is missing (a lost
``-wal`` file, rows cut off) from a whole one, and costs a microsecond.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tradewind.engine.errors import JournalDiskError, JournalError, is_of_a_disk

DIGITS = 20


class Lease:
    """Right to write a journal, held until it is released or the process dies.

    Parameters
    ----------
    path : Path
        Of the journal.
    busy_s : float
        How long another holder is waited for.

    Raises
    ------
    JournalError
        If another process, or another part of this one, holds it; or the folder cannot be written.
    """

    def __init__(self, path: Path, busy_s: float) -> None:
        self._lock = FileLock(_lock_path(path), timeout=busy_s)
        try:
            self._lock.acquire()
        except (Timeout, RuntimeError):
            raise JournalError(
                f"{path}: {_holder(path)} writes it, and a journal has one writer; stop that with "
                "'tradewind paper stop', or wait until it ends"
            ) from None
        except OSError as error:
            raise _refused(path, error) from None
        try:
            self._note = _taken_over(path)
        except OSError as error:
            self._lock.release()
            raise _refused(path, error) from None

    def note(self, seq: int) -> None:
        """Note that all events up to ``seq`` were acknowledged."""
        with suppress(OSError):  # the events are written; a note is only a second opinion
            os.lseek(self._note, 0, os.SEEK_SET)
            os.write(self._note, b"%0*d" % (DIGITS, seq))

    def release(self) -> None:
        """Let somebody else write."""
        if self._lock.is_locked:
            with suppress(OSError):
                os.fsync(self._note)
            os.close(self._note)
            self._lock.release()


def writer_of(path: Path) -> int | None:
    """Process that has the right to write a journal, 0 where it did not say; None: nobody has.

    The lock is asked, not the number that was noted: after a power cut another process may have
    that number.
    """
    if not held(path):
        return None
    try:
        return int(note_path(path).read_text("utf-8").split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def held(path: Path) -> bool:
    """Whether somebody has the right to write a journal; True where that cannot be found out."""
    try:
        import fcntl
    except ImportError:  # no such locks here: ours for a moment is nobody's
        try:
            with FileLock(_lock_path(path), timeout=0.0):
                return False
        except (Timeout, OSError, RuntimeError):
            return True
    try:
        lock = os.open(_lock_path(path), os.O_RDONLY)
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)  # which lets go of it
    return False


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def note_path(path: Path) -> Path:
    """Where the note about a journal lies."""
    return path.with_name(f"{path.name}.holder")


def noted(path: Path) -> int:
    """Number of the last event that was acknowledged, 0 where nothing is known."""
    try:
        return int(note_path(path).read_bytes()[:DIGITS])
    except (OSError, ValueError):
        return 0


def _taken_over(path: Path) -> int:
    """Descriptor of the note, with our name in it."""
    seq = noted(path)
    note = os.open(note_path(path), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        text = b"%0*d %d %s\n" % (DIGITS, seq, os.getpid(), socket.gethostname().encode())
        os.write(note, text)
        os.ftruncate(note, len(text))
    except OSError:
        os.close(note)
        raise
    return note


def _holder(path: Path) -> str:
    try:
        _, process, host = note_path(path).read_text("utf-8").split()
    except (OSError, ValueError):
        return "another process"
    return f"process {process} on {host}"


def _refused(path: Path, error: OSError) -> JournalError:
    return (JournalDiskError if is_of_a_disk(error) else JournalError)(
        f"{path}: its folder cannot be written ({error.strerror or error}); free space there, "
        "mount it writable or give it to this user, and resume"
    )
