"""The bars of a run inside its folder, so that a page can be rebuilt from the folder alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import FIELDS, Floats, Ints, Panel
from tradewind.engine.report import tables
from tradewind.engine.report.run import Run

BATCH_ROWS = 1 << 21  # bars put into one table, so that memory does not grow with the panel
EXTRA = "column."


def facts(run: Run) -> dict[str, Any]:
    """What the tables do not say about panel and signals, for the manifest."""
    panel, forecasts = run.panel, run.signals.forecasts
    ended = np.flatnonzero(panel.ends >= 0)
    return {
        "symbols": list(panel.symbols),
        "interval": panel.interval,
        "calendar": panel.calendar,
        "calendars": list(panel.calendars),
        "ends": {panel.symbols[k]: int(panel.ends[k]) for k in ended},
        "columns": list(panel.columns),
        "horizon": None if forecasts is None else forecasts.horizon,
        "levels": [] if forecasts is None else list(forecasts.levels),
        "scores": run.signals.scores is not None,
        "series": None if run.signals.series is None else list(run.signals.series.symbols),
    }


def prices_tables(run: Run) -> Iterator[tables.Table]:
    """One row a bar and symbol where there is one, symbol by symbol, a batch of symbols a table."""
    panel = run.panel
    width = max(1, BATCH_ROWS // max(panel.n_bars, 1))
    for first in range(0, max(panel.n_symbols, 1), width):
        yield _prices(panel, slice(first, first + width))


def _prices(panel: Panel, span: slice) -> tables.Table:
    import pyarrow as pa

    arrays = {name: getattr(panel, name)[:, span] for name in FIELDS}
    arrays |= {f"{EXTRA}{name}": array[:, span] for name, array in panel.columns.items()}
    given = np.logical_or.reduce([~np.isnan(array) for array in arrays.values()])
    cols, rows = np.nonzero(given.T)
    keys = {
        "ts": tables.times(panel.ts[rows]),
        "symbol": tables.words(cols + span.start, panel.symbols),
    }
    return pa.table({**keys, **{name: array[rows, cols] for name, array in arrays.items()}})


def signals_table(run: Run) -> tables.Table:
    """One row a bar and symbol that has a forecast or a score, bar by bar."""
    import pyarrow as pa

    forecasts, scores = run.signals.forecasts, run.signals.scores
    of = run.forecast
    given = np.zeros(of.shape, np.bool_)
    if run.signals.series is not None:
        given |= ~np.isnan(of.close)
    if forecasts is not None:
        given |= ~np.isnan(forecasts.mean)
    if scores is not None:
        given |= ~np.isnan(scores)
    rows, cols = np.nonzero(given)
    columns = {
        "ts": tables.times(run.panel.ts[rows]),
        "symbol": tables.words(cols, of.symbols),
    }
    if run.signals.series is not None:
        columns["value"] = of.close[rows, cols]
    if forecasts is not None:
        columns |= {"mean": forecasts.mean[rows, cols], "std": forecasts.std[rows, cols]}
        for k, level in enumerate(forecasts.levels):
            columns[f"quantile.{level!r}"] = forecasts.quantiles[rows, cols, k]
    if scores is not None:
        columns["score"] = scores[rows, cols]
    return pa.table(columns)


def read_panel(path: Path, ts: Ints, said: Mapping[str, Any]) -> Panel:
    """Panel of a run from ``prices.parquet`` and :func:`facts`."""
    symbols = tuple(said["symbols"])
    table = tables.read_table(path)
    at = tables.bars_of(table, path, ts), tables.codes(table, "symbol", path, symbols)
    shape = len(ts), len(symbols)
    ends = np.full(len(symbols), -1, np.int64)
    for symbol, row in said["ends"].items():
        ends[symbols.index(symbol)] = row
    return Panel(
        symbols=symbols,
        ts=ts,
        interval=said["interval"],
        calendar=said["calendar"],
        calendars=tuple(said.get("calendars", ())),
        ends=ends,
        columns={n: _grid(table, f"{EXTRA}{n}", path, at, shape) for n in said["columns"]},
        **{name: _grid(table, name, path, at, shape) for name in FIELDS},
    )


def _grid(
    table: tables.Table, name: str, path: Path, at: tuple[Ints, Ints], shape: tuple[int, int]
) -> Floats:
    grid = np.full(shape, np.nan)
    grid[at] = tables.floats(table, name, path)
    return grid


def read_signals(path: Path, ts: Ints, said: Mapping[str, Any]) -> Signals:
    """Signals of a run from ``signals.parquet`` and :func:`facts`."""
    symbols: Sequence[str] = said.get("series") or said["symbols"]
    table = tables.read_table(path)
    at = tables.bars_of(table, path, ts), tables.codes(table, "symbol", path, symbols)
    shape = len(ts), len(symbols)
    series = (
        _series(_grid(table, "value", path, at, shape), ts, said) if said.get("series") else None
    )
    scores = _grid(table, "score", path, at, shape) if said["scores"] else None
    if said["horizon"] is None:
        return Signals(None, scores)
    levels = tuple(float(level) for level in said["levels"])
    layers = [_grid(table, f"quantile.{level!r}", path, at, shape) for level in levels]
    forecasts = Forecasts(
        mean=_grid(table, "mean", path, at, shape),
        std=_grid(table, "std", path, at, shape),
        horizon=int(said["horizon"]),
        levels=levels,
        quantiles=np.stack(layers, axis=-1) if layers else np.empty((0, 0, 0)),
    )
    return Signals(forecasts, scores, series)


def _series(value: Floats, ts: Ints, said: Mapping[str, Any]) -> Panel:
    volume = np.where(np.isnan(value), np.nan, 1.0)
    return Panel(
        tuple(said["series"]), ts, value, value, value, value, volume, said["interval"],
        said["calendar"], np.full(value.shape[1], -1, np.int64),
    )  # fmt: skip
