"""Files as named columns, with the place of every row."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tradewind.engine.records import Floats, Ints


@dataclass(frozen=True, slots=True)
class Taken:
    """Columns taken from a sheet, by position.

    Attributes
    ----------
    text : mapping of int to pyarrow.ChunkedArray
        As the file has them: text, or for Parquet whatever type they are.
    numbers : mapping of int to ndarray of float64, shape (n_rows,)
        NaN where a cell is empty.
    row : ndarray of int64, shape (n_rows,)
        Line of a CSV file, row of a Parquet file, from 1.
    left_out : tuple of int
        Columns asked for "perhaps" that hold something other than numbers.
    """

    text: Mapping[int, Any]
    numbers: Mapping[int, Floats]
    row: Ints
    left_out: tuple[int, ...] = ()


class Sheet(Protocol):
    """A file with named columns."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Column names; several header rows as ``('Close', 'AAPL')``."""
        ...

    def take(
        self, text: Collection[int], numeric: Collection[int], perhaps: Collection[int]
    ) -> Taken:
        """Read columns; those of ``perhaps`` only if they are numbers."""
        ...
