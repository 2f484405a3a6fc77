"""A bar that is still being made: the same one, whatever the order in which its trades come."""

from array import array
from collections.abc import Sequence
from math import fsum, inf, nan
from typing import Any

import numpy as np

from tradewind.engine.features.stream import Row
from tradewind.engine.records import FIELDS


class OpenBar:
    """A bar of all symbols.

    Volumes are summed exactly and rounded once, as ``math.fsum`` does: sums of floats depend on
    their order, and trades may come in any.
    """

    __slots__ = ("_first", "_last", "_rest", "close", "high", "low", "open", "volume")

    def __init__(self, n: int) -> None:
        self.open, self.high, self.low = _of(nan, n), _of(-inf, n), _of(inf, n)
        self.close, self.volume = _of(nan, n), _of(0.0, n)
        self._first: list[Any] = [None] * n
        self._last: list[Any] = [None] * n
        self._rest: dict[int, list[float]] = {}  # what the volumes above have lost to rounding

    def take(self, k: int, price: float, size: float, ts: int, number: str) -> None:
        """Take a trade; of two the earlier came first, then the lower number, then the price."""
        order = ts, len(number), number, price
        first = self._first[k]
        if first is None:
            self._first[k] = self._last[k] = order
            self.open[k] = self.high[k] = self.low[k] = self.close[k] = price
            self.volume[k] = size
            return
        if order >= self._last[k]:
            self._last[k], self.close[k] = order, price
        elif order < first:
            self._first[k], self.open[k] = order, price
        if price > self.high[k]:
            self.high[k] = price
        if price < self.low[k]:
            self.low[k] = price
        before = self.volume[k]
        after = self.volume[k] = before + size
        if after - before != size or after - size != before:
            self._keep_rest(k, before, size, after)

    def _keep_rest(self, k: int, before: float, size: float, after: float) -> None:
        if after != after:
            return  # a size is unknown, so the sum is
        part = after - before
        lost = (before - (after - part)) + (size - part)
        self._rest[k] = added(self._rest.get(k, []), lost)

    def row(self, ts: int, *, without: Sequence[int] = ()) -> Row:
        """Bar as a row; NaN for symbols without a trade, and for those left out."""
        for k, parts in self._rest.items():
            self.volume[k] = fsum((self.volume[k], *parts))
        self._rest = {}
        arrays = [np.array(getattr(self, name)) for name in FIELDS]  # copies, each in one piece
        silent = np.isnan(arrays[3])
        silent[list(without)] = True
        for field in arrays:
            field[silent] = nan
        opens, highs, lows, closes, volumes = arrays
        return Row(ts, opens, highs, lows, closes, volumes)


def _of(value: float, n: int) -> "array[float]":
    return array("d", [value]) * n


def added(parts: list[float], x: float) -> list[float]:
    """Floats whose exact sum is that of ``parts`` and ``x``, as few as there can be.

    References
    ----------
    Shewchuk (1997), Adaptive Precision Floating-Point Arithmetic, figure 6.
    """
    grown = []
    for y in parts:
        total = x + y
        part = total - x
        lost = (x - (total - part)) + (y - part)
        if lost:
            grown.append(lost)
        x = total
    return [*grown, x]


def joined(better: Row, other: Row) -> Row:
    """Bars of ``better``, and of ``other`` for symbols that it has none of."""
    silent = np.isnan(better.close)
    opens, highs, lows, closes, volumes = (
        np.where(silent, getattr(other, name), getattr(better, name)) for name in FIELDS
    )
    return Row(better.ts, opens, highs, lows, closes, volumes, {**other.columns, **better.columns})
