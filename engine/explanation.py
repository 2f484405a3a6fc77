"""What a strategy tells about a run beyond fills and equity: sheets of pictures and tables.

Neutral of any one strategy: a page draws whatever is given, a folder keeps it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tradewind.engine.records import Floats, Ints

Kind = Literal["text", "number", "whole", "money", "percent", "signed_percent"]


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a table's column, and how its values are written."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; a value is a number, text, or None where there is none."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a picture; shape (n_rows,) each, NaN = not drawn."""

    name: str
    values: Floats
    role: str = ""  # strategy | benchmark | loss | "" (a colour of its own)
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a row of a picture."""

    row: int
    value: float
    text: str
    up: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over time, with marks."""

    title: str
    label: str  # what somebody who cannot see it should know
    ts: Ints  # UTC nanoseconds
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    format: Literal["number", "money", "percent"] = "number"
    note: str = ""
    height: int = 240


@dataclass(frozen=True, slots=True)
class Heat:
    """A square of values, a row and a column for each name; NaN = empty."""

    title: str
    label: str
    names: Sequence[str]
    values: Floats  # (n, n)
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One part of the explanation."""

    title: str
    sentences: Sequence[str] = ()
    pictures: Sequence[Curves | Heat] = ()
    grids: Sequence[Grid] = ()
    short: str = ""  # in the list of contents


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it."""

    title: str
    sheets: Sequence[Sheet] = field(default_factory=tuple)
    numbers: dict[str, Any] = field(default_factory=dict)  # for scripts
