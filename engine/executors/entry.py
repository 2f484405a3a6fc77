"""From a strategy's wishes to orders: the last step of the simulator's bar, section 6.

In the subset numba compiles; the loop in :mod:`tradewind.engine.executors.kernel` calls it.
"""

from typing import Any

import numpy as np

from tradewind.engine.compiling import inlined
from tradewind.engine.executors.ending import finish
from tradewind.engine.executors.fills import start_trail
from tradewind.engine.executors.placing import (
    add_protection,
    dress,
    good_prices,
    good_protection,
    guarded,
    put_to_work,
    send_order,
    snap,
    usable,
    write_order,
)
from tradewind.engine.executors.quotes import close_of, rate_of
from tradewind.engine.executors.state import (
    ASKED_TWICE,
    BAD_KIND,
    BAD_PRICE,
    BAD_SYMBOL,
    BY_USER,
    CAPPED,
    DELISTED,
    EPS,
    FINE,
    NAN_WEIGHT,
    NO_SIZE,
    OPEN,
    ORDERS,
    REBALANCED,
    REPLACED,
    SYMBOL,
    TOO_MANY,
    TOO_SMALL,
    TRIGGERED,
    WORKING,
    Log,
    Market,
    State,
    Terms,
    last_price,
)
from tradewind.engine.executors.wish_sizing import (
    gone,
    on_lot,
    size_targets,
    stand_with,
    strength_left,
    units_of,
    within_caps,
)
from tradewind.engine.intents import (
    CANCEL,
    IOC,
    MARKET_ON_CLOSE,
    ORDER,
    REPLACE,
    TARGET,
    TRAILING_STOP,
)
from tradewind.engine.sizing import MIN_QTY, NO_CUT


def heed(market: Market, terms: Terms, state: State, log: Log, n: int, t: int) -> int:
    """Turn ``n`` intents into orders that work from the next bar on; returns a code."""
    if n > len(state.intents):
        return TOO_MANY
    for i in range(n):
        code = fault_of(state, i, t)
        if code != FINE:
            return code
        if state.intents[i]["action"] == TARGET:
            state.named[state.intents[i]["symbol"]] = t
    for i in range(n):  # what works for a target's symbol ends before anything is sized
        wish = state.intents[i]
        k = wish["symbol"]
        if wish["action"] == TARGET:
            if state.count[OPEN] > 0:
                withdraw(state, log, k, -1, REBALANCED)
        elif wish["action"] == CANCEL:
            withdraw(state, log, k, wish["order"], BY_USER)
        elif wish["action"] == REPLACE:
            send_again(market, terms, state, log, wish, t)
    parity = size_targets(market, terms, state, log, n, t)
    for i in range(n):  # reductions first: they free cash
        if state.intents[i]["action"] == TARGET and reduces(state, i):
            send_target(market, terms, state, log, i, t, False)
    for i in range(n):
        if state.intents[i]["action"] == TARGET:
            if adds(state, i):
                send_target(market, terms, state, log, i, t, True)
        elif state.intents[i]["action"] == ORDER:
            send_plain(market, terms, state, log, i, t, parity)
    return FINE


def fault_of(state: State, i: int, t: int) -> int:
    """Code of what is wrong with intent ``i`` as such, FINE where nothing is."""
    wish = state.intents[i]
    k, action = wish["symbol"], wish["action"]
    state.count[SYMBOL] = k
    if k < 0 or k >= len(state.qty):
        return BAD_SYMBOL
    known = 0 <= action <= REPLACE and 0 <= wish["order_type"] <= MARKET_ON_CLOSE
    if not (known and 0 <= wish["tif"] <= IOC and wish["until"] >= 0):
        return BAD_KIND
    given = wish["qty"] == wish["qty"]
    if given and not np.isfinite(wish["qty"]):
        return NAN_WEIGHT
    if not np.isfinite(wish["weight"]):
        return NAN_WEIGHT
    if action == TARGET and (given or wish["reduce_only"] != 0):
        return BAD_KIND
    if action == TARGET and state.named[k] == t:
        return ASKED_TWICE
    return FINE


def withdraw(state: State, log: Log, k: int, number: int, reason: int) -> None:
    """Cancel order ``number``, or everything that works for column ``k`` with -1."""
    kept = 0
    for i in range(state.count[OPEN]):
        order = log.working[i]
        if log.orders[order]["symbol"] == k and (number < 0 or number == order):
            finish(state, log, order, reason)
        else:
            log.working[kept] = order
            kept += 1
    state.count[OPEN] = kept


def send_again(market: Market, terms: Terms, state: State, log: Log, wish: Any, t: int) -> None:
    """Replace an order that works by one with other prices or units."""
    number = wish["order"]
    place = -1
    for i in range(state.count[OPEN]):
        if log.working[i] == number:
            place = i
    if place < 0 or log.orders[number]["symbol"] != wish["symbol"]:
        return
    old = log.orders[number]
    left = old["qty"] - old["filled_qty"]
    qty = wish["qty"] if wish["qty"] == wish["qty"] else left
    order = write_order(state, log, wish["symbol"], t, qty, WORKING)
    placed = log.orders[order]
    dress(placed, old)
    placed["parent"] = old["parent"]
    placed["triggered"] = old["triggered"]
    trails = old["order_type"] == TRAILING_STOP
    if wish["limit"] == wish["limit"]:
        placed["limit"] = wish["limit"]
    placed["stop"] = np.nan if trails else placed["stop"]
    if wish["stop"] == wish["stop"]:
        placed["stop"] = wish["stop"]
    if wish["trail"] == wish["trail"] or wish["trail_fraction"] == wish["trail_fraction"]:
        placed["trail"], placed["trail_fraction"] = wish["trail"], wish["trail_fraction"]
    if placed["triggered"] == TRIGGERED:  # its stop has been passed
        good = usable(placed["limit"])
    else:
        good = good_prices(market, terms, placed, t)
    if qty * left <= 0.0 or not good:
        placed["reason"] = BAD_PRICE
        return
    snap(terms, placed, t)
    if trails:
        start_trail(placed, close_of(market, terms, t, wish["symbol"], 1.0 if qty > 0.0 else -1.0))
    move_children(state, log, number, order)
    old["reason"] = REPLACED
    for i in range(place, state.count[OPEN] - 1):
        log.working[i] = log.working[i + 1]
    state.count[OPEN] -= 1
    put_to_work(state, log, order)


