"""Writing orders down, and refusing those whose prices contradict each other: section 11.

In the subset numba compiles; the loop in :mod:`tradewind.engine.executors.kernel` calls it.
"""

from typing import Any

import numpy as np

from tradewind.engine.costs import ON_TICK
from tradewind.engine.executors.fills import start_trail
from tradewind.engine.executors.quotes import close_of
from tradewind.engine.executors.state import (
    ASLEEP,
    BAD_PRICE,
    OPEN,
    ORDERS,
    PLAIN,
    WORKING,
    Log,
    Market,
    State,
    Terms,
)
from tradewind.engine.intents import (
    GTC,
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
)
from tradewind.engine.series import at


def write_order(state: State, log: Log, k: int, t: int, qty: float, reason: int) -> int:
    """Write the next order, at market and good till cancelled; returns its number."""
    n = state.count[ORDERS]
    row = log.orders[n]
    row["id"] = n
    row["symbol"] = k
    row["bar"] = t
    row["qty"] = qty
    row["order_type"] = MARKET
    row["reason"] = reason
    row["filled_qty"] = 0.0
    row["limit"] = np.nan
    row["stop"] = np.nan
    row["trail"] = np.nan
    row["trail_fraction"] = np.nan
    row["tif"] = GTC
    row["until"] = 0
    row["parent"] = -1
    row["oco"] = 0
    row["reduce_only"] = 0
    row["triggered"] = PLAIN
    row["fee"] = 0.0
    row["raw_fee"] = 0.0
    row["value"] = 0.0
    state.count[ORDERS] = n + 1
    return n  # type: ignore[no-any-return]


def put_to_work(state: State, log: Log, order: int) -> None:
    """Put an order on the market, as the youngest."""
    log.working[state.count[OPEN]] = order
    state.count[OPEN] += 1


def on_grid(price: float, tick: float, down: bool) -> Any:
    """An order's price on the symbol's tick."""
    if tick <= 0.0 or price != price:
        return price
    return (
        np.floor(price / tick + ON_TICK) * tick if down else np.ceil(price / tick - ON_TICK) * tick
    )


def usable(price: float) -> Any:
    """Whether a price is a finite number above zero."""
    return 0.0 < price < np.inf


def good_prices(market: Market, terms: Terms, placed: Any, t: int) -> bool:
    """Whether an order has the prices its type needs, no others, and none already passed."""
    k, kind = placed["symbol"], placed["order_type"]
    buys = placed["qty"] > 0.0
    limit, stop = placed["limit"], placed["stop"]
    trail, fraction = placed["trail"], placed["trail_fraction"]
    wants_limit = kind in (LIMIT, STOP_LIMIT)
    wants_stop = kind in (STOP, STOP_LIMIT)
    if (limit == limit) != wants_limit or (wants_limit and not usable(limit)):
        return False
    if (stop == stop) != wants_stop or (wants_stop and not usable(stop)):
        return False
    if kind == TRAILING_STOP:
        if (trail == trail) == (fraction == fraction):
            return False
        return bool(usable(trail) if trail == trail else 0.0 < fraction < 1.0)
    if trail == trail or fraction == fraction:
        return False
    if wants_stop:
        last = close_of(market, terms, t, k, 1.0 if buys else -1.0)
        return bool(stop > last if buys else stop < last)
    return True


def snap(terms: Terms, placed: Any, t: int) -> None:
    """Put an order's prices on the tick: buy limits and sell stops down, the others up."""
    tick = at(terms.execution.tick, t, placed["symbol"])
    buys = placed["qty"] > 0.0
    placed["limit"] = on_grid(placed["limit"], tick, buys)
    placed["stop"] = on_grid(placed["stop"], tick, not buys)


def dress(placed: Any, wish: Any) -> None:
    """Give an order what its wish says beside the quantity."""
    placed["order_type"] = wish["order_type"]
    placed["limit"] = wish["limit"]
    placed["stop"] = wish["stop"]
    placed["trail"] = wish["trail"]
    placed["trail_fraction"] = wish["trail_fraction"]
    placed["tif"] = wish["tif"]
    placed["until"] = wish["until"]
    placed["oco"] = wish["oco"]
    placed["reduce_only"] = wish["reduce_only"]


