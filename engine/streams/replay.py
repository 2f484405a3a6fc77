"""History played again as a live feed, at any speed: the default, which needs no network."""

import asyncio
from typing import Annotated, Literal, Self

import numpy as np
from annotated_types import Gt

from tradewind.engine.errors import ConfigError
from tradewind.engine.features.stream import Row
from tradewind.engine.records import Panel
from tradewind.engine.streams.facts import FeedNotice, FeedState, RowSink

SECOND_NS = 1_000_000_000
LONGEST_S = 3600.0  # between two bars, however long the night was


class Replay:
    """Bars of a history, one close after the other.

    Parameters
    ----------
    speed : float or "max"
        How many times faster than the history they come; ``max``: as fast as they are taken.
    """

    def __init__(self, *, speed: Annotated[float, Gt(0)] | Literal["max"] = "max") -> None:
        self.speed = speed
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
        for t in range(self._first, panel.n_bars):
            await self._wait(panel, t)
            await sink.row(Row.of(panel, t), tuple(ends.get(t, ())))
        sink.notice(FeedNotice(FeedState.DOWN, int(panel.ts[-1]), "the history is at its end"))

    async def _wait(self, panel: Panel, t: int) -> None:
        if self.speed == "max" or t == 0:
            return
        pause = float(panel.ts[t] - panel.ts[t - 1]) / SECOND_NS / float(self.speed)
        await asyncio.sleep(min(pause, LONGEST_S))


def last_trades(row: Row) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """When each symbol of a bar last traded: at its close, 0 where it has no bar."""
    return np.where(np.isnan(row.close), 0, row.ts).astype(np.int64)
