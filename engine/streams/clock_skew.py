"""How far a source's clock is from ours, as far as its stamps tell."""

from collections import deque
from contextlib import suppress
from math import nan
from statistics import median

from tradewind.engine.streams.facts import Tick

WINDOW, FEWEST = 101, 11  # messages
SECOND_NS = 1_000_000_000


class ClockSkew:
    """Median of received - stamped over the last messages.

    Transport takes its time, so a good clock is a little behind, never ahead. One faulty stamp, or
    fifty in a hundred, move the median by nothing much.

    Parameters
    ----------
    limit_s : float
        Beyond which it is told.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._late: deque[int] = deque(maxlen=WINDOW)
        self._told = False

    def take(self, tick: Tick) -> None:
        """Take a message into account, believed or not."""
        with suppress(TypeError, AttributeError):  # what is no tick is counted by the filter
            if tick.received:
                self._late.append(tick.received - tick.ts)

    @property
    def seconds(self) -> float:
        """How late stamps are when they come; below zero: ahead of us. NaN: too few messages."""
        if len(self._late) < FEWEST:
            return nan
        return median(self._late) / SECOND_NS

    def news(self) -> str:
        """Sentence for a person when the limit is passed, or kept again; else empty."""
        late = self.seconds
        beyond = abs(late) > self.limit_s
        if late != late or beyond == self._told:
            return ""
        self._told = beyond
        if not beyond:
            return f"the source's stamps are within {self.limit_s:g} s of our clock again"
        where = "behind" if late > 0 else "ahead of"
        return (
            f"the source's stamps are {abs(late):.1f} s {where} our clock (paper.ticks.skew_s: "
            f"{self.limit_s:g}); its clock or ours is wrong, or its messages are delayed"
        )
