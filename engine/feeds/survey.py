"""What a source holds, known before its prices are read: a large one never lies in memory whole."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.records import Ints

Calendar = str | None
CalendarOf = Callable[[str], Calendar]


@dataclass(frozen=True, slots=True)
class Outline:
    """One symbol of a source.

    Attributes
    ----------
    symbol, origin : str
    n_rows : int
    first, last : int
        Raw stamps, UTC nanoseconds; 0 where there are no rows.
    """

    symbol: str
    origin: str
    n_rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Survey:
    """Every symbol of a source, and when any of them has a bar.

    Attributes
    ----------
    outlines : tuple of Outline
        In the order of the source.
    stamps : mapping of (str or None) to ndarray of int64
        By calendar: raw stamps, increasing, each once.
    """

    outlines: tuple[Outline, ...]
    stamps: Mapping[Calendar, Ints]


class Source(Protocol):
    """Bars in parts, each of which fits into memory beside the panel."""

    def survey(self, calendar_of: CalendarOf, wanted: Collection[str] | None) -> Survey:
        """Outlines of all symbols, and the stamps of those wanted (None: all)."""
        ...

    def read(self, symbols: Collection[str]) -> Iterator[Sequence[RawBars]]:
        """Bars of the symbols asked for, some symbols at a time, each symbol whole."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for what; complete once everything is read."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """Bars that a reader has given all at once."""

    bars: Sequence[RawBars]
    notes: tuple[str, ...] = ()

    def survey(self, calendar_of: CalendarOf, wanted: Collection[str] | None) -> Survey:
        """Outlines of all symbols, and the stamps of those wanted (None: all)."""
        found = Gathered()
        for one in self.bars:
            found.add(one.symbol, one.origin, one.ts)
            if wanted is None or one.symbol in wanted:
                found.add_stamps(one.ts, calendar_of(one.symbol))
        return found.survey()

    def read(self, symbols: Collection[str]) -> Iterator[Sequence[RawBars]]:
        """All of them at once."""
        yield [one for one in self.bars if one.symbol in symbols]


class Gathered:
    """Collects a survey from stamps of one symbol after another, or piece by piece."""

    def __init__(self) -> None:
        self._outlines: dict[str, Outline] = {}
        self._stamps: dict[Calendar, Ints] = {}

    def add(self, symbol: str, origin: str, ts: Ints) -> None:
        """Take note of bars of one symbol."""
        held = self._outlines.get(symbol, Outline(symbol, origin, 0, 0, 0))
        if len(ts):
            first, last = int(ts.min()), int(ts.max())
            if held.n_rows:
                first, last = min(first, held.first), max(last, held.last)
            held = Outline(symbol, held.origin, held.n_rows + len(ts), first, last)
        self._outlines[symbol] = held

    def add_stamps(self, ts: Ints, calendar: Calendar) -> None:
        """Take note of when any symbols of one calendar have bars, in any order."""
        if (ts[1:] <= ts[:-1]).any():
            ts = np.unique(ts)
        held = self._stamps.get(calendar, np.empty(0, np.int64))
        if np.array_equal(held, ts):
            return  # the usual case: symbols of one exchange share its clock
        at = np.searchsorted(held, ts).clip(max=max(len(held) - 1, 0))
        new = ts[held[at] != ts] if len(held) else ts
        if len(new) or calendar not in self._stamps:
            self._stamps[calendar] = np.union1d(held, new)

    def survey(self) -> Survey:
        """Everything noted."""
        return Survey(tuple(self._outlines.values()), dict(self._stamps))
