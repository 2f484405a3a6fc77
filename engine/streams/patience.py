"""How long is waited, for what: a connection, a message, the next try."""

from dataclasses import dataclass
from random import Random

FLAPPING = 2  # failures that remain in memory of a connection that brought something and broke
WEARY = 20  # failures in a row behind which nobody expects the next to be the last
MUTE_DOUBLINGS, SLOWED_DOUBLINGS = 4, 6


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a supervisor waits for what.

    Attributes
    ----------
    open_s : float
        For a connection to stand.
    mute_s : float
        For a tick while the exchange trades.
    delayed_s : float
        Ticks older than this by their own clock are delayed.
    first_wait_s, longest_wait_s, weary_wait_s : float
        Before a new connection: after the first failure; at most; at most after twenty in a row.
    slowed_s, longest_slowed_s : float
        Before a new connection where the other side asked for fewer, at least and at most.
    most_held : int
        Ticks that wait for a slow sink.
    """

    open_s: float = 10.0
    mute_s: float = 20.0
    delayed_s: float = 10.0
    first_wait_s: float = 0.25
    longest_wait_s: float = 4.0
    weary_wait_s: float = 15.0
    slowed_s: float = 30.0
    longest_slowed_s: float = 600.0
    most_held: int = 10_000


class Waits:
    """Waits that grow while nothing comes, and are never quite the same.

    A connection that brings something and breaks, again and again, is made anew after less than a
    second; one that lasts is forgiven everything.

    Parameters
    ----------
    patience : Patience
    draw : Random
        For the jitter.
    """

    def __init__(self, patience: Patience, draw: Random) -> None:
        self._patience, self._draw = patience, draw
        self._failures = self._mutes = self._slowed = 0

    def brought(self, lasted_s: float) -> None:
        """Take note of a connection that brought ticks and lasted so long."""
        lasting = lasted_s > self._patience.mute_s
        self._failures = 0 if lasting else min(self._failures, FLAPPING)
        self._mutes = self._slowed = 0

    def stood(self, lasted_s: float) -> None:
        """Take note of a connection that brought no tick where none was missed.

        That of a broker's answers never brings any, nor does a feed's while the exchange is closed.
        """
        if lasted_s > self._patience.mute_s:
            self._failures = self._slowed = 0

    def failed(self) -> float:
        """Seconds before the next try, after one more failure."""
        self._failures += 1
        patience, doublings = self._patience, min(self._failures - 1, WEARY)
        longest = patience.longest_wait_s
        if self._failures > WEARY:
            longest = patience.weary_wait_s
        most: float = min(patience.first_wait_s * 2.0**doublings, longest)
        return most * self._draw.uniform(0.5, 1.0)

    def slowed(self, asked_s: float) -> float:
        """Seconds before the next try where fewer were asked for; never less than ``asked_s``."""
        patience = self._patience
        least = patience.slowed_s * 2.0 ** min(self._slowed, SLOWED_DOUBLINGS)
        self._slowed += 1
        return max(min(least, patience.longest_slowed_s), asked_s) * self._draw.uniform(1.0, 1.25)

    def muted(self) -> float:
        """Seconds before the next try, after a connection that stood and brought nothing more."""
        self._mutes += 1
        return self.failed()

    @property
    def mute_s(self) -> float:
        """Silence that is borne: twice as long after each new connection that stays mute as well.

        A symbol that nobody trades looks like a dead connection; asking for it anew twice a minute
        mends neither.
        """
        mute_s: float = self._patience.mute_s * 2.0 ** min(self._mutes, MUTE_DOUBLINGS)
        return mute_s
