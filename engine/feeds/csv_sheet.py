"""CSV files as named columns: delimiter, header rows and the style of numbers are found out."""

import csv
import io
import mmap
import re
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds import arrow, numbers
from tradewind.engine.feeds.columns import ALIASES, plain
from tradewind.engine.feeds.sheets import Taken
from tradewind.engine.records import Floats, Ints

DELIMITERS = (",", ";", "\t", "|")
MAX_HEADER_ROWS = 3
MAX_TITLE_LINES = 5  # "Data provided by ..." above the header
SAMPLE_LINES = 200
DATE = re.compile(
    r"\s*(?:(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|(?:19|20)\d{6}\b"
    r"|\d{9,19}(?:\.\d+)?\s*$|\d{1,2}[-/ ][A-Za-z]{3}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})"
)


@dataclass(frozen=True, slots=True)
class CsvSheet:
    """Text with a header line; ``first`` is the line its bars begin on, counted from 1."""

    path: Path
    names: tuple[str, ...]
    delimiter: str
    first: int
    numeric: frozenset[int]  # columns that hold numbers as far as the head of the file goes
    empty: frozenset[int]  # columns that hold nothing so far

    @classmethod
    def open(cls, path: Path, text: str) -> "CsvSheet":
        """Find delimiter and header in the text at the head of a file."""
        lines = re.split(r"\r\n|\n|\r", text)[:SAMPLE_LINES]
        skipped = _header_line(lines)
        delimiter = _delimiter(lines[skipped])
        if lines[skipped].lower().startswith("sep="):  # Excel says so on a line of its own
            delimiter, skipped = lines[skipped][4:5] or delimiter, skipped + 1
        lines = lines[skipped:]
        if not lines or delimiter not in lines[0]:
            raise DataError(
                f"{path}: its first line has no comma, semicolon, tab or bar between columns: "
                f"{(lines or [''])[0][:60]!r}; wanted a header such as date,open,high,low,close"
            )
        cells = _cells(path, lines, delimiter)
        n_header = next((i for i, row in enumerate(cells) if _has_date(row)), len(cells))
        if n_header == 0:
            raise DataError(
                f"{path}:{skipped + 1}: the first line holds a date, not the names of the columns; "
                "add a header line such as date,open,high,low,close,volume"
            )
        n_header = min(n_header, MAX_HEADER_ROWS) if _several(cells) else 1
        numeric, empty = _numeric(cells[n_header:], len(cells[0]))
        names, first = _names(cells[:n_header]), skipped + n_header + 1
        return cls(path, names, delimiter, first, numeric, empty)

    def take(
        self, text: Collection[int], numeric: Collection[int], perhaps: Collection[int]
    ) -> Taken:
        """Read columns, fast where all numbers are plain, cell by cell where they are not."""
        import pyarrow as pa

        # A column may begin years after the first line, which has told nothing about it then.
        likely = [i for i in perhaps if i in self.numeric | self.empty]
        others = tuple(i for i in perhaps if i not in likely)
        wanted = [*numeric, *likely]
        try:
            table = self._read(text, {i: pa.float64() for i in wanted})
            values = {i: arrow.floats(table[f"c{i}"]) for i in wanted}
        except (pa.ArrowException, OSError, zlib.error, EOFError, MemoryError):
            table = self._read_text([*text, *wanted])
            values, odd = self._parsed(table, numeric, likely)
            others += odd
        for i in self.empty & values.keys():
            if i in likely and np.isnan(values[i]).all():
                del values[i]
                others += (i,)
        columns = {i: table[f"c{i}"] for i in text}
        return Taken(columns, values, self._rows(table.num_rows), others)

    def _read(
        self,
        text: Collection[int],
        types: Mapping[int, Any],
        fault: Callable[[Any], str] | None = None,
    ) -> Any:
        import pyarrow as pa
        import pyarrow.csv as arrow_csv

        return arrow_csv.read_csv(
            self._bytes(),
            arrow_csv.ReadOptions(
                column_names=[f"c{i}" for i in range(len(self.names))],
                skip_rows=self.first - 1,
                use_threads=fault is None,
                block_size=1 << 24,
            ),
            arrow_csv.ParseOptions(delimiter=self.delimiter, invalid_row_handler=fault),
            arrow_csv.ConvertOptions(
                column_types={f"c{i}": pa.string() for i in text}
                | {f"c{i}": kind for i, kind in types.items()},
                include_columns=[f"c{i}" for i in dict.fromkeys([*text, *types])],
                null_values=list(numbers.NULLS),
                strings_can_be_null=False,
            ),
        )

    def _bytes(self) -> Any:
        import pyarrow as pa

        if self.path.suffix == ".gz":
            return pa.input_stream(str(self.path), compression="gzip")
        return pa.memory_map(str(self.path))

    def _read_text(self, columns: Collection[int]) -> Any:
        """Every column as text, or an error that names the line that cannot be read."""
        import pyarrow as pa

        broken: list[Any] = []

        def keep(row: Any) -> str:
            broken.append(row)
            return "skip"

        try:
            table = self._read(columns, {}, keep)
        except (pa.ArrowException, OSError, zlib.error, EOFError, MemoryError) as error:
            raise DataError(f"{self.path}: cannot be read as CSV: {error}") from None
        if broken:
            row = broken[0]
            raise DataError(
                f"{self.path}:{row.number}: has {row.actual_columns} columns, the header "
                f"{row.expected_columns}: {row.text[:60]!r}; is the file cut off, or does it hold "
                "text before or after the bars?"
            )
        return table

    def _parsed(
        self, table: Any, numeric: Collection[int], perhaps: Collection[int]
    ) -> tuple[dict[int, Floats], tuple[int, ...]]:
        """Numbers from text; a further column that holds none is left out."""
        try:
            values = numbers.parse({str(i): table[f"c{i}"] for i in numeric})
        except numbers.Unreadable as fault:
            name = self.names[int(fault.name)]
            if fault.row is None:
                raise DataError(
                    f"{self.path}: {fault.cell!r} in column {name!r} could be a decimal or a "
                    "thousands separator, and no number in the file tells; save it with a decimal "
                    "point and without thousands separators"
                ) from None
            line = self._rows(table.num_rows)[fault.row]
            raise DataError(
                f"{self.path}:{line}: column {name!r} holds {fault.cell[:40]!r}, wanted a number; "
                "correct the row or remove it"
            ) from None
        kept = {int(name): array for name, array in values.items()}
        odd = []
        for i in perhaps:
            try:
                kept[i] = numbers.parse({str(i): table[f"c{i}"]})[str(i)]
            except numbers.Unreadable:
                odd.append(i)
        return kept, tuple(odd)

    def _rows(self, n_rows: int) -> Ints:
        """Line of each row; empty lines are no rows, but lines they are."""
        lines = np.arange(self.first, self.first + n_rows, dtype=np.int64)
        if self.path.suffix == ".gz" or not n_rows:
            return lines
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m,
        ):
            if m.find(b"\n\n") < 0 and m.find(b"\n\r\n") < 0:
                return lines
        held = np.memmap(self.path, np.uint8, "r")
        ends = np.flatnonzero(held == ord("\n"))[self.first - 2 :]
        lengths = np.diff(ends, append=len(held)) - 1
        returns = held[np.minimum(ends + 1, len(held) - 1)] == ord("\r")
        filled = np.flatnonzero(lengths > returns.astype(np.int64))[:n_rows]
        return lines if len(filled) < n_rows else filled + self.first


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _header_line(lines: Sequence[str]) -> int:
    """First line that is neither empty nor a comment, or the header below a line of title."""
    filled = [i for i, x in enumerate(lines) if x.strip() and not x.startswith("#")]
    if not filled:
        return len(lines) - 1
    width = lines[filled[0]].count(_delimiter(lines[filled[0]])) + 1
    for i in filled[: MAX_TITLE_LINES + 1]:
        names = [plain(cell) for cell in lines[i].split(_delimiter(lines[i]))]
        says_when = any(name in ALIASES["time"] for name in names)
        says_what = any(name in ALIASES["close"] for name in names)
        if says_when and says_what and len(names) > 2 * width:
            return i
    return filled[0]


