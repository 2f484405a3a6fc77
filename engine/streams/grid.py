"""Into which bar a moment falls, by the sessions of an exchange."""

from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from tradewind.engine.bars.sessions import (
    ALWAYS,
    Sessions,
    interval_ns,
    is_intraday,
    session_closes,
    split_interval,
)
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import DAY_NS

AHEAD_DAYS, BEHIND_DAYS = 40, 10


class Bin(NamedTuple):
    """A bar to be: trades from ``start`` on and before ``end``, UTC nanoseconds.

    A trade stamped with the very close of the session, as closing auctions are, belongs to its last
    bar.
    """

    start: int
    end: int


class Grid:
    """Bars of one calendar.

    Parameters
    ----------
    calendar : str or None
        None, as ``24/7``: every moment is in a session, and days are those of UTC.
    interval : str
        Minutes and hours, counted from each session's open and ending with it; or ``1d``.
    extended_hours : bool
        Whether minutes before the open and after the close are counted on in the same steps.

    Raises
    ------
    ConfigError
        For bars of several days, which no session ends, or an unknown calendar.
    """

    def __init__(self, calendar: str | None, interval: str, *, extended_hours: bool) -> None:
        count, unit = split_interval(interval)
        if not is_intraday(interval) and (count, unit) != (1, "d"):
            raise ConfigError(
                f"data.interval: bars of {interval} cannot be made of ticks; use 1d or shorter"
            )
        self.calendar, self.interval = calendar or ALWAYS, interval
        self._length = interval_ns(interval) if is_intraday(interval) else 0
        self._extended = extended_hours
        self._sessions: Sessions | None = None
        self._opens: list[int] = []
        self._closes: list[int] = []

    def _know(self, ts: int) -> None:
        """Have the sessions around a moment."""
        day = np.datetime64(ts, "ns").astype("datetime64[D]")
        self._sessions = session_closes(
            self.calendar,
            day - np.timedelta64(BEHIND_DAYS, "D"),
            day + np.timedelta64(AHEAD_DAYS, "D"),
        )
        self._opens = [int(at) for at in self._sessions.opens]
        self._closes = [int(at) for at in self._sessions.closes]

    def of(self, ts: int) -> Bin | None:
        """Bar that a trade at ``ts`` belongs to; None outside of every session."""
        if not self._closes or not self._closes[0] < ts <= self._closes[-1] - DAY_NS:
            self._know(ts)
        at = bisect_left(self._closes, ts)
        if at == len(self._closes):
            return None
        opens, closes = self._opens[at], self._closes[at]
        if ts < opens:
            return self._outside(ts, at)
        if not self._length:
            return Bin(opens, closes)
        if ts == closes:
            ts -= 1
        start = opens + (ts - opens) // self._length * self._length
        return Bin(start, min(start + self._length, closes))

    def _outside(self, ts: int, at: int) -> Bin | None:
        """Bar between two sessions: counted on from the close, or back from the open if nearer."""
        if not self._extended or not self._length:
            return None
        before, opens, length = self._closes[at - 1] if at else 0, self._opens[at], self._length
        if ts - before < opens - ts:
            start = before + (ts - before) // length * length
            return Bin(start, min(start + length, opens))
        end = opens - (opens - ts - 1) // length * length
        return Bin(max(end - length, before), end)

    def in_session(self, ts: int) -> bool:
        """Whether the exchange trades at a moment."""
        if not self._closes or not self._closes[0] < ts <= self._closes[-1] - DAY_NS:
            self._know(ts)
        at = bisect_left(self._closes, ts)
        return at < len(self._closes) and self._opens[at] <= ts
