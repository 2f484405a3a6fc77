"""A tape of one bar that remembers: the same functions that make a table keep it up to date.

A feature asks a tape for prices, lags and windows. Asked by a tape that holds only the newest bar
of each symbol, the same code gives the newest values, provided that each lag and window keeps its
own past. Which past belongs to which call is told by their order, which never changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import ForecastError
from tradewind.engine.features import recurrences, steps
from tradewind.engine.features.tape import Tape
from tradewind.engine.records import MEMBER, Bools, Floats, Ints

Slot = dict[str, Any]


@dataclass
class Memory:
    """Past of every lag and window, in the order in which features ask for them.

    Attributes
    ----------
    slots : list of dict of str to ndarray
        ``kind`` beside the arrays says what it is the past of.
    age : ndarray of int64, shape (n_symbols,)
        Bars each symbol has had since its last long gap.
    last : ndarray of int64, shape (n_symbols,)
        Close of each symbol's last bar, UTC nanoseconds; -1: none yet.
    """

    age: Ints
    last: Ints
    slots: list[Slot] = field(default_factory=list)

    def slot(self, number: int, kind: str, make: Callable[[], Slot]) -> Slot:
        """Past of the call of that number; made at its first."""
        if number == len(self.slots):
            self.slots.append({"kind": kind, **make()})
        found = self.slots[number]
        if found["kind"] != kind:
            raise ForecastError(
                f"features: call {number} was {found['kind']} and is {kind} now; a feature must "
                "ask its tape for the same things at every bar"
            )
        return found


@dataclass(frozen=True)
class LiveTape(Tape):
    """The newest bar of each symbol.

    Attributes
    ----------
    memory : Memory
    fields : mapping of str to ndarray of float64, shape (n_symbols,)
        Open, high, low, close, volume.
    columns : mapping of str to ndarray of float64, shape (n_symbols,)
    stamp : int
        Close of the bar, UTC nanoseconds.
    recompute : callable
        Values of a ``ta`` indicator from all bars kept, where no recurrence gives its bits.
    """

    memory: Memory
    fields: Mapping[str, Floats]
    columns: Mapping[str, Floats]
    stamp: int
    recompute: Callable[[str], Floats]

    @cached_property
    def present(self) -> Bools:
        """Who has a bar."""
        return ~np.isnan(self.fields["close"])

    @cached_property
    def _calls(self) -> list[int]:
        return [0]

    def past(self, kind: str, make: Callable[[], Slot]) -> Slot:
        """Past of the next call."""
        number = self._calls[0]
        self._calls[0] += 1
        return self.memory.slot(number, kind, make)

    def empty(self) -> Floats:
        """Place for one value a symbol."""
        return np.empty(self.age.shape)

    @cached_property
    def open(self) -> Floats:
        """Opens, shape (n_symbols,)."""
        return self.fields["open"]

    @cached_property
    def high(self) -> Floats:
        """Highs, shape (n_symbols,)."""
        return self.fields["high"]

    @cached_property
    def low(self) -> Floats:
        """Lows, shape (n_symbols,)."""
        return self.fields["low"]

    @cached_property
    def close(self) -> Floats:
        """Closes, shape (n_symbols,)."""
        return self.fields["close"]

    @cached_property
    def volume(self) -> Floats:
        """Volumes, shape (n_symbols,)."""
        return self.fields["volume"]

    @property
    def ts(self) -> Ints:
        """Close of the bar, shape (1,)."""
        return np.array([self.stamp], np.int64)

    @cached_property
    def member(self) -> Bools:
        """Who belongs to the universe, shape (1, n_symbols)."""
        if MEMBER in self.columns:
            return np.asarray(self.columns[MEMBER] > 0)[None]
        return self.present[None]

    def has_column(self, name: str) -> bool:
        """Whether the bars have a further column of that name."""
        return name in self.columns

    def column(self, name: str) -> Floats:
        """Values of a further column, shape (n_symbols,)."""
        return self.columns[name]

    def take(self, array: Floats) -> Floats:
        """(1, n_symbols) to (n_symbols,)."""
        return np.ascontiguousarray(array[0])

    def spread(self, values: npt.NDArray[np.floating], fill: float = np.nan) -> Floats:
        """(n_symbols,) to (1, n_symbols), ``fill`` for those without a bar."""
        return np.where(self.present, values, fill)[None]

    def lag(self, values: Floats, n: int) -> Floats:
        """Value ``n`` bars of the same symbol earlier, shape (n_symbols,)."""
        slot = self.past(f"lag {n}", lambda: {"ring": np.full((n, len(self.age)), np.nan)})
        out = self.empty()
        steps.fast(steps.lag)(slot["ring"], self.age, self.present, values, out)
        return out

    def mean(self, values: Floats, n: int) -> Floats:
        """Mean over the last ``n`` bars of each symbol."""
        shape = (n.bit_length(), n, len(self.age))
        slot = self.past(f"mean {n}", lambda: {"mean": np.full(shape, np.nan)})
        out = self.empty()
        steps.fast(steps.mean)(slot["mean"], self.age, self.present, values, out)
        return out

    def moments(self, values: Floats, n: int) -> tuple[Floats, Floats]:
        """Mean and standard deviation over the last ``n`` bars of each symbol."""
        shape = (n.bit_length(), n, len(self.age))
        slot = self.past(
            f"moments {n}", lambda: {"mean": np.full(shape, np.nan), "m2": np.full(shape, np.nan)}
        )
        mean, std = self.empty(), self.empty()
        run = steps.fast(steps.moments)
        run(slot["mean"], slot["m2"], self.age, self.present, values, mean, std)
        return mean, std

    def latest(self, line: Floats, limit: int) -> Floats:
        """Last value of the clock's line that is at most ``limit`` rows old, shape (1,)."""
        slot = self.past("latest", lambda: {"last": np.full(1, np.nan), "since": np.zeros(1, int)})
        return np.array([steps.latest(slot["last"], slot["since"], float(line[0]), limit)])

    def indicator(self, name: str) -> Floats | None:
        """Values of a ``ta`` indicator, by its recurrence or from all bars kept."""
        recipe = recurrences.RECURRENCES.get(name)
        return self.recompute(name) if recipe is None else recipe(self)
