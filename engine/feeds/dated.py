"""Small files of dated numbers beside the bars: rates of exchange, borrow rates, factors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds import arrow
from tradewind.engine.feeds.columns import ALIASES, UNNAMED, plain
from tradewind.engine.feeds.files import SUFFIXES
from tradewind.engine.feeds.sheets import Sheet
from tradewind.engine.feeds.tabular import open_sheet
from tradewind.engine.feeds.timestamps import Dating, read_times
from tradewind.engine.records import Floats, Ints

Names = Sequence[str]


@dataclass(frozen=True, slots=True)
class Dated:
    """Rows of a file, oldest first.

    Attributes
    ----------
    path : Path
    ts : ndarray of int64, shape (n_rows,)
        UTC nanoseconds; midnight UTC of the day where rows carry no time of day.
    whole_days : bool
        Whether no row carries a time of day.
    names : tuple of str
        Symbols of the file; empty where it has no such column.
    code : ndarray of int64, shape (n_rows,)
        Which of ``names`` a row is of; zeros where there are none.
    values : mapping of str to ndarray of float64, shape (n_rows,)
        By the name asked for; NaN where a cell is empty.
    row : ndarray of int64, shape (n_rows,)
        Line or row in the file, for messages.
    """

    path: Path
    ts: Ints
    whole_days: bool
    names: tuple[str, ...]
    code: Ints
    values: Mapping[str, Floats]
    row: Ints

    def take(self, rows: Any) -> "Dated":
        """Rows that an index or a mask names."""
        values = {key: array[rows] for key, array in self.values.items()}
        return replace(
            self, ts=self.ts[rows], code=self.code[rows], values=values, row=self.row[rows]
        )

    def of(self, name: str) -> "Dated":
        """Rows of one symbol, of which there may be none."""
        at = self.names.index(name) if name in self.names else -1
        return self.take(self.code == at)

    def error(self, row: int, what: str) -> DataError:
        """Build an error that points at a row."""
        return DataError(f"{self.path}:{self.row[row]}: {what}")


def read_dated(
    path: Path, wanted: Names, *, key: str, named: Names = (), optional: Names = (), zone: str
) -> Dated:
    """Read a CSV or Parquet file with a date or time, perhaps a symbol, and numbers.

    Parameters
    ----------
    path : Path
    wanted : sequence of str
        Columns of numbers that must be there, whatever their case and punctuation.
    key : str
        Key of the config that names the file, for messages.
    named : sequence of str
        What the column that says whose number it is may be called; none: there is no such column.
    optional : sequence of str
        Columns of numbers that may be there.
    zone : str
        Of times that carry none.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, holds what is no number, or says two things of
        one time.
    """
    kind = next((k for k, ends in SUFFIXES.items() if path.name.lower().endswith(ends)), "csv")
    try:
        sheet = open_sheet(path, kind)
    except DataError as error:
        raise DataError(f"{key}: {str(error).removesuffix('; check data.path')}") from None
    found = {plain(name): at for at, name in reversed(list(enumerate(sheet.names)))}
    time = next((found[a] for a in (*ALIASES["time"], *UNNAMED) if a in found), None)
    who = next((found[plain(a)] for a in named if plain(a) in found), None)
    have = [name for name in (*wanted, *optional) if plain(name) in found]
    lacking = [name for name in wanted if name not in have]
    lacking += ["date"] if time is None else []
    lacking += [named[0]] if named and who is None else []
    if lacking or time is None or not have:
        told = " or ".join(map(repr, lacking or optional))
        raise DataError(
            f"{key}: {path}: no column {told} among {', '.join(map(repr, sheet.names))}; "
            "rename the column in the file"
        )
    return _taken(sheet, time, who, {name: found[plain(name)] for name in have}, key, zone)


def _taken(
    sheet: Sheet, time: int, who: int | None, columns: Mapping[str, int], key: str, zone: str
) -> Dated:
    """Rows of an open file, sorted by symbol and time."""
    text = [time] if who is None else [time, who]
    taken = sheet.take(text, list(columns.values()), [])
    if not len(taken.row):
        raise DataError(f"{key}: {sheet.path}: has a header and no rows")
    ts, whole = _times(taken.text[time], taken.row, sheet.path, zone)
    names, code = (
        ([], np.zeros(len(ts), np.int64))
        if who is None
        else _coded(taken.text[who], taken.row, sheet.path)
    )
    numbers = {name: taken.numbers[at] for name, at in columns.items()}
    made = Dated(sheet.path, ts, whole, tuple(names), code, numbers, taken.row)
    made = made.take(np.lexsort((made.code, made.ts)))
    twice = (np.diff(made.ts) == 0) & (np.diff(made.code) == 0)
    if twice.any():
        row = int(twice.argmax())
        raise made.error(
            row + 1, f"says again what row {made.row[row]} says of its time; keep one of them"
        )
    return made


def _times(column: Any, rows: Ints, path: Path, zone: str) -> tuple[Ints, bool]:
    """UTC nanoseconds of each row, and whether they are days."""

    def dating(zone: str, *, daily: bool) -> Dating:
        return Dating(zone, None, daily, lambda row: f"{path}:{rows[row]}")

    days = read_times(column, dating("UTC", daily=True))
    try:
        whole = bool((read_times(column, dating("UTC", daily=False)) == days).all())
    except DataError:  # days are no times; what else could be wrong was said above
        whole = True
    return (days, True) if whole else (read_times(column, dating(zone, daily=False)), False)


def _coded(column: Any, rows: Ints, path: Path) -> tuple[list[str], Ints]:
    """Distinct symbols, and which of them each row has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pc.utf8_trim_whitespace(column.cast(pa.string()))
    blank = arrow.blank(names)
    if blank.any():
        raise DataError(f"{path}:{rows[int(blank.argmax())]}: has no symbol; complete the row")
    return arrow.coded(names)


def known_rows(have: Ints, when: Ints, *, strictly: bool = False) -> Ints:
    """Last row whose time is not after each moment, -1 where there is none.

    Parameters
    ----------
    have : ndarray of int64, shape (n_rows,)
        Increasing.
    when : ndarray of int64, shape (n_bars,)
    strictly : bool
        Whether a row of the very moment is not known yet.
    """
    side: Literal["left", "right"] = "left" if strictly else "right"
    return np.asarray(np.searchsorted(have, when, side), np.int64) - 1
