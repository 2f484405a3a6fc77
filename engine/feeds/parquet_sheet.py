"""Parquet files as named columns."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds import arrow, numbers
from tradewind.engine.feeds.sheets import Taken
from tradewind.engine.records import Floats, Ints


@dataclass(frozen=True, slots=True)
class ParquetSheet:
    """A Parquet file; its rows count from 1."""

    path: Path
    names: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> "ParquetSheet":
        """Read the names of the columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                names = tuple(file.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise damaged(path, error) from None
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(f"{path}: has two columns called {twice[0]!r}; rename one of them")
        return cls(path, names)

    def take(
        self, text: Collection[int], numeric: Collection[int], perhaps: Collection[int]
    ) -> Taken:
        """Read columns; text is taken for numbers where they are asked for."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        wanted = list(dict.fromkeys([*text, *numeric, *perhaps]))
        try:
            with pq.ParquetFile(path := self.path) as file:
                table = file.read([self.names[i] for i in wanted], use_pandas_metadata=False)
            table.validate(full=True)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise damaged(path, error) from None
        rows = np.arange(1, table.num_rows + 1)
        return self.taken(table, text, numeric, perhaps, rows)

    def taken(
        self,
        table: Any,
        text: Collection[int],
        numeric: Collection[int],
        perhaps: Collection[int],
        rows: Ints,
    ) -> Taken:
        """Columns of a table read from this file; ``rows`` says where its rows stand in it."""
        table = table.rename_columns([f"c{self.names.index(n)}" for n in table.column_names])
        values, odd = {}, []
        for i in dict.fromkeys([*numeric, *perhaps]):
            array = self._number(table[f"c{i}"], i, i in numeric)
            if array is None:
                odd.append(i)
            else:
                values[i] = array
        columns = {i: table[f"c{i}"] for i in text}
        return Taken(columns, values, rows, tuple(odd))

    def _number(self, column: Any, at: int, needed: bool) -> Floats | None:
        import pyarrow as pa
        import pyarrow.types as is_

        kind = column.type
        if is_.is_string(kind) or is_.is_large_string(kind):
            try:
                return numbers.parse({"": column})[""]
            except numbers.Unreadable as fault:
                found = f"row {(fault.row or 0) + 1} holds {fault.cell[:40]!r}"
        elif is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind):
            if is_.is_decimal(kind):  # by way of text, which rounds once and correctly
                column = column.cast(pa.string())
            try:
                return arrow.floats(column)
            except pa.ArrowException as error:
                found = str(error)
        else:
            found = f"it is of type {kind}"
        if needed:
            raise DataError(f"{self.path}: column {self.names[at]!r} is not numbers: {found}")
        return None


def damaged(path: Path, error: Exception) -> DataError:
    """Error for a file that cannot be read."""
    reason = " ".join(str(error).split())[:160]
    return DataError(f"{path}: is damaged and cannot be read as Parquet ({reason}); copy it again")
