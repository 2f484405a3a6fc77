"""A journal that is read, beside whoever writes it.

Every event is checked when it is read: its checksum covers it and the checksum of the row before,
and it names the event of its kind before it. What was not checked when a journal was opened is so
never handed out unchecked.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

from tradewind.engine.errors import JournalError
from tradewind.engine.journal import snapshots
from tradewind.engine.journal.connecting import read_only
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.faults import DamagedError, explained, is_damage, take_out
from tradewind.engine.journal.layout import (
    APPLICATION,
    BEYOND,
    COUNT,
    COUNT_OF_KIND,
    CRC_OF,
    FORMAT,
    LAST_BAR,
    LAST_OF_KIND,
    OF_KIND,
    RANGE,
)
from tradewind.engine.journal.lease import noted
from tradewind.engine.journal.rows import checksum, event_of

CHUNK = 512  # rows fetched at a time, so that no reader holds up the writer's checkpoints
ENDLESS = 1 << 62


class JournalReader:
    """A journal that is only read; several may read, beside one that writes.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    path : Path
    about : mapping
        Of which run it is.

    Raises
    ------
    JournalError
        If there is no journal there, it is damaged at its root, or it is one of a later version.
    """

    path: Path
    about: Mapping[str, Any]
    _sound = range(0)  # numbers of events that were checked already

    def __init__(self, path: Path) -> None:
        self._begin(Path(path), read_only)

    def _begin(self, path: Path, connected: Callable[[Path], sqlite3.Connection]) -> None:
        self.path = path
        if not path.is_file():
            raise JournalError(f"{path}: no journal there; name the folder of a paper run")
        if not path.stat().st_size:
            raise JournalError(f"{path}: is empty, and so no journal; restore it from a copy")
        with explained(path):
            self._file = connected(path)
        try:
            self.about = self._about()
        except BaseException:
            self._file.close()
            raise

    def _about(self) -> Mapping[str, Any]:
        with explained(self.path):
            (application,) = self._file.execute("PRAGMA application_id").fetchone()
            (version,) = self._file.execute("PRAGMA user_version").fetchone()
            if application != APPLICATION:
                raise JournalError(f"{self.path}: is no journal of a paper run")
            if version != FORMAT:
                raise JournalError(
                    f"{self.path}: has format {version}, and this tradewind knows {FORMAT}; use "
                    "the version that wrote it"
                )
            found = self._file.execute("SELECT facts, seal FROM about").fetchone()
        if found is None or sha256(str(found[0]).encode()).hexdigest() != found[1]:
            raise JournalError(
                f"{self.path}: what it says about its run is damaged; restore it from a copy"
            )
        about: Mapping[str, Any] = json.loads(found[0])
        return about

    @property
    def count(self) -> int:
        """Number of the last event, which is how many there are."""
        with explained(self.path):
            (last,) = self._file.execute(COUNT).fetchone()
        return int(last)

    def events(self, *, after: int = 0, kinds: Collection[str] | None = None) -> Iterator[Event]:
        """Events behind number ``after`` that are there now, oldest first; of all kinds or some.

        Raises
        ------
        JournalError
            At the first event that is not what was written.
        """
        upto = self.count
        if kinds is None:
            return map(event_of, self._rows(after, upto))
        streams = [self._rows_of(kind, after, upto) for kind in sorted(set(kinds))]
        rows = streams[0] if len(streams) == 1 else merge(*streams, key=itemgetter(0))
        return map(event_of, rows)

    def last(self, kind: str) -> Event | None:
        """Newest event of a kind, None where there is none."""
        with explained(self.path):
            (seq,) = self._file.execute(LAST_OF_KIND, (kind, self.count)).fetchone()
        return next(map(event_of, self._rows(seq - 1, seq)), None) if seq else None

    def count_of(self, kind: str) -> int:
        """How many events of a kind there are, by the index alone: none of them is checked."""
        with explained(self.path):
            (n,) = self._file.execute(COUNT_OF_KIND, (kind,)).fetchone()
        return int(n)

    def snapshot(self) -> tuple[int, bytes] | None:
        """(number of the event it was made after, bytes) of the newest snapshot that is whole."""
        with explained(self.path):
            found = next(snapshots.whole(self._file), None)
        return None if found is None else (found.seq, found.blob)

    def verify(self) -> int:
        """Check everything: each event, the file's pages and indexes, the end; number of events.

        Raises
        ------
        JournalError
            If anything is not what was written. A damaged snapshot is no reason: it is passed over.
        """
        acknowledged, upto = noted(self.path), self.count
        self._sound = range(0)
        self._crc_through(0, 0, upto)
        self._end_there(acknowledged, upto)
        with explained(self.path):
            (said,) = self._file.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise JournalError(
                f"{self.path}: all {upto} events are good, but the file is damaged elsewhere "
                f"({said}); {take_out(self.path)}"
            )
        return upto

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return itself; leaving closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _end_there(self, acknowledged: int, upto: int) -> None:
        if upto < acknowledged:
            raise JournalError(
                f"{self.path}: ends at event {upto}, but {acknowledged} were acknowledged: its "
                f"-wal file is missing, or its end was cut off, or it is an older copy; put "
                f"{self.path.name}-wal back. Where the rest is lost (with sync: normal after a "
                f"power cut), 'tradewind paper salvage {self.path.resolve().parent.name}' lets the "
                f"run go on after event {upto}"
            )

    def _crc_through(self, after: int, crc: int, upto: int) -> int:
        """Check the chain behind event ``after``; checksum of event ``upto``."""
        for row in self._rows(after, upto, crc):
            crc = row[2]
        return crc

    def _rows(self, after: int, upto: int, crc: int | None = None) -> Iterator[Any]:
        """Rows in (after, upto], each held against the row before it."""
        before = self._crc_of(after) if crc is None else crc
        sound = self._sound
        while after < upto:
            rows, error = self._chunk(RANGE, (after, upto, CHUNK))
            try:
                for row in rows:
                    seq, prior, written, at, kind, facts, blob = row
                    if seq != after + 1:
                        break
                    if seq not in sound and written != checksum(
                        before, seq, prior, at, kind, facts, blob
                    ):
                        raise DamagedError(self.path, after, "its checksum is another")
                    after, before = seq, written
                    yield row
            except TypeError:  # bytes where text was, or a number where bytes were
                raise DamagedError(self.path, after, "its columns are of other types") from None
            if error is not None:
                raise DamagedError(self.path, after, str(error))
            if not rows or rows[-1][0] != after:
                raise DamagedError(self.path, after, "it is missing")

    def _rows_of(self, kind: str, after: int, upto: int) -> Iterator[Any]:
        """Rows of a kind in (after, upto], each held against the row before it and of its kind."""
        with explained(self.path):
            (last,) = self._file.execute(LAST_OF_KIND, (kind, after)).fetchone()
        while True:
            rows, error = self._chunk(OF_KIND, (kind, after, upto, CHUNK))
            try:
                for row in rows:
                    seq, prior, written, at, of, facts, blob, before = row
                    if written != checksum(before, seq, prior, at, of, facts, blob):
                        raise DamagedError(self.path, seq - 1, "its checksum is another")
                    if prior != last:
                        raise DamagedError(self.path, prior - 1, f"it is missing among {kind}s")
                    after = last = seq
                    yield row
            except TypeError:
                raise DamagedError(self.path, seq - 1, "its columns are of other types") from None
            if error is not None:
                raise JournalError(
                    f"{self.path}: events of kind {kind} behind number {after} cannot be read "
                    f"({error}); {take_out(self.path)}"
                )
            if len(rows) < CHUNK:
                return

    def _chunk(self, query: str, values: tuple[Any, ...]) -> tuple[list[Any], Exception | None]:
        """(rows, what stopped them): damage in the midst does not take the rows before it."""
        rows: list[Any] = []
        with explained(self.path):
            try:
                rows.extend(self._file.execute(query, values))
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                return rows, error
        return rows, None

    def _crc_of(self, seq: int) -> int:
        if not seq:
            return 0
        with explained(self.path):
            row = self._file.execute(CRC_OF, (seq,)).fetchone()
        if row is None:
            raise JournalError(f"{self.path}: has no event {seq} to read on from")
        return int(row[0])


class TolerantReader(JournalReader):
    """A damaged journal, read as far as it goes, even where the file is shorter than it says."""

    def __init__(self, path: Path) -> None:
        self._begin(Path(path), partial(read_only, tolerant=True))

    def good(self) -> Iterator[Event]:
        """Events before the first that is not what was written."""
        try:
            yield from map(event_of, self._rows(0, ENDLESS))
        except DamagedError:
            return

    def beyond(self, good: int) -> tuple[dict[str, int], int | None]:
        """(events behind number ``good`` by kind, time of the last bar), as far as can be told."""
        counts: dict[str, int] = {}
        with suppress(sqlite3.Error):
            counts.update(self._file.execute(BEYOND, (good,)))
        with suppress(sqlite3.Error):
            found = self._file.execute(LAST_BAR, (good,)).fetchone()
            if found and isinstance(found[0], int):
                return counts, found[0]
        return counts, None

    def kept(self, upto: int) -> list[snapshots.Snapshot]:
        """Whole snapshots of the first ``upto`` events, oldest first."""
        with explained(self.path):
            found = list(snapshots.whole(self._file))
        return [one for one in reversed(found) if one.seq <= upto]
