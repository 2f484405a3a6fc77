"""History played again as a live feed, at any speed: the default, which needs no network."""

import asyncio
from typing import Annotated, Literal, Self

from annotated_types import Gt

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.features.stream import Row
from tradewind.engine.records import Panel
from tradewind.engine.streams.facts import FeedNotice, FeedState, RowSink
from tradewind.engine.streams.tick_paths import TickPaths

SECOND_NS = 1_000_000_000
LONGEST_S = 3600.0  # between two bars, however long the night was


class Replay:
    """Bars of a history, one close after the other.

    ``Replay(speed="max").over(panel, first).run(sink)``: the history is handed over apart from the
    parameters, which come from a config. At any speed the next bar waits until the sink has room.

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
        self._first, self._config = 0, TicksConfig()

    def over(self, panel: Panel, first: int, config: TicksConfig | None = None) -> Self:
        """Play ``panel`` from row ``first`` on, as ticks for a filter of ``config``."""
        self._panel, self._first, self._config = panel, first, config or TicksConfig()
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the history."""
        return () if self._panel is None else self._panel.symbols

    async def run(self, sink: RowSink) -> None:
        """Deliver every bar, then return.

        Raises
        ------
        ConfigError
            Without a history, or with one that ticks cannot carry.
        """
        panel = self._panel
        if panel is None:
            raise ConfigError("paper.feed: a replay needs a history; it was given none")
        ends: dict[int, list[int]] = {}
        for k, row in enumerate(panel.ends):
            ends.setdefault(int(row), []).append(k)
        paths = None
        if self.played_as == "ticks":
            paths = TickPaths(panel, self._first, self._config)
        begin = int(panel.ts[max(self._first - 1, 0)]) if panel.n_bars else 0
        sink.notice(FeedNotice(FeedState.LIVE, begin, "replay"))
        for t in range(self._first, panel.n_bars):
            await self._wait(panel, t)
            leaving = tuple(ends.get(t, ()))
            if paths is None:
                await sink.row(Row.of(panel, t), leaving)
                continue
            sink.ticks(paths.ticks(t))
            await sink.clock(int(panel.ts[t]), leaving)
        end = int(panel.ts[-1]) if panel.n_bars else 0
        sink.notice(FeedNotice(FeedState.DOWN, end, "the history is at its end"))

    async def _wait(self, panel: Panel, t: int) -> None:
        if self.speed == "max" or t == 0:
            return
        pause = float(panel.ts[t] - panel.ts[t - 1]) / SECOND_NS / float(self.speed)
        await asyncio.sleep(min(pause, LONGEST_S))
