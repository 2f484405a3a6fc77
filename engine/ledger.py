"""The fold from fills and events to cash, positions and exposure.

A simulator says what was filled; everything else follows from that here, and the equity it reports
itself must agree to 1e-9 on every bar, or the run is not believed.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import InvariantError
from tradewind.engine.records import Floats, Panel, Records, Simulation, label
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
