"""Bars laid end to end, symbol after symbol, with the gaps closed.

A symbol that misses a bar (another market's holiday, a halt) keeps its history: windows and lags
count the bars it *has*. After a gap of more than a month it begins anew: the ticker may belong to
another company, and what lies between two spells in an index is no return. Every array is one
contiguous vector, so that numpy takes the same code path whatever the panel's shape, and a value
never depends in its last bit on how much follows it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.bars.sessions import interval_ns
from tradewind.engine.records import DAY_NS, MEMBER, Bools, Floats, Ints, Panel

LONG_GAP_DAYS = 31  # longer than any halt that a history survives
LONG_GAP_BARS = 5  # of weekly and monthly bars


@dataclass(frozen=True)
class Tape:
    """What a panel holds, without the holes.

    Attributes
    ----------
    panel : Panel
        Where the bars come from.
    bar, symbol : ndarray of int64, shape (n_rows,)
        Row and column of each bar in the panel; symbols in order, oldest bar first.
    age : ndarray of int64, shape (n_rows,)
        How many bars of the same symbol stand before it, since its last long gap.
    """

    panel: Panel
    bar: Ints
    symbol: Ints
    age: Ints

    @property
    def n_rows(self) -> int:
        """Bars of all symbols together."""
        return len(self.bar)

    @cached_property
    def bounds(self) -> Ints:
        """First row of each symbol and the end of the last, shape (n_symbols + 1,)."""
        counts = np.bincount(self.symbol, minlength=self.panel.n_symbols)
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    @cached_property
    def lives(self) -> Ints:
        """First row of each stretch without a long gap, and the end of the last."""
        return np.append(np.flatnonzero(self.age == 0), self.n_rows).astype(np.int64)

    @property
    def first(self) -> Ints:
        """Row that each row's stretch begins with, shape (n_rows,)."""
        return np.arange(self.n_rows) - self.age

    def take(self, array: Floats) -> Floats:
        """Values of a panel's array, shape (n_bars, n_symbols) to (n_rows,)."""
        return array[self.bar, self.symbol]

    @cached_property
    def _made(self) -> dict[tuple[Any, ...], Floats]:
        return {}

    def shared(self, key: tuple[Any, ...], make: Callable[[], Floats]) -> Floats:
        """What ``make`` gives, made once: several features may be built on it."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @property
    def ts(self) -> Ints:
        """Close of each row of the clock, shape (n_bars,)."""
        return self.panel.ts

    @property
    def member(self) -> Bools:
        """Who belongs to the universe, shape (n_bars, n_symbols)."""
        return self.panel.marked(MEMBER)

    def has_column(self, name: str) -> bool:
        """Whether the data has a further column of that name."""
        return name in self.panel.columns

    def column(self, name: str) -> Floats:
        """Values of a further column, shape (n_rows,)."""
        return self.take(self.panel.columns[name])

    def indicator(self, name: str) -> Floats | None:
        """Values of a ``ta`` indicator, where a tape has a way of its own to them."""
        return None

    def latest(self, line: Floats, limit: int) -> Floats:
        """Last value of each row of the clock that is at most ``limit`` rows old.

        Parameters
        ----------
        line : ndarray of float64, shape (n_bars,)
            NaN where there is none.
        limit : int

        Returns
        -------
        ndarray of float64, shape (n_bars,)
        """
        rows = np.arange(len(line))
        last = np.maximum.accumulate(np.where(np.isnan(line), -1, rows))
        return np.where((last >= 0) & (rows - last <= limit), line[last], np.nan)

    def spread(self, values: npt.NDArray[np.floating], fill: float = np.nan) -> Floats:
        """Values back on the panel's clock: (n_rows, ...) to (n_bars, n_symbols, ...)."""
        out = np.full((*self.panel.shape, *values.shape[1:]), fill)
        out[self.bar, self.symbol] = values
        return out

    @cached_property
    def open(self) -> Floats:
        """Opens, shape (n_rows,)."""
        return self.take(self.panel.open)

    @cached_property
    def high(self) -> Floats:
        """Highs, shape (n_rows,)."""
        return self.take(self.panel.high)

    @cached_property
    def low(self) -> Floats:
        """Lows, shape (n_rows,)."""
        return self.take(self.panel.low)

    @cached_property
    def close(self) -> Floats:
        """Closes, shape (n_rows,)."""
        return self.take(self.panel.close)

    @cached_property
    def volume(self) -> Floats:
        """Volumes, shape (n_rows,)."""
        return self.take(self.panel.volume)

    @cached_property
    def log_close(self) -> Floats:
        """Natural logarithm of the closes, shape (n_rows,)."""
        return np.log(self.close)

    def lag(self, values: Floats, n: int) -> Floats:
        """Value ``n`` bars of the same symbol earlier, shape (n_rows,); NaN before its first."""
        out = np.full(self.n_rows, np.nan)
        if n < self.n_rows:
            out[n:] = values[: self.n_rows - n]
        out[self.age < n] = np.nan
        return out

    def mean(self, values: Floats, n: int) -> Floats:
        """Mean over the last ``n`` bars of a symbol; the first of :meth:`moments`, to the bit."""
        block, size, mean, covered = values, 1, values, 0
        while True:
            if n & size:
                older = self.lag(block, covered)
                mean = _merged(mean, covered, older, size) if covered else block
                covered += size
            if covered == n:
                return mean
            block = _merged(block, size, self.lag(block, size), size)
            size *= 2

    def moments(self, values: Floats, n: int) -> tuple[Floats, Floats]:
        """Mean and standard deviation over the last ``n`` bars of a symbol.

        Windows are merged pairwise (block of 1, 2, 4 ...), which takes ``log2(n)`` vector steps,
        never subtracts what it added, and gives exactly 0 for a constant; a running sum would
        carry rounding along and differ between a history and its continuation.

        Parameters
        ----------
        values : ndarray of float64, shape (n_rows,)
        n : int
            Bars in the window, the own one included.

        Returns
        -------
        mean, std : ndarray of float64, shape (n_rows,)
            Population form (divided by ``n``); NaN where a symbol has fewer than ``n`` bars or one
            of them has no value.

        References
        ----------
        Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance".
        """
        block, block_m2, size = values, np.where(np.isnan(values), np.nan, 0.0), 1
        mean, m2, covered = block, block_m2, 0
        while True:
            if n & size:
                if covered:
                    mean, m2 = _merge(
                        mean,
                        m2,
                        covered,
                        self.lag(block, covered),
                        self.lag(block_m2, covered),
                        size,
                    )
                else:
                    mean, m2 = block, block_m2
                covered += size
            if covered == n:
                return mean, np.sqrt(m2 / n)
            older, older_m2 = self.lag(block, size), self.lag(block_m2, size)
            block, block_m2 = _merge(block, block_m2, size, older, older_m2, size)
            size *= 2


