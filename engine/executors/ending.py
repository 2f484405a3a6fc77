"""What follows from a fill for other orders: groups, brackets, what wakes and what ends.

In the subset numba compiles; section 5 of docs/broker-rules.md.
"""

from typing import Any

from tradewind.engine.executors.state import (
    ASLEEP,
    BY_BRACKET,
    BY_OCO,
    ENTERED,
    EVENTS,
    OPEN,
    ORDERS,
    PLAIN,
    WAKING,
    WORKING,
    Log,
    State,
)
from tradewind.engine.sizing import MIN_QTY


def happened(state: State, log: Log, t: int, k: int, kind: int, amount: float) -> None:
    """Write an event down."""
    row = log.events[state.count[EVENTS]]
    row["bar"] = t
    row["symbol"] = k
    row["kind"] = kind
    row["amount"] = amount
    state.count[EVENTS] += 1


def finish(state: State, log: Log, order: int, reason: int) -> None:
    """Say why an order ended; children that no fill of it has woken end with it."""
    orders = log.orders
    orders[order]["reason"] = reason
    child = order + 1
    while child < state.count[ORDERS] and orders[child]["parent"] == order:
        if orders[child]["triggered"] == ASLEEP and orders[child]["reason"] == WORKING:
            orders[child]["reason"] = BY_BRACKET
        child += 1


def consequences(state: State, log: Log, order: int, was: float, filled: float) -> None:
    """End or lower the orders that this fill (signed units) makes needless."""
    orders = log.orders
    placed = orders[order]
    k, parent, oco = placed["symbol"], placed["parent"], placed["oco"]
    now = state.qty[k]
    gone = was != 0.0 and (now == 0.0 or now * was < 0.0)
    if parent < 0 and oco == 0 and not gone:
        return
    for i in range(state.count[OPEN]):
        other = log.working[i]
        rival = orders[other]
        if other == order or rival["reason"] != WORKING:
            continue
        if oco > 0 and rival["oco"] == oco:
            finish(state, log, other, BY_OCO)
        elif gone and rival["parent"] >= 0 and rival["symbol"] == k:
            finish(state, log, other, BY_BRACKET)
        elif parent >= 0 and other == parent and rival["parent"] < 0:
            rival["reason"] = BY_BRACKET
        elif parent >= 0 and rival["parent"] == parent:
            lowered(rival, filled)
    if gone:  # what woke on this bar for another entry is not among the working yet
        for i in range(state.count[ENTERED]):
            entry = log.entered[i]
            child = entry + 1
            while child < state.count[ORDERS] and orders[child]["parent"] == entry:
                rival = orders[child]
                if entry != order and rival["symbol"] == k and rival["triggered"] == WAKING:
                    rival["triggered"] = PLAIN
                    rival["reason"] = BY_BRACKET
                child += 1


def lowered(rival: Any, filled: float) -> None:
    """Take a fill of one child (signed units) from what remains of the other."""
    rival["qty"] -= filled
    left = rival["qty"] - rival["filled_qty"]
    if left * filled <= 0.0 or abs(left) < MIN_QTY:
        rival["reason"] = BY_BRACKET


def wake(state: State, log: Log, order: int, opened: float, met: Any) -> None:
    """Give the children of an entry the units (signed) that have just been opened."""
    orders = log.orders
    first = False
    child = order + 1
    while child < state.count[ORDERS] and orders[child]["parent"] == order:
        if orders[child]["reason"] == WORKING and orders[child]["triggered"] == ASLEEP:
            orders[child]["qty"] = -opened
            orders[child]["triggered"] = WAKING
            first = True
        child += 1
    if not first and orders[order]["filled_qty"] != opened:  # some work since an earlier part
        for i in range(state.count[OPEN]):
            rival = orders[log.working[i]]
            if rival["parent"] == order and rival["reason"] == WORKING:
                rival["qty"] -= opened
    if first:
        log.entered[state.count[ENTERED]] = order
        log.manner[state.count[ENTERED]] = met[4]
        state.count[ENTERED] += 1
