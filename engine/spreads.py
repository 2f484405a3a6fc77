"""From the ``costs.spread:`` block and a panel to the half-spread of every bar.

Section 2 of docs/broker-rules.md says how it is used, docs/spreads.md which kind to choose.
"""

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from tradewind.engine.config.spread import (
    BySymbolSpreadConfig,
    ColumnSpreadConfig,
    ConstantSpreadConfig,
    EstimatedSpreadConfig,
    QuotesSpreadConfig,
    SpreadConfig,
)
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.quotes import QUOTES, WIDEST, faults, has_quotes, relative_spread, told
from tradewind.engine.records import Floats, Panel
from tradewind.engine.series import Series, constant
from tradewind.engine.spread_estimators import known_before

TO_HALF = 2e4  # basis points of a full spread in a half-spread of one


def half_spread(config: SpreadConfig, panel: Panel) -> Series:
    """Half-spread of every bar and symbol, as a fraction of mid.

    Parameters
    ----------
    config : SpreadConfig
    panel : Panel

    Returns
    -------
    Series
        Of one number, one a symbol, or one a bar and symbol; between 0 and 1/2. Where a symbol has
        no bar, the last value before it.

    Raises
    ------
    ConfigError
        If the data lacks the column or the quotes that the config names.
    UnknownSymbolError
        If the config names a symbol that the panel does not have.
    DataError
        If a spread is missing where the symbol trades, negative, or over 100 %, or quotes are
        crossed.
    """
    if isinstance(config, ConstantSpreadConfig):
        return constant(config.bps / TO_HALF)
    if isinstance(config, BySymbolSpreadConfig):
        return _by_symbol(config, panel)
    if isinstance(config, ColumnSpreadConfig):
        return _carried(_column(config, panel) / 2.0)
    if isinstance(config, QuotesSpreadConfig):
        return _carried(_quoted(panel) / 2.0)
    return _carried(_estimated(config, panel) / 2.0)


def check(config: SpreadConfig, panel: Panel) -> None:
    """Refuse what :func:`half_spread` would, before a long fit; estimates need no check."""
    if not isinstance(config, EstimatedSpreadConfig):
        half_spread(config, panel)


def traded_on(config: SpreadConfig, panel: Panel) -> Panel:
    """Panel as the executors get it: with quotes only where the config asks for them.

    An executor uses the quotes that it finds; a run with ``kind: constant`` on data with quotes
    must not.
    """
    if isinstance(config, QuotesSpreadConfig) or not has_quotes(panel.columns):
        return panel
    return replace(panel, columns={k: v for k, v in panel.columns.items() if k not in QUOTES})


def recorded(config: SpreadConfig, panel: Panel, half: Series) -> dict[str, Any]:
    """What a reader of the results must know about the spread, for the run's log.

    Parameters
    ----------
    config : SpreadConfig
    panel : Panel
    half : Series
        From :func:`half_spread` with the same arguments.

    Returns
    -------
    dict
        ``kind``; of an estimate also ``estimator``, ``window``, ``n_bars`` (bars and symbols that
        trade), ``n_fallback`` (too few bars before them, or bars that do not move) and ``n_floor``
        (estimated at or below the floor).
    """
    if not isinstance(config, EstimatedSpreadConfig):
        return {"kind": config.kind}
    charged = half.values[~np.isnan(panel.close)]
    fallback, floor = (
        charged == config.fallback_bps / TO_HALF,
        charged == config.floor_bps / TO_HALF,
    )
    return {
        "kind": config.kind,
        "estimator": config.estimator,
        "window": config.window,
        "n_bars": len(charged),
        "n_fallback": int(fallback.sum()),
        "n_floor": int((floor & ~fallback).sum()),
    }


