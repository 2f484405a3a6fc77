"""Which orders meet a bar, when in it and at what price: sections 3 and 4 of the rule book.

In the subset numba compiles; the loop in :mod:`tradewind.engine.executors.kernel` calls it.
"""

from typing import Any

import numpy as np

from tradewind.engine.compiling import inlined
from tradewind.engine.executors.ending import finish, happened
from tradewind.engine.executors.fills import execute
from tradewind.engine.executors.protection import first_touched, protect
from tradewind.engine.executors.quotes import (
    close_of,
    half_spread,
    high_of,
    low_of,
    open_of,
    tradable,
)
from tradewind.engine.executors.state import (
    AGAINST,
    AMBIGUOUS,
    AT_CLOSE,
    AT_OPEN,
    BY_CLOSE,
    BY_LIMIT,
    BY_OPEN,
    BY_PATH,
    BY_RETURN,
    BY_STOP,
    ENTERED,
    EXPIRED,
    FAVOUR,
    NEVER,
    OPEN,
    REST,
    ROOM,
    TRIGGERED,
    WORKING,
    WORST,
    Log,
    Market,
    State,
    Terms,
    day_of,
)
from tradewind.engine.intents import (
    BARS,
    DAY,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    STOP_LIMIT,
)
from tradewind.engine.series import at


@inlined
def may_meet(market: Market, terms: Terms, state: State, log: Log, t: int) -> bool:
    """Whether any working order could be concerned by bar ``t``: a quick look, compiled inline.

    Says yes too often rather than too seldom; a resting order far from the bar costs a comparison.
    """
    for i in range(state.count[OPEN]):
        placed = log.orders[log.working[i]]
        kind = placed["order_type"]
        if kind in (MARKET, MARKET_ON_CLOSE) or placed["tif"] != GTC:
            return True
        k = placed["symbol"]
        buys = placed["qty"] > 0.0
        side = 1.0 if buys else -1.0
        resting = kind == LIMIT or placed["triggered"] == TRIGGERED
        if resting == buys:  # a buy limit or a sell stop: somewhere below
            price = placed["limit"] if resting else placed["stop"]
            if low_of(market, terms, t, k, side) <= price:
                return True
        else:
            price = placed["limit"] if resting else placed["stop"]
            if high_of(market, terms, t, k, side) >= price:
                return True
    return False


def expired(market: Market, placed: Any, t: int) -> Any:
    """Whether an order's time was over before bar ``t``."""
    tif = placed["tif"]
    if tif == BARS:
        return t > placed["bar"] + placed["until"]
    if tif == GTD:
        return market.ts[t] > placed["until"]
    if tif == DAY:
        return day_of(market, t) > day_of(market, placed["bar"] + 1)
    return False


def expire(market: Market, state: State, log: Log, t: int) -> None:
    """Step 3: end orders whose time is over."""
    for i in range(state.count[OPEN]):
        placed = log.orders[log.working[i]]
        if placed["reason"] == WORKING and expired(market, placed, t):
            finish(state, log, log.working[i], EXPIRED)


def limit_met(
    market: Market, terms: Terms, t: int, k: int, side: float, limit: float
) -> tuple[int, float]:
    """(phase, price) of a limit order at ``limit``."""
    opened = open_of(market, terms, t, k, side)
    through = terms.execution.through_ticks * at(terms.execution.tick, t, k)
    if side > 0.0:
        if opened <= limit:
            return AT_OPEN, opened
        if low_of(market, terms, t, k, side) <= limit - through:
            return FAVOUR, limit
    else:
        if opened >= limit:
            return AT_OPEN, opened
        if high_of(market, terms, t, k, side) >= limit + through:
            return FAVOUR, limit
    return NEVER, np.nan


def reach(market: Market, terms: Terms, placed: Any, t: int) -> tuple[int, float]:
    """(phase, price of the side) at which an order meets bar ``t``; triggers stop-limits."""
    k, kind = placed["symbol"], placed["order_type"]
    side = 1.0 if placed["qty"] > 0.0 else -1.0
    if kind == MARKET:
        return AT_OPEN, open_of(market, terms, t, k, side)
    if kind == MARKET_ON_CLOSE:
        return AT_CLOSE, close_of(market, terms, t, k, side)
    if kind == LIMIT or placed["triggered"] == TRIGGERED:
        return limit_met(market, terms, t, k, side, placed["limit"])
    stop = placed["stop"]
    opened = open_of(market, terms, t, k, side)
    beyond = opened >= stop if side > 0.0 else opened <= stop
    if side > 0.0:
        inside = high_of(market, terms, t, k, side) >= stop
    else:
        inside = low_of(market, terms, t, k, side) <= stop
    if not (beyond or inside):
        return NEVER, np.nan
    if kind != STOP_LIMIT:
        return (AT_OPEN, opened) if beyond else (AGAINST, stop)
    placed["triggered"] = TRIGGERED
    limit = placed["limit"]
    if beyond:
        return limit_met(market, terms, t, k, side, limit)
    if limit >= stop if side > 0.0 else limit <= stop:
        return AGAINST, stop
    closed = close_of(market, terms, t, k, side)
    if closed <= limit if side > 0.0 else closed >= limit:  # the bar must have come back
        return AGAINST, limit
    return NEVER, np.nan


