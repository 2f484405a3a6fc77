"""Arrays that grow by a row at a time, and the panel of a market that is open."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.features.stream import Row
from tradewind.engine.records import FIELDS, Panel, label
from tradewind.engine.shelf import Shelf

LEAST = 256  # rows of room
Made = TypeVar("Made")


class Growing:
    """An array with room behind it: a row more costs no copy of those before it.

    Parameters
    ----------
    begun : ndarray, shape (n, ...)
        Copied.
    """

    def __init__(self, begun: Any) -> None:
        self._length = len(begun)
        self._shelf = Shelf(2 * len(begun) + LEAST, begun)

    def append(self, row: Any) -> None:
        """Put a row behind the others."""
        if self._length == len(self._shelf.array):
            self._shelf = Shelf(2 * self._length, self._shelf.array)
        self._shelf.array[self._length] = row
        self._length += 1
        self._shelf.written(self._length)

    @property
    def view(self) -> Any:
        """All rows so far, shape (n, ...); stays true when more come."""
        return self._shelf.array[: self._length]


def unchecked(kind: type[Made], **values: Any) -> Made:
    """Frozen record of parts that were checked when they came, and are not at every bar again."""
    made = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


class GrowingPanel:
    """Bars of a history and of every step since.

    Parameters
    ----------
    history : Panel
    """

    def __init__(self, history: Panel) -> None:
        self._like = history
        self._ts = Growing(history.ts)
        self._fields = {name: Growing(getattr(history, name)) for name in FIELDS}
        self._columns = {name: Growing(array) for name, array in history.columns.items()}
        self._ends = history.ends.copy()
        self._panel: Panel | None = history

    @property
    def panel(self) -> Panel:
        """Everything known so far, as views."""
        if self._panel is None:
            self._panel = unchecked(
                Panel,
                symbols=self._like.symbols,
                ts=self._ts.view,
                interval=self._like.interval,
                calendar=self._like.calendar,
                calendars=self._like.calendars,
                ends=self._ends,
                columns={name: grown.view for name, grown in self._columns.items()},
                **{name: grown.view for name, grown in self._fields.items()},
            )
        return self._panel

    def append(self, row: Row, leaving: Sequence[int] = ()) -> None:
        """Put the next step behind the others.

        Parameters
        ----------
        row : Row
            Later than all before it; columns that the history has and it has not are NaN.
        leaving : sequence of int
            Columns that stop trading with this step. One without a bar gets its last close as a
            bar without volume, so that what is held can be closed at it.

        Raises
        ------
        DataError
            If the step is not later than the last, or not of these symbols.
        """
        self._check(row)
        fields = {name: getattr(row, name) for name in FIELDS}
        if leaving:
            fields = self._with_last_bars(fields, leaving)
            self._ends = self._ends.copy()
            self._ends[list(leaving)] = len(self._ts.view)
        back = (self._ends >= 0) & (self._ends < len(self._ts.view)) & ~np.isnan(row.close)
        if back.any():  # its history broke off, and it trades after all
            self._ends = np.where(back, -1, self._ends)
        self._ts.append(row.ts)
        for name, grown in self._fields.items():
            grown.append(fields[name])
        for name, grown in self._columns.items():
            grown.append(row.columns.get(name, np.nan))
        self._panel = None

    def _with_last_bars(self, fields: Mapping[str, Any], leaving: Sequence[int]) -> dict[str, Any]:
        given = {name: np.array(array) for name, array in fields.items()}
        closes = self._fields["close"].view
        for k in leaving:
            if np.isnan(given["close"][k]):
                traded = np.flatnonzero(~np.isnan(closes[:, k]))
                last = closes[traded[-1], k] if traded.size else np.nan
                for name in FIELDS[:4]:
                    given[name][k] = last
                given["volume"][k] = 0.0
        return given

    def _check(self, row: Row) -> None:
        ts = self._ts.view
        if len(ts) and row.ts <= ts[-1]:
            raise DataError(
                f"live bars: a step that closes at {label(row.ts)} came after one of "
                f"{label(ts[-1])}; each step comes once and in time"
            )
        n = self._like.n_symbols
        for name in FIELDS:
            array = getattr(row, name)
            if array.shape != (n,) or array.dtype != np.float64:
                raise DataError(
                    f"live bars: {name} at {label(row.ts)} has shape {array.shape} and type "
                    f"{array.dtype}; wanted ({n},) float64, NaN for a symbol without a bar"
                )
