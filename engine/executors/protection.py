"""Stops and targets in the bar of their entry, and what the path inside a bar can tell: section 5.

In the subset numba compiles; the loop in :mod:`tradewind.engine.executors.kernel` calls it.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.ending import finish, happened
from tradewind.engine.executors.fills import execute, start_trail
from tradewind.engine.executors.quotes import close_of, half_spread, high_of, low_of, open_of
from tradewind.engine.executors.state import (
    AMBIGUOUS,
    BEST,
    BEST_OF_PATH,
    BY_BRACKET,
    BY_CLOSE,
    BY_LIMIT,
    BY_OPEN,
    BY_PATH,
    BY_RETURN,
    BY_STOP,
    FILLS,
    NEVER,
    OPEN,
    ORDERS,
    PLAIN,
    WAKING,
    WORKING,
    Log,
    Market,
    State,
    Terms,
)
from tradewind.engine.intents import LIMIT, TRAILING_STOP
from tradewind.engine.series import at

NEITHER, STOP_FILLS, TARGET_FILLS = range(3)


def protect(
    market: Market, terms: Terms, state: State, log: Log, t: int, entry: int, manner: int
) -> None:
    """Wake the children of an entry filled on this bar, and let them meet the rest of it."""
    orders = log.orders
    k = orders[entry]["symbol"]
    long = orders[entry]["qty"] > 0.0
    side = -1.0 if long else 1.0  # of the orders that close
    gone = state.qty[k] * side >= 0.0
    last = state.count[FILLS] - 1
    while log.fills[last]["order"] != entry:
        last -= 1
    paid = log.fills[last]["price"]
    stop = target = -1
    child = entry + 1
    while child < state.count[ORDERS] and orders[child]["parent"] == entry:
        placed = orders[child]
        if placed["reason"] == WORKING and placed["triggered"] == WAKING:
            placed["triggered"] = PLAIN
            join(state, log, child)
            if placed["order_type"] == TRAILING_STOP:
                start_trail(placed, paid)
            if gone:
                finish(state, log, child, BY_BRACKET)
            elif placed["order_type"] == LIMIT:
                target = child
            else:
                stop = child
        child += 1
    if gone or manner == BY_CLOSE or (stop < 0 and target < 0):
        return
    low_price = orders[stop]["stop"] if stop >= 0 else np.nan
    high_price = orders[target]["limit"] if target >= 0 else np.nan
    half = half_spread(market, terms, t, k)
    opened = open_of(market, terms, t, k, side)
    if manner == BY_OPEN:
        if opened <= low_price if long else opened >= low_price:
            met = (opened, market.open[t, k], True, np.nan, BY_OPEN)
            execute(market, terms, state, log, t, stop, met)
            return
        if opened >= high_price if long else opened <= high_price:
            met = (opened, market.open[t, k], False, np.nan, BY_OPEN)
            execute(market, terms, state, log, t, target, met)
            return
    entered_at = log.fills[last]["quote"]
    outcome = rest_of_bar(
        market, terms, state, log, t, entry, (side, low_price, high_price), manner, entered_at
    )
    # The whole of the side's bar may lie beyond a child's price: it was never traded at again.
    least, most = low_of(market, terms, t, k, side), high_of(market, terms, t, k, side)
    if outcome == STOP_FILLS:
        price = min(max(low_price, least), most)
        met = (price, price / (1.0 + side * half), True, np.nan, BY_STOP)
        execute(market, terms, state, log, t, stop, met)
    elif outcome == TARGET_FILLS:
        price = min(max(high_price, least), most)
        met = (price, price / (1.0 + side * half), False, np.nan, BY_LIMIT)
        execute(market, terms, state, log, t, target, met)


def join(state: State, log: Log, child: int) -> None:
    """Put a child that has woken among the working, in its place by age."""
    at_place = state.count[OPEN]
    while at_place > 0 and log.working[at_place - 1] > child:
        log.working[at_place] = log.working[at_place - 1]
        log.phase[at_place] = log.phase[at_place - 1]
        log.price[at_place] = log.price[at_place - 1]
        at_place -= 1
    log.working[at_place] = child
    log.phase[at_place] = NEVER
    state.count[OPEN] += 1


def rest_of_bar(
    market: Market,
    terms: Terms,
    state: State,
    log: Log,
    t: int,
    entry: int,
    levels: Any,
    manner: int,
    entered_at: float,
) -> int:
    """Which child fills after an entry inside the bar; what the path does not force is counted."""
    k = log.orders[entry]["symbol"]
    side, stop, target = levels
    long = side < 0.0
    through = terms.execution.through_ticks * at(terms.execution.tick, t, k)
    high, low = high_of(market, terms, t, k, side), low_of(market, terms, t, k, side)
    closed = close_of(market, terms, t, k, side)
    stop_hit = low <= stop if long else high >= stop
    target_hit = high >= target + through if long else low <= target - through
    stop_sure = manner in (BY_OPEN, BY_LIMIT)
    target_sure = manner in (BY_OPEN, BY_STOP)
    stop_sure = stop_sure or (closed <= stop if long else closed >= stop)
    target_sure = target_sure or (closed >= target if long else closed <= target)
    if not stop_hit and not target_hit:
        return NEITHER
    if stop_hit and stop_sure and not target_hit:
        return STOP_FILLS
    if target_hit and target_sure and not stop_hit:
        return TARGET_FILLS
    if terms.execution.intrabar >= BY_PATH and manner != BY_RETURN:
        code, sure = first_touched(
            market, terms, t, k, (side, side), (stop, target), manner, entered_at
        )
        if sure:
            return code
    happened(state, log, t, k, AMBIGUOUS, float(entry))
    if terms.execution.intrabar in (BEST, BEST_OF_PATH):
        if target_hit:
            return TARGET_FILLS
        return STOP_FILLS if stop_sure else NEITHER
    return STOP_FILLS if stop_hit else NEITHER


def first_touched(
    market: Market,
    terms: Terms,
    t: int,
    k: int,
    sides: Any,
    levels: Any,
    manner: int,
    entered_at: float,
) -> tuple[int, bool]:
    """(which of stop and target the finer bars touch first, whether they tell).

    Parameters
    ----------
    sides : tuple of float
        Of the stop and of the target: -1 for orders that sell.
    levels : tuple of float
        Their prices, each of its own side; NaN where there is none.
    manner, entered_at : int, float
        How the position was entered in this bar and the side's price it met; BY_OPEN where it was
        there before.
    """
    path = market.path
    if len(path.first) <= t + 1:
        return NEITHER, False
    stop, target = levels
    half = half_spread(market, terms, t, k)
    at_stop, at_target = 1.0 + sides[0] * half, 1.0 + sides[1] * half
    long = sides[0] < 0.0
    theirs = 1.0 - sides[0] * half  # of an entry on this bar, which stop and target both close
    entered, seen = manner == BY_OPEN, False
    through = terms.execution.through_ticks * at(terms.execution.tick, t, k)
    for i in range(path.first[t], path.first[t + 1]):
        high, low = path.high[i, k], path.low[i, k]
        if high != high:
            continue
        seen = True
        fresh = False
        if not entered:
            if (manner == BY_LIMIT) == long:  # a buy limit or a sell stop waits below
                entered = low * theirs <= entered_at
            else:
                entered = high * theirs >= entered_at
            fresh = entered
        if not entered:
            continue
        stop_hit = low * at_stop <= stop if long else high * at_stop >= stop
        if sides[1] < 0.0:
            target_hit = high * at_target >= target + through
        else:
            target_hit = low * at_target <= target - through
        if not stop_hit and not target_hit:
            continue
        closed = path.close[i, k] * at_stop
        stop_sure = not fresh or manner == BY_LIMIT or (closed <= stop if long else closed >= stop)
        target_sure = not fresh or manner == BY_STOP
        target_sure = target_sure or (closed >= target if long else closed <= target)
        if stop_hit and target_hit:
            return NEITHER, False
        if stop_hit:
            return STOP_FILLS, stop_sure
        return TARGET_FILLS, target_sure
    return NEITHER, seen and entered
