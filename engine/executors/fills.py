"""From an order that has met its price to fills and cash: sections 5 to 8 of the rule book.

In the subset numba compiles; the loop in :mod:`tradewind.engine.executors.kernel` calls it.
"""

from typing import Any

import numpy as np

from tradewind.engine.compiling import inlined
from tradewind.engine.costs import affordable_qty, order_fee, raw_fee, tier
from tradewind.engine.executors.quotes import rate_of, slipped
from tradewind.engine.executors.state import (
    ASLEEP,
    BY_BRACKET,
    BY_CLOSE,
    BY_LIMIT,
    BY_OCO,
    BY_RETURN,
    CASH,
    ENTERED,
    EPS,
    EVENTS,
    FILLED,
    FILLS,
    HELD,
    MIN_PART,
    MONTH,
    MONTH_VALUE,
    NO_BORROW,
    NO_CASH,
    NO_LEVERAGE,
    NOT_SHORTABLE,
    NOTHING_TO_REDUCE,
    OPEN,
    ORDERS,
    PARTLY,
    PLAIN,
    REST,
    ROOM,
    WAKING,
    WORKING,
    Log,
    Market,
    State,
    Terms,
    day_of,
    last_price,
    month_of,
)
from tradewind.engine.series import at
from tradewind.engine.sizing import MIN_QTY, whole_lots


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


def hold(state: State, k: int) -> None:
    """Enter or strike column ``k`` in the list of what is held, which stays sorted."""
    held, n = state.held, state.count[HELD]
    i = n
    while i > 0 and held[i - 1] >= k:
        i -= 1
    listed = i < n and held[i] == k
    if state.qty[k] != 0.0 and not listed:
        for j in range(n, i, -1):
            held[j] = held[j - 1]
        held[i] = k
        state.count[HELD] = n + 1
    elif state.qty[k] == 0.0 and listed:
        for j in range(i, n - 1):
            held[j] = held[j + 1]
        state.count[HELD] = n - 1


def settle(
    state: State,
    log: Log,
    order: int,
    t: int,
    qty: float,
    prices: Any,
    fee: float,
    rate: float,
) -> None:
    """Write a fill at ``prices`` (mid, quote, price) and book it; no fill crosses zero."""
    placed = log.orders[order]
    k = placed["symbol"]
    row = log.fills[state.count[FILLS]]
    row["order"] = order
    row["symbol"] = k
    row["bar"] = t
    row["qty"] = qty
    row["mid"] = prices[0]
    row["quote"] = prices[1]
    row["price"] = prices[2]
    row["fee"] = fee
    row["fx"] = rate
    state.count[FILLS] += 1
    state.money[CASH] -= rate * (qty * prices[2]) + fee
    was = state.qty[k]
    now = was + qty
    if abs(now) < MIN_QTY:
        now = 0.0
    if was == 0.0:
        state.entry[k] = prices[2]
        state.adds[k] = 0
    elif was * qty > 0.0:
        state.entry[k] = (state.entry[k] * was + prices[2] * qty) / now
        state.adds[k] += 1
    placed["filled_qty"] += qty
    state.qty[k] = now
    if (was == 0.0) != (now == 0.0):
        hold(state, k)


def turn_month(market: Market, terms: Terms, state: State, t: int) -> None:
    """Begin at the first tier of the fees with every calendar month."""
    if len(terms.costs.fees.from_value) > 1:
        month = month_of(day_of(market, t))
        if month != state.count[MONTH]:
            state.count[MONTH] = month
            state.money[MONTH_VALUE] = 0.0


def fee_of(market: Market, terms: Terms, state: State, placed: Any, t: int, fill: Any) -> float:
    """Fee of a fill (unsigned units, account-currency value, maker): what its order's grows by."""
    units, value, maker = fill
    fees = terms.costs.fees
    turn_month(market, terms, state, t)
    raw = raw_fee(fees, units, value, maker, state.money[MONTH_VALUE])
    state.money[MONTH_VALUE] += value
    placed["raw_fee"] += raw
    placed["value"] += value
    total = max(order_fee(fees, placed["raw_fee"], placed["value"]), placed["fee"])
    fee = total - placed["fee"]
    placed["fee"] = total
    return fee  # type: ignore[no-any-return]


