"""backtrader's order book: how orders are made, linked, withdrawn and ended.

In the subset numba compiles. An entry and its two children have consecutive numbers; what
dissolves a group, and what survives it, is 7.7 of docs/backtrader-rules.md.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.backtrader_match import follow
from tradewind.engine.executors.backtrader_state import (
    ACCEPTED,
    CANCELED,
    CLOSE,
    CREATED,
    DAY_ORDER_US,
    DAY_US,
    GONE,
    GROUPS,
    LIMIT,
    MARKET,
    NEVER,
    ORDERS,
    SENT,
    STEP,
    STOP,
    STOP_LIMIT,
    SUBMITTED,
    TRAIL,
    TRAIL_LIMIT,
    Log,
    Rules,
    State,
    label_of,
    slot_of,
    stamp_of,
)
from tradewind.engine.executors.backtrader_state import Market as Bars
from tradewind.engine.intents import DAY, GTD

# tradewind.engine.types.Reason
WORKING, FILLED, PARTLY, NO_CASH, OVER, NO_SIZE = 0, 1, 2, 4, 8, 9
BY_USER, BY_OCO, BY_BRACKET, OVERDUE = 10, 12, 13, 17
OUR_TYPE = np.array([0, 5, 1, 2, 3, 4, 4])  # tradewind.engine.types.OrderType of each kind


def valid_until(market: Bars, wish: Any, stamp: int) -> Any:
    """Last stamp at which a wish's order still works."""
    if wish["tif"] == DAY:
        return stamp // DAY_US * DAY_US + DAY_ORDER_US
    if wish["tif"] == GTD:
        return label_of(market, wish["until"])
    return NEVER


def blank(log: Log, n: int, wish: Any, t: int) -> None:
    """Order ``n`` as it is before anything is known of it but its wish."""
    order, twin = log.orders[n], log.twins[n]
    order["id"] = n
    order["symbol"] = wish["symbol"]
    order["bar"] = t
    order["reason"] = WORKING
    order["filled_qty"] = 0.0
    order["limit"] = np.nan
    order["stop"] = np.nan
    order["trail"] = np.nan
    order["trail_fraction"] = np.nan
    order["tif"] = wish["tif"]
    order["until"] = wish["until"]
    order["parent"] = -1
    order["oco"] = 0
    order["reduce_only"] = 0
    order["triggered"] = 0
    order["fee"] = 0.0
    order["raw_fee"] = 0.0
    order["value"] = 0.0
    twin["kind"] = MARKET
    twin["status"] = CREATED
    twin["pending"] = 0
    twin["offset"] = 0.0
    twin["note"] = 0.0
    twin["wakes"] = 0
    twin["children"] = 0
    twin["dead"] = 0
    twin["leader"] = n
    twin["member"] = 0
    twin["life"] = 0
    twin["remaining"] = 0.0
    twin["fill_price"] = 0.0


def write_order(
    market: Bars, rules: Rules, state: State, log: Log, wish: Any, kind: int, qty: float,
    price: float, limit: float, trail: float, fraction: float, parent: int, t: int,
) -> int:  # fmt: skip
    """Write the next order as ``Order.__init__`` would make it; returns its number.

    ``price`` and ``limit`` are backtrader's ``price`` and ``plimit``; NaN or 0 = not given.
    """
    n = state.count[ORDERS]
    state.count[ORDERS] = n + 1
    k = wish["symbol"]
    at = state.row[k]
    order, twin = log.orders[n], log.twins[n]
    has_price = price == price and price != 0.0
    has_limit = limit == limit and limit != 0.0
    close = market.close[at, k]
    if not has_price:
        price = limit if has_limit else close
    if not has_limit:
        limit = price
    stamp = stamp_of(market, at)
    blank(log, n, wish, t)
    order["qty"] = qty
    order["order_type"] = OUR_TYPE[kind]
    order["trail"] = trail
    order["trail_fraction"] = fraction
    order["parent"] = parent
    order["oco"] = wish["oco"] if parent < 0 else 0
    twin["kind"] = kind
    twin["price"] = price
    twin["limit"] = limit
    twin["created"] = stamp
    twin["close"] = close
    twin["valid"] = valid_until(market, wish, stamp)
    over = stamp // DAY_US * DAY_US + rules.session_end
    twin["session_end"] = over if over >= stamp else over + DAY_US
    twin["wakes"] = 0 if parent < 0 else NEVER
    twin["remaining"] = qty
    if kind in (TRAIL, TRAIL_LIMIT):
        twin["offset"] = price - limit
        twin["price"] = np.inf if qty > 0.0 else -np.inf
        follow(order, twin, price)
    if kind == LIMIT:
        order["limit"] = price
    elif kind != MARKET and kind != CLOSE:
        order["stop"] = twin["price"]
        if kind in (STOP_LIMIT, TRAIL_LIMIT):
            order["limit"] = twin["limit"]
    _join(state, log, n, order["oco"])
    return n  # type: ignore[no-any-return]