def guarded(wish: Any) -> Any:
    """Whether a wish brings a protective stop or a target."""
    return (
        wish["stop_loss"] == wish["stop_loss"]
        or wish["take_profit"] == wish["take_profit"]
        or wish["stop_trail"] == wish["stop_trail"]
        or wish["stop_trail_fraction"] == wish["stop_trail_fraction"]
    )


def reference_price(market: Market, terms: Terms, wish: Any, t: int, buys: bool) -> Any:
    """What protection is measured from: the entry's stop, else its limit, else the side's close."""
    if wish["stop"] == wish["stop"]:
        return wish["stop"]
    if wish["limit"] == wish["limit"]:
        return wish["limit"]
    return close_of(market, terms, t, wish["symbol"], 1.0 if buys else -1.0)


def good_protection(market: Market, terms: Terms, wish: Any, t: int, long: bool) -> bool:
    """Whether stop and target of a wish lie on their sides of the entry."""
    stop, trail, fraction = wish["stop_loss"], wish["stop_trail"], wish["stop_trail_fraction"]
    target = wish["take_profit"]
    if (stop == stop) + (trail == trail) + (fraction == fraction) > 1:
        return False
    entry = reference_price(market, terms, wish, t, long)
    if stop == stop and not (usable(stop) and (stop < entry if long else stop > entry)):
        return False
    if trail == trail and not usable(trail):
        return False
    if fraction == fraction and not 0.0 < fraction < 1.0:
        return False
    if target == target:
        return bool(usable(target) and (target > entry if long else target < entry))
    return True


def add_protection(
    market: Market,
    terms: Terms,
    state: State,
    log: Log,
    wish: Any,
    t: int,
    qty: float,
    parent: int,
) -> None:
    """Write stop and target for ``qty`` signed units held or to be held.

    With ``parent`` they sleep until it fills; with -1 they work from the next bar on, and the first
    of the two stands for the pair.
    """
    first = state.count[ORDERS] if parent < 0 else parent
    for target in range(2):
        price = wish["take_profit"] if target else wish["stop_loss"]
        trail, fraction = wish["stop_trail"], wish["stop_trail_fraction"]
        trails = target == 0 and (trail == trail or fraction == fraction)
        if price != price and not trails:
            continue
        child = write_order(state, log, wish["symbol"], t, -qty, WORKING)
        placed = log.orders[child]
        placed["parent"] = first
        placed["reduce_only"] = 1
        if target:
            placed["order_type"] = LIMIT
            placed["limit"] = price
        elif trails:
            placed["order_type"] = TRAILING_STOP
            placed["trail"] = trail
            placed["trail_fraction"] = fraction
        else:
            placed["order_type"] = STOP
            placed["stop"] = price
        snap(terms, placed, t)
        if parent >= 0:
            placed["triggered"] = ASLEEP
            continue
        if trails:
            start_trail(
                placed, close_of(market, terms, t, wish["symbol"], -1.0 if qty > 0 else 1.0)
            )
        put_to_work(state, log, child)


def send_order(
    market: Market,
    terms: Terms,
    state: State,
    log: Log,
    wish: Any,
    t: int,
    qty: float,
    guards: bool,
) -> None:
    """Write the order of a wish for ``qty`` signed units, check its prices, put it to work."""
    order = write_order(state, log, wish["symbol"], t, qty, WORKING)
    placed = log.orders[order]
    dress(placed, wish)
    good = good_prices(market, terms, placed, t)
    if guards and guarded(wish):
        good = good and good_protection(market, terms, wish, t, qty > 0.0)
        add_protection(market, terms, state, log, wish, t, qty, order)
    if not good:
        refuse(state, log, order)
        return
    snap(terms, placed, t)
    if placed["order_type"] == TRAILING_STOP:
        start_trail(placed, close_of(market, terms, t, wish["symbol"], 1.0 if qty > 0.0 else -1.0))
    put_to_work(state, log, order)


def refuse(state: State, log: Log, order: int) -> None:
    """End an order and its children because of a price."""
    log.orders[order]["reason"] = BAD_PRICE
    child = order + 1
    while child < state.count[ORDERS] and log.orders[child]["parent"] == order:
        log.orders[child]["reason"] = BAD_PRICE
        child += 1


def priceless(wish: Any) -> Any:
    """Whether a wish is a plain order at market or at the close."""
    kind = wish["order_type"]
    return kind in (MARKET, MARKET_ON_CLOSE)