def price_of(
    market: Market, terms: Terms, t: int, k: int, met: Any, side: float, units: float
) -> Any:
    """Price of ``units`` for an order that met (quote, mid, slips, bound, manner)."""
    quote, _, slips, bound, _ = met
    if not slips:
        return quote
    price = slipped(market, terms, t, k, quote, side, units)
    if bound == bound:
        return min(price, bound) if side > 0.0 else max(price, bound)
    return price


def fill_part(
    market: Market, terms: Terms, state: State, log: Log, t: int, order: int, qty: float, met: Any
) -> None:
    """Fill ``qty`` signed units, which either add to or take from the position."""
    placed = log.orders[order]
    k = placed["symbol"]
    units, side = abs(qty), 1.0 if qty > 0.0 else -1.0
    quote, mid, _, _, manner = met
    price = price_of(market, terms, t, k, met, side, units)
    rate = rate_of(market, t, k, manner == BY_CLOSE)
    maker = manner in (BY_LIMIT, BY_RETURN)
    adds = state.qty[k] * qty >= 0.0
    fee = fee_of(market, terms, state, placed, t, (units, units * price * rate, maker))
    settle(state, log, order, t, qty, (mid, quote, price), fee, rate)
    room = state.money[ROOM]
    if room == room:
        exposure = units * mid * rate
        room -= terms.account.max_leverage * (units * abs(price - mid) * rate + fee)
        state.money[ROOM] = room - exposure if adds else room + exposure


def room_for(market: Market, terms: Terms, state: State, t: int, at_close: bool) -> Any:
    """Gross exposure that may be added at bar ``t``: leverage x equity - gross.

    At leverage 1 a long position cancels out of the sum, so only what is short is looked at.
    """
    leverage = terms.account.max_leverage
    room = leverage * state.money[CASH]
    for i in range(state.count[HELD]):
        k = state.held[i]
        qty = state.qty[k]
        if leverage != 1.0 or qty < 0.0:
            price = market.close[t, k] if at_close else market.open[t, k]
            if price != price:
                price = last_price(market.close, t - 1, k)
            value = qty * price * rate_of(market, t, k, at_close)
            room += leverage * value - abs(value)
    return room


def may_open(
    market: Market, terms: Terms, state: State, log: Log, t: int, order: int, units: float, met: Any
) -> Any:
    """(units that may be added, why not more) for an order that opens or adds."""
    placed, account, fees = log.orders[order], terms.account, terms.costs.fees
    k = placed["symbol"]
    side = 1.0 if placed["qty"] > 0.0 else -1.0
    reason = FILLED
    if side < 0.0:
        if account.cash_only or not account.shortable[k]:
            return 0.0, NOT_SHORTABLE
        free = at(terms.costs.borrowable, t, k) - max(-state.qty[k], 0.0)
        if units > free * (1.0 + EPS):
            units = whole_lots(max(free, 0.0), at(terms.sizing.lot, t, k))
            reason = NO_BORROW
            if units < MIN_QTY:
                return 0.0, NO_BORROW
    _, mid, _, _, manner = met
    at_close = manner == BY_CLOSE
    if state.money[ROOM] != state.money[ROOM]:
        state.money[ROOM] = room_for(market, terms, state, t, at_close)
    rate = rate_of(market, t, k, at_close)
    price = price_of(market, terms, t, k, met, side, units) * rate
    turn_month(market, terms, state, t)
    row = tier(fees, state.money[MONTH_VALUE])
    share = fees.maker[row] if manner in (BY_LIMIT, BY_RETURN) else fees.taker[row]
    once = fees.minimum if placed["filled_qty"] == 0.0 else 0.0
    most = affordable_qty(
        state.money[ROOM], account.max_leverage, mid * rate, price,
        price * share + fees.per_unit[row], once,
    )  # fmt: skip
    if units > most * (1.0 + EPS):
        reason = NO_LEVERAGE if account.max_leverage > 1.0 else NO_CASH
        scaled = 0.0 if account.reject else whole_lots(most, at(terms.sizing.lot, t, k))
        units = scaled if scaled > max(MIN_QTY, MIN_PART * units) else 0.0
    return units, reason


