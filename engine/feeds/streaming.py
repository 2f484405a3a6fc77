"""Files as a source of bars: large Parquet files part by part, everything else at once."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds import tabular
from tradewind.engine.feeds.parquet_parts import (
    Contents,
    GroupSheet,
    divisible,
    largest_group,
    n_rows_of,
    parts,
    row_starts,
)
from tradewind.engine.feeds.parquet_sheet import ParquetSheet
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.survey import CalendarOf, Gathered, InMemory, Source, Survey
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Ints

SMALL_ROWS = 500_000  # files with fewer rows in all are read at once


def source(config: DataConfig, *, progress: Progress = SILENT) -> Source:
    """Bars of every file that ``config.path`` names.

    Raises
    ------
    DataError
        As :func:`tradewind.engine.feeds.tabular.read`.
    """
    if config.source == "parquet" and config.actions is None:
        files = {path: tabular.opened(path, config) for path in tabular.paths_of(config)}
        large = sum(n_rows_of(file.sheet.path) for file in files.values()) >= SMALL_ROWS
        if large and all(divisible(file.sheet.path, file.layout) for file in files.values()):
            return Streamed(files, progress)
    return InMemory(*tabular.read(config, progress=progress))


@dataclass(slots=True)
class Streamed:
    """Parquet files that are read twice: first when there are bars, then part by part."""

    files: dict[Path, tabular.File]
    progress: Progress
    _contents: dict[Path, Contents] = field(default_factory=dict)
    _notes: dict[str, None] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for what; complete once everything is read."""
        return tuple(self._notes)

    def survey(self, calendar_of: CalendarOf, wanted: Collection[str] | None) -> Survey:
        """Outlines of all symbols, and the stamps of those wanted (None: all)."""
        gathered, homes = Gathered(), dict[str, Path]()
        self.progress.start("looking at times", len(self.files))
        for path, file in self.files.items():
            contents = Contents({}, {}, largest_group(path))
            for group, names, codes, ts in _times(file):
                for name, own in _by_symbol(names, codes, ts):
                    if homes.setdefault(name, path) != path:
                        raise DataError(
                            f"{path}: holds {name}, and so does {homes[name]}; put each symbol "
                            "into one file"
                        )
                    contents.rows[name] = contents.rows.get(name, 0) + len(own)
                    contents.groups.setdefault(name, []).append(group)
                    gathered.add(name, str(path), own)
                    if wanted is None or name in wanted:
                        gathered.add_stamps(own, calendar_of(name))
            self._contents[path] = contents
            self.progress.advance("looking at times", note=path.name)
        self.progress.finish("looking at times")
        found = gathered.survey()
        return replace(found, outlines=tuple(sorted(found.outlines, key=lambda one: one.symbol)))

    def read(self, symbols: Collection[str]) -> Iterator[Sequence[RawBars]]:
        """Bars of the symbols asked for, some symbols at a time, each symbol whole."""
        import pyarrow as pa

        plan = [
            (path, names, groups)
            for path, contents in self._contents.items()
            for names, groups in parts(contents, symbols)
        ]
        self.progress.start(tabular.TASK, len(plan))
        for path, names, groups in plan:
            bars, said = self._part(path, names, groups).one_by_one()
            self._notes.update(dict.fromkeys(said))
            for one in bars:
                yield [one]
            del bars
            pa.default_memory_pool().release_unused()
            self.progress.advance(tabular.TASK, note=names[-1])
        self.progress.finish(tabular.TASK)

    def _part(self, path: Path, names: Sequence[str], groups: Sequence[int]) -> tabular.File:
        file = self.files[path]
        assert isinstance(file.sheet, ParquetSheet)
        at = file.layout.symbol
        column = "" if at is None else file.sheet.names[at]
        return replace(file, sheet=GroupSheet(file.sheet, tuple(groups), column, frozenset(names)))


def _times(file: tabular.File) -> Iterator[tuple[int, list[str], Ints, Ints]]:
    """Row group by row group: its number, its symbols, which each row is of, and its stamps."""
    import pyarrow.parquet as pq

    assert isinstance(file.sheet, ParquetSheet)
    with pq.ParquetFile(file.sheet.path) as opened:
        n_rows = np.diff(row_starts(opened))
    if not n_rows.sum():
        raise DataError(f"{file.sheet.path}: has a header and no rows; wanted bars")
    at = file.layout.symbol
    text = [*file.layout.time, *([] if at is None else [at])]
    for group in np.flatnonzero(n_rows).tolist():
        taken = GroupSheet(file.sheet, (group,)).take(text, (), ())
        names, codes = ([file.symbol], np.zeros(len(taken.row), np.int64))
        if at is not None:
            names, codes = file.coded(taken)
        yield group, names, codes, file.times(taken)


def _by_symbol(names: Sequence[str], codes: Ints, ts: Ints) -> Iterator[tuple[str, Ints]]:
    """Stamps of each symbol of a row group."""
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for k, name in enumerate(names):
        yield name, ts[order[bounds[k] : bounds[k + 1]]]
