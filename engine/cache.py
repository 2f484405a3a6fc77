"""Forecasts and checkpoints on disk, named by what they were made from.

An entry is a folder whose name is the SHA-256 of everything that decides its content, so it is
never out of date: what has changed has another name. Beside the numbers lies a record with the
SHA-256 of each file. An entry is written under a temporary name and renamed when complete; what is
found damaged later is refused, never used and never replaced in silence.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from tradewind.engine.content import content_digest
from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.protocols import Forecasts

ENVIRONMENT = "TRADEWIND_CACHE"
FORMAT = 1
RECORD = "entry.json"
FORECASTS = "forecasts.npz"
CHECKPOINT = "checkpoint"
STALE_SECONDS = 86_400.0  # a temporary folder this old belongs to a run that was killed
UNFINISHED_SECONDS = 30 * 86_400.0  # a fit nobody went on with for this long is given up


@dataclass(frozen=True, slots=True)
class Entry:
    """What one fold left behind.

    Attributes
    ----------
    folder : Path
    forecasts : Forecasts
        Rows of the fold's test block.
    facts : mapping
        What the writer noted down: seconds, learning curve ...
    """

    folder: Path
    forecasts: Forecasts
    facts: Mapping[str, Any]


def default_folder() -> Path:
    """``forecasts`` below ``TRADEWIND_CACHE``, or below the user's cache folder."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser().resolve() / "forecasts"
    import platformdirs

    return Path(platformdirs.user_cache_dir("tradewind")) / "forecasts"


