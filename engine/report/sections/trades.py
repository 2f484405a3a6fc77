"""Trades drawn on price, symbol by symbol, and the ones that mattered most."""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.records import Floats, Ints, Panel, Records
from tradewind.engine.report import packing
from tradewind.engine.report.section import Chart, Context, Section, render
from tradewind.engine.report.series import Candles, candles
from tradewind.engine.report.words import moment, plural, signed

MAX_CANDLES = 1_500  # of one symbol; several bars share a candle beyond that
CANDLE_BYTES = 300_000  # of the page for candles; symbols beyond them show closes alone
EXTREMES = 8  # trades listed at either end


class Drawn(NamedTuple):
    """What became of the symbols of a run."""

    shown: list[dict[str, Any]]
    left_out: list[str]


def trades(context: Context) -> Section | None:
    """A picker over the traded symbols, largest profit or loss first; None without a fill."""
    run = context.run
    if len(run.simulation.fills) == 0:
        return None
    per = max(1, -(-run.panel.n_bars // MAX_CANDLES))
    drawn = draw(run.panel, run.simulation.fills, run.trades, per, context.price_bytes)
    html = render(
        "trades.html",
        charts=[_chart(run.panel, drawn, per)] if drawn.shown else [],
        symbols=drawn.shown,
        left_out=drawn.left_out,
        per=per,
        interval=run.panel.interval,
        tables=_extremes(run.trades, run.panel),
    )
    return Section("trades", "Trades on price", html, "Trades")


def _chart(panel: Panel, drawn: Drawn, per: int) -> Chart:
    starts = np.arange(0, panel.n_bars, per)
    daily = panel.dates.dtype == np.dtype("datetime64[D]")
    clock = panel.dates[starts].astype("datetime64[ns]").astype(np.int64)
    data = {"time": packing.times(clock), "daily": bool(daily), "symbols": drawn.shown}
    label = (
        f"Price of one symbol with its buys and sells, {plural(len(drawn.shown), 'symbol')} to "
        "choose from; below it the units held. Arrow keys move, plus and minus zoom, 0 shows all."
    )
    return Chart("trades-price", "price", data, label, 460)


def draw(panel: Panel, fills: Records, trades: Records, per: int, room: int) -> Drawn:
    """Prices and fills of as many traded symbols as the page has room for.

    Parameters
    ----------
    panel : Panel
    fills : ndarray of FILL
    trades : ndarray of TRADE
    per : int
        Bars a candle.
    room : int
        Bytes of the page; symbols beyond it are named, not drawn.
    """
    profit = np.bincount(trades["symbol"], weights=trades["pnl"], minlength=panel.n_symbols)
    traded = np.unique(fills["symbol"])
    order = traded[np.argsort(-np.abs(profit[traded]), kind="stable")]
    drawn, spent = Drawn([], []), 0
    for k in order.tolist():
        own = fills[fills["symbol"] == k]
        label = f"{panel.symbols[k]}  {signed(profit[k], 0)}"
        one = _symbol(panel, k, own, per, label, candle=spent < CANDLE_BYTES)
        if one is None or spent + (size := len(packing.script_json(one))) > room:
            drawn.left_out.append(panel.symbols[k])
            continue
        spent += size
        drawn.shown.append(one)
    return drawn


def _symbol(
    panel: Panel, k: int, fills: Records, per: int, label: str, *, candle: bool
) -> dict[str, Any] | None:
    """Packed prices and fills of one symbol; None where the run holds no price of it."""
    columns = (panel.open, panel.high, panel.low, panel.close)
    grid = candles(Candles(*(column[:, k] for column in columns)), per)
    alive = np.flatnonzero(~np.isnan(grid.close))
    if len(alive) == 0:
        return None
    span = slice(int(alive[0]), int(alive[-1]) + 1)
    names = ("open", "high", "low", "close") if candle else ("close",)
    parts = {name: getattr(grid, name)[span] for name in names}
    low = float(min(np.nanmin(values) for values in parts.values()))
    high = float(max(np.nanmax(values) for values in parts.values()))
    packed = {name: packing.quantised(values, low, high) for name, values in parts.items()}
    at, qty, price = merged_fills(fills, per)
    return {
        "name": panel.symbols[k],
        "label": label,
        "start": span.start,
        **packed,
        "at": packing.ints(at),
        "qty": packing.floats(qty),
        "price": packing.floats(price),
    }


def merged_fills(fills: Records, per: int) -> tuple[Ints, Floats, Floats]:
    """Fills of one symbol by candle, buys and sells apart, so that what is held stays exact.

    Returns
    -------
    tuple
        Candle, signed units and mean price, each of shape (n_merged,), in order of time.
    """
    candle = fills["bar"] // per
    # Two keys a candle: buys in the first, sells in the second.
    key = candle * 2 + (fills["qty"] < 0)
    keys, group = np.unique(key, return_inverse=True)
    qty = np.asarray(np.bincount(group, weights=fills["qty"]), np.float64)
    value = np.asarray(np.bincount(group, weights=fills["qty"] * fills["price"]), np.float64)
    price = np.divide(value, qty, out=np.full(len(qty), np.nan), where=qty != 0)
    return np.asarray(keys // 2, np.int64), qty, price


def _extremes(trades: Records, panel: Panel) -> list[dict[str, Any]]:
    """Two tables: the trades that made most and those that lost most."""
    order = np.argsort(trades["pnl"], kind="stable")
    won = [i for i in order[::-1][:EXTREMES].tolist() if trades["pnl"][i] > 0]
    lost = [i for i in order[:EXTREMES].tolist() if trades["pnl"][i] < 0]
    named = (("Largest gains", won), ("Largest losses", lost))
    return [
        {"title": title, "rows": [_row(trades[i], panel) for i in rows]}
        for title, rows in named
        if rows
    ]


def _row(trade: Any, panel: Panel) -> dict[str, Any]:
    is_open = trade["exit_bar"] < 0
    last = panel.n_bars - 1 if is_open else int(trade["exit_bar"])
    return {
        "symbol": panel.symbols[trade["symbol"]],
        "side": "long" if trade["qty"] > 0 else "short",
        "entry": moment(panel.dates[trade["entry_bar"]]),
        "exit": "open" if is_open else moment(panel.dates[last]),
        "bars": last - int(trade["entry_bar"]),
        "qty": float(abs(trade["qty"])),
        "entry_price": float(trade["entry_price"]),
        "exit_price": float(trade["exit_price"]),
        "pnl": float(trade["pnl"]),
    }
