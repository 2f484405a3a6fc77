"""Where a fit that takes long keeps how far it is, so that a killed run goes on from there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradewind.engine.cache import ForecastCache

LOCK = "in-use"


@contextmanager
def progress_folder(cache: ForecastCache | None, key: str) -> Iterator[Path | None]:
    """Folder beside a cache entry for the epochs of its fit; it outlives an unfinished fit.

    Parameters
    ----------
    cache : ForecastCache or None
    key : str
        Of the entry.

    Yields
    ------
    Path or None
        None where there is no cache, it cannot be written, or another process is at the same fit.
    """
    if cache is None:
        yield None
        return
    folder = cache.unfinished(key)
    try:
        if cache.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    except OSError:
        yield None
        return
    try:
        yield folder if _claimed(lock) else None
    finally:
        os.close(lock)


def _claimed(lock: int) -> bool:
    """Take the lock, which the system lets go of when this process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows; two runs of one config at once are then the user's to avoid
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def forget(folder: Path | None) -> None:
    """Remove the folder of a fit that is done."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
