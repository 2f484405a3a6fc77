"""Ticks to bars: one row of all symbols for each bar of the exchange's session.

A bar is let out when its end lies ``lateness_s`` behind the watermark: the latest of our clock and,
where ticks are played from a file, of the ticks themselves. Until then ticks may come in any order;
the same ticks make the same bar. What comes later is dropped and counted. A bar in which nobody
traded makes no row, as in a history.
"""

from collections import Counter
from collections.abc import Sequence
from math import inf, nan
from typing import Any

import numpy as np

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.records import FIELDS
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.grid import Bin, Grid

SECOND_NS = 1_000_000_000


class OpenBar:
    """A bar that is still being made, of all symbols."""

    __slots__ = ("close", "first", "high", "last", "low", "open", "volume")

    def __init__(self, n: int) -> None:
        self.open, self.high, self.low = [nan] * n, [-inf] * n, [inf] * n
        self.close, self.volume = [nan] * n, [0.0] * n
        self.first: list[Any] = [None] * n
        self.last: list[Any] = [None] * n

    def take(self, k: int, price: float, size: float, order: tuple[int, str, float]) -> None:
        """Take a trade; ``order`` says which of two came first, whenever they arrived."""
        if self.first[k] is None or order < self.first[k]:
            self.first[k], self.open[k] = order, price
        if self.last[k] is None or order >= self.last[k]:
            self.last[k], self.close[k] = order, price
        if price > self.high[k]:
            self.high[k] = price
        if price < self.low[k]:
            self.low[k] = price
        self.volume[k] += size

    def row(self, ts: int) -> Row:
        """Bar as a row; NaN for symbols without a trade."""
        arrays = [np.array(getattr(self, name)) for name in FIELDS]
        silent = np.isnan(arrays[3])
        for array in arrays:
            array[silent] = nan
        opens, highs, lows, closes, volumes = arrays
        return Row(ts, opens, highs, lows, closes, volumes)


class BarMaker:
    """Makes bars of believed ticks.

    Parameters
    ----------
    calendars : sequence of (str or None)
        Of each symbol.
    interval : str
    config : TicksConfig
    last_ts : int
        Close of the last bar known; ticks of bars up to it are late.
    drops : Counter
        Where late ticks and those outside of sessions are counted.
    """

    def __init__(
        self,
        calendars: Sequence[str | None],
        interval: str,
        config: TicksConfig,
        *,
        last_ts: int,
        drops: Counter[str],
    ) -> None:
        self.config, self.last_ts, self.drops = config, last_ts, drops
        self._n = len(calendars)
        made = {
            name: Grid(name, interval, extended_hours=config.extended_hours)
            for name in dict.fromkeys(calendars)
        }
        self._grids = [made[name] for name in calendars]
        self._now: list[Bin] = [Bin(0, 0)] * self._n  # bar that each symbol's last tick was in
        self._open: dict[int, OpenBar] = {}
        self._ready: dict[int, Row] = {}
        self._waits_until = 0
        self._lateness_ns = int(config.lateness_s * SECOND_NS)

    def take(self, k: int, tick: Tick) -> bool:
        """Take a tick of column ``k``; whether it went into a bar."""
        price = tick.price
        if price != price:
            if self.config.quotes == "ignore" or not (
                tick.bid == tick.bid and tick.ask == tick.ask
            ):
                return False
            price = 0.5 * (tick.bid + tick.ask)
        ts, now = tick.ts, self._now[k]
        if not now.start <= ts < now.end:
            found = self._grids[k].of(ts)
            if found is None:
                self.drops[reasons.OFF_SESSION] += 1
                return False
            self._now[k] = now = found
        if now.end <= self.last_ts:
            self.drops[reasons.LATE] += 1
            return False
        bar = self._open.get(now.end)
        if bar is None:
            bar = self._open[now.end] = OpenBar(self._n)
        bar.take(k, price, tick.size, (ts, tick.id, price))
        return True

    def advance(self, now: int) -> list[Row]:
        """Bars that are complete at ``now``, UTC nanoseconds, oldest first; each once.

        A clock that goes back lets nothing out again, and one that jumps ahead lets out what is
        there.
        """
        if now < self._waits_until:
            return []
        due = [end for end in (*self._open, *self._ready) if end + self._lateness_ns <= now]
        rows = []
        for end in sorted(set(due)):
            bar, ready = self._open.pop(end, None), self._ready.pop(end, None)
            if end <= self.last_ts:
                continue
            if ready is not None:
                rows.append(ready)
            elif bar is not None:
                rows.append(bar.row(end))
            self.last_ts = end
        return rows

    def wait(self, until: int) -> None:
        """Let no bar out before ``until``: what a gap took is being fetched."""
        self._waits_until = until

    def fill(self, rows: Sequence[Row]) -> int:
        """Take bars that were fetched for a gap, and wait no longer; how many were news.

        A fetched bar is whole, one made of the ticks around a gap is not: the fetched one counts.
        """
        self._waits_until, news = 0, 0
        for row in rows:
            if row.ts > self.last_ts:
                self._ready[row.ts] = row
                news += 1
        return news