def _cells(path: Path, lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Cells of the lines at the head of a file."""
    try:
        return [
            row or [""] for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)
        ]
    except (csv.Error, TypeError) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}") from None


def _has_date(cells: Sequence[str]) -> bool:
    return any(DATE.match(cell) for cell in cells)


def _several(cells: Sequence[Sequence[str]]) -> bool:
    """Whether the second line is a header too: no date in it, and more than one column to name."""
    return len(cells) > 2 and not _has_date(cells[1]) and any(c.strip() for c in cells[1])


def _names(header: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Name of each column; levels are written as pandas flattens them."""
    if len(header) == 1:
        return tuple(cell.strip() for cell in header[0])
    top, low = header[0], header[1]
    names, above = [], ""
    for i, cell in enumerate(top):
        above = cell.strip() or above  # a merged cell stands over several columns
        below = low[i].strip() if i < len(low) else ""
        column = [row[i].strip() for row in header if i < len(row)]
        when = next((c for c in column[::-1] if plain(c) in ALIASES["time"]), "")
        names.append((when if i == 0 else "") or (f"('{above}', '{below}')" if i and below else ""))
    return tuple(names)


def _numeric(
    rows: Sequence[Sequence[str]], n_columns: int
) -> tuple[frozenset[int], frozenset[int]]:
    """Columns of a sample with numbers or nothing, and some number; and those with nothing."""
    found, empty = [], []
    for i in range(n_columns):
        cells = [row[i].strip() for row in rows if i < len(row)]
        cells = [cell for cell in cells if cell not in numbers.NULLS]
        if not cells:
            empty.append(i)
        elif all(re.match(numbers.POINT, re.sub(r"[$,]", "", c)) for c in cells):
            found.append(i)
    return frozenset(found), frozenset(empty)
