"""Ticks to bars: one row of all symbols for each bar of the exchange's session.

A bar is let out when its end lies ``lateness_s`` behind our clock, so that a mute market closes its
bars too; a replay, which knows that nothing else comes, hands a clock of its own. Until then ticks
may come in any order; the same ticks make the same bar. What comes later is dropped and counted. A
bar in which nobody traded makes no row, as in a history.

A bar that trades while nobody listens (:mod:`tradewind.engine.streams.holes`) is torn: it is never
made of its ticks. It waits for the bar of the history, ``patience_ns`` behind the later of its end
and the hole's, and those behind it wait with it; then it is skipped, and that is told.
"""

from collections.abc import Container, Iterable, Sequence
from math import inf

import numpy as np

from tradewind.engine.bars.sessions import interval_ns
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.streams import reasons
from tradewind.engine.streams.drops import Drops
from tradewind.engine.streams.facts import Skipped, Tick
from tradewind.engine.streams.grid import FAR_NS, Bin, Grid
from tradewind.engine.streams.holes import Holes
from tradewind.engine.streams.open_bar import OpenBar, joined

SECOND_NS = 1_000_000_000
UNTOLD = "traded while nobody listened, and the history has no such bar"
SHARE = 10  # of a bar's length is waited for a torn one, but
LEAST_NS, MOST_NS = 60 * SECOND_NS, 3600 * SECOND_NS  # no less and no more than this


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
    drops : Drops
        Where late ticks and those outside of sessions are counted.

    Attributes
    ----------
    grids : list of Grid
        Of each column.
    holes : Holes
        When nobody listened.
    patience_ns : int
        How long a torn bar waits for the history.
    heard, mute_ns : int
        Newest stamp there was, UTC nanoseconds, and how long its silence means nothing: a bar of
        ticks waits for a tick behind its end, or so long, for a line that is dead does not say so.
    skipped : list of Skipped
        Bars that were given up, until somebody takes them from here.
    """

    def __init__(
        self,
        calendars: Sequence[str | None],
        interval: str,
        config: TicksConfig,
        *,
        last_ts: int,
        drops: Drops,
    ) -> None:
        self.config, self.last_ts, self.drops = config, last_ts, drops
        self._n = len(calendars)
        made = {
            name: Grid(name, interval, extended_hours=config.extended_hours)
            for name in dict.fromkeys(calendars)
        }
        self.grids = [made[name] for name in calendars]
        self._now: list[Bin] = [Bin(0, 0, 0)] * self._n  # that each symbol's last tick was in
        self._open: dict[int, OpenBar] = {}
        self._ready: dict[int, Row] = {}
        self._lateness_ns = int(config.lateness_s * SECOND_NS)
        self._mid = config.quotes == "mid"
        self.holes = Holes(list(made.values()))
        self.patience_ns = min(max(interval_ns(interval) // SHARE, LEAST_NS), MOST_NS)
        self.skipped: list[Skipped] = []
        self.heard, self.mute_ns = FAR_NS, 0
        self._told = 0  # close of the newest bar that the history has told

    def take(self, k: int, tick: Tick) -> bool:
        """Take a tick of column ``k``; whether it went into a bar."""
        return self.take_many([(k, tick)]) == 1

    def take_many(self, ticks: Iterable[tuple[int, Tick]], held: Container[int] = ()) -> int:
        """Take (column, tick) of each that is believed; how many went into a bar.

        Parameters
        ----------
        ticks : iterable of (int, Tick)
        held : container of int
            ``id`` of those that came before, and were doubted until now.
        """
        seen, taken = self._now, 0
        for k, tick in ticks:
            _, ts, price, size, bid, ask, _, number = tick
            if price != price:
                if not self._mid or not bid + ask < inf:
                    continue
                price, size = 0.5 * (bid + ask), 0.0
            now = seen[k]
            if not now.start <= ts < now.stop:
                found = self.grids[k].of(ts)
                if found is None:
                    self.drops.note(reasons.OFF_SESSION, tick)
                    continue
                now = seen[k] = found
            if now.close <= self.last_ts:
                in_time = tick.received <= now.close + self._lateness_ns and id(tick) in held
                why = reasons.CONFIRMED_LATE if in_time else reasons.LATE
                self.drops.note(why, tick, now.close)
                continue
            bar = self._open.get(now.close)
            if bar is None:
                bar = self._open[now.close] = OpenBar(self._n)
            bar.take(k, price, size, ts, number)
            taken += 1
        return taken

    def advance(self, now: int) -> list[Row]:
        """Bars that are complete at ``now``, UTC nanoseconds, oldest first; each once.

        A clock that goes back lets nothing out again, and one that jumps ahead lets out what is
        there.
        """
        if self.holes:
            self._look_at_holes(now)
        due = {end for end in (*self._open, *self._ready) if end + self._lateness_ns <= now}
        found = []
        for end in sorted(due):
            if self._waits(end, now):
                break
            row = self._let_out(end)
            if row is not None:
                found.append(row)
        return found

    def due_after(self, now: int) -> int | None:
        """When the next bar is due of those that are not, UTC nanoseconds; None: there is none."""
        ends = (end + self._lateness_ns for end in (*self._open, *self._ready))
        return min((due for due in ends if due > now), default=None)

    def _let_out(self, end: int) -> Row | None:
        bar, ready = self._open.pop(end, None), self._ready.pop(end, None)
        if end <= self.last_ts:
            return None
        self.last_ts = end
        if bar is not None:
            torn = self._torn(end, bar, ready)
            made = bar.row(end, without=torn)
            if torn and end <= self._told:
                self.skipped.append(Skipped(end, end, UNTOLD, torn))
            ready = made if ready is None else joined(ready, made)
        return None if ready is None or np.isnan(ready.close).all() else ready

    def _torn(self, end: int, bar: OpenBar, ready: Row | None) -> tuple[int, ...]:
        """Columns with ticks in a torn bar that the history has not told."""
        if not self.holes:
            return ()
        known = np.zeros(self._n, bool) if ready is None else ~np.isnan(ready.close)
        return tuple(
            k for k, close in enumerate(bar.close)
            if close == close and not known[k] and self.holes.tears(self.grids[k], end)
        )  # fmt: skip

    def _waits(self, end: int, now: int) -> bool:
        """Whether a bar that is over waits: for a sign of life behind its end, or the history."""
        quiet = end in self._open and max(self.heard, self._told) < end
        if quiet and now < end + self._lateness_ns + self.mute_ns:
            return True
        overdue = now >= end + self._lateness_ns + self.patience_ns
        return self.holes.waits(end, self._told) or (not overdue and self._lacks(end))

    def _lacks(self, end: int) -> bool:
        """Whether something of a bar must still come from the history."""
        if not self.holes:
            return False
        bar = self._open.get(end)
        return self.holes.waits(end, self._told) or (
            bar is not None and bool(self._torn(end, bar, self._ready.get(end)))
        )

    def _look_at_holes(self, now: int) -> None:
        """Give up what was waited for long enough; keep no ticks that no bar will be made of.

        While nobody listens nothing is given up: there is nothing to let out in its place.
        """
        late = self._lateness_ns + self.patience_ns
        self.holes.forget(self.last_ts)
        for hole in self.holes.given_up(now - late):
            after = max(self._told, self.last_ts)
            if after < hole.end:
                first = max(hole.begin, self.holes.close_behind(after))
                why = f"nobody listened {hole}, and the history did not tell them in time"
                self.skipped.append(Skipped(first, hole.end, why))
        lasting = self.holes.lasting
        if lasting is not None:
            no = np.full(self._n, np.nan)
            for end in [end for end in self._open if lasting.begin <= end < now - late]:
                del self._open[end]
                self._ready.setdefault(end, Row(end, no, no, no, no, no))

    def ask_at(self) -> int | None:
        """From when on (UTC ns) the history is to be asked for bars; None: there is no need."""
        times = [hole.changed for hole in self.holes if not hole.asked]
        times += [
            hole.end + self._lateness_ns for hole in self.holes
            if not hole.lasts and hole.end > max(self._told, self.last_ts)
        ]  # fmt: skip
        waiting = [end for end in (*self._open, *self._ready) if self._lacks(end)]
        return min([*times, *(end + self._lateness_ns for end in waiting)], default=None)

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

    def fill(self, rows: Sequence[Row], *, now: int) -> int:
        """Take bars of the history that was asked at ``now`` (UTC ns); how many were news."""
        over = [row for row in rows if self.holes.past < row.ts <= now]
        self._told = max([self._told, *(row.ts for row in over)])
        self.holes.asked(now)
        return self.put(over)
