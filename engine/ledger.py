"""The fold from fills to cash, positions, exposure and round trips.

A simulator says what was filled; everything else follows from that here, and the equity it reports
itself must agree to 1e-9 on every bar, or the run is not believed.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import InvariantError
from tradewind.engine.records import (
    TRADE,
    Floats,
    Panel,
    Records,
    Simulation,
    label,
)

TOLERANCE = 1e-9  # relative; A12 of docs/broker-rules.md
FLAT = 1e-9  # units below which a position is closed, as in tradewind.engine.sizing


def fold(
    panel: Panel, cash: float, equity: Floats, borrow: Floats, orders: Records, fills: Records
) -> Simulation:
    """Cash and exposure from fills, and proof that the reported equity is theirs.

    Parameters
    ----------
    panel : Panel
    cash : float
        At the start.
    equity, borrow : ndarray of float64, shape (n_bars,)
        As the simulator reports them: account value at each close, borrow paid on each bar.
    orders : ndarray of ORDER
    fills : ndarray of FILL

    Raises
    ------
    InvariantError
        If the books do not balance.
    """
    curves = Curves(equity, borrow, np.empty(panel.n_bars), np.empty(panel.n_bars))
    off, folded = compiled(fill_curves)(panel.close, cash, fills, curves)
    if off >= 0:
        raise InvariantError(
            f"ledger: at bar {off} ({label(panel.ts[off])}) the fills give an equity of "
            f"{folded!r}, the executor reports {float(equity[off])!r}; this is a bug of tradewind, "
            "please report it with the run folder"
        )
    return Simulation(equity, curves.cash, curves.gross, borrow, orders, fills)


class Curves(NamedTuple):
    """Account over time, shape (n_bars,), currency; made outside compiled code: faster inside."""

    equity: Any  # as the executor reports it
    borrow: Any  # as the executor reports it
    cash: Any  # filled in
    gross: Any  # filled in


def fill_curves(close: Any, cash: float, fills: Any, curves: Curves) -> Any:
    """Fill in cash and gross value of positions at each close, and check the reported equity.

    In the subset numba compiles, and in one pass: every curve more would cost more in page faults
    than it takes to compute.

    Parameters
    ----------
    close : ndarray of float64, shape (n_bars, n_symbols)
        A symbol without a bar counts at its last close.
    cash : float
        At the start.
    fills : ndarray of FILL
        In order of execution.
    curves : Curves

    Returns
    -------
    tuple of int and float
        The first bar whose reported equity is not that of the fills, -1 where there is none; the
        equity of the fills at that bar.
    """
    n_bars, n_symbols = close.shape
    equity, borrow, cash_curve, gross = curves
    start, off, folded = cash, -1, 0.0
    units = np.zeros(n_symbols)
    mark = np.zeros(n_symbols)
    n = 0
    for t in range(n_bars):
        cash -= borrow[t]
        while n < len(fills) and fills[n]["bar"] == t:
            fill = fills[n]
            k = fill["symbol"]
            cash -= fill["qty"] * fill["price"] + fill["fee"]
            units[k] += fill["qty"]
            if abs(units[k]) < FLAT:
                units[k] = 0.0
            back = t  # the last close known when the position was changed
            while back > 0 and close[back, k] != close[back, k]:
                back -= 1
            mark[k] = close[back, k]
            n += 1
        worth, exposed = cash, 0.0
        for k in range(n_symbols):
            if units[k] != 0.0:
                if close[t, k] == close[t, k]:
                    mark[k] = close[t, k]
                value = units[k] * mark[k]
                worth += value
                exposed += abs(value)
        cash_curve[t] = cash
        gross[t] = exposed
        slack = TOLERANCE * max(abs(equity[t]), exposed, start)
        if off < 0 and not abs(worth - equity[t]) <= slack:  # "not": NaN agrees with nothing
            off, folded = t, worth
    return off, folded


def known_close(close: Floats) -> Floats:
    """One symbol's close at each bar, the last known where it has none; 0 before the first."""
    alive = ~np.isnan(close)
    rows = np.maximum.accumulate(np.where(alive, np.arange(len(close)), -1))
    return np.where(rows >= 0, close[np.maximum(rows, 0)], 0.0)


def round_trips(fills: Records, panel: Panel) -> Records:
    """Group fills into trades: from flat to flat, or to the other side.

    Parameters
    ----------
    fills : ndarray of FILL
    panel : Panel
        Its last closes mark what is still open.

    Returns
    -------
    ndarray of TRADE
        In order of entry; prices are averages over the fills that opened and closed.
    """
    trades: list[tuple[float, ...]] = []
    for k in np.unique(fills["symbol"]):
        rows = fills[fills["symbol"] == k]
        mark = float(known_close(panel.close[:, k])[-1])
        trades += _trades_of(int(k), rows, mark)
    trades.sort(key=lambda row: (row[1], row[0]))
    return np.array([tuple(row) for row in trades], TRADE) if trades else np.empty(0, TRADE)


def _trades_of(k: int, fills: Records, mark: float) -> list[tuple[float, ...]]:
    """Trades of one symbol; a reversal comes as two fills, so no fill crosses zero."""
    trades = []
    begin, position = 0, 0.0
    for i, qty in enumerate(fills["qty"]):
        position += qty
        if abs(position) < FLAT:
            trades.append(_trade(k, fills[begin : i + 1], mark, is_open=False))
            begin, position = i + 1, 0.0
    if begin < len(fills):
        trades.append(_trade(k, fills[begin:], mark, is_open=True))
    return trades


def _trade(k: int, fills: Records, mark: float, *, is_open: bool) -> tuple[float, ...]:
    """One row of TRADE from the fills of one round trip."""
    qty, price = fills["qty"], fills["price"]
    side = 1.0 if qty[0] > 0 else -1.0
    enters = qty * side > 0
    position = np.cumsum(qty)
    fee = float(fills["fee"].sum())
    left = float(position[-1]) if is_open else 0.0
    pnl = float(-(qty * price).sum()) + left * mark - fee
    leaves = ~enters
    exit_price = float(np.average(price[leaves], weights=qty[leaves])) if leaves.any() else np.nan
    return (
        k,
        int(fills["bar"][0]),
        -1 if is_open else int(fills["bar"][-1]),
        side * float(np.abs(position).max()),
        float(np.average(price[enters], weights=qty[enters])),
        np.nan if is_open else exit_price,
        pnl,
        fee,
    )