def key_of(content: Mapping[str, Any]) -> str:
    """Name of an entry: SHA-256 of plain values, equal exactly when they are."""
    text = json.dumps({"format": FORMAT, **content}, sort_keys=True, allow_nan=True)
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ForecastCache:
    """A folder of entries; any number of processes may use it at once.

    Attributes
    ----------
    folder : Path
    fresh : bool
        Read nothing and replace what is there.
    """

    folder: Path
    fresh: bool = False

    def place(self, key: str) -> Path:
        """Where the entry named ``key`` is, or would be."""
        return self.folder / key[:2] / key

    def unfinished(self, key: str) -> Path:
        """Where the fit of the entry named ``key`` keeps how far it is, until it is done."""
        return self.folder / key[:2] / f".{key}.unfinished"

    def get(self, key: str) -> Entry | None:
        """Entry of that name, every byte of it verified; None where there is none.

        Raises
        ------
        CheckpointError
            If a file is missing, was changed or cannot be read.
        """
        folder = self.place(key)
        if self.fresh or not folder.exists():
            return None
        record = self._record(folder, key)
        return Entry(folder, _read_forecasts(folder), record["facts"])

    def put(
        self,
        key: str,
        forecasts: Forecasts,
        facts: Mapping[str, Any],
        save: Callable[[Path], None] | None = None,
    ) -> Path:
        """Keep an entry; it appears whole or not at all.

        Parameters
        ----------
        key : str
            From :func:`key_of`.
        forecasts : Forecasts
        facts : mapping
            Plain values, returned by :meth:`get` as they are.
        save : function or None
            Writes a checkpoint below the folder it is given.

        Raises
        ------
        OSError
            If the folder cannot be written; the caller decides whether that matters.
        """

        def fill(draft: Path) -> None:
            _write_forecasts(draft / FORECASTS, forecasts)
            if save is not None:
                save(draft / CHECKPOINT)

        return self._put(key, facts, fill)

    def adopt(self, key: str, fill: Callable[[Path], None]) -> Path:
        """Keep an entry that was made elsewhere; it appears whole or not at all.

        Parameters
        ----------
        key : str
        fill : function
            Writes the entry below the folder it is given, its record included.

        Raises
        ------
        CheckpointError
            If a file is not what the record says.
        OSError
            If the folder cannot be written.
        """

        def checked(draft: Path) -> None:
            fill(draft)
            self._record(draft, key)
            for path in (path for path in draft.rglob("*") if path.is_file()):
                _flush(path)

        return self._publish(key, checked)

    def _put(self, key: str, facts: Mapping[str, Any], fill: Callable[[Path], None]) -> Path:
        def recorded(draft: Path) -> None:
            fill(draft)
            write_record(draft, key, facts)

        return self._publish(key, recorded)

    def _publish(self, key: str, fill: Callable[[Path], None]) -> Path:
        place = self.place(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.parent / f".{key[:16]}-{uuid4().hex}.tmp"
        try:
            draft.mkdir()
            fill(draft)
            publish(draft, place, fresh=self.fresh)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return place

    def tidy(self) -> None:
        """Remove what killed runs left half written, and fits that were given up."""
        remove_stale(self.folder.glob("*/.*.tmp"))
        remove_stale(self.folder.glob("*/.*.unfinished"), UNFINISHED_SECONDS)

    def get_facts(self, key: str) -> Mapping[str, Any] | None:
        """Facts kept by :meth:`put_facts`, verified; None where there are none."""
        folder = self.place(key)
        if self.fresh or not folder.exists():
            return None
        return self._record(folder, key)["facts"]  # type: ignore[no-any-return]

    def put_facts(self, key: str, facts: Mapping[str, Any]) -> Path:
        """Keep plain values without forecasts; raises OSError if they cannot be written."""
        return self._put(key, facts, lambda draft: None)

    @staticmethod
    def _record(folder: Path, key: str) -> Mapping[str, Any]:
        record = verify(folder)
        if record.get("key") != key:
            raise damaged(folder, RECORD, f"belongs to the entry {record.get('key')}")
        return record


def remove_stale(drafts: Iterable[Path], seconds: float = STALE_SECONDS) -> None:
    """Remove those temporary folders whose owners must be gone."""
    for draft in drafts:
        try:
            stale = time.time() - draft.stat().st_mtime > seconds
        except OSError:
            continue  # its owner has just finished with it
        if stale:
            shutil.rmtree(draft, ignore_errors=True)


def publish(draft: Path, place: Path, *, fresh: bool = False) -> None:
    """Give a finished folder its name.

    Raises
    ------
    OSError
        If that fails although no other process was first; ``fresh`` replaces what is there.
    """
    if fresh and place.exists():
        discard(place)
    try:
        draft.rename(place)
    except OSError:
        if not place.exists():
            raise  # otherwise another process was first, with the same content


def discard(place: Path) -> None:
    """Take an entry away, at once for whoever looks for it now."""
    aside = place.with_name(f".{place.name[:16]}-{uuid4().hex}.tmp")
    try:
        place.rename(aside)
    except FileNotFoundError:
        return
    shutil.rmtree(aside, ignore_errors=True)


def verify(folder: Path) -> dict[str, Any]:
    """Record of the entry in ``folder``, after comparing every file with it.

    Raises
    ------
    CheckpointError
        Naming the first file that does not match.
    """
    record_file = folder / RECORD
    try:
        record = json.loads(record_file.read_bytes())
        files, seal = record["files"], record.pop("seal")
    except FileNotFoundError:
        raise damaged(folder, RECORD, "is missing") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(folder, RECORD, f"cannot be read ({type(error).__name__})") from None
    if seal != _seal(record):
        raise damaged(folder, RECORD, "does not match its own SHA-256")
    for name, digest in files.items():
        found = content_digest(folder / name)
        if found is None:
            raise damaged(folder, name, "is missing")
        if found != digest:
            raise damaged(
                folder, name, f"has SHA-256 {found[:12]}..., its record says {digest[:12]}..."
            )
    return dict(record)


def damaged(folder: Path, name: str, what: str) -> CheckpointError:
    """Error about a file of an entry that is not as it was written."""
    return CheckpointError(
        f"{folder / name}: {what}; the cache entry is damaged: delete {folder} or run with --fresh"
    )


def _seal(record: Mapping[str, Any]) -> str:
    return sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def write_record(folder: Path, key: str, facts: Mapping[str, Any]) -> None:
    """Note the digest of every file and see that all of it reaches the disk before the name."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        files[path.relative_to(folder).as_posix()] = content_digest(path)
        _flush(path)
    record: dict[str, Any] = {"format": FORMAT, "key": key, "files": files, "facts": dict(facts)}
    text = json.dumps({**record, "seal": _seal(record)}, indent=1, sort_keys=True)
    (folder / RECORD).write_text(text + "\n", "utf-8")
    _flush(folder / RECORD)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _write_forecasts(path: Path, forecasts: Forecasts) -> None:
    np.savez(
        path,
        mean=forecasts.mean,
        std=forecasts.std,
        horizon=np.int64(forecasts.horizon),
        levels=np.asarray(forecasts.levels, np.float64),
        quantiles=forecasts.quantiles,
    )


def _read_forecasts(folder: Path) -> Forecasts:
    try:
        with np.load(folder / FORECASTS, allow_pickle=False) as arrays:
            return Forecasts(
                mean=arrays["mean"],
                std=arrays["std"],
                horizon=int(arrays["horizon"]),
                levels=tuple(float(level) for level in arrays["levels"]),
                quantiles=arrays["quantiles"],
            )
    except (OSError, ValueError, KeyError, ForecastError) as error:
        raise damaged(folder, FORECASTS, f"cannot be read ({error})") from None
