"""From a strategy's wishes to orders: the last step of the simulator's bar, section 6.

In the subset numba compiles; the loop in :mod:`tradewind.engine.executors.kernel` calls it.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.fills import finish, happened
from tradewind.engine.executors.placing import (
    add_protection,
    dress,
    good_prices,
    good_protection,
    guarded,
    put_to_work,
    reference_price,
    refuse,
    send_order,
    snap,
    start_trail,
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
    CUT,
    DELISTED,
    EPS,
    FINE,
    NAN_WEIGHT,
    NO_SIZE,
    OPEN,
    ORDERS,
    PEAK,
    REBALANCED,
    REPLACED,
    SYMBOL,
    TOO_MANY,
    TOO_SMALL,
    WORKING,
    Log,
    Market,
    State,
    Terms,
    last_price,
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
from tradewind.engine.series import at
from tradewind.engine.sizing import (
    BY_DRAWDOWN,
    MIN_QTY,
    NO_CUT,
    PARITY,
    capped,
    sized,
    throttled,
    whole_lots,
)


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
        state.aim[k] = state.qty[k]
        if wish["action"] == TARGET:
            withdraw(state, log, k, -1, REBALANCED)
        elif wish["action"] == CANCEL:
            withdraw(state, log, k, wish["order"], BY_USER)
        elif wish["action"] == REPLACE:
            send_again(market, terms, state, log, wish, t)
    parity = inverse_vols(terms, state, n, t) if terms.sizing.kind == PARITY else 0.0
    for i in range(n):
        if state.intents[i]["action"] == TARGET:
            aim_at(market, terms, state, log, i, t, parity)
    for i in range(n):  # reductions first: they free cash
        if state.intents[i]["action"] == TARGET:
            send_target(market, terms, state, log, i, t, False)
    for i in range(n):
        if state.intents[i]["action"] == TARGET:
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
    triggered = placed["triggered"] != 0
    if qty * left <= 0.0 or not (triggered or good_prices(market, terms, placed, t)):
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


def inverse_vols(terms: Terms, state: State, n: int, t: int) -> float:
    """Sum of inverse volatilities over open positions and what this decision wishes to hold."""
    total = 0.0
    for k in range(len(state.qty)):
        wanted = state.qty[k] != 0.0
        if state.named[k] == t:
            wanted = False
            for i in range(n):
                wish = state.intents[i]
                if wish["symbol"] == k and wish["action"] == TARGET and wish["weight"] != 0.0:
                    wanted = True
        vol = at(terms.sizing.vol, t, k) if wanted else 0.0
        if vol > 0.0:
            total += 1.0 / vol
    return total


def units_of(
    market: Market, terms: Terms, state: State, log: Log, wish: Any, t: int, parity: float
) -> Any:
    """Signed units that the strength of a wish means, before caps; NaN where there is no number."""
    k, strength = wish["symbol"], wish["weight"]
    if strength == 0.0:
        return 0.0
    rate = rate_of(market, t, k, True)
    price = last_price(market.close, t, k) * rate
    distance = at(terms.sizing.distance, t, k)
    entry = reference_price(market, terms, wish, t, strength > 0.0)
    if wish["stop_loss"] == wish["stop_loss"]:
        distance = abs(entry - wish["stop_loss"])
    elif wish["stop_trail"] == wish["stop_trail"]:
        distance = wish["stop_trail"]
    elif wish["stop_trail_fraction"] == wish["stop_trail_fraction"]:
        distance = wish["stop_trail_fraction"] * entry
    factor = throttled(terms.sizing, state.equity[0], state.money[PEAK])
    if factor < 1.0:
        happened(state, log, t, k, CUT, float(BY_DRAWDOWN))
    return sized(
        terms.sizing, t, k, strength * factor, state.equity[0], price, distance * rate, parity
    )


def within_caps(
    market: Market, terms: Terms, state: State, log: Log, k: int, t: int, aim: float
) -> Any:
    """Signed units of ``aim`` that the caps leave, on the lot; a cut is written down."""
    sizing = terms.sizing
    price = last_price(market.close, t, k) * rate_of(market, t, k, True)
    group = others = 0.0
    if sizing.max_group < np.inf or sizing.max_gross < np.inf:
        for j in range(len(state.qty)):
            units = state.aim[j] if state.named[j] == t else state.qty[j]
            if j != k and units != 0.0:
                value = abs(units) * last_price(market.close, t, j) * rate_of(market, t, j, True)
                others += value
                if sizing.group[j] == sizing.group[k]:
                    group += value
    held = state.qty[k]
    left, cut = capped(sizing, k, aim, held, state.adds[k], price, state.equity[0], group, others)
    if cut != NO_CUT:
        happened(state, log, t, k, CUT, float(cut))
    left = whole_lots(left, at(sizing.lot, t, k))
    return (0.0 if abs(left) < MIN_QTY else left), cut


def aim_at(
    market: Market, terms: Terms, state: State, log: Log, i: int, t: int, parity: float
) -> None:
    """Find the units that target ``i`` means; where it means none, say why."""
    wish = state.intents[i]
    k = wish["symbol"]
    gone = market.ends[k] >= 0 and market.ends[k] <= t
    units = 0.0 if gone else units_of(market, terms, state, log, wish, t, parity)
    if wish["weight"] != 0.0 and (gone or units != units):
        write_order(state, log, k, t, 0.0, DELISTED if gone else NO_SIZE)
        return
    if units == 0.0:
        state.aim[k] = 0.0
        return
    aim, cut = within_caps(market, terms, state, log, k, t, units)
    if cut != NO_CUT and aim == 0.0 and state.qty[k] == 0.0:
        write_order(state, log, k, t, 0.0, CAPPED)
    state.aim[k] = aim


def too_small(market: Market, terms: Terms, k: int, t: int, size: float) -> Any:
    """Whether an order is worth less than the account's minimum."""
    value = abs(size) * last_price(market.close, t, k) * rate_of(market, t, k, True)
    return value < terms.sizing.min_notional


