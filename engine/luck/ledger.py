"""Who tried what on the same data: an append-only file in which every line seals the one before.

A line that is changed, moved or taken out breaks the chain; one taken from the end is told by the
file beside it, which holds how many there are and the last seal. Whoever deletes both files, or
writes both anew with all seals, cannot be told from somebody who never tried.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tradewind.engine.errors import RunError
from tradewind.engine.jsonable import jsonable

ENVIRONMENT = "TRADEWIND_LEDGER"
OFF = "off"
BEGIN = "0" * 64
WAIT_SECONDS = 20.0
SEAL = "seal"


class LedgerError(RunError):
    """The ledger is damaged or cannot be used."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes
    ----------
    kind : str
        ``backtest``, ``sweep``, ``notebook`` ...
    name : str
        Of the run.
    at : str
        ISO time, UTC.
    code : str
        Digest of the code that decided.
    trials : tuple of str
        Digest of each config that was tried.
    best : float or None
        Highest Sharpe ratio among them, a year's.
    """

    kind: str
    name: str
    at: str
    code: str
    trials: tuple[str, ...]
    best: float | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How often this data was tried."""

    lines: int
    trials: int  # distinct configs
    repeated: int


def default_folder() -> Path | None:
    """Folder that ``TRADEWIND_LEDGER`` names, or the user's own; None where it is switched off."""
    named = os.environ.get(ENVIRONMENT)
    if named == OFF:
        return None
    if named:
        return Path(named).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_data_dir("tradewind")) / "ledger"


def digest_of(values: Any) -> str:
    """Sixteen digits that are equal exactly when plain values are."""
    text = json.dumps(jsonable(values), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The trials on one set of bars.

    Attributes
    ----------
    folder : Path
        Of all ledgers.
    data : str
        Digest of the bars.
    """

    folder: Path
    data: str

    @property
    def path(self) -> Path:
        """File of the lines."""
        return self.folder / f"{self.data[:32]}.jsonl"

    @property
    def head(self) -> Path:
        """File that says how many lines there are, and the seal of the last."""
        return self.folder / f"{self.data[:32]}.head"

    def append(self, entry: Entry) -> None:
        """Write one line, sealed, through to the disk.

        Raises
        ------
        LedgerError
            If the file cannot be written, or what is there is damaged.
        """
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f"{self.data[:32]}.lock", timeout=WAIT_SECONDS):
                self._append(entry)
        except Timeout:
            raise LedgerError(
                f"{self.path}: another process has held the ledger for {WAIT_SECONDS:.0f} s"
            ) from None
        except OSError as error:
            if isinstance(error, LedgerError):
                raise
            raise LedgerError(
                f"{self.path}: cannot be written: {error.strerror or error}"
            ) from None

    def _append(self, entry: Entry) -> None:
        n, last = self._mended(*self._head())
        if not self.head.is_file():  # one that is killed at its first line leaves a head as well
            self._write_head(n, last)
        facts = {
            "number": n, "before": last, "kind": entry.kind, "name": entry.name, "at": entry.at,
            "code": entry.code, "best": jsonable(entry.best), "trials": list(entry.trials),
        }  # fmt: skip
        seal = _seal(facts)
        with self.path.open("ab") as file:
            file.write(f"{json.dumps({**facts, SEAL: seal})}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        self._write_head(n + 1, seal)

    def _head(self) -> tuple[int, str]:
        if not self.head.is_file():
            if self.path.is_file() and self.path.stat().st_size:
                raise LedgerError(
                    f"{self.head}: is gone while the ledger beside it is not; 'tradewind ledger "
                    "verify' says what is left, moving both away begins anew"
                )
            return 0, BEGIN
        try:
            found = json.loads(self.head.read_text("utf-8"))
            return int(found["lines"]), str(found[SEAL])
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{self.head}: is damaged; restore it from a backup") from None

    def _write_head(self, n: int, seal: str) -> None:
        partial = self.head.with_suffix(f".{os.getpid()}.partial")
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"lines": n, SEAL: seal}))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.head)

    def _mended(self, n: int, last: str) -> tuple[int, str]:
        """(lines, last seal), once what a writer that was killed left behind is settled.

        A whole line that the head does not know is taken in; half a line is taken off.
        """
        if not self.path.is_file():
            if n:
                raise LedgerError(f"{self.path}: is gone, and {n} lines should be in it")
            return n, last
        raw = self.path.read_bytes()
        end = raw.rfind(b"\n") + 1
        lines = raw[:end].splitlines()
        if len(lines) == n + 1 and _follows(lines[-1], last):
            n, last = n + 1, json.loads(lines[-1])[SEAL]
        if len(lines) != n:
            raise LedgerError(
                f"{self.path}: holds {len(lines)} lines and {n} were written; 'tradewind ledger "
                "verify' says more"
            )
        if end < len(raw):
            with self.path.open("r+b") as file:
                file.truncate(end)
        return n, last

    def entries(self) -> Iterator[Entry]:
        """Every line, checked.

        Raises
        ------
        LedgerError
            At the first line that is not what was written.
        """
        before, n, raw = BEGIN, 0, b""
        for number, raw in enumerate(self._lines()):
            sound = _follows(raw, before)
            try:
                found = json.loads(raw)
                entry = Entry(
                    found["kind"], found["name"], found["at"], found["code"],
                    tuple(found["trials"]), found["best"],
                )  # fmt: skip
            except (ValueError, KeyError, TypeError):
                sound = False
            if not sound:
                raise LedgerError(
                    f"{self.path}:{number + 1}: is not the line that was written here: it was "
                    "changed, or one before it was changed, moved or taken out"
                )
            before, n = found[SEAL], number + 1
            yield entry
        lines, last = self._head()
        # one more than the head knows: its writer was killed between the two
        if (n, before) != (lines, last) and not (n == lines + 1 and _follows(raw, last)):
            raise LedgerError(
                f"{self.path}: holds {n} lines and {lines} were written: some were taken from the "
                "end"
            )

    def _lines(self) -> list[bytes]:
        if not self.path.is_file():
            return []
        raw = self.path.read_bytes()
        return raw[: raw.rfind(b"\n") + 1].splitlines()

    def count(self, besides: Iterable[str] = ()) -> Count:
        """Distinct configs tried so far, those of ``besides`` among them; raises LedgerError."""
        seen, lines, all_of = set[str](besides), 0, 0
        for entry in self.entries():
            lines += 1
            all_of += len(entry.trials)
            seen |= set(entry.trials)
        return Count(lines, len(seen), all_of)


def _follows(raw: bytes, last: str) -> bool:
    """Whether a line is whole and seals the one whose seal is ``last``."""
    try:
        found = json.loads(raw)
        return bool(found["before"] == last and found[SEAL] == _seal(_unsealed(found)))
    except (ValueError, KeyError, TypeError):
        return False


def _unsealed(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != SEAL}


def _seal(facts: Mapping[str, Any]) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
