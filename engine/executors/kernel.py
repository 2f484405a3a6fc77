"""The reference simulator: one loop, compiled with a strategy's rule inside, or run as it stands.

Plain Python in the subset numba compiles, so that a decision numba cannot compile runs through the
same source, interpreted: there is one simulator, not two. What happens at bar t, in this order:

1. borrow for the calendar days since the last bar, on what is short;
2. working orders meet the bar's open, oldest first; within one decision, reductions before
   increases, because they free cash; a symbol without a bar or without volume waits;
3. a symbol whose last bar this is leaves at its close;
4. everything is marked at the close;
5. the rule decides, knowing nothing later; its orders work from bar t + 1 on.

The rules are A1 to A13 of docs/broker-rules.md.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from tradewind.engine.costs import affordable_qty, fee_paid, quote_price, slipped_price
from tradewind.engine.executors.entry import heed, write_order
from tradewind.engine.executors.state import (
    BAR,
    BORROWED,
    CASH,
    CODE,
    DELISTED,
    EPS,
    FILLED,
    FILLS,
    FINE,
    HELD,
    MIN_PART,
    NO_CASH,
    NO_LEVERAGE,
    NO_ROOM,
    OPEN,
    ORDERS,
    OVER,
    PARTLY,
    Market,
    State,
    Terms,
    calendar_days,
    last_price,
)
from tradewind.engine.protocols import Book, Rule
from tradewind.engine.records import FILL, ORDER, Records
from tradewind.engine.sizing import MIN_QTY, whole_lots


def room_at_open(market: Market, state: State, max_leverage: float, t: int) -> Any:
    """Gross exposure that may be added at the open of bar ``t``: leverage x equity - gross.

    Positions count at this open, or at the last close where a symbol has no bar. At leverage 1 a
    long position cancels out of the sum, so only what is short has to be looked at.
    """
    room = max_leverage * state.money[CASH]
    for i in range(state.count[HELD]):
        k = state.held[i]
        qty = state.qty[k]
        if max_leverage != 1.0 or qty < 0.0:
            price = market.open[t, k]
            if price != price:
                price = last_price(market.close, t - 1, k)
            room += max_leverage * qty * price - abs(qty) * price
    return room


def hold(state: State, k: int) -> None:
    """Enter or strike column ``k`` in the list of what is held, which stays sorted."""
    held, n = state.held, state.count[HELD]
    i = n
    while i > 0 and held[i - 1] >= k:
        i -= 1
    listed = i < n and held[i] == k
    if state.qty[k] != 0.0 and not listed:
        for j in range(n, i, -1):
            held[j] = held[j - 1]
        held[i] = k
        state.count[HELD] = n + 1
    elif state.qty[k] == 0.0 and listed:
        for j in range(i, n - 1):
            held[j] = held[j + 1]
        state.count[HELD] = n - 1


def settle(
    state: State, orders: Any, fills: Any, order: int, t: int, qty: float, prices: Any, fee: float
) -> None:
    """Write a fill at ``prices`` (mid, quote, price) and book it."""
    k = orders[order]["symbol"]
    orders[order]["filled_qty"] = qty
    row = fills[state.count[FILLS]]
    row["order"] = order
    row["symbol"] = k
    row["bar"] = t
    row["qty"] = qty
    row["mid"] = prices[0]
    row["quote"] = prices[1]
    row["price"] = prices[2]
    row["fee"] = fee
    state.count[FILLS] += 1
    state.money[CASH] -= qty * prices[2] + fee
    state.qty[k] += qty
    if abs(state.qty[k]) < MIN_QTY:
        state.qty[k] = 0.0
    hold(state, k)


def charge_borrow(market: Market, terms: Terms, state: State, t: int) -> None:
    """Step 1: pay for the calendar days since the last bar on the value short at its close."""
    days = calendar_days(market, t)
    short = 0.0
    for i in range(state.count[HELD]):
        k = state.held[i]
        if state.qty[k] < 0.0:
            short -= state.qty[k] * last_price(market.close, t - 1, k)
    owed = short * terms.costs.borrow_daily * days
    state.money[CASH] -= owed
    state.money[BORROWED] = owed


def meet_open(market: Market, terms: Terms, state: State, orders: Any, fills: Any, t: int) -> None:
    """Step 2: match every working order against the open of bar ``t``."""
    costs, account = terms.costs, terms.account
    leverage = account.max_leverage
    working = state.working
    kept = 0
    room = np.nan  # not looked at before an order adds exposure
    for i in range(state.count[OPEN]):
        order = working[i]
        k = orders[order]["symbol"]
        mid = market.open[t, k]
        # no bar, or a bar in which nobody traded; an unknown volume (NaN) does not bar
        if mid != mid or market.volume[t, k] == 0.0:
            working[kept] = order
            kept += 1
            continue
        size = orders[order]["qty"]
        side = 1.0 if size > 0.0 else -1.0
        quote = quote_price(mid, side, costs.half_spread)
        price = slipped_price(quote, side, costs.slippage)
        reason = FILLED
        adds = state.qty[k] * side >= 0.0
        if adds:
            if room != room:
                room = room_at_open(market, state, leverage, t)
            most = affordable_qty(room, leverage, mid, price, costs.fee)
            if abs(size) > most * (1.0 + EPS):
                scaled = 0.0 if account.reject else whole_lots(most, terms.sizing.lot)
                reason = NO_LEVERAGE if leverage > 1.0 else NO_CASH
                if scaled > max(MIN_QTY, MIN_PART * abs(size)):
                    reason = PARTLY
                size = side * scaled
        orders[order]["reason"] = reason
        if reason != FILLED and reason != PARTLY:
            continue
        fee = fee_paid(size, price, costs.fee)
        settle(state, orders, fills, order, t, size, (mid, quote, price), fee)
        if room == room:
            exposure = abs(size) * mid
            room -= leverage * (abs(size) * abs(price - mid) + fee)
            room -= exposure if adds else -exposure
    state.count[OPEN] = kept


def leave(market: Market, terms: Terms, state: State, orders: Any, fills: Any, t: int) -> None:
    """Step 3: close what is held of a symbol whose last bar is ``t``, at its close (A10)."""
    kept = 0
    for i in range(state.count[OPEN]):
        order = state.working[i]
        if market.ends[orders[order]["symbol"]] == t:
            orders[order]["reason"] = DELISTED
        else:
            state.working[kept] = order
            kept += 1
    state.count[OPEN] = kept
    for k in range(len(state.qty)):
        if market.ends[k] == t and state.qty[k] != 0.0:
            price = market.close[t, k] * (1.0 + terms.account.delisting_return)
            order = write_order(state, orders, k, t, -state.qty[k], DELISTED)
            settle(state, orders, fills, order, t, -state.qty[k], (price, price, price), 0.0)


def rule(bar: int, inputs: Any, params: Any, book: Book, intents: Any) -> int:
    """Stand-in for a strategy's rule; :func:`with_rule` puts the real one in its place."""
    raise NotImplementedError


