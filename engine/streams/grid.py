"""Into which bar a moment falls, by the sessions of an exchange."""

from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from tradewind.engine.bars.bins import last_closes
from tradewind.engine.bars.sessions import (
    ALWAYS,
    interval_ns,
    is_intraday,
    session_closes,
)
from tradewind.engine.records import DAY_NS

KNOWN_DAYS = 20  # on both sides of a moment
MARGIN_DAYS = 40  # beyond them, so that the sessions around their ends are there
FAR_NS = 1 << 62  # later than everything: the year 2116


class Bin(NamedTuple):
    """Part of a bar to be: trades from ``start`` on and before ``stop``, UTC nanoseconds.

    A trade stamped with the very close of the session, as closing auctions are, belongs to its last
    bar, unless the next session has begun.

    Attributes
    ----------
    start, stop : int
    close : int
        By which the bar is known; later than ``stop`` where the bar goes on in another session.
    """

    start: int
    stop: int
    close: int


class Grid:
    """Bars of one calendar, as :func:`tradewind.engine.bars.bins.bins` makes them of shorter ones.

    Parameters
    ----------
    calendar : str or None
        None, as ``24/7``: every moment is in a session, and days are those of UTC.
    interval : str
        Minutes and hours, counted from each session's open and ending with it; a lunch break ends
        no bar. Days are sessions, weeks and months end with their last one.
    extended_hours : bool
        Whether minutes before the open and after the close are counted on in the same steps.

    Raises
    ------
    ConfigError
        For an unknown calendar or interval.
    """

    def __init__(self, calendar: str | None, interval: str, *, extended_hours: bool) -> None:
        self.calendar, self.interval = calendar or ALWAYS, interval
        self._length = interval_ns(interval) if is_intraday(interval) else 0
        self._extended = extended_hours and self._length > 0
        self._margin = np.timedelta64(MARGIN_DAYS + interval_ns(interval) // DAY_NS, "D")
        self._from = self._until = 0
        self._opens: list[int] = []
        self._closes: list[int] = []
        self._ends: list[int] = []

    def _at(self, ts: int) -> int:
        """Number of the session that a moment is in or before."""
        if not self._from <= ts < self._until:
            self._know(ts)
        at = bisect_left(self._closes, ts)
        if at + 1 < len(self._opens) and self._opens[at + 1] <= ts:
            at += 1
        return at

    def _know(self, ts: int) -> None:
        """Have the sessions around a moment."""
        day = ts // DAY_NS
        self._from, self._until = (day - KNOWN_DAYS) * DAY_NS, (day + KNOWN_DAYS) * DAY_NS
        first, last = (np.datetime64(day + k * KNOWN_DAYS, "D") for k in (-1, 1))
        found = session_closes(self.calendar, first - self._margin, last + self._margin)
        self._opens, self._closes = found.opens.tolist(), found.closes.tolist()
        self._ends = self._closes if self._length else last_closes(found, self.interval).tolist()

    def of(self, ts: int) -> Bin | None:
        """Bar that a trade at ``ts`` belongs to; None outside of every session."""
        at = self._at(ts)
        if at == len(self._closes):
            return None
        opens, closes = self._opens[at], self._closes[at]
        if ts < opens:
            return self._outside(ts, at) if self._extended and at else None
        if not self._length:
            return Bin(opens, closes, self._ends[at])
        start = opens + (min(ts, closes - 1) - opens) // self._length * self._length
        end = min(start + self._length, closes)
        return Bin(start, end, end)

    def _outside(self, ts: int, at: int) -> Bin:
        """Bar between two sessions: counted on from the close, or back from the open if nearer."""
        before, opens, length = self._closes[at - 1], self._opens[at], self._length
        middle = (before + opens) // 2
        if ts < middle:
            start = before + (ts - before) // length * length
            return Bin(start, min(start + length, middle), min(start + length, opens))
        end = opens - (opens - ts - 1) // length * length
        return Bin(max(end - length, middle), end, end)

    def reach(self, since: int, until: int) -> tuple[int, int]:
        """Closes of the first and the last bar that trade between two moments.

        The first is later than the last where the exchange trades at neither, nor in between.
        """
        first, last = self.of(since), self.of(until)
        return (
            first.close if first is not None else self._next_close(since),
            last.close if last is not None else self._last_close(until),
        )

    def _next_close(self, ts: int) -> int:
        """Of the first bar behind a moment that is in none."""
        at = self._at(ts)
        if at == len(self._closes):
            return FAR_NS
        if not self._length:
            return self._ends[at]
        return min(self._opens[at] + self._length, self._closes[at])

    def _last_close(self, ts: int) -> int:
        """Of the last bar before a moment that is in none."""
        at = self._at(ts)
        return self._ends[at - 1] if at else 0

    def in_session(self, ts: int) -> bool:
        """Whether the exchange trades at a moment."""
        at = self._at(ts)
        return at < len(self._closes) and self._opens[at] <= ts
