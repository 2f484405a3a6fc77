"""History played again as a live feed, at any speed: the default, which needs no network."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Literal, Self

import numpy as np
from annotated_types import Gt

from tradewind.engine.errors import ConfigError
from tradewind.engine.features.stream import Row
from tradewind.engine.records import Panel
from tradewind.engine.streams.facts import FeedNotice, FeedState, RowSink, Tick
from tradewind.engine.streams.grid import Bin, Grid

SECOND_NS = 1_000_000_000
LONGEST_S = 3600.0  # between two bars, however long the night was


class Replay:
    """Bars of a history, one close after the other.

    Parameters
    ----------
    speed : float or "max"
        How many times faster than the history they come; ``max``: as fast as they are taken.
    played_as : {"bars", "ticks"}
        Whole bars, or ticks that a bar can be made of again: all the way of a live feed.
    """

    def __init__(
        self,
        *,
        speed: Annotated[float, Gt(0)] | Literal["max"] = "max",
        played_as: Literal["bars", "ticks"] = "bars",
    ) -> None:
        self.speed, self.played_as = speed, played_as
        self._panel: Panel | None = None
        self._first = 0

    def over(self, panel: Panel, first: int) -> Self:
        """Play ``panel`` from row ``first`` on."""
        self._panel, self._first = panel, first
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the history."""
        return () if self._panel is None else self._panel.symbols

    async def run(self, sink: RowSink) -> None:
        """Deliver every bar, then return."""
        panel = self._panel
        if panel is None:
            raise ConfigError("paper.feed: a replay needs a history; it was given none")
        ends: dict[int, list[int]] = {}
        for k, row in enumerate(panel.ends):
            ends.setdefault(int(row), []).append(k)
        sink.notice(FeedNotice(FeedState.LIVE, int(panel.ts[self._first - 1]), "replay"))
        grids = {
            name: Grid(name, panel.interval, extended_hours=True)
            for name in set(panel.calendar_of_each)
        }
        for t in range(self._first, panel.n_bars):
            await self._wait(panel, t)
            if self.played_as == "bars":
                await sink.row(Row.of(panel, t), tuple(ends.get(t, ())))
                continue
            sink.ticks(list(ticks_of(panel, t, grids)))
            await sink.clock(int(panel.ts[t]), tuple(ends.get(t, ())))
        sink.notice(FeedNotice(FeedState.DOWN, int(panel.ts[-1]), "the history is at its end"))

    async def _wait(self, panel: Panel, t: int) -> None:
        if self.speed == "max" or t == 0:
            return
        pause = float(panel.ts[t] - panel.ts[t - 1]) / SECOND_NS / float(self.speed)
        await asyncio.sleep(min(pause, LONGEST_S))


def ticks_of(panel: Panel, t: int, grids: dict[str | None, Grid]) -> Iterator[Tick]:
    """Four ticks for each bar: its open, its two ends, nearer one first, and its close.

    They are spread over the bar and make that very bar again.
    """
    close_ts = int(panel.ts[t])
    for k, (symbol, calendar) in enumerate(zip(panel.symbols, panel.calendar_of_each, strict=True)):
        if np.isnan(panel.close[t, k]):
            continue
        opens, high, low, close, volume = (
            float(field[t, k])
            for field in (panel.open, panel.high, panel.low, panel.close, panel.volume)
        )
        inside = grids[calendar].of(close_ts - 1) or Bin(close_ts - SECOND_NS, close_ts)
        ends = (low, high) if opens - low <= high - opens else (high, low)
        step = max((close_ts - inside.start) // 4, 1)
        for i, price in enumerate((opens, *ends, close)):
            ts = min(inside.start + i * step, close_ts - 1) if i < 3 else close_ts - 1
            size = volume if i == 0 and volume == volume else 0.0
            yield Tick(symbol, ts, price, size, received=ts, id=f"{t}/{i}")
