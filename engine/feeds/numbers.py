"""Numbers as people write them: $1,234.50, 1.234,50, 12.3M."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tradewind.engine.feeds import arrow
from tradewind.engine.records import Floats

POINT = r"^[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[KMBkmb]?$"
COMMA = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?[KMBkmb]?$"
CLUTTER = "[$€£¥'\\s\u00a0]"
NULLS = ("", "-", "--", "#N/A", "N/A", "N/D", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9}


class Unreadable(Exception):
    """A cell that is no number; ``row`` is None where all of them could be two numbers."""

    def __init__(self, name: str, row: int | None, cell: str) -> None:
        super().__init__(name, row, cell)
        self.name, self.row, self.cell = name, row, cell


def parse(columns: Mapping[str, Any]) -> dict[str, Floats]:
    """Text of one file as numbers, with one decimal sign for all of it.

    Parameters
    ----------
    columns : mapping of str to pyarrow.ChunkedArray of text

    Returns
    -------
    dict of str to ndarray of float64
        NaN where a cell says that there is nothing.

    Raises
    ------
    Unreadable
        Where a cell is no number, or ``12,345`` could be read in two ways.
    """
    import pyarrow.compute as pc

    bare = {name: _bare(column) for name, column in columns.items()}
    point = all(_all_match(column, POINT) for column in bare.values())
    comma = all(_all_match(column, COMMA) for column in bare.values())
    if point and comma:
        for name, column in bare.items():
            two_ways = pc.fill_null(pc.match_substring_regex(column, r"[.,]"), False)
            if pc.any(two_ways).as_py():
                row = arrow.first(two_ways)
                raise Unreadable(name, None, str(columns[name][row]))
    if not point and not comma:
        _blame(columns, bare)
    return {name: _floats(column, comma and not point) for name, column in bare.items()}


def _bare(column: Any) -> Any:
    """Cells without currency signs and spaces; null where they say so."""
    import pyarrow as pa
    import pyarrow.compute as pc

    clean = pc.replace_substring_regex(column.cast(pa.string()), CLUTTER, "")
    nothing = pc.is_in(clean, pa.array(NULLS))
    return pc.if_else(nothing, pa.scalar(None, pa.string()), clean)


def _all_match(column: Any, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(column, pattern)).as_py() in (True, None))


def _blame(columns: Mapping[str, Any], bare: Mapping[str, Any]) -> None:
    """Point at the first cell that is a number in neither style."""
    import pyarrow.compute as pc

    styles = [
        (pc.fill_null(pc.match_substring_regex(column, POINT), True), name)
        for name, column in bare.items()
    ]
    first = [
        (arrow.first(pc.invert(good)), name) for good, name in styles if not pc.all(good).as_py()
    ]
    row, name = min(first)
    raise Unreadable(name, row, str(columns[name][row]))


def _floats(column: Any, comma: bool) -> Floats:
    import pyarrow.compute as pc

    if comma:
        column = pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")
    else:
        column = pc.replace_substring(column, ",", "")
    suffix = pc.utf8_lower(pc.utf8_slice_codeunits(column, -1))
    digits = pc.utf8_rtrim(column, "KMBkmb")
    values = np.array(arrow.floats(digits))
    for letter, factor in SUFFIXES.items():
        scaled = arrow.bools(pc.equal(suffix, letter))
        values[scaled] *= factor
    return values