def note_used(state: State, k: int, t: int, units: float) -> None:
    """Count units filled on this bar against what participation leaves of its volume."""
    used = state.used[k] if state.used_on[k] == t else 0.0
    state.used[k], state.used_on[k] = used + units, t


def takeable(market: Market, terms: Terms, state: State, k: int, t: int, units: float) -> float:
    """Units of ``units`` that the bar's volume leaves to this order."""
    most = terms.execution.participation * market.volume[t, k]
    if most != most:  # the volume is not known
        return units
    if state.used_on[k] == t:
        most -= state.used[k]
    if units <= most * (1.0 + EPS):
        return units
    part = whole_lots(max(most, 0.0), at(terms.sizing.lot, t, k))
    return part if part >= MIN_QTY else 0.0


def execute(
    market: Market, terms: Terms, state: State, log: Log, t: int, order: int, met: Any
) -> None:
    """Fill what can be filled of an order that met its price, and everything that follows from it.

    Parameters
    ----------
    order : int
    met : tuple
        (quote, mid, whether it slips, price not to be passed or NaN, manner BY_OPEN ... BY_CLOSE).
    """
    placed = log.orders[order]
    k = placed["symbol"]
    side = 1.0 if placed["qty"] > 0.0 else -1.0
    was = state.qty[k]
    against = max(-side * was, 0.0)
    left = abs(placed["qty"] - placed["filled_qty"])
    if placed["reduce_only"]:
        if against == 0.0:
            finish(state, log, order, NOTHING_TO_REDUCE)
            return
        left = min(left, against)
    take = takeable(market, terms, state, k, t, left)
    closing = min(take, against)
    opening = take - closing
    filled = opened = 0.0
    refused = FILLED
    if closing > 0.0:
        fill_part(market, terms, state, log, t, order, side * closing, met)
        filled = closing
    if opening >= MIN_QTY:
        opened, refused = may_open(market, terms, state, log, t, order, opening, met)
        if opened > 0.0:
            fill_part(market, terms, state, log, t, order, side * opened, met)
            filled += opened
    if filled > 0.0:
        note_used(state, k, t, filled)
    left = abs(placed["qty"] - placed["filled_qty"])
    if opened > 0.0:
        wake(state, log, order, side * opened, met)
    if refused != FILLED:
        finish(state, log, order, PARTLY if placed["filled_qty"] != 0.0 else refused)
    elif left <= max(MIN_QTY, EPS * abs(placed["qty"])) or (
        placed["reduce_only"] and state.qty[k] == 0.0
    ):
        finish(state, log, order, FILLED)
    elif take < left + filled and not terms.execution.carry:
        finish(state, log, order, REST)
    if filled > 0.0:
        consequences(state, log, order, was, side * filled)


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


@inlined
def trail_from(placed: Any, price: float) -> Any:
    """Where a trailing stop stands when ``price`` is followed: below for a sale, above to buy."""
    distance = placed["trail"]
    if distance != distance:
        distance = placed["trail_fraction"] * price
    return price + distance if placed["qty"] > 0.0 else price - distance


def start_trail(placed: Any, price: float) -> None:
    """Set a trailing stop for the first time."""
    placed["stop"] = np.nan
    follow(placed, price)


@inlined
def follow(placed: Any, price: float) -> None:
    """Move a trailing stop after ``price``, never away from it."""
    level = trail_from(placed, price)
    stop = placed["stop"]
    if stop != stop or (level < stop if placed["qty"] > 0.0 else level > stop):
        placed["stop"] = level
