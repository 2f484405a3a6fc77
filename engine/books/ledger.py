"""The fold from fills and events to cash, positions and exposure.

A simulator says what was filled; everything else follows from that here, and the equity it reports
itself must agree to 1e-9 on every bar, or the run is not believed.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.books.fill_checks import BUG, Rules, check_cash, check_prices, check_times
from tradewind.engine.compiling import compiled, inlined, lean
from tradewind.engine.errors import InvariantError
from tradewind.engine.records import Floats, Panel, Records, Simulation, label

TOLERANCE = 1e-9  # relative; section 12 of docs/broker-rules.md
FLAT = 1e-9  # units below which a position is closed, as in tradewind.engine.sizing
BORROW, INTEREST, DIVIDEND, SPLIT = range(4)  # tradewind.engine.types.Happening


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


class Positions(NamedTuple):
    """What is held while the books are gone through, shape (n_symbols,)."""

    units: Any  # zero at first
    mark: Any  # last close, zero at first
    held: Any  # columns with a position, any at first


@inlined
def differs(worth: float, reported: float, exposed: float, start: float) -> Any:
    """Whether a reported equity is not that of the fills; NaN agrees with nothing."""
    return not abs(worth - reported) <= TOLERANCE * max(abs(reported), exposed, start)


@inlined
def agrees(
    prices: Prices,
    cash: float,
    units: Any,
    held: Any,
    n_held: int,
    curves: Curves,
    t: int,
    stop: int,
    start: float,
) -> Any:
    """Whether bars ``t`` to ``stop - 1`` balance: a quick look at what is held, without NaN.

    Knows no last close: on a bar without a price, or where it changes with the rate of exchange,
    it says no, and :func:`balance` looks again.
    """
    close, fx, equity = prices.close, prices.fx, curves.equity
    bad, first = 0, max(t, 0)  # tells the compiler that no row is negative, as in the loop
    if n_held == 0:
        for i in range(first, stop):
            bad += differs(cash, equity[i], 0.0, start)
    elif prices.fx_by_bar:
        bad = 1
    elif n_held == 1:
        k = held[0]
        own = units[k] * fx[0, k * prices.fx_by_symbol]
        for i in range(first, stop):
            value = own * close[i, k]
            bad += differs(cash + value, equity[i], abs(value), start)
    else:  # four bars side by side: a sum waits for its last summand
        for i in range(first, stop, 4):
            second, third, fourth = min(i + 1, stop - 1), min(i + 2, stop - 1), min(i + 3, stop - 1)
            worth_1 = worth_2 = worth_3 = worth_4 = cash
            gross_1 = gross_2 = gross_3 = gross_4 = 0.0
            for j in range(n_held):
                k = max(held[j], 0)
                own = units[k] * fx[0, k * prices.fx_by_symbol]
                value_1, value_2 = own * close[i, k], own * close[second, k]
                value_3, value_4 = own * close[third, k], own * close[fourth, k]
                worth_1, gross_1 = worth_1 + value_1, gross_1 + abs(value_1)
                worth_2, gross_2 = worth_2 + value_2, gross_2 + abs(value_2)
                worth_3, gross_3 = worth_3 + value_3, gross_3 + abs(value_3)
                worth_4, gross_4 = worth_4 + value_4, gross_4 + abs(value_4)
            bad += differs(worth_1, equity[i], gross_1, start)
            bad += differs(worth_2, equity[second], gross_2, start)
            bad += differs(worth_3, equity[third], gross_3, start)
            bad += differs(worth_4, equity[fourth], gross_4, start)
    return bad == 0


@lean
def balance(
    prices: Prices, cash: float, fills: Any, events: Any, curves: Curves, positions: Positions
) -> Any:
    """Check the reported equity against fills and events; fill in the other curves on request.

    In the subset numba compiles. Between two bars on which something happens nothing is held more
    or less, so each such stretch is one multiplication a bar and symbol held; only where that does
    not agree, on a bar without a price for example, is it gone through once more with care.

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
    positions : Positions

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
    units, mark, held = positions
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
        quick = not write and agrees(prices, cash, units, held, n_held, curves, t, stop, start)
        if quick:
            for i in range(n_held):
                mark[held[i]] = close[stop - 1, held[i]]
            t = stop
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
            if off < 0 and differs(worth, equity[t], exposed, start):
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
    rules: Rules | None = None,
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
    rules : Rules, optional
        What prices and cash are held to; None where other rules than ours apply.

    Raises
    ------
    InvariantError
        If the books do not balance, an order was filled before the bar after its decision, a fill
        lies where its bar or its order does not allow, or a purchase overdraws a cash account.
    """
    rates = np.ones((1, 1)) if fx is None else fx.values
    prices = Prices(
        panel.close, rates, 0 if fx is None else fx.by_bar, 0 if fx is None else fx.by_symbol
    )
    none = np.empty(0)
    off, folded = compiled(balance)(
        prices, cash, fills, events, Curves(equity, none, none, none), nothing_held(panel)
    )
    if off >= 0:
        raise InvariantError(
            f"ledger: at bar {off} ({label(panel.ts[off])}) the fills give an equity of "
            f"{folded!r}, the executor reports {float(equity[off])!r}; {BUG}"
        )
    check_times(orders, fills, panel)
    if rules is not None:
        check_prices(orders, fills, events, panel, rules)
        if rules.cash_only:
            check_cash(cash, equity, fills, events, panel)

    def curves() -> tuple[Floats, Floats, Floats]:
        made = Curves(
            equity, np.empty(panel.n_bars), np.empty(panel.n_bars), np.zeros(panel.n_bars)
        )
        compiled(balance)(prices, cash, fills, events, made, nothing_held(panel))
        return made.cash, made.gross, made.borrow

    return Simulation(equity, orders, fills, events, sums, curves)


def nothing_held(panel: Panel) -> Positions:
    """Positions before the first bar."""
    n = panel.n_symbols
    return Positions(np.zeros(n), np.zeros(n), np.empty(n, np.int64))


def known_close(close: Floats) -> Floats:
    """One symbol's close at each bar, the last known where it has none; 0 before the first."""
    alive = ~np.isnan(close)
    rows = np.maximum.accumulate(np.where(alive, np.arange(len(close)), -1))
    return np.where(rows >= 0, close[np.maximum(rows, 0)], 0.0)
