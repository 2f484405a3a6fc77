"""What happens to an account before a bar's orders: carry, corporate actions, forced trades.

Steps 1, 2, 4 and 10 of a bar in docs/broker-rules.md; in the subset numba compiles.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.ending import finish, happened
from tradewind.engine.executors.fills import fill_part, note_used, settle
from tradewind.engine.executors.matching import expire
from tradewind.engine.executors.placing import write_order
from tradewind.engine.executors.quotes import open_of, rate_of, tradable
from tradewind.engine.executors.state import (
    ASLEEP,
    BORROW,
    BY_BRACKET,
    BY_LIQUIDATION,
    BY_OPEN,
    CALL,
    CASH,
    DELISTED,
    DIVIDEND,
    HELD,
    INTEREST,
    LIQUIDATED,
    OPEN,
    ORDERS,
    RECALLED,
    ROOM,
    SPLIT,
    WAITING,
    WORKING,
    Log,
    Market,
    State,
    Terms,
    calendar_days,
    last_price,
)
from tradewind.engine.series import at
from tradewind.engine.sizing import MIN_QTY


def before_open(market: Market, terms: Terms, state: State, log: Log, t: int) -> None:
    """Carry, corporate actions, recalls and margin calls of bar ``t``."""
    if t > 0:
        charge_carry(market, terms, state, log, t)
    if market.actions.by_bar and (market.actions.any[t] or state.count[WAITING] > 0):
        for k in range(len(state.qty)):
            act_when_traded(market, state, log, t, k)
    expire(market, state, log, t)
    state.money[ROOM] = np.nan
    recall(market, terms, state, log, t)
    if state.count[CALL]:
        liquidate(market, terms, state, log, t)


def charge_carry(market: Market, terms: Terms, state: State, log: Log, t: int) -> None:
    """Step 1: borrow on what is short, interest on cash, for the calendar days since ``t - 1``."""
    costs, cash = terms.costs, state.money[CASH]
    days = calendar_days(market, t)
    owed = 0.0
    for i in range(state.count[HELD]):
        k = state.held[i]
        if state.qty[k] < 0.0:
            value = -state.qty[k] * last_price(market.close, t - 1, k)
            value *= rate_of(market, t - 1, k, True)
            owed += value * at(costs.borrow_daily, t, k) * days
    if owed != 0.0:
        state.money[CASH] -= owed
        happened(state, log, t, -1, BORROW, -owed)
    interest = cash * (costs.debit_daily if cash < 0.0 else costs.credit_daily) * days
    if interest != 0.0:
        state.money[CASH] += interest
        happened(state, log, t, -1, INTEREST, interest)


def act_when_traded(market: Market, state: State, log: Log, t: int, k: int) -> None:
    """Step 2: what has become due for column ``k`` since its last bar, on its first bar again."""
    ratio, dividend = at(market.actions.split, t, k), at(market.actions.dividend, t, k)
    due = ratio != 1.0 or dividend != 0.0
    if market.close[t, k] != market.close[t, k]:
        if due and state.since[k] < 0:
            state.since[k] = t
            state.count[WAITING] += 1
        return
    if state.since[k] >= 0:
        for row in range(state.since[k], t):
            act(market, state, log, row, t, k)
        state.since[k] = -1
        state.count[WAITING] -= 1
    if due:
        act(market, state, log, t, t, k)


def act(market: Market, state: State, log: Log, row: int, t: int, k: int) -> None:
    """Apply split and dividend of ``row`` to column ``k`` at bar ``t``."""
    ratio, dividend = at(market.actions.split, row, k), at(market.actions.dividend, row, k)
    if ratio != 1.0:
        for i in range(state.count[OPEN]):
            order = log.working[i]
            if log.orders[order]["symbol"] == k:
                split_order(log.orders[order], ratio)
                child = order + 1
                while child < state.count[ORDERS] and log.orders[child]["parent"] == order:
                    if log.orders[child]["triggered"] == ASLEEP:
                        split_order(log.orders[child], ratio)
                    child += 1
        if state.qty[k] != 0.0:
            state.qty[k] *= ratio
            state.entry[k] /= ratio
            happened(state, log, t, k, SPLIT, ratio)
    if dividend != 0.0 and state.qty[k] != 0.0:
        paid = state.qty[k] * dividend * rate_of(market, t, k, False)
        state.money[CASH] += paid
        happened(state, log, t, k, DIVIDEND, paid)


def split_order(placed: Any, ratio: float) -> None:
    """Turn an order for old units into one for new units."""
    placed["qty"] *= ratio
    placed["filled_qty"] *= ratio
    placed["limit"] /= ratio
    placed["stop"] /= ratio
    placed["trail"] /= ratio


def forced(
    market: Market, terms: Terms, state: State, log: Log, t: int, k: int, qty: float, reason: int
) -> None:
    """Trade ``qty`` signed units at the open, whatever the account can pay."""
    order = write_order(state, log, k, t, qty, reason)
    quote = open_of(market, terms, t, k, 1.0 if qty > 0.0 else -1.0)
    met = (quote, market.open[t, k], True, np.nan, BY_OPEN)
    fill_part(market, terms, state, log, t, order, qty, met)
    note_used(state, k, t, abs(qty))


def recall(market: Market, terms: Terms, state: State, log: Log, t: int) -> None:
    """Step 4: buy back what is short beyond what can be borrowed on this bar."""
    i = 0
    while i < state.count[HELD]:
        k = state.held[i]
        short = -state.qty[k]
        if short > 0.0 and tradable(market, t, k):
            excess = short - at(terms.costs.borrowable, t, k)
            if excess > MIN_QTY:
                forced(market, terms, state, log, t, k, min(excess, short), RECALLED)
                if state.qty[k] == 0.0:
                    drop_orders(state, log, k, BY_BRACKET, True)
                    continue  # the list of what is held has moved up
        i += 1


def liquidate(market: Market, terms: Terms, state: State, log: Log, t: int) -> None:
    """Step 4: close the largest open loss, again and again, until the account is whole."""
    stuck = False
    while not stuck:
        equity, gross = state.money[CASH], 0.0
        worst, worst_loss = -1, np.inf
        waits = False
        for i in range(state.count[HELD]):
            k = state.held[i]
            price = market.open[t, k]
            if price != price:
                price = last_price(market.close, t - 1, k)
            rate = rate_of(market, t, k, False)
            value = state.qty[k] * price * rate
            equity += value
            gross += abs(value)
            gain = value - state.qty[k] * state.entry[k] * rate
            if not tradable(market, t, k):
                waits = True
            elif gain < worst_loss:
                worst, worst_loss = k, gain
        if gross == 0.0 or not below_margin(equity, gross, terms.account.maintenance):
            state.count[CALL] = 0
            return
        if worst < 0:
            state.count[CALL] = 1 if waits else 0
            return
        drop_orders(state, log, worst, BY_LIQUIDATION, False)
        forced(market, terms, state, log, t, worst, -state.qty[worst], LIQUIDATED)


def below_margin(equity: float, gross: float, maintenance: float) -> Any:
    """Whether an account with positions has too little equity, or none."""
    return equity <= 0.0 or equity < maintenance * gross


def drop_orders(state: State, log: Log, k: int, reason: int, children_only: bool) -> None:
    """End what works for column ``k``; with ``children_only`` what protected its position."""
    kept = 0
    for i in range(state.count[OPEN]):
        order = log.working[i]
        placed = log.orders[order]
        if placed["symbol"] == k and (not children_only or placed["parent"] >= 0):
            if placed["reason"] == WORKING:
                finish(state, log, order, reason)
        else:
            log.working[kept] = order
            kept += 1
    state.count[OPEN] = kept


def leave(market: Market, terms: Terms, state: State, log: Log, t: int) -> None:
    """Step 10: close what is held of a symbol whose last bar is ``t``, at its close."""
    for k in range(len(state.qty)):
        if market.ends[k] != t:
            continue
        drop_orders(state, log, k, DELISTED, False)
        if state.qty[k] != 0.0:
            price = market.close[t, k] * (1.0 + terms.account.delisting_return)
            order = write_order(state, log, k, t, -state.qty[k], DELISTED)
            rate = rate_of(market, t, k, True)
            settle(state, log, order, t, -state.qty[k], (price, price, price), 0.0, rate)