def with_rule(decision: Rule) -> FunctionType:
    """Return :func:`walk` with ``decision`` as its rule: the same code, another global.

    numba keeps the machine code of a function that calls a global function, but not of one that is
    handed a function; so the rule is bound before the loop is compiled.
    """
    return FunctionType(walk.__code__, {**globals(), "rule": decision}, walk.__name__)


def walk(
    market: Market,
    inputs: Any,
    params: Any,
    terms: Terms,
    state: State,
    orders: Any,
    fills: Any,
    start: int,
) -> int:
    """Advance until the last bar, a fault of the rule, or until the records may run out of room."""
    closes, leaves = market.close, market.leaves
    qty, held, money, count = state.qty, state.held, state.money, state.count
    equity, equity_curve = state.equity, state.equity_curve
    book = Book(qty, equity)
    intents = state.intents
    n_bars, n_symbols = closes.shape
    most_orders = len(orders) - 4 * n_symbols
    most_fills = len(fills) - 4 * n_symbols
    short = count[HELD] > 0
    full = False
    # "max" tells the compiler that no row is negative: it then drops Python's wrap-around.
    for t in range(max(count[BAR] + 1, 0), n_bars):
        if short:
            charge_borrow(market, terms, state, t)
            state.borrow_curve[t] = money[BORROWED]
        if count[OPEN] > 0:
            meet_open(market, terms, state, orders, fills, t)
        if leaves[t]:
            leave(market, terms, state, orders, fills, t)
            full = count[ORDERS] > most_orders or count[FILLS] > most_fills
        worth = money[CASH]
        short = False
        for i in range(count[HELD]):
            value = qty[held[i]] * last_price(closes, t, held[i])
            worth += value
            short = short or value < 0.0
        equity[0] = worth
        equity_curve[t] = worth
        if t >= start:
            n = rule(t, inputs, params, book, intents)
            if n > 0:
                code = heed(market, terms, state, orders, n, t)
                full = full or count[ORDERS] > most_orders or count[FILLS] > most_fills
                if code != FINE or full:
                    count[BAR] = t
                    return code if code != FINE else NO_ROOM
        if full:
            count[BAR] = t
            return NO_ROOM
    count[BAR] = n_bars - 1
    return FINE


def grown(records: Records, room: int) -> Records:
    """Return ``records`` at twice its length, at least ``room`` more."""
    larger = np.empty(2 * len(records) + room, records.dtype)
    larger[: len(records)] = records
    return larger


def simulate(
    loop: Callable[..., int],
    market: Market,
    inputs: Any,
    params: Any,
    terms: Terms,
    state: State,
    start: int,
) -> tuple[Records, Records]:
    """Run one strategy over one market.

    Parameters
    ----------
    loop : function
        :func:`walk` with a rule in it, compiled or not.
    market : Market
    inputs, params : NamedTuple
        What the strategy prepared, and what a sweep varies.
    terms : Terms
    state : State
        From :func:`new_state`; holds the curves and the last bar, code and column at the end.
    start : int
        First bar at whose close the rule is asked.

    Returns
    -------
    tuple of ndarray
        Orders and fills; the curves are in ``state``.
    """
    room = 4 * len(state.qty)  # what one bar can need at most
    orders = np.empty(2 * room + 64, ORDER)
    fills = np.empty(2 * room + 64, FILL)
    code = NO_ROOM
    while code == NO_ROOM:
        code = loop(market, inputs, params, terms, state, orders, fills, start)
        if code == NO_ROOM:
            orders, fills = grown(orders, room), grown(fills, room)
    state.count[CODE] = code
    orders, fills = orders[: state.count[ORDERS]], fills[: state.count[FILLS]]
    orders["reason"][state.working[: state.count[OPEN]]] = OVER
    return orders, fills