def move_children(state: State, log: Log, old: int, new: int) -> None:
    """Write the sleeping children of a replaced entry again, behind its successor."""
    child = old + 1
    while child < new and log.orders[child]["parent"] == old:
        if log.orders[child]["reason"] == WORKING and log.orders[child]["triggered"] != 0:
            copy = state.count[ORDERS]
            log.orders[copy] = log.orders[child]
            log.orders[copy]["id"] = copy
            log.orders[copy]["parent"] = new
            log.orders[copy]["qty"] = -log.orders[new]["qty"]
            log.orders[child]["reason"] = REPLACED
            state.count[ORDERS] = copy + 1
        child += 1


def note_refused(state: State, log: Log, wish: Any, t: int, qty: float, reason: int) -> None:
    """Write down an order that is not sent, with what its wish says."""
    order = write_order(state, log, wish["symbol"], t, qty, reason)
    dress(log.orders[order], wish)


def too_small(market: Market, terms: Terms, k: int, t: int, size: float) -> Any:
    """Whether an order is worth less than the account's minimum."""
    value = abs(size) * last_price(market.close, t, k) * rate_of(market, t, k, True)
    return value < terms.sizing.min_notional


@inlined
def reduces(state: State, i: int) -> Any:
    """Whether target ``i`` takes from what is held: with no other there is nothing to send."""
    k = state.intents[i]["symbol"]
    now, aim = state.qty[k], state.aim[k]
    return now != 0.0 and (now * aim <= 0.0 or abs(aim) < abs(now))


@inlined
def adds(state: State, i: int) -> Any:
    """Whether target ``i`` opens, adds, or brings protection: with no other, likewise."""
    wish = state.intents[i]
    now, aim = state.qty[wish["symbol"]], state.aim[wish["symbol"]]
    return (aim != 0.0 and (now * aim <= 0.0 or abs(aim) > abs(now))) or guarded(wish)


def send_target(
    market: Market, terms: Terms, state: State, log: Log, i: int, t: int, adding: bool
) -> None:
    """Send the part of target ``i`` that reduces, or the part that adds, with its protection."""
    wish = state.intents[i]
    k = wish["symbol"]
    now, aim = state.qty[k], state.aim[k]
    if aim != aim:  # it means nothing, so what is held stays as it is
        return
    size = 0.0
    leaves = now * aim <= 0.0  # entirely, before the other side is opened
    if leaves:
        size = aim if adding else -now
    elif (abs(aim) > abs(now)) == adding:
        size = aim - now
    own = adding and not leaves and guarded(wish)
    if own and not good_protection(market, terms, wish, t, aim > 0.0):
        write_order(state, log, k, t, size, BAD_PRICE)
        return
    if abs(size) >= max(MIN_QTY, EPS * abs(now)):  # else rounding noise of a large position
        if too_small(market, terms, k, t, size) and (adding or not leaves):
            note_refused(state, log, wish, t, size, TOO_SMALL)
        else:
            send_order(market, terms, state, log, wish, t, size, adding and leaves)
    if own:
        add_protection(market, terms, state, log, wish, t, aim, -1)


def send_plain(
    market: Market, terms: Terms, state: State, log: Log, i: int, t: int, parity: float
) -> None:
    """Send an order wish, within the caps where it adds to what it finds."""
    wish = state.intents[i]
    k, size = wish["symbol"], wish["qty"]
    by_strength = size != size
    some = wish["weight"] if by_strength else size
    if some != 0.0 and gone(market, k, t):
        write_order(state, log, k, t, 0.0, DELISTED)
        return
    if by_strength:
        size = units_of(market, terms, state, log, wish, t, parity)
    if size != size:
        write_order(state, log, k, t, 0.0, NO_SIZE)
        return
    now = state.stand[k]
    cut = by_strength and some != 0.0 and strength_left(terms, state, wish) == 0.0
    if wish["reduce_only"] == 0 and (now * size >= 0.0 or abs(size) > abs(now)):
        left, cap = within_caps(market, terms, state, log, k, t, now + size, now)
        if cap != NO_CUT:
            cut = True
            size = left - now if (left - now) * size > 0.0 else 0.0
    size = on_lot(terms, t, k, size)
    stand_with(market, terms, state, k, t, now + size)
    if cut and size == 0.0:
        write_order(state, log, k, t, 0.0, CAPPED)
        return
    held = state.qty[k]
    if abs(size) < max(MIN_QTY, EPS * abs(held)):
        return
    if too_small(market, terms, k, t, size) and held + size != 0.0:
        note_refused(state, log, wish, t, size, TOO_SMALL)
        return
    send_order(market, terms, state, log, wish, t, size, True)
