"""Bars that a gap took, fetched from where the history came from."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewind.engine.config.data import DataConfig
from tradewind.engine.errors import DataError, OutsideError
from tradewind.engine.features.stream import Row
from tradewind.engine.feeds import load
from tradewind.engine.records import Panel

WAITS_S = (0.0, 5.0, 20.0)  # before each try


async def backfilled(config: DataConfig, symbols: Sequence[str], since: int) -> list[Row]:
    """Bars of the history's source that closed later than ``since``, UTC nanoseconds.

    Parameters
    ----------
    config : DataConfig
        Of the run.
    symbols : sequence of str
        In the order of the run's columns.
    since : int

    Raises
    ------
    TradewindError
        What the source said at the last of several tries.
    """
    fresh = config.model_copy(update={"end": None})
    for number, wait in enumerate(WAITS_S, 1):
        await asyncio.sleep(wait)
        try:
            found = await asyncio.to_thread(load, fresh)
        except OSError:  # network and store; a source that refuses for good is no OSError
            if number == len(WAITS_S):
                raise
            continue
        return rows_after(found.panel, symbols, since)
    return []


async def missed(
    feed: Any, config: DataConfig, symbols: Sequence[str], since: int, interval: str
) -> list[Row]:
    """Bars that closed later than ``since``: the feed's own where it keeps them for so long.

    A feed that does has a method ``backfill(since, until, interval)``.

    Raises
    ------
    TradewindError
        As :func:`backfilled`.
    """
    if hasattr(feed, "backfill"):
        try:
            found: list[Row] = await feed.backfill(since, time.time_ns(), interval)
        except (DataError, OutsideError):  # too long ago, or away: perhaps the other source is not
            pass
        else:
            return found
    return await backfilled(config, symbols, since)


def rows_after(panel: Panel, symbols: Sequence[str], since: int) -> list[Row]:
    """Rows of a panel that closed later, in the columns of ``symbols``."""
    picked = panel.select([name for name in symbols if name in panel.symbols])
    first = int(np.searchsorted(picked.ts, since, "right"))
    rows = [Row.of(picked, t) for t in range(first, picked.n_bars)]
    if picked.symbols == tuple(symbols):
        return rows
    at = [symbols.index(name) for name in picked.symbols]
    return [_spread(row, at, len(symbols)) for row in rows]


def _spread(row: Row, at: Sequence[int], n: int) -> Row:
    """Row of all symbols, NaN for those the source no longer has."""
    wide = np.full((5, n), np.nan)
    wide[:, at] = [row.open, row.high, row.low, row.close, row.volume]
    opens, highs, lows, closes, volumes = wide
    return Row(row.ts, opens, highs, lows, closes, volumes)
