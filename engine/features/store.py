"""Columns of features on disk, named by what they were made from and mapped by whoever reads them.

A sweep whose configs share data and features makes each column once; so do the processes of one
walk-forward, among which the first to ask makes it while the others wait. An entry is a folder with
one ``.npy`` file and a record of its SHA-256, as those of forecasts are.
"""

import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from tradewind.engine import cache as entries
from tradewind.engine.cache import RECORD, discard, publish, remove_stale, verify, write_record
from tradewind.engine.content import package_version
from tradewind.engine.errors import CheckpointError
from tradewind.engine.features.feature import VERSION
from tradewind.engine.records import Floats

VALUES = "values.npy"
LIMIT_BYTES = 4 << 30  # beyond it the columns nobody read for longest go
ENGINE = Path(__file__).parents[1]
CODE = ("features", "bars/session_book.py", "bars/sessions.py")  # below it
PACKAGES = ("numpy", "pandas", "ta", "exchange_calendars")


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """A folder of columns; any number of processes may use it at once.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    def column(self, digest: str, name: str, make: Callable[[], Floats]) -> Floats:
        """Column of one feature of one panel, mapped and read-only.

        Parameters
        ----------
        digest : str
            Of the panel.
        name : str
            Of the feature.
        make : function
            Computes the column, where it is not there yet.

        Returns
        -------
        ndarray of float64, shape (n_rows,)

        Raises
        ------
        CheckpointError
            If the entry was changed or cannot be read.
        """
        facts = {"panel": digest, "feature": name, **_makers()}
        key = entries.key_of(facts)
        place = self.folder / digest[:2] / digest / key
        found = _mapped(place, key)
        if found is not None:
            return found
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with _alone(place.parent / f".{key[:2]}.lock"):
                return self._made(place, key, facts, make)
        except OSError:  # a full or read-only disk costs time and memory, not the run
            return make()

    def _made(
        self, place: Path, key: str, facts: dict[str, Any], make: Callable[[], Floats]
    ) -> Floats:
        found = _mapped(place, key)  # another process was first
        if found is not None:
            return found
        values = make()
        draft = place.with_name(f".{key[:16]}-{uuid4().hex}.tmp")
        try:
            draft.mkdir()
            np.save(draft / VALUES, values, allow_pickle=False)
            write_record(draft, key, facts)
            publish(draft, place)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        kept = _mapped(place, key)
        return values if kept is None else kept

    def forget(self, digest: str) -> None:
        """Remove all columns of a panel, so that they are made again."""
        for record in (self.folder / digest[:2] / digest).glob(f"*/{RECORD}"):
            discard(record.parent)

    def tidy(self, limit_bytes: int = LIMIT_BYTES) -> None:
        """Remove what killed runs left, and columns beyond the limit, longest unread first."""
        remove_stale(self.folder.glob("*/*/.*.tmp"))
        found = []
        for record in self.folder.glob(f"*/*/*/{RECORD}"):
            with suppress(OSError):  # another process has just removed it
                size = (record.parent / VALUES).stat().st_size
                found.append((record.stat().st_mtime, size, record.parent))
        total = sum(size for _, size, _ in found)
        for _, size, place in sorted(found):
            if total <= limit_bytes:
                return
            with suppress(OSError):
                discard(place)
            total -= size


def _mapped(place: Path, key: str) -> Floats | None:
    """Values of an entry, every byte of it verified; None where there is none."""
    if not place.exists():
        return None
    try:
        record = verify(place)
        if record.get("key") != key:
            raise entries.damaged(place, RECORD, f"belongs to the entry {record.get('key')}")
        # asarray drops the memmap subclass, which some libraries treat as an unknown kind.
        values = np.asarray(np.load(place / VALUES, mmap_mode="r", allow_pickle=False))
    except CheckpointError:
        if not place.exists():  # tidied away between two looks
            return None
        raise
    except (OSError, ValueError) as error:
        raise entries.damaged(place, VALUES, f"cannot be read ({error})") from None
    with suppress(OSError):
        (place / RECORD).touch()  # tidy counts from here
    return values


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process makes a column of this panel whose key begins alike."""
    try:
        import fcntl
    except ImportError:  # without locks two processes may make one column at a time, both well
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file closes, or its process dies
        yield


@cache
def _makers() -> dict[str, Any]:
    """Code and versions that decide the bits of a column."""
    seal = sha256()
    for name in CODE:
        path = ENGINE / name
        for part in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            seal.update(part.name.encode() + b"\0" + part.read_bytes())
    versions = {name: package_version(name) for name in PACKAGES}
    return {
        "version": VERSION,
        "code": seal.hexdigest(),
        **versions,
        "machine": platform.machine(),
    }
