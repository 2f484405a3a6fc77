"""What was traded since the last message, of a source that tells what was traded since morning."""

from collections.abc import Callable
from typing import NamedTuple

Day = Callable[[int], int]


class Told(NamedTuple):
    """Volume of a day, when it was told, and the day's number where that is known."""

    ts: int
    day: int
    volume: int


class DayVolumes:
    """Volumes of the day of every symbol, as far as they have been told.

    Messages may come twice and out of order, a source may take a trade back, and nobody says when a
    new day begins:

    - a message stamped no later than one that told more is old: nothing was traded by it;
    - a volume that falls to less than half, or a stamp in another session, is a new day's: all of
      it was traded since;
    - a volume that falls less was corrected: it counts from there;
    - the first message says nothing about when its volume was traded.

    What was traded while a connection was away is in the difference of the first message behind it.

    Parameters
    ----------
    day : callable, optional
        Number of the session that a moment (UTC ns) is in; 0 where it is in none.
    """

    def __init__(self, day: Day = lambda ts: 0) -> None:
        self._day = day
        self._told: dict[str, Told] = {}

    def size(self, symbol: str, ts: int, volume: int) -> int:
        """Units traded since the last message; never less than zero.

        Parameters
        ----------
        symbol : str
        ts : int
            Stamp of the message, UTC nanoseconds.
        volume : int
            Of the day so far.
        """
        if volume <= 0:
            return 0
        before, day = self._told.get(symbol), self._day(ts)
        if before is None:
            self._told[symbol] = Told(ts, day, volume)
            return 0
        if ts <= before.ts and (volume <= before.volume or day != before.day):
            return 0
        fell = 2 * volume < before.volume
        anew = fell or (day and before.day and day != before.day)
        kept = day if fell else day or before.day
        self._told[symbol] = Told(max(ts, before.ts), kept, volume)
        return volume if anew else max(volume - before.volume, 0)
