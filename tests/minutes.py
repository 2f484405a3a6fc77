"""Short bars of real exchange hours, for tests of longer ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewind.engine.bars.sessions import session_closes
from tradewind.engine.records import Ints, Panel

MINUTE_NS = 60_000_000_000


def ns(moment: str) -> int:
    """UTC nanoseconds of an ISO time."""
    return int(np.datetime64(moment, "ns").astype(np.int64))


def utc(ts: Any) -> list[str]:
    """ISO times, to the minute."""
    return [str(np.datetime64(int(one), "ns"))[:16] for one in ts]


def session_bars(calendar: str, first: str, last: str, minutes: int) -> Ints:
    """Closes of the bars of every session, the last one cut short where it must be."""
    sessions = session_closes(calendar, first, last)
    step = minutes * MINUTE_NS
    closes = [
        np.minimum(np.arange(opened + step, closed + step, step), closed)
        for opened, closed in zip(sessions.opens, sessions.closes, strict=True)
    ]
    return np.concatenate(closes)


def bars_at(ts: Sequence[int] | Ints, symbols: str = "A", seed: int = 0, **fields: Any) -> Panel:
    """Random walks with one bar at each time given."""
    rng = np.random.default_rng(seed)
    shape = len(ts), len(symbols)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.001, shape), axis=0))
    opened = close * np.exp(rng.normal(0, 0.0005, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.0005, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.0005, shape)))
    volume = rng.integers(1, 100, shape).astype(float)
    given = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
    return Panel(symbols=tuple(symbols), ts=np.asarray(ts, np.int64), **(given | fields))


def bars_of(rows: Sequence[tuple[str, float, float, float, float, float]], **fields: Any) -> Panel:
    """One symbol from rows of (close time in UTC, open, high, low, close, volume)."""
    values = np.array([row[1:] for row in rows], float)
    names = ("open", "high", "low", "close", "volume")
    arrays = {name: values[:, [i]].copy() for i, name in enumerate(names)}
    ts = np.array([ns(row[0]) for row in rows])
    return Panel(symbols=("A",), ts=ts, **(arrays | fields))
