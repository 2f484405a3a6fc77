"""The panel while it is filled: its arrays are made once, and bars are written into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.lives import ends_of
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.records import FIELDS, Bools, Floats, Ints, Panel, one_or_each

BLOCK_ROWS = 4_096


@dataclass(slots=True)
class Table:
    """Arrays of a panel on a clock that holds at least every close there may be.

    Attributes
    ----------
    symbols : tuple of str
    clock : ndarray of int64, shape (n_rows,)
        Increasing; rows on which nobody has a bar are dropped at the end.
    """

    symbols: tuple[str, ...]
    clock: Ints
    arrays: dict[str, Floats] = field(default_factory=dict)
    columns: dict[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the arrays, empty."""
        self.arrays = {name: self._empty() for name in FIELDS}

    def _empty(self) -> Floats:
        return np.full((len(self.clock), len(self.symbols)), np.nan)

    def put(self, bars: RawBars, closes: Ints) -> None:
        """Write the bars of one symbol.

        Parameters
        ----------
        bars : RawBars
            Usable rows alone, in order of time.
        closes : ndarray of int64, shape (n_rows,)
            When each was known.
        """
        k, rows = self.symbols.index(bars.symbol), np.searchsorted(self.clock, closes)
        for name, array in self.arrays.items():
            array[rows, k] = getattr(bars, name)
        for name, values in bars.columns.items():
            if name not in self.columns:
                self.columns[name] = self._empty()
            self.columns[name][rows, k] = values

    def panel(self, interval: str, calendars: Mapping[str, str | None]) -> Panel:
        """Finish: rows and symbols without any bar are dropped, and who has left is found out.

        Parameters
        ----------
        interval : str
        calendars : mapping of str to (str or None)
            Of each symbol.

        Raises
        ------
        DataError
            If there is no bar at all.
        """
        given = ~np.isnan(self.arrays["close"])
        rows = np.asarray(given.any(axis=1))
        held = np.asarray(given.any(axis=0))
        if not rows.any():
            raise DataError(
                "data: no usable bar is left; see what is wrong with: tradewind data check"
            )
        self._drop(rows, held)
        each = [calendars[symbol] for symbol in self.symbols]
        calendar, differing = one_or_each(each)
        given = given if rows.all() and held.all() else ~np.isnan(self.arrays["close"])
        return Panel(
            symbols=self.symbols,
            ts=self.clock,
            **{name: self.arrays[name] for name in FIELDS},
            interval=interval,
            calendar=calendar,
            ends=ends_of(given, self.clock, interval, each),
            columns=self.columns,
            calendars=differing,
        )

    def _drop(self, rows: Bools, held: Bools) -> None:
        """Close the gaps, in place where symbols stay: no second copy of the panel is made."""
        for arrays in (self.arrays, self.columns):
            for name in list(arrays):
                array = arrays.pop(name)
                if not rows.all():
                    array = _closed_up(array, np.flatnonzero(rows))
                arrays[name] = array if held.all() else np.ascontiguousarray(array[:, held])
        self.clock = self.clock[rows]
        self.symbols = tuple(s for s, there in zip(self.symbols, held, strict=True) if there)


def _closed_up(array: Floats, rows: Ints) -> Floats:
    """Rows moved up over those that are dropped, block by block."""
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        array[start : start + len(block)] = array[block]
    return array[: len(rows)]


def assemble(
    bars: Sequence[RawBars], closes: Sequence[Ints], interval: str, calendar: str | None
) -> Panel:
    """Panel of bars that are all in memory; usable rows alone, in order of time."""
    clock = np.unique(np.concatenate([np.empty(0, np.int64), *closes]))
    table = Table(tuple(one.symbol for one in bars), clock)
    for one, known in zip(bars, closes, strict=True):
        table.put(one, known)
    return table.panel(interval, dict.fromkeys(table.symbols, calendar))
