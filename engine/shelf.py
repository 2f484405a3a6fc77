"""Room for arrays that only grow, in a file without a name once they are large.

A run that lasts for months keeps every bar, order and fill, and looks at the newest. What lies in a
file that is mapped takes memory only while it is looked at: the rest is given back to the system,
which reads it again where somebody asks for it.
"""

import mmap
import os
import tempfile
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

DISK = "/var/tmp"  # where /tmp may be memory, this is none (Filesystem Hierarchy Standard 3.0)
LARGE = 2**20  # bytes: below, memory is the better place
FRESH = 2**18  # bytes at the end that are kept in memory
EVERY = 2**19  # bytes written between two times that memory is given back


class Shelf:
    """An array of rows; those behind the first ones have no content yet.

    Parameters
    ----------
    rows : int
    like : ndarray, shape (n, ...)
        What rows are made of; put at the beginning.

    Attributes
    ----------
    array : ndarray, shape (rows, ...)
        Of memory where there is no disk, or the array is small.
    """

    def __init__(self, rows: int, like: Any) -> None:
        shape = (rows, *like.shape[1:])
        self._map = _mapped(prod(shape) * like.dtype.itemsize)
        self._row_bytes = prod(shape[1:]) * like.dtype.itemsize
        self._given_back = 0
        if self._map is None:
            self.array = np.empty(shape, like.dtype)
        else:
            self.array = np.frombuffer(self._map, like.dtype, prod(shape)).reshape(shape)
        self.array[: len(like)] = like

    def written(self, rows: int, *, now: bool = False) -> None:
        """Give back the memory of rows before the newest of so many, now and then or ``now``."""
        upto = rows * self._row_bytes
        if self._map is None or (upto - self._given_back < EVERY and not now):
            return
        self._given_back = upto
        old = (upto - FRESH) // mmap.PAGESIZE * mmap.PAGESIZE
        if old > 0:
            self._map.madvise(mmap.MADV_DONTNEED, 0, old)


def _mapped(size: int) -> mmap.mmap | None:
    """Room in a file that is gone with the process; None where it is better in memory."""
    if size < LARGE or not hasattr(os, "posix_fallocate"):
        return None
    asked = "TMPDIR" in os.environ or not os.access(DISK, os.W_OK)
    with suppress(OSError), tempfile.TemporaryFile(dir=None if asked else DISK) as file:
        # all of it now: a disk that is full later would end the process with a signal
        os.posix_fallocate(file.fileno(), 0, size)
        return mmap.mmap(file.fileno(), size)
    return None
