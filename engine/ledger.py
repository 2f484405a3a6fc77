"""The fold from fills and events to cash, positions, exposure and round trips.

A simulator says what was filled; everything else follows from that here, and the equity it reports
itself must agree to 1e-9 on every bar, or the run is not believed.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import InvariantError
from tradewind.engine.records import TRADE, Floats, Panel, Records, Simulation, label
from tradewind.engine.types import Reason

TOLERANCE = 1e-9  # relative; section 12 of docs/broker-rules.md
FLAT = 1e-9  # units below which a position is closed, as in tradewind.engine.sizing
BORROW, INTEREST, DIVIDEND, SPLIT = range(4)  # tradewind.engine.types.Happening
FORCED = (Reason.DELISTED, Reason.LIQUIDATED, Reason.RECALLED)  # made on the bar they fill on


class Curves(NamedTuple):
    """Account over time, shape (n_bars,), currency; made outside compiled code: faster inside."""

    equity: Any  # as the executor reports it
    cash: Any  # filled in, or of length 1 where only the check is asked for
    gross: Any  # likewise
    borrow: Any  # likewise


class Prices(NamedTuple):
    """What positions are marked with."""

    close: Any  # (n_bars, n_symbols)
    fx: Any  # (1 or n_bars, 1 or n_symbols) account currency per unit of the symbol's
    fx_by_bar: int
    fx_by_symbol: int


def balance(prices: Prices, cash: float, fills: Any, events: Any, curves: Curves) -> Any:
    """Check the reported equity against fills and events; fill in the other curves on request.

    In the subset numba compiles. Between two bars on which something happens nothing is held more
    or less, so each such stretch is one multiplication a bar and symbol held.

    Parameters
    ----------
    prices : Prices
        A symbol without a bar counts at its last close.
    cash : float
        At the start.
    fills : ndarray of FILL
        In order of execution.
    events : ndarray of EVENT
        In order of time.
    curves : Curves

    Returns
    -------
    tuple of int and float
        The first bar whose reported equity is not that of the fills, -1 where there is none; the
        equity of the fills at that bar.
    """
    close = prices.close
    n_bars, n_symbols = close.shape
    equity, write = curves.equity, len(curves.cash) == len(curves.equity)
    start, off, folded = cash, -1, 0.0
    units = np.zeros(n_symbols)
    mark = np.zeros(n_symbols)
    held = np.empty(n_symbols, np.int64)
    n_held = n = e = 0
    t = 0
    while t < n_bars:
        # what happens on this bar
        while e < len(events) and events[e]["bar"] == t:
            kind, k, amount = events[e]["kind"], events[e]["symbol"], events[e]["amount"]
            if kind == SPLIT:
                units[k] *= amount
                mark[k] /= amount
            elif kind <= DIVIDEND:
                cash += amount
                if write and kind == BORROW:
                    curves.borrow[t] -= amount
            e += 1
        while n < len(fills) and fills[n]["bar"] == t:
            fill = fills[n]
            k = fill["symbol"]
            cash -= fill["qty"] * fill["price"] * fill["fx"] + fill["fee"]
            units[k] += fill["qty"]
            if abs(units[k]) < FLAT:
                units[k] = 0.0
            back = t  # the last close known when the position was changed
            while back > 0 and close[back, k] != close[back, k]:
                back -= 1
            mark[k] = close[back, k]
            n += 1
        n_held = 0
        for k in range(n_symbols):
            if units[k] != 0.0:
                held[n_held] = k
                n_held += 1
        # until something happens again
        stop = n_bars
        if n < len(fills):
            stop = min(stop, max(fills[n]["bar"], t + 1))
        if e < len(events):
            stop = min(stop, max(events[e]["bar"], t + 1))
        while t < stop:
            worth, exposed = cash, 0.0
            for i in range(n_held):
                k = held[i]
                price = close[t, k]
                if price == price:
                    mark[k] = price
                value = units[k] * mark[k]
                value *= prices.fx[t * prices.fx_by_bar, k * prices.fx_by_symbol]
                worth += value
                exposed += abs(value)
            if write:
                curves.cash[t] = cash
                curves.gross[t] = exposed
            slack = TOLERANCE * max(abs(equity[t]), exposed, start)
            if off < 0 and not abs(worth - equity[t]) <= slack:  # "not": NaN agrees with nothing
                off, folded = t, worth
            t += 1
    return off, folded


def fold(
    panel: Panel,
    cash: float,
    equity: Floats,
    orders: Records,
    fills: Records,
    events: Records,
    *,
    sums: Floats | None = None,
    fx: Any = None,
) -> Simulation:
    """Cash and exposure from fills and events, and proof that the reported equity is theirs.

    Parameters
    ----------
    panel : Panel
    cash : float
        At the start.
    equity : ndarray of float64, shape (n_bars,)
        Account value at each close, as the executor reports it.
    orders, fills, events : ndarray of ORDER, FILL, EVENT
    sums : ndarray of float64, shape (4,), optional
        Sums of returns, as the executor keeps them.
    fx : Series, optional
        Account currency per unit of each symbol's, at the close.

    Raises
    ------
    InvariantError
        If the books do not balance, or an order was filled before the bar after its decision.
    """
    rates = np.ones((1, 1)) if fx is None else fx.values
    prices = Prices(
        panel.close, rates, 0 if fx is None else fx.by_bar, 0 if fx is None else fx.by_symbol
    )
    none = np.empty(0)
    off, folded = compiled(balance)(prices, cash, fills, events, Curves(equity, none, none, none))
    if off >= 0:
        raise InvariantError(
            f"ledger: at bar {off} ({label(panel.ts[off])}) the fills give an equity of "
            f"{folded!r}, the executor reports {float(equity[off])!r}; this is a bug of tradewind, "
            "please report it with the run folder"
        )
    check_times(orders, fills, panel)

    def curves() -> tuple[Floats, Floats, Floats]:
        made = Curves(
            equity, np.empty(panel.n_bars), np.empty(panel.n_bars), np.zeros(panel.n_bars)
        )
        compiled(balance)(prices, cash, fills, events, made)
        return made.cash, made.gross, made.borrow

    return Simulation(equity, orders, fills, events, sums, curves)


def check_times(orders: Records, fills: Records, panel: Panel) -> None:
    """Refuse fills at or before the decision; forced orders are made on the bar they fill on.

    Raises
    ------
    InvariantError
        Naming the first such fill.
    """
    if not len(fills):
        return
    decided = orders["bar"][fills["order"]]
    early = fills["bar"] <= decided
    if not early.any():
        return
    early &= (fills["bar"] < decided) | ~np.isin(orders["reason"][fills["order"]], FORCED)
    if early.any():
        i = int(np.flatnonzero(early)[0])
        raise InvariantError(
            f"ledger: fill {i} is on bar {fills['bar'][i]}, its order was decided at the close of "
            f"bar {decided[i]} ({label(panel.ts[decided[i]])}); this is a bug of tradewind, "
            "please report it with the run folder"
        )


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
