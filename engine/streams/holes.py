"""When nobody listened, and which bars ticks alone can therefore not make.

A *hole* is a stretch of time in which ticks may have been missed: from the last one known before a
connection was lost until the next stands, or from the end of the history until a feed is live.
Every bar that trades in it is *torn*: its ticks are at best some of all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tradewind.engine.records import label
from tradewind.engine.streams.grid import FAR_NS, Grid


@dataclass(slots=True)
class Hole:
    """One stretch of time.

    Attributes
    ----------
    since, until : int
        UTC nanoseconds; ``until`` is ``FAR_NS`` while it lasts.
    changed : int
        When it began or ended, by our clock.
    first, last : tuple of int
        Closes of the first and last torn bar, for each grid.
    asked : bool
        Whether the history was asked since it began or ended.
    past : bool
        Whether its bars have been given up.
    """

    since: int
    until: int
    changed: int
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    asked: bool = False
    past: bool = False

    @property
    def lasts(self) -> bool:
        """Whether nobody listens yet."""
        return self.until == FAR_NS

    @property
    def begin(self) -> int:
        """Close of the first torn bar of any grid."""
        return min(a for a, b in zip(self.first, self.last, strict=True) if a <= b)

    @property
    def end(self) -> int:
        """Close of the last torn bar of any grid."""
        return max(b for a, b in zip(self.first, self.last, strict=True) if a <= b)

    def __str__(self) -> str:
        """From when to when, for a person."""
        begin = label(self.since)
        return f"since {begin}" if self.lasts else f"from {begin} to {label(self.until)}"


class Holes:
    """Holes whose bars are not all out.

    Parameters
    ----------
    grids : sequence of Grid
        Each once.

    Attributes
    ----------
    past : int
        Close of the last bar that was given up.
    """

    def __init__(self, grids: Sequence[Grid]) -> None:
        self._grids = list(grids)
        self._all: list[Hole] = []
        self.past = 0

    @property
    def matter(self) -> bool:
        """Whether anything is waited for."""
        return any(not hole.past for hole in self._all)

    def __bool__(self) -> bool:
        """Whether there is any whose bars are not all out."""
        return bool(self._all)

    def __iter__(self) -> Iterator[Hole]:
        """Those that are waited for, in the order in which they began."""
        return iter([hole for hole in self._all if not hole.past])

    @property
    def lasting(self) -> Hole | None:
        """The one that nobody knows the end of."""
        return next((hole for hole in self._all if hole.lasts), None)

    def begin(self, since: int, now: int, *, asked: bool = True) -> None:
        """Nobody listens since a moment; one that lasts already goes on.

        Parameters
        ----------
        since, now : int
            UTC nanoseconds.
        asked : bool
            False where the history may know of bars already, as at the start of a run.
        """
        if self.lasting is None:
            self._add(Hole(since, FAR_NS, now, asked=asked))

    def end(self, now: int, since: int = 0) -> None:
        """Somebody listens again.

        Parameters
        ----------
        now : int
            UTC nanoseconds.
        since : int
            From when on something was missed, where it is known; a hole is made of it if there was
            none.
        """
        hole = self.lasting
        if hole is None and not since:
            return
        if hole is not None:
            self._all.remove(hole)
            since = min(hole.since, since or hole.since)
        self._add(Hole(min(since, now), now, now))

    def _add(self, hole: Hole) -> None:
        reach = [grid.reach(hole.since, hole.until) for grid in self._grids]
        if hole.lasts:
            reach = [(grid.reach(hole.since, hole.since)[0], FAR_NS) for grid in self._grids]
        hole.first, hole.last = tuple(a for a, _ in reach), tuple(b for _, b in reach)
        if any(first <= last for first, last in reach):
            self._all.append(hole)

    def tears(self, grid: Grid, close: int) -> bool:
        """Whether a bar of a grid is torn."""
        at = self._grids.index(grid)
        return any(hole.first[at] <= close <= hole.last[at] for hole in self._all)

    def waits(self, close: int, told: int) -> bool:
        """Whether a bar waits for the history, which has told all bars up to ``told``."""
        return any(
            not hole.past and hole.begin <= close and told < min(close, hole.end)
            for hole in self._all
        )  # fmt: skip

    def close_behind(self, ts: int) -> int:
        """Close of the first bar of any grid that trades behind a moment."""
        return min(grid.reach(ts + 1, ts + 1)[0] for grid in self._grids)

    def asked(self, at: int) -> None:
        """The history was asked at a moment, and has answered."""
        for hole in self._all:
            hole.asked = hole.asked or hole.changed <= at

    def given_up(self, moment: int) -> list[Hole]:
        """Wait no longer for holes that were over, with all their bars, by a moment; give those."""
        found = [
            hole for hole in self if not hole.lasts and max(hole.end, hole.changed) <= moment
        ]  # fmt: skip
        for hole in found:
            hole.past = True
            self.past = max(self.past, hole.end)
        return found

    def forget(self, last_ts: int) -> None:
        """Let go of holes whose bars are all out."""
        self._all = [hole for hole in self._all if hole.lasts or hole.end > last_ts]
