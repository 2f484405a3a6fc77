"""The local store: one folder of Parquet files behind a manifest that knows each one's digest.

``<folder>/<provider>/<interval>/<symbol>/prices-<digest>.parquet`` and ``events-<digest>.parquet``
hold what a provider said, as traded. A file is written under a temporary name, flushed and renamed,
and never changed afterwards: a new state is a new file, and the manifest's row moves from one to
the other in one transaction. So a reader sees the old state or the new one, and a crash leaves at
most a file that nobody refers to.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tradewind.engine.feeds import store_files as files
from tradewind.engine.feeds.manifest import DamagedManifestError, Manifest
from tradewind.engine.feeds.store_merge import Difference
from tradewind.engine.feeds.store_records import Entry, Key, Refusal, Revision, StoreEntry
from tradewind.engine.feeds.store_series import Series, encode_events, encode_prices

MANIFEST = "manifest.sqlite"
_READ_TRIES = 5  # a writer may drop a file between our look at the manifest and our read


def default_folder() -> Path:
    """Folder of the store where a config names none: ``$TRADEWIND_STORE``, else the user's data."""
    import platformdirs

    named = os.environ.get("TRADEWIND_STORE")
    return Path(named) if named else platformdirs.user_data_path("tradewind") / "store"


class Store:
    """One folder of series, safe for several processes at once.

    Every method raises StoreError, naming the file, where anything does not match its record.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made on the first write."""
        self.folder = folder
        self.manifest_path = folder / MANIFEST

    def lookup(self, keys: Sequence[Key]) -> dict[Key, tuple[Entry | None, Refusal | None]]:
        """Return what is held of each series, and the last failed attempt at it."""
        if self._is_new():
            return dict.fromkeys(keys, (None, None))
        with self._manifest() as manifest:
            return {key: (manifest.entry(key), manifest.refusal(key)) for key in keys}

    def load(self, entry: Entry) -> tuple[Entry, Series]:
        """Read a series; where another process has moved it on meanwhile, its present state."""
        for _ in range(_READ_TRIES):
            try:
                return entry, files.read_series(self.folder, entry)
            except FileNotFoundError as error:
                gone = Path(error.filename)
                present = self.lookup([entry.key])[entry.key][0]
                if present is None or present == entry:
                    break
                entry = present
        raise files.damaged(self.folder, entry, gone, "is missing")

    def _is_new(self) -> bool:
        """Say whether nothing was ever stored here; asking must not make a store of the folder."""
        return not self.manifest_path.exists() and not any(self.folder.glob("*/*/*/*.parquet"))

    def _manifest(self) -> Manifest:
        return Manifest(
            self.manifest_path,
            "Nothing in this store can be trusted without it. To set the store aside and begin "
            f"anew, run: {files.remedy(self.folder, 'SYMBOL...', '1d')}",
        )

    @contextlib.contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Hold the store's only pen until the block ends; all of it counts, or nothing."""
        with self._manifest() as manifest:
            writer = Writer(self.folder, manifest)
            with manifest.writing():
                yield writer
            with manifest.holding():  # a file another writer has just made has no row yet
                for key in writer.saved:
                    files.sweep(self.folder, key, manifest.entry(key))

    def set_damage_aside(self) -> Path | None:
        """Where the manifest is damaged, move the store's content away so that it can begin anew.

        Returns
        -------
        Path or None
            Where it lies now; None where nothing was wrong with it.
        """
        if self._is_new():
            return None
        try:
            with self._manifest():
                return None
        except DamagedManifestError:
            aside = self.folder / f"damaged-{time.time_ns()}"
            content = [p for p in self.folder.iterdir() if not p.name.startswith("damaged-")]
            aside.mkdir()
            for path in content:
                path.rename(aside / path.name)
            return aside

    def revisions(self, key: Key | None = None) -> list[Revision]:
        """Return the revisions of one series, or all, oldest first."""
        if self._is_new():
            return []
        with self._manifest() as manifest:
            return manifest.revisions(key)

    def contents(self) -> list[StoreEntry]:
        """Return what is held, in order of provider, interval and symbol."""
        if self._is_new():
            return []
        with self._manifest() as manifest:
            counts: dict[Key, int] = {}
            for revision in manifest.revisions():
                key = Key(revision.provider, revision.interval, revision.symbol)
                counts[key] = counts.get(key, 0) + 1
            return [
                _listed(entry, counts.get(entry.key, 0), manifest.refusal(entry.key))
                for entry in manifest.entries()
            ]


class Writer:
    """What may be done while holding the store's pen."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Bind to a store inside its transaction."""
        self._folder = folder
        self._manifest = manifest
        self.saved: set[Key] = set()

    def load(self, key: Key) -> tuple[Entry, Series] | None:
        """Return a series as it is now, None where there is none."""
        entry = self._manifest.entry(key)
        if entry is None:
            return None
        try:
            return entry, files.read_series(self._folder, entry)
        except FileNotFoundError as error:
            raise files.damaged(self._folder, entry, Path(error.filename), "is missing") from None

    def entry(self, key: Key) -> Entry | None:
        """Return what is held of a series without reading it."""
        return self._manifest.entry(key)

    def save(self, entry: Entry, series: Series) -> Entry:
        """Store a series; ``entry`` needs no files, digests or counts yet."""
        folder = files.place(self._folder, entry.key)
        prices, events = encode_prices(series.prices), encode_events(series.events)
        prices_file, prices_sha256 = files.write_file(folder, "prices", prices)
        events_file, events_sha256 = files.write_file(folder, "events", events)
        ts = series.prices.ts
        entry = replace(
            entry,
            first=int(ts[0]),
            last=int(ts[-1]),
            rows=len(ts),
            prices_file=prices_file,
            prices_sha256=prices_sha256,
            events_file=events_file,
            events_sha256=events_sha256,
            bytes=len(prices) + len(events),
        )
        self._manifest.put(entry)
        self._manifest.forgive(entry.key)
        self.saved.add(entry.key)
        return entry

    def record(
        self, key: Key, noticed_at: int, action: str, differences: Sequence[Difference]
    ) -> list[Difference]:
        """Append a revision of what is not on record yet.

        Returns
        -------
        list of Difference
            What was appended.
        """
        told = {
            (revision.action, json.dumps(row))
            for revision in self._manifest.revisions(key)
            for row in json.loads(revision.rows)
        }
        rows = [[d.kind, d.ts, d.stored, d.received] for d in differences]
        new = [(action, json.dumps(row)) not in told for row in rows]
        fresh = [row for row, is_new in zip(rows, new, strict=True) if is_new]
        if fresh:
            self._manifest.add_revision(key, noticed_at, action, json.dumps(fresh))
        return [d for d, is_new in zip(differences, new, strict=True) if is_new]

    def refuse(self, refusal: Refusal) -> None:
        """Note a failed attempt."""
        self._manifest.put(refusal)


def _listed(entry: Entry, revisions: int, refusal: Refusal | None) -> StoreEntry:
    return StoreEntry(
        provider=entry.provider,
        symbol=entry.symbol,
        interval=entry.interval,
        covered_from=entry.covered_from,
        covered_to=entry.covered_to,
        first=entry.first,
        last=entry.last,
        rows=entry.rows,
        fetched_at=entry.fetched_at,
        revisions=revisions,
        bytes=entry.bytes,
        last_error=f"{refusal.kind}: {refusal.message}" if refusal else "",
    )