def _by_symbol(config: BySymbolSpreadConfig, panel: Panel) -> Series:
    unknown = [symbol for symbol in config.bps if symbol not in panel.symbols]
    if unknown:
        near = get_close_matches(unknown[0], panel.symbols, 1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise UnknownSymbolError(
            f"costs.spread.bps: names {unknown[0]!r}{guess}, which is not among the "
            f"{panel.n_symbols} symbols loaded; take it out or add it to data.symbols"
        )
    unnamed = [symbol for symbol in panel.symbols if symbol not in config.bps]
    if unnamed and config.default_bps is None:
        more = f" and {len(unnamed) - 5} more" if len(unnamed) > 5 else ""
        raise ConfigError(
            f"costs.spread.bps: names no spread for {', '.join(unnamed[:5])}{more}; name them, or "
            "say what the others cost with costs.spread.default_bps"
        )
    bps = [config.bps.get(symbol, config.default_bps) for symbol in panel.symbols]
    return Series(np.array([bps], np.float64) / TO_HALF, 0, int(panel.n_symbols > 1))


def _column(config: ColumnSpreadConfig, panel: Panel) -> Floats:
    """Full spread over mid from a column of the data."""
    name = config.column
    if name not in panel.columns:
        near = get_close_matches(name, panel.columns, 1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        held = ", ".join(panel.columns) or "no further column"
        raise ConfigError(
            f"costs.spread.column: the data has no column {name!r}{guess}; it has {held}. Another "
            f"name in the file: data.columns: {{{name}: ITS_NAME}}"
        )
    given = panel.columns[name]
    unit = given / 1e4 if config.unit == "bps" else given / panel.open
    _refuse(name, given, unit, config.unit, panel)
    return np.asarray(unit)


def _refuse(name: str, given: Floats, full: Floats, unit: str, panel: Panel) -> None:
    wrong = ~np.isnan(panel.close) & ~((full >= 0) & (full <= WIDEST))
    if not wrong.any():
        return
    t, k = (int(i) for i in np.argwhere(wrong)[0])
    value = given[t, k]
    what = "missing" if np.isnan(value) else "negative" if value < 0 else "over 100 % of the price"
    beside = f" at a price of {panel.open[t, k]:g}" if unit == "price" else " bps"
    raise DataError(
        f"costs.spread.column: {name!r} of {panel.symbols[k]} at {panel.dates[t]} is {value:g}"
        f"{beside}, which is {what}{_and_others(int(wrong.sum()))}; correct the data, or set "
        "costs.spread.unit if it is in other units, or choose another costs.spread.kind"
    )


def _quoted(panel: Panel) -> Floats:
    """Full spread over mid at each open, from bid and ask bars without fault."""
    if not has_quotes(panel.columns):
        missing = [name for name in QUOTES if name not in panel.columns]
        raise ConfigError(
            f"costs.spread.kind: quotes needs bid and ask bars, and the data has no "
            f"{', '.join(missing)}; name them with data.columns: {{{missing[0]}: ...}}, or choose "
            "another costs.spread.kind"
        )
    traded = ~np.isnan(panel.close)
    for kind, mask in faults(panel.columns).items():
        wrong = mask & traded
        if wrong.any():
            t, k = (int(i) for i in np.argwhere(wrong)[0])
            raise DataError(
                f"costs.spread: {panel.symbols[k]} at {panel.dates[t]}: "
                f"{told(kind, panel.columns, (t, k))}{_and_others(int(wrong.sum()))}; correct the "
                "data, drop such bars with data.repair: [drop_bad_bars], or choose another "
                "costs.spread.kind"
            )
    return relative_spread(panel.columns, "open")


def _and_others(n: int) -> str:
    return f" (and so are {n - 1:,} others)" if n > 1 else ""


def _estimated(config: EstimatedSpreadConfig, panel: Panel) -> Floats:
    """Full spread over mid, from the bars before each one."""
    found = known_before(panel, config.estimator, config.window)
    _refuse_estimate(config, found, panel)
    floor, fallback = config.floor_bps / 1e4, config.fallback_bps / 1e4
    charged = np.where(np.isnan(found), fallback, np.maximum(found, floor))
    return np.where(np.isnan(panel.close), np.nan, charged)


def _refuse_estimate(config: EstimatedSpreadConfig, found: Floats, panel: Panel) -> None:
    wrong = found > WIDEST
    if wrong.any():
        t, k = (int(i) for i in np.argwhere(wrong)[0])
        raise DataError(
            f"costs.spread: {config.estimator} gives a spread of {found[t, k]:.0%} for "
            f"{panel.symbols[k]} at {panel.dates[t]}{_and_others(int(wrong.sum()))}; look for bad "
            "prices among the bars before it, or choose another costs.spread.kind"
        )


def _carried(half: Floats) -> Series:
    """Series of an array in which what a symbol had last stands where it has no bar."""
    values = np.ascontiguousarray(half)
    if np.isnan(values).any():
        rows = np.arange(len(half))[:, None]
        last = np.maximum.accumulate(np.where(np.isnan(half), -1, rows), axis=0)
        values = np.take_along_axis(half, np.maximum(last, 0), axis=0)
        values[last < 0] = 0.0  # before its first bar nothing of it is traded
    return Series(values, int(half.shape[0] > 1), int(half.shape[1] > 1))