def met_at(market: Market, terms: Terms, placed: Any, t: int, phase: int, price: float) -> Any:
    """(quote, mid, whether it slips, price not to be passed, manner) of an order that fills."""
    k, kind = placed["symbol"], placed["order_type"]
    side = 1.0 if placed["qty"] > 0.0 else -1.0
    limited = kind in (LIMIT, STOP_LIMIT)
    bound = placed["limit"] if kind == STOP_LIMIT else np.nan
    if phase == AT_OPEN:
        return price, market.open[t, k], not limited, bound, BY_OPEN
    if phase == AT_CLOSE:
        return price, market.close[t, k], True, bound, BY_CLOSE
    mid = price / (1.0 + side * half_spread(market, terms, t, k))
    if phase == FAVOUR:
        return price, mid, False, bound, BY_LIMIT
    if kind == STOP_LIMIT and price != placed["stop"]:
        return price, mid, False, bound, BY_RETURN
    return price, mid, True, bound, BY_STOP


def fill_at(
    market: Market, terms: Terms, state: State, log: Log, t: int, order: int, phase: int,
    price: float,
) -> None:  # fmt: skip
    """Fill what can be filled of an order at a price of its side."""
    met = met_at(market, terms, log.orders[order], t, phase, price)
    execute(market, terms, state, log, t, order, met)


def meet(market: Market, terms: Terms, state: State, log: Log, t: int) -> None:
    """Steps 3 and 5 to 9 of a bar: everything that works meets it, phase by phase."""
    orders, working = log.orders, log.working
    state.money[ROOM] = np.nan
    state.count[ENTERED] = 0
    inside = closing = False
    expire(market, state, log, t)
    for i in range(state.count[OPEN]):
        order = working[i]
        placed = orders[order]
        log.phase[i] = NEVER
        if placed["reason"] != WORKING or not tradable(market, t, placed["symbol"]):
            continue
        phase, price = reach(market, terms, placed, t)
        if phase == AT_OPEN:
            fill_at(market, terms, state, log, t, order, phase, price)
        else:
            log.phase[i], log.price[i] = phase, price
            inside = inside or phase in (AGAINST, FAVOUR)
            closing = closing or phase == AT_CLOSE
    if inside:
        put_off = against_us(market, terms, state, log, t)
        in_phase(market, terms, state, log, t, FAVOUR)
        if put_off:
            in_phase(market, terms, state, log, t, AGAINST)
    entries = state.count[ENTERED]
    for i in range(entries):
        protect(market, terms, state, log, t, log.entered[i], log.manner[i])
    if closing:
        state.money[ROOM] = np.nan
        in_phase(market, terms, state, log, t, AT_CLOSE)
        for i in range(entries, state.count[ENTERED]):
            protect(market, terms, state, log, t, log.entered[i], log.manner[i])
    tidy(market, state, log, t)


def in_phase(market: Market, terms: Terms, state: State, log: Log, t: int, phase: int) -> None:
    """Fill what meets the bar in ``phase``, oldest first."""
    for i in range(state.count[OPEN]):
        order = log.working[i]
        if log.phase[i] == phase and log.orders[order]["reason"] == WORKING:
            log.phase[i] = NEVER
            fill_at(market, terms, state, log, t, order, phase, log.price[i])


def against_us(market: Market, terms: Terms, state: State, log: Log, t: int) -> bool:
    """Fill stops inside the bar; returns whether one was put off in favour of its target."""
    put_off = False
    for i in range(state.count[OPEN]):
        order = log.working[i]
        if log.phase[i] != AGAINST or log.orders[order]["reason"] != WORKING:
            continue
        rival = target_beside(state, log, i)
        if rival >= 0 and not stop_first(market, terms, state, log, t, i, rival):
            put_off = True
            continue
        log.phase[i] = NEVER
        fill_at(market, terms, state, log, t, order, AGAINST, log.price[i])
    return put_off


def target_beside(state: State, log: Log, i: int) -> int:
    """Place of a limit of the same bracket or OCO group that lies inside the bar too, or -1."""
    placed = log.orders[log.working[i]]
    parent, oco = placed["parent"], placed["oco"]
    if parent < 0 and oco == 0:
        return -1
    for j in range(state.count[OPEN]):
        other = log.orders[log.working[j]]
        if log.phase[j] != FAVOUR or other["reason"] != WORKING:
            continue
        if other["symbol"] != placed["symbol"]:
            continue
        if (parent >= 0 and other["parent"] == parent) or (oco > 0 and other["oco"] == oco):
            return j
    return -1


def stop_first(
    market: Market, terms: Terms, state: State, log: Log, t: int, i: int, j: int
) -> bool:
    """Whether the stop at place ``i`` goes before the limit at ``j``; counts what is not known."""
    stop = log.orders[log.working[i]]
    k = stop["symbol"]
    if terms.execution.intrabar >= BY_PATH:
        target = log.orders[log.working[j]]
        sides = (1.0 if stop["qty"] > 0.0 else -1.0, 1.0 if target["qty"] > 0.0 else -1.0)
        levels = (log.price[i], log.price[j])
        code, sure = first_touched(market, terms, t, k, sides, levels, BY_OPEN, 0.0)
        if sure:
            return code != 2
    happened(state, log, t, k, AMBIGUOUS, float(log.working[i]))
    return terms.execution.intrabar in (WORST, BY_PATH)


def tidy(market: Market, state: State, log: Log, t: int) -> None:
    """Drop what has ended, and let children that woke on this bar work from the next one on."""
    orders, working = log.orders, log.working
    kept = 0
    for i in range(state.count[OPEN]):
        order = working[i]
        placed = orders[order]
        k = placed["symbol"]
        if placed["reason"] == WORKING and placed["tif"] == IOC and tradable(market, t, k):
            finish(state, log, order, REST)
        if placed["reason"] == WORKING:
            working[kept] = order
            kept += 1
    state.count[OPEN] = kept
    state.count[ENTERED] = 0