def send_target(
    market: Market, terms: Terms, state: State, log: Log, i: int, t: int, adding: bool
) -> None:
    """Send the part of target ``i`` that reduces, or the part that adds, with its protection."""
    wish = state.intents[i]
    k = wish["symbol"]
    now, aim = state.qty[k], state.aim[k]
    size = 0.0
    leaves = now * aim <= 0.0  # entirely, before the other side is opened
    if leaves:
        size = aim if adding else -now
    elif (abs(aim) > abs(now)) == adding:
        size = aim - now
    own = adding and not leaves and guarded(wish)
    if own and not good_protection(market, terms, wish, t, aim > 0.0):
        refuse(state, log, write_order(state, log, k, t, size, WORKING))
        return
    if abs(size) >= max(MIN_QTY, EPS * abs(now)):  # else rounding noise of a large position
        if too_small(market, terms, k, t, size) and (adding or not leaves):
            write_order(state, log, k, t, size, TOO_SMALL)
        else:
            send_order(market, terms, state, log, wish, t, size, adding and leaves)
    if own:
        add_protection(market, terms, state, log, wish, t, aim, -1)


def send_plain(
    market: Market, terms: Terms, state: State, log: Log, i: int, t: int, parity: float
) -> None:
    """Send an order wish as it stands, within the caps where it adds."""
    wish = state.intents[i]
    k = wish["symbol"]
    size = wish["qty"]
    gone = market.ends[k] >= 0 and market.ends[k] <= t
    if size != size:
        size = units_of(market, terms, state, log, wish, t, parity)
    if gone or size != size:
        write_order(state, log, k, t, 0.0, DELISTED if gone else NO_SIZE)
        return
    now = state.qty[k]
    after = now + size
    if abs(after) > abs(now) or after * now < 0.0:  # it adds, or turns the position over
        aim, cut = within_caps(market, terms, state, log, k, t, after)
        if cut != NO_CUT and (aim - now) * size <= 0.0:
            write_order(state, log, k, t, size, CAPPED)
            return
        if cut != NO_CUT:
            size = aim - now
    size = whole_lots(size, at(terms.sizing.lot, t, k)) if after != 0.0 else size
    if abs(size) < max(MIN_QTY, EPS * abs(now)):
        return
    if too_small(market, terms, k, t, size) and after != 0.0:
        write_order(state, log, k, t, size, TOO_SMALL)
        return
    send_order(market, terms, state, log, wish, t, size, True)