def _join(state: State, log: Log, n: int, number: int) -> None:
    """Make order ``n`` a member of the OCO group ``number``, or the leader of its own."""
    leader = n
    if number > 0:
        slot = slot_of(log.groups, number)
        if log.groups[slot, 1] < 0:
            log.groups[slot, 0] = number
            log.groups[slot, 1] = n
            state.count[GROUPS] += 1
        leader = log.groups[slot, 1]
    log.twins[n]["leader"] = leader
    log.twins[n]["member"] = log.twins[leader]["life"]


def send_wish(
    market: Bars, rules: Rules, state: State, log: Log, wish: Any, kind: int, qty: float,
    price: float, limit: float, t: int,
) -> None:  # fmt: skip
    """Send an order and the children its wish asks for: a bracket goes out when it is complete."""
    none = np.nan
    entry = write_order(
        market, rules, state, log, wish, kind, qty, price, limit, wish["trail"],
        wish["trail_fraction"], -1, t,
    )  # fmt: skip
    n = 1
    trails = wish["stop_trail"] == wish["stop_trail"]
    trails = trails or wish["stop_trail_fraction"] == wish["stop_trail_fraction"]
    if trails or wish["stop_loss"] == wish["stop_loss"]:
        write_order(
            market, rules, state, log, wish, TRAIL if trails else STOP, -qty, wish["stop_loss"],
            none, wish["stop_trail"], wish["stop_trail_fraction"], entry, t,
        )  # fmt: skip
        n += 1
    if wish["take_profit"] == wish["take_profit"]:
        write_order(
            market, rules, state, log, wish, LIMIT, -qty, wish["take_profit"], none, none, none,
            entry, t,
        )  # fmt: skip
        n += 1
    log.twins[entry]["children"] = n - 1
    for number in range(entry, entry + n):
        if rules.checksubmit:
            log.twins[number]["status"] = SUBMITTED
            log.sent[state.count[SENT]] = number
            state.count[SENT] += 1
        else:
            accept(state, log, number)


def accept(state: State, log: Log, number: int) -> None:
    """Put an order into the queue that is matched."""
    twin = log.twins[number]
    twin["status"] = ACCEPTED
    twin["note"] = 0.0
    twin["pending"] = 1
    log.working[state.n_working[0]] = number
    state.n_working[0] += 1


def end(log: Log, number: int, status: int, reason: int) -> None:
    """Say how an order ended; what was filled before its cash ran out stays filled."""
    log.twins[number]["status"] = status
    order = log.orders[number]
    order["reason"] = PARTLY if reason == NO_CASH and order["filled_qty"] != 0.0 else reason


def cancel(state: State, log: Log, number: int) -> None:
    """Withdraw an order on request, and its bracket; one that is not in the queue stays."""
    if log.twins[number]["pending"]:
        withdraw(state, log, number, BY_USER)
        dissolve_bracket(state, log, number)


def withdraw(state: State, log: Log, number: int, reason: int) -> None:
    """Cancel an order that is in the queue; its OCO group ends with it."""
    if log.twins[number]["pending"]:
        log.twins[number]["pending"] = 0
        state.count[GONE] += 1
        end(log, number, CANCELED, reason)
        dissolve_oco(state, log, number)


def dissolve_oco(state: State, log: Log, number: int) -> None:
    """End an order's OCO group: its members in the queue are cancelled, others are alone now."""
    twins = log.twins
    leader = twins[number]["leader"]
    if log.orders[number]["oco"] == 0:
        return
    life = twins[leader]["life"]
    twins[leader]["life"] = life + 1
    for i in range(state.n_working[0]):
        other = log.working[i]
        twin = twins[other]
        if twin["pending"] and twin["leader"] == leader and twin["member"] == life:
            twin["pending"] = 0
            state.count[GONE] += 1
            end(log, other, CANCELED, BY_OCO)


def dissolve_bracket(state: State, log: Log, number: int) -> None:
    """Cancel what is left of an order's bracket; later children of it find no parent."""
    parent = log.orders[number]["parent"]
    entry = number if parent < 0 else parent
    log.twins[entry]["dead"] = 1
    for other in range(entry, entry + log.twins[entry]["children"] + 1):
        withdraw(state, log, other, BY_BRACKET)


def complete(state: State, log: Log, number: int) -> None:
    """After the last fill of an order: an entry wakes its children, a child ends its sibling."""
    if log.orders[number]["parent"] >= 0:
        dissolve_bracket(state, log, number)
        return
    for child in range(number + 1, number + 1 + log.twins[number]["children"]):
        log.twins[child]["wakes"] = state.count[STEP] + 1


def tidy(state: State, log: Log) -> None:
    """Take cancelled orders out of the queue."""
    if state.count[GONE] == 0:
        return
    kept = 0
    for i in range(state.n_working[0]):
        number = log.working[i]
        if log.twins[number]["pending"]:
            log.working[kept] = number
            kept += 1
    state.n_working[0] = kept
    state.count[GONE] = 0
