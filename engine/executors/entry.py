"""From a strategy's wishes to orders: the last step of the simulator's bar.

In the subset numba compiles, like the loop in :mod:`tradewind.engine.executors.kernel` it is
compiled into.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.state import (
    ASKED_TWICE,
    BAD_SYMBOL,
    DELISTED,
    EPS,
    FINE,
    NAN_WEIGHT,
    NO_SIZE,
    NOT_MARKET,
    OPEN,
    ORDERS,
    REBALANCED,
    SYMBOL,
    TOO_MANY,
    TOO_SMALL,
    WORKING,
    Market,
    State,
    Terms,
    last_price,
)
from tradewind.engine.sizing import MIN_QTY, weight_of, whole_lots


def write_order(state: State, orders: Any, k: int, t: int, qty: float, reason: int) -> int:
    """Write the next order; returns its number."""
    n = state.count[ORDERS]
    row = orders[n]
    row["id"] = n
    row["symbol"] = k
    row["bar"] = t
    row["qty"] = qty
    row["order_type"] = 0
    row["reason"] = reason
    row["filled_qty"] = 0.0
    state.count[ORDERS] = n + 1
    return n  # type: ignore[no-any-return]


def asked_qty(market: Market, terms: Terms, equity: float, t: int, k: int, strength: float) -> Any:
    """Units a strength means at the decision's close and equity; NaN where it cannot be sized."""
    if strength == 0.0:
        return 0.0
    price = last_price(market.close, t, k)
    if not (price > 0.0 and equity > 0.0):
        return np.nan
    vol = terms.vol[t, k] if terms.sizing.vol_target > 0.0 else 0.0
    weight = weight_of(strength, terms.sizing, vol)
    qty = whole_lots(weight * equity / price, terms.sizing.lot)
    # Held, so little would be struck off as rounding noise, and its value with it.
    return 0.0 if abs(qty) < MIN_QTY else qty


def replace_working(state: State, orders: Any, k: int) -> None:
    """Cancel what still works for column ``k``: a newer decision stands in its place."""
    kept = 0
    for i in range(state.count[OPEN]):
        order = state.working[i]
        if orders[order]["symbol"] == k:
            orders[order]["reason"] = REBALANCED
        else:
            state.working[kept] = order
            kept += 1
    state.count[OPEN] = kept


def plain_market(intent: Any) -> bool:
    """Whether an intent asks for nothing but an order at market, the one kind filled so far."""
    priceless = (
        np.isnan(intent["limit"])
        and np.isnan(intent["stop"])
        and np.isnan(intent["trail"])
        and np.isnan(intent["take_profit"])
    )
    return bool(priceless and intent["order_type"] == 0 and intent["expiry_bars"] == 0)


def heed(market: Market, terms: Terms, state: State, orders: Any, n: int, t: int) -> int:
    """Step 5: turn ``n`` intents into orders that work from the next bar on; returns a code."""
    if n > len(state.qty):
        return TOO_MANY
    for i in range(n):
        k = state.intents[i]["symbol"]
        strength = state.intents[i]["weight"]
        state.count[SYMBOL] = k
        if k < 0 or k >= len(state.qty):
            return BAD_SYMBOL
        if not np.isfinite(strength):
            return NAN_WEIGHT
        if state.named[k] == t:
            return ASKED_TWICE
        if not plain_market(state.intents[i]):
            return NOT_MARKET
        state.named[k] = t
        replace_working(state, orders, k)
        gone = market.ends[k] >= 0 and market.ends[k] <= t
        asked = asked_qty(market, terms, state.equity[0], t, k, strength)
        if strength != 0.0 and (gone or np.isnan(asked)):
            write_order(state, orders, k, t, 0.0, DELISTED if gone else NO_SIZE)
            asked = state.qty[k]
        state.asked[i] = asked
    for adding in range(2):  # reductions first: they free cash
        for i in range(n):
            send(market, terms, state, orders, i, t, adding == 1)
    return FINE


def send(
    market: Market, terms: Terms, state: State, orders: Any, i: int, t: int, adding: bool
) -> None:
    """Send the part of intent ``i`` that reduces, or the part that adds."""
    k = state.intents[i]["symbol"]
    now, aim = state.qty[k], state.asked[i]
    size = 0.0
    leaves = now * aim <= 0.0  # entirely, before the other side is opened
    if leaves:
        size = aim if adding else -now
    elif (abs(aim) > abs(now)) == adding:
        size = aim - now
    if abs(size) < max(MIN_QTY, EPS * abs(now)):  # rounding noise of a large position
        return
    value = abs(size) * last_price(market.close, t, k)
    if value < terms.sizing.min_notional and (adding or not leaves):
        write_order(state, orders, k, t, size, TOO_SMALL)
        return
    state.working[state.count[OPEN]] = write_order(state, orders, k, t, size, WORKING)
    state.count[OPEN] += 1
