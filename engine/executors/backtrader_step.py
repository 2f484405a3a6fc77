"""One bar of backtrader's broker: cash check, interest, the walk over the queue, settlement.

In the subset numba compiles. Numbers in brackets are sections of docs/backtrader-rules.md.
"""

from typing import Any

from tradewind.engine.executors.backtrader_book import (
    BY_BRACKET,
    FILLED,
    NO_CASH,
    OVERDUE,
    accept,
    complete,
    dissolve_bracket,
    dissolve_oco,
    end,
    tidy,
)
from tradewind.engine.executors.backtrader_match import close_price, filled_part, follow, match
from tradewind.engine.executors.backtrader_money import (
    cash_of,
    charge_interest,
    fee_of,
    settle_futures,
    settled,
    split,
)
from tradewind.engine.executors.backtrader_state import (
    CASH,
    CLOSE,
    COMPLETED,
    CREDIT,
    DAY_US,
    EXPIRED,
    FILLS,
    MARGIN,
    MARKET,
    NO_FILLER,
    PARTIAL,
    REJECTED,
    SENT,
    STALE,
    STEP,
    TRAIL,
    TRAIL_LIMIT,
    Log,
    Rules,
    State,
    Terms,
    stamp_of,
    touch,
)
from tradewind.engine.executors.backtrader_state import Market as Bars


def check_cash(market: Bars, rules: Rules, schemes: Any, state: State, log: Log) -> None:
    """Accept or refuse what was sent since the last bar, on scratch cash and positions (7.3).

    Every order counts in full at its creation price, and cash is not given back by a refusal.
    """
    cash = state.money[CASH]
    step = state.count[STEP]
    for i in range(state.count[SENT]):
        number = log.sent[i]
        order, twin = log.orders[number], log.twins[number]
        if order["parent"] >= 0 and log.twins[order["parent"]]["dead"]:
            end(log, number, REJECTED, BY_BRACKET)
            continue
        k = order["symbol"]
        scheme = schemes[k]
        touch(state, k)
        if state.drafted[k] != step:
            state.drafted[k] = step
            state.draft[k] = state.size[k]
            state.draft_price[k] = state.price[k]
        price = twin["price"]
        if rules.coo and twin["kind"] == MARKET:
            price = market.open[state.row[k], k]
        new, average, opened, closed = split(
            state.draft[k], state.draft_price[k], twin["remaining"], price
        )
        if closed != 0.0:
            cash += cash_of(rules, scheme, closed, -closed, price)
            cash -= fee_of(scheme, closed, price)
        if opened != 0.0:
            cash -= cash_of(rules, scheme, opened, opened, price)
            cash -= fee_of(scheme, opened, price)
        state.draft[k] = new
        state.draft_price[k] = average
        if cash >= 0.0:
            accept(state, log, number)
        else:
            end(log, number, MARGIN, NO_CASH)
            dissolve_oco(state, log, number)
            dissolve_bracket(state, log, number)
    state.count[SENT] = 0


def execute(
    market: Bars, rules: Rules, schemes: Any, state: State, log: Log, number: int, price: float,
    mid: float, back: int, t: int,
) -> None:  # fmt: skip
    """Fill an order at ``price``: close what it closes, open what cash allows, or nothing (7.6)."""
    order, twin = log.orders[number], log.twins[number]
    k = order["symbol"]
    scheme = schemes[k]
    qty = twin["remaining"]
    if rules.filler != NO_FILLER:
        row = state.before[k] if back else state.row[k]
        qty = filled_part(market, rules, order, twin, row, k)
    size, average = state.size[k], state.price[k]
    touch(state, k)
    new, _, opened, closed = split(size, average, qty, price)
    cash = state.money[CASH]
    fee_closed = fee_opened = 0.0
    if closed != 0.0:
        cash_back = cash_of(rules, scheme, closed, -closed, average)
        if scheme["stocklike"]:
            cash += cash_back + -closed * (price - average) * scheme["mult"]
        else:
            cash += cash_back
        fee_closed = fee_of(scheme, closed, price)
        cash -= fee_closed
        cash += settled(scheme, -closed, state.base[k], price)
        state.money[CASH] = cash
    wanted = opened
    if opened != 0.0:
        cash -= cash_of(rules, scheme, opened, opened, price)
        fee_opened = fee_of(scheme, opened, price)
        cash -= fee_opened
        if cash < 0.0:
            opened = fee_opened = 0.0
        else:
            if abs(new) > abs(opened):
                cash += settled(scheme, new - opened, state.base[k], price)
            state.base[k] = price
            state.money[CASH] = cash
    done = closed + opened
    if done != 0.0:
        state.size[k], state.price[k], _, _ = split(size, average, done, price)
        state.carry_day[k] = stamp_of(market, state.row[k]) // DAY_US
        quote = mid + rules.spread_share * (price - mid)
        book_fill(log, number, done, price, fee_closed + fee_opened)
        prices = (price, mid, quote, scheme["mult"])
        if closed != 0.0:  # a fill through zero is written as two, as everywhere in tradewind
            write_fill(state, log, order, closed, prices, fee_closed, t)
        if opened != 0.0:
            write_fill(state, log, order, opened, prices, fee_opened, t)
        if closed != 0.0 and rules.int2pnl:
            fee_closed += state.carry[k]
            state.carry[k] = 0.0
        order["fee"] += fee_closed + fee_opened
        dissolve_oco(state, log, number)
    if wanted != 0.0 and opened == 0.0:
        end(log, number, MARGIN, NO_CASH)
        dissolve_oco(state, log, number)
        dissolve_bracket(state, log, number)


