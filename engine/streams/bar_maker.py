"""Ticks to bars: one row of all symbols for each bar of the exchange's session.

A bar is let out when its end lies ``lateness_s`` behind our clock, so that a mute market closes its
bars too; a replay, which knows that nothing else comes, hands a clock of its own. Until then ticks
may come in any order; the same ticks make the same bar. What comes later is dropped and counted. A
bar in which nobody traded makes no row, as in a history.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import inf

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.grid import Bin, Grid
from tradewind.engine.streams.open_bar import OpenBar, joined

SECOND_NS = 1_000_000_000


class BarMaker:
    """Makes bars of believed ticks.

    Parameters
    ----------
    calendars : sequence of (str or None)
        Of each symbol.
    interval : str
    config : TicksConfig
    last_ts : int
        Close of the last bar known, also after a restart; ticks of bars up to it are late.
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
        self._now: list[Bin] = [Bin(0, 0, 0)] * self._n  # that each symbol's last tick was in
        self._open: dict[int, OpenBar] = {}
        self._ready: dict[int, Row] = {}
        self._waits_until = 0
        self._lateness_ns = int(config.lateness_s * SECOND_NS)
        self._mid = config.quotes == "mid"

    def take(self, k: int, tick: Tick) -> bool:
        """Take a tick of column ``k``; whether it went into a bar."""
        return self.take_many([(k, tick)]) == 1

    def take_many(self, ticks: Iterable[tuple[int, Tick]]) -> int:
        """Take (column, tick) of each that is believed; how many went into a bar."""
        seen, taken, late = self._now, 0, 0
        for k, tick in ticks:
            _, ts, price, size, bid, ask, _, number = tick
            if price != price:
                if not self._mid or not bid + ask < inf:
                    continue
                price, size = 0.5 * (bid + ask), 0.0
            now = seen[k]
            if not now.start <= ts < now.stop:
                found = self._grids[k].of(ts)
                if found is None:
                    self.drops[reasons.OFF_SESSION] += 1
                    continue
                now = seen[k] = found
            if now.close <= self.last_ts:
                late += 1
                continue
            bar = self._open.get(now.close)
            if bar is None:
                bar = self._open[now.close] = OpenBar(self._n)
            bar.take(k, price, size, ts, number)
            taken += 1
        if late:
            self.drops[reasons.LATE] += late
        return taken

    def advance(self, now: int) -> list[Row]:
        """Bars that are complete at ``now``, UTC nanoseconds, oldest first; each once.

        A clock that goes back lets nothing out again, and one that jumps ahead lets out what is
        there.
        """
        if now < self._waits_until:
            return []
        due = {end for end in (*self._open, *self._ready) if end + self._lateness_ns <= now}
        return [row for end in sorted(due) for row in self._let_out(end)]

    def _let_out(self, end: int) -> Iterator[Row]:
        bar, ready = self._open.pop(end, None), self._ready.pop(end, None)
        if end <= self.last_ts:
            return
        self.last_ts = end
        made = None if bar is None else bar.row(end)
        if ready is None:
            ready = made
        elif made is not None:
            ready = joined(ready, made)
        if ready is not None:
            yield ready

    def wait(self, until: int) -> None:
        """Let no bar out before ``until``: what a gap took is being fetched."""
        self._waits_until = until

    def put(self, rows: Sequence[Row], *, now: int | None = None) -> int:
        """Take bars that are whole, to be let out in their turn; how many were news.

        Where ticks have made a bar as well, as around a gap, the whole one counts for every symbol
        that it has.

        Parameters
        ----------
        rows : sequence of Row
        now : int, optional
            Bars that end later are not over, whatever their source says, and are left out.
        """
        news = 0
        for row in rows:
            if row.ts <= self.last_ts or (now is not None and row.ts > now):
                continue
            before = self._ready.get(row.ts)
            self._ready[row.ts] = row if before is None else joined(row, before)
            news += 1
        return news

    def fill(self, rows: Sequence[Row], *, now: int | None = None) -> int:
        """Take bars that were fetched for a gap, and wait no longer; how many were news."""
        self._waits_until = 0
        return self.put(rows, now=now)
