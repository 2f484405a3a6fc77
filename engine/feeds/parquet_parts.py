"""Large Parquet files read in parts: no table of all their rows is ever made."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.feeds import arrow
from tradewind.engine.feeds.columns import Layout
from tradewind.engine.feeds.parquet_sheet import ParquetSheet, damaged
from tradewind.engine.feeds.sheets import Taken
from tradewind.engine.records import Ints

PARTS = 64  # into which the rows are divided where a part needs few row groups
PASSES = 24  # the same where every part needs all of them
FEWEST_ROWS = 100_000  # in a part; below this reading costs more than it saves


@dataclass(frozen=True, slots=True)
class GroupSheet:
    """Some row groups of a Parquet file, of them the rows of some symbols."""

    sheet: ParquetSheet
    groups: tuple[int, ...]
    symbol: str = ""  # column that names the symbol; empty: every row
    symbols: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.sheet.path

    @property
    def names(self) -> Sequence[str]:
        """Column names of the file."""
        return self.sheet.names

    def take(
        self, text: Collection[int], numeric: Collection[int], perhaps: Collection[int]
    ) -> Taken:
        """Read columns of the rows meant."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        wanted = [self.names[i] for i in dict.fromkeys([*text, *numeric, *perhaps])]
        tables, rows = [], []
        try:
            with pq.ParquetFile(self.path) as file:
                starts = row_starts(file)
                for group in self.groups:
                    table = file.read_row_group(group, wanted, use_pandas_metadata=False)
                    table.validate(full=True)
                    row = np.arange(starts[group], starts[group + 1]) + 1
                    if self.symbol:
                        table, row = self._meant(table, row)
                    tables.append(table)
                    rows.append(row)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise damaged(self.path, error) from None
        return self.sheet.taken(pa.concat_tables(tables), text, numeric, perhaps,
                                np.concatenate(rows))  # fmt: skip

    def _meant(self, table: Any, row: Ints) -> tuple[Any, Ints]:
        """Rows whose symbol is one of those meant; spaces around it do not count."""
        import pyarrow as pa
        import pyarrow.compute as pc

        names = pc.utf8_trim_whitespace(table[self.symbol].cast(pa.string()))
        mask = pc.is_in(names, pa.array(sorted(self.symbols), pa.string()))
        among = arrow.bools(mask)
        return (table, row) if among.all() else (table.filter(mask), row[among])


def row_starts(file: Any) -> Ints:
    """First row of each row group, and behind the last one their number."""
    meta = file.metadata
    sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def n_rows_of(path: Path) -> int:
    """Rows of a file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def largest_group(path: Path) -> int:
    """Rows of the largest row group of a file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return int(np.diff(row_starts(file)).max(initial=0))


def divisible(path: Path, found: Layout) -> bool:
    """Whether parts of a file can be understood without the rest of it.

    Not where dates or numbers are text, whose spelling is told from the whole column.
    """
    import pyarrow.parquet as pq
    import pyarrow.types as is_

    if found.shape == "wide" or len(found.time) != 1:
        return False
    with pq.ParquetFile(path) as file:
        types = file.schema_arrow.types
    time = types[found.time[0]]
    numeric = {at for columns in found.fields.values() for at in columns.values()}
    plain = all(
        is_.is_floating(types[at]) or is_.is_integer(types[at])
        for at in {*numeric, *found.extra.values()}
    )
    return bool(plain and (is_.is_timestamp(time) or is_.is_date(time)))


@dataclass(frozen=True, slots=True)
class Contents:
    """Which symbols the row groups of a file hold.

    Attributes
    ----------
    rows : mapping of str to int
        Symbol to its number of rows, in the order in which they come.
    groups : mapping of str to list of int
        Symbol to the row groups that hold it.
    largest : int
        Rows of the largest row group: it is read whole, so a part may as well be as large.
    """

    rows: dict[str, int]
    groups: dict[str, list[int]]
    largest: int = 0


def parts(contents: Contents, symbols: Collection[str]) -> Iterator[tuple[list[str], list[int]]]:
    """Symbols to read together, and the row groups that hold them."""
    wanted = [symbol for symbol in contents.rows if symbol in symbols]
    total = sum(contents.rows[symbol] for symbol in wanted)
    read = sum(len(contents.groups[symbol]) for symbol in wanted)
    n_groups = len({g for groups in contents.groups.values() for g in groups})
    scattered = read > 2 * (len(wanted) + n_groups)  # a symbol lies in many groups, not in one run
    most = max(FEWEST_ROWS, contents.largest, total // (PASSES if scattered else PARTS))
    chosen: list[str] = []
    n_rows = 0
    for symbol in wanted:
        if chosen and n_rows + contents.rows[symbol] > most:
            yield chosen, _groups_of(contents, chosen)
            chosen, n_rows = [], 0
        chosen.append(symbol)
        n_rows += contents.rows[symbol]
    if chosen:
        yield chosen, _groups_of(contents, chosen)


def _groups_of(contents: Contents, symbols: Sequence[str]) -> list[int]:
    return sorted({group for symbol in symbols for group in contents.groups[symbol]})
