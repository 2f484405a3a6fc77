"""Columns of a panel as backtrader feeds, one a symbol, for a user's own backtrader strategy.

Imports backtrader; imported only where such a strategy is named.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.bars.sessions import split_interval
from tradewind.engine.protocols import Signals
from tradewind.engine.records import DAY_NS, FIELDS, Floats, Ints, Panel

END_OF_DAY = time(23, 59, 59, 999990)  # backtrader's own end of a session, where it is told none
UNITS = {
    "min": (bt.TimeFrame.Minutes, 1),
    "m": (bt.TimeFrame.Minutes, 1),
    "h": (bt.TimeFrame.Minutes, 60),
    "d": (bt.TimeFrame.Days, 1),
    "wk": (bt.TimeFrame.Weeks, 1),
    "mo": (bt.TimeFrame.Months, 1),
}


class ColumnFeed(bt.feed.DataBase):  # type: ignore[misc]
    """Bars of one symbol, oldest first; rows without a bar are left out."""

    params = (("table", None),)  # (n_bars, 1 + n_lines): time as backtrader counts it, then lines

    def start(self) -> None:
        """Begin at the first bar."""
        super().start()
        self._todo = iter(self.p.table)

    def _load(self) -> bool:
        row = next(self._todo, None)
        if row is None:
            return False
        self.lines.datetime[0] = row[0]
        self.lines.openinterest[0] = 0.0
        for name, value in zip(self.names, row[1:], strict=True):
            getattr(self.lines, name)[0] = value
        return True


def feeds_of(
    panel: Panel, signals: Signals, session_end: time | None = None
) -> tuple[list[Any], list[Ints]]:
    """One feed a symbol, and the rows of the panel that its bars stand in.

    Parameters
    ----------
    panel : Panel
        Further columns become lines of the same name.
    signals : Signals
        Forecasts become the lines ``forecast_mean`` and ``forecast_std``, a selector's ranking the
        line ``score``; NaN where there is none.

    session_end : time, optional
        Time of day; backtrader's own, midnight, where none is given.

    Returns
    -------
    list of bt.feed.DataBase, list of ndarray of int64
    """
    count, unit = split_interval(panel.interval)
    timeframe, factor = UNITS[unit]
    extra = extra_lines(panel, signals)
    kind = _with_lines(tuple(extra))
    stamps = np.array([bt.date2num(close_time(int(ts), daily=panel.daily)) for ts in panel.ts])
    feeds, rows = [], []
    for k, symbol in enumerate(panel.symbols):
        at = np.flatnonzero(~np.isnan(panel.close[:, k]))
        columns = [getattr(panel, name) for name in FIELDS] + list(extra.values())
        table = np.column_stack([stamps[at], *(column[at, k] for column in columns)])
        feeds.append(
            kind(
                table=table.tolist(),
                name=symbol,
                timeframe=timeframe,
                compression=factor * count,
                sessionend=session_end,
            )
        )
        rows.append(at.astype(np.int64))
    return feeds, rows


def _with_lines(extra: tuple[str, ...]) -> type[Any]:
    return type("Bars", (ColumnFeed,), {"lines": extra, "names": (*FIELDS, *extra)})


def extra_lines(panel: Panel, signals: Signals) -> Mapping[str, Floats]:
    """Columns that become lines, by name; shape (n_bars, n_symbols) each."""
    found = {name: column for name, column in panel.columns.items() if not taken(name)}
    if signals.forecasts is not None:
        found["forecast_mean"] = signals.forecasts.mean
        found["forecast_std"] = signals.forecasts.std
    if signals.scores is not None:
        found["score"] = signals.scores
    return found


def taken(name: str) -> bool:
    """Whether a column cannot become a line, because a feed has an attribute of that name."""
    return hasattr(ColumnFeed, name) or name in ColumnFeed.lines._getlines()


def close_time(ts: int, *, daily: bool) -> datetime:
    """When a bar closed, naive UTC, to the microsecond.

    A bar that closes at midnight belongs to the day that ends there, so it is dated at the end of
    that day, as backtrader dates the days of a CSV file: else weeks, months, timers and the
    validity of orders would begin a day late.

    Parameters
    ----------
    ts : int
        UTC nanoseconds.
    daily : bool
        Whether the bar spans a day or more.
    """
    if daily and ts % DAY_NS == 0:
        day: Any = np.datetime64(ts - 1, "ns").astype("datetime64[D]").item()
        return datetime.combine(day, END_OF_DAY)
    moment: datetime = np.datetime64(ts, "ns").astype("datetime64[us]").item()
    return moment
