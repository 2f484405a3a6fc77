"""Files of who is a member when.

Three shapes are read. Intervals: ``symbol, start, end`` (``ticker, start_date, end_date`` too), an
empty end for who still is. Snapshots: ``date, symbol``, each date a full list that holds until the
next. A table: one row a date, one column a symbol, 1 for a member.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds import arrow
from tradewind.engine.feeds.columns import ALIASES, UNNAMED, plain
from tradewind.engine.feeds.dated import known_rows
from tradewind.engine.feeds.files import SUFFIXES
from tradewind.engine.feeds.sheets import Sheet, Taken
from tradewind.engine.feeds.tabular import open_sheet
from tradewind.engine.feeds.timestamps import Dating, read_times
from tradewind.engine.records import DAY_NS, Bools, Ints

KEY = "data.universe"
STARTS = ("start", "startdate", "from", "fromdate", "begin", "added", "dateadded", "entry")
ENDS = ("end", "enddate", "to", "todate", "until", "thru", "removed", "dateremoved", "exit")
FOREVER = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Memberships:
    """Who is a member from when until when.

    Attributes
    ----------
    path : Path
    names : tuple of str
    code : ndarray of int64, shape (n_spans,)
        Which of ``names`` each span is of; spans of one name in time, none touching another.
    start, stop : ndarray of int64, shape (n_spans,)
        Days since 1970; ``stop`` is the first day that is none.
    """

    path: Path
    names: tuple[str, ...]
    code: Ints
    start: Ints
    stop: Ints

    def on(self, symbol: str, days: Ints) -> Bools:
        """Whether a symbol is a member on each day, shape (n_days,)."""
        if symbol not in self.names:
            return np.zeros(len(days), np.bool_)
        own = self.code == self.names.index(symbol)
        at = known_rows(self.start[own], days)
        # A last span that never holds stands for "before the first", which at = -1 picks.
        return np.asarray(days < np.append(self.stop[own], np.iinfo(np.int64).min)[at])


def read(config: UniverseConfig) -> Memberships:
    """Read the file of memberships in any of its three shapes; raises DataError."""
    path = config.path
    assert path is not None  # a universe of filters alone has nothing to be read
    kind = next((k for k, ends in SUFFIXES.items() if path.name.lower().endswith(ends)), "csv")
    try:
        sheet = open_sheet(path, kind)
    except DataError as error:
        raise DataError(f"{KEY}: {str(error).removesuffix('; check data.path')}") from None
    at = {plain(name): i for i, name in reversed(list(enumerate(sheet.names)))}
    who = next((at[plain(a)] for a in ALIASES["symbol"] if plain(a) in at), None)
    start = next((at[a] for a in STARTS if a in at), None)
    when = next((at[a] for a in (*ALIASES["time"], *UNNAMED) if a in at), None)
    if who is not None and start is not None:
        end = next((at[a] for a in ENDS if a in at), None)
        if end is not None:
            return _intervals(sheet, who, (start, end), inclusive=config.end == "inclusive")
    elif when is not None:
        return _table(sheet, when) if who is None else _snapshots(sheet, when, who)
    raise DataError(
        f"{KEY}: {path}: columns {', '.join(map(repr, sheet.names[:8]))}; wanted symbol, start and "
        "end, or date and symbol, or date and one column a symbol"
    )


def _intervals(sheet: Sheet, who: int, span: tuple[int, int], *, inclusive: bool) -> Memberships:
    taken = _taken(sheet, [who, *span])
    names, code = _symbols(taken, who, sheet.path)
    start = _days(taken.text[span[0]], taken.row, sheet.path)
    stop = _days(taken.text[span[1]], taken.row, sheet.path, empty=FOREVER)
    stop = np.where((stop < FOREVER) & inclusive, stop + 1, stop)
    backward = stop <= start
    if backward.any():
        row = int(backward.argmax())
        raise DataError(
            f"{KEY}: {sheet.path}:{taken.row[row]}: {names[code[row]]} leaves on "
            f"{_day(int(stop[row]) - inclusive)} and joins on {_day(start[row])}; the end must lie "
            "after the start"
        )
    order = np.lexsort((start, code))
    code, start, stop, row_of = code[order], start[order], stop[order], taken.row[order]
    overlap = (np.diff(code) == 0) & (start[1:] < stop[:-1])
    if overlap.any():
        i = int(overlap.argmax())
        raise DataError(
            f"{KEY}: {sheet.path}:{row_of[i + 1]}: {names[code[i]]} joins on {_day(start[i + 1])}, "
            f"and row {row_of[i]} has it as a member until then already; keep one of them, or join "
            "the two"
        )
    return Memberships(sheet.path, tuple(names), code, start, stop)


def _snapshots(sheet: Sheet, when: int, who: int) -> Memberships:
    taken = _taken(sheet, [when, who])
    names, code = _symbols(taken, who, sheet.path)
    dates, at = np.unique(_days(taken.text[when], taken.row, sheet.path), return_inverse=True)
    inside = np.zeros((len(dates), len(names)), np.bool_)
    twice = np.zeros(len(at), np.bool_)
    _, first = np.unique(at * len(names) + code, return_index=True)
    twice[:] = True
    twice[first] = False
    if twice.any():
        row = int(twice.argmax())
        raise DataError(
            f"{KEY}: {sheet.path}:{taken.row[row]}: names {names[code[row]]} a second time on "
            f"{_day(dates[at[row]])}; keep one of them"
        )
    inside[at, code] = True
    return _from_lists(sheet.path, names, dates.astype(np.int64), inside)


def _table(sheet: Sheet, when: int) -> Memberships:
    columns = [i for i in range(len(sheet.names)) if i != when]
    taken = sheet.take([when], columns, [])
    if not len(taken.row) or not columns:
        raise DataError(f"{KEY}: {sheet.path}: has a header and no members; wanted rows of 1 and 0")
    dates = _days(taken.text[when], taken.row, sheet.path)
    late = np.diff(dates) <= 0
    if late.any():
        row = int(late.argmax()) + 1
        raise DataError(
            f"{KEY}: {sheet.path}:{taken.row[row]}: {_day(dates[row])} comes after "
            f"{_day(dates[row - 1])}; sort the rows by date and keep one of each"
        )
    values = np.column_stack([taken.numbers[i] for i in columns])
    odd = ~np.isnan(values) & (values != 0) & (values != 1)
    if odd.any():
        row, column = np.argwhere(odd)[0]
        raise DataError(
            f"{KEY}: {sheet.path}:{taken.row[row]}: {values[row, column]:g} for "
            f"{sheet.names[columns[column]]}; wanted 1 for a member and 0 or nothing for another"
        )
    return _from_lists(sheet.path, [sheet.names[i] for i in columns], dates, values == 1)


def _from_lists(path: Path, names: Sequence[str], dates: Ints, inside: Bools) -> Memberships:
    """Spans of lists that each hold until the next: (n_dates, n_names) of truth values."""
    edge = np.zeros((1, len(names)), np.int8)
    steps = np.diff(np.concatenate([edge, inside.astype(np.int8)]), axis=0).T  # (names, dates)
    code, begins = np.nonzero(steps == 1)
    left_code, ends = np.nonzero(steps == -1)
    stop = np.full(len(code), FOREVER)
    for k in range(len(names)):  # the i-th leaving of a name ends its i-th joining
        own, gone = np.flatnonzero(code == k), ends[left_code == k]
        stop[own[: len(gone)]] = dates[gone]
    return Memberships(path, tuple(names), code.astype(np.int64), dates[begins], stop)


def _taken(sheet: Sheet, text: list[int]) -> Taken:
    taken = sheet.take(text, [], [])
    if not len(taken.row):
        raise DataError(f"{KEY}: {sheet.path}: has a header and no rows; wanted memberships")
    return taken


def _symbols(taken: Taken, who: int, path: Path) -> tuple[list[str], Ints]:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pc.utf8_trim_whitespace(taken.text[who].cast(pa.string()))
    blank = arrow.blank(names)
    if blank.any():
        row = taken.row[int(blank.argmax())]
        raise DataError(f"{KEY}: {path}:{row}: has no symbol; complete or remove the row")
    return arrow.coded(names)


def _days(column: Any, rows: Ints, path: Path, *, empty: int | None = None) -> Ints:
    """Days since 1970 of each row; ``empty`` where a cell may be and is."""
    import pyarrow as pa

    filled = np.ones(len(rows), np.bool_)
    if empty is not None:
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        filled = ~(arrow.blank(column) if is_text else arrow.absent(column))
    out = np.full(len(rows), 0 if empty is None else empty, np.int64)
    if filled.any():
        kept = rows[filled]
        dating = Dating("UTC", None, True, lambda row: f"{KEY}: {path}:{kept[row]}")
        out[filled] = read_times(column.filter(pa.array(filled)), dating) // DAY_NS
    return out


def _day(days: int | np.int64) -> str:
    return str(np.datetime64(int(days), "D"))