def book_fill(log: Log, number: int, done: float, price: float, fee: float) -> None:
    """Book a fill on its order, with the average price as backtrader reckons it."""
    order, twin = log.orders[number], log.twins[number]
    twin["remaining"] -= done
    old = order["filled_qty"] * twin["fill_price"]
    order["filled_qty"] += done
    twin["fill_price"] = (old + done * price) / order["filled_qty"]
    order["raw_fee"] += fee
    order["value"] += abs(done) * price
    if twin["remaining"] != 0.0:
        twin["status"] = PARTIAL
    else:
        end(log, number, COMPLETED, FILLED)


def write_fill(
    state: State, log: Log, order: Any, qty: float, prices: Any, fee: float, t: int
) -> None:
    """Write a fill down; ``prices`` are price, mid, quote and currency a point."""
    row = log.fills[state.count[FILLS]]
    row["order"] = order["id"]
    row["symbol"] = order["symbol"]
    row["bar"] = t
    row["qty"] = qty
    row["price"] = prices[0]
    row["mid"] = prices[1]
    row["quote"] = prices[2]
    row["fee"] = fee
    row["fx"] = prices[3]
    state.count[FILLS] += 1


def try_order(
    market: Bars, rules: Rules, schemes: Any, state: State, log: Log, number: int, t: int
) -> bool:
    """Look at one order that is awake; says whether anything about it changed."""
    order, twin = log.orders[number], log.twins[number]
    k = order["symbol"]
    was, note = order["triggered"], twin["note"]
    at = state.row[k]
    back = 0
    if twin["kind"] == CLOSE:
        price, back = close_price(twin, stamp_of(market, at), market.close[at, k])
        mid = price
    else:
        price, mid = match(market, rules, order, twin, at, k)
    if price == price:
        execute(market, rules, schemes, state, log, number, price, mid, back, t)
    moved = False
    if twin["status"] < COMPLETED and (
        twin["kind"] == TRAIL or (twin["kind"] == TRAIL_LIMIT and was == 0)
    ):
        moved = follow(order, twin, market.close[at, k])
    return price == price or moved or order["triggered"] != was or twin["note"] != note


def meet_bar(market: Bars, rules: Rules, schemes: Any, state: State, log: Log, t: int) -> None:
    """Walk the queue once, oldest first, across all symbols (7.2)."""
    n = state.n_working[0]
    kept = 0
    for i in range(n):
        number = log.working[i]
        twin = log.twins[number]
        if twin["pending"] == 0:  # cancelled by a fill before it
            continue
        k = log.orders[number]["symbol"]
        stale = state.row[k] != t
        if stale and rules.stale == 0:
            log.working[kept] = number
            kept += 1
            continue
        changed = False
        twin["pending"] = 0  # out of the queue while it is looked at: nothing can cancel it
        if twin["kind"] != MARKET and stamp_of(market, state.row[k]) > twin["valid"]:
            end(log, number, EXPIRED, OVERDUE)
            dissolve_oco(state, log, number)
            dissolve_bracket(state, log, number)
            changed = True
        elif twin["wakes"] <= state.count[STEP]:
            changed = try_order(market, rules, schemes, state, log, number, t)
            if twin["status"] == COMPLETED:
                complete(state, log, number)
        if stale and changed:
            state.count[STALE] += 1
        if twin["status"] < COMPLETED:
            twin["pending"] = 1
            log.working[kept] = number
            kept += 1
    state.n_working[0] = kept
    tidy(state, log)


def step(market: Bars, terms: Terms, state: State, log: Log, t: int) -> None:
    """Do what the broker does on a bar before the strategy sees it, but for the valuation."""
    rules, schemes = terms.rules, terms.schemes
    if state.count[SENT] > 0:
        check_cash(market, rules, schemes, state, log)
    state.money[CREDIT] = 0.0
    if rules.interest:
        charge_interest(market, schemes, state, log, t)
    if state.n_working[0] > 0:
        meet_bar(market, rules, schemes, state, log, t)
    if rules.futures:
        settle_futures(market, schemes, state)
