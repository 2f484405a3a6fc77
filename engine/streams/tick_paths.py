"""Bars taken apart into ticks that make them again."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Floats, Panel, label
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.grid import Bin, Grid


class TickPaths:
    """Ticks of each bar of a panel: its open, its two ends, the nearer one first, and its close.

    They are spread over the bar, the whole volume comes with the first. A price that a filter would
    take for a spike is said as often as makes it believed. Only times and prices of the bar itself
    and of closes before it are used.

    Parameters
    ----------
    panel : Panel
    first : int
        Row from which ticks are wanted; what lies before it has been seen.
    config : TicksConfig
        Of the filter and the bar maker that they are for.
    """

    def __init__(self, panel: Panel, first: int, config: TicksConfig) -> None:
        if panel.columns:
            raise ConfigError(
                f"paper.feed: ticks carry no {', '.join(sorted(panel.columns))}, which the history "
                "has beside its bars; set played_as: bars"
            )
        self._panel, self._config = panel, config
        self._grids: Mapping[str | None, Grid] = {
            name: Grid(name, panel.interval, extended_hours=config.extended_hours)
            for name in dict.fromkeys(panel.calendar_of_each)
        }
        self._before = last_closes_before(panel, first)

    def ticks(self, t: int) -> list[Tick]:
        """Ticks of the bars of row ``t``, symbol by symbol; rows are asked for in their order.

        Raises
        ------
        ConfigError
            If a bar is not one of the exchange's session.
        """
        traded = np.flatnonzero(~np.isnan(self._panel.close[t]))
        return [tick for k in traded for tick in self._of(t, int(k))]

    def _of(self, t: int, k: int) -> Iterator[Tick]:
        panel, where = self._panel, self._bin(t, k)
        opens, high, low, close, volume = (
            float(field[t, k])
            for field in (panel.open, panel.high, panel.low, panel.close, panel.volume)
        )
        ends = (low, high) if opens - low <= high - opens else (high, low)
        prices = list(self._confirmed((opens, *ends, close), float(self._before[k])))
        self._before[k] = close
        span = where.stop - 1 - where.start
        for i, price in enumerate(prices):
            ts = where.start + span * i // (len(prices) - 1)
            size = volume if i == 0 else 0.0
            yield Tick(panel.symbols[k], ts, price, size, received=ts, id=f"{t}/{i}")

    def _confirmed(self, prices: Sequence[float], before: float) -> Iterator[float]:
        for price in prices:
            yield price
            if not abs(price - before) <= self._config.spike * abs(before):
                yield from [price] * self._config.confirm
            before = price

    def _bin(self, t: int, k: int) -> Bin:
        panel, calendar = self._panel, self._panel.calendar_of_each[k]
        ts = int(panel.ts[t])
        found = self._grids[calendar].of(ts - 1)
        if found is None or found.close != ts:
            raise ConfigError(
                f"paper.feed: the bar of {panel.symbols[k]} that closes at {label(ts)} is no "
                f"{panel.interval} bar of a session of {calendar or 'every day in UTC'}"
                f"{'' if self._config.extended_hours else ' (paper.ticks.extended_hours: false)'}, "
                "so no ticks make it; set played_as: bars"
            )
        return found


def last_closes_before(panel: Panel, first: int) -> Floats:
    """Last close of each symbol before a row; NaN where it has not traded."""
    found = np.full(panel.n_symbols, np.nan)
    for k in range(panel.n_symbols):
        traded = np.flatnonzero(~np.isnan(panel.close[:first, k]))
        if traded.size:
            found[k] = panel.close[traded[-1], k]
    return found