def _merge(
    mean_a: Floats, m2_a: Floats, n_a: int, mean_b: Floats, m2_b: Floats, n_b: int
) -> tuple[Floats, Floats]:
    """Mean and sum of squared deviations of two blocks together."""
    step = mean_b - mean_a
    mean = _merged(mean_a, n_a, mean_b, n_b)
    return mean, m2_a + m2_b + step * step * (n_a * n_b / (n_a + n_b))


def _merged(mean_a: Floats, n_a: int, mean_b: Floats, n_b: int) -> Floats:
    """Mean of two blocks together."""
    return mean_a + (mean_b - mean_a) * (n_b / (n_a + n_b))


def lay(panel: Panel) -> Tape:
    """Close the gaps of a panel.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    Tape
        One row per bar that a symbol has (its close is not NaN).
    """
    symbol, bar = np.nonzero(~np.isnan(panel.close.T))
    rows = np.arange(len(bar))
    anew = np.ones(len(bar), np.bool_)
    anew[1:] = (np.diff(symbol) != 0) | (np.diff(panel.ts[bar]) > long_gap(panel.interval))
    age = rows - np.maximum.accumulate(np.where(anew, rows, 0))
    return Tape(panel, bar.astype(np.int64), symbol.astype(np.int64), age.astype(np.int64))


def long_gap(interval: str) -> int:
    """Nanoseconds between two bars from which a symbol's history begins anew."""
    return max(LONG_GAP_DAYS * DAY_NS, LONG_GAP_BARS * interval_ns(interval))
