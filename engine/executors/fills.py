"""From an order that has met its price to fills and cash: sections 5 to 8 of the rule book.

In the subset numba compiles; the loop in :mod:`tradewind.engine.executors.kernel` calls it.
"""

from typing import Any

import numpy as np

from tradewind.engine.compiling import inlined
from tradewind.engine.costs import affordable_qty, order_fee, raw_fee, tier
from tradewind.engine.executors.ending import consequences, finish, wake
from tradewind.engine.executors.quotes import rate_of, slipped
from tradewind.engine.executors.state import (
    BY_CLOSE,
    BY_LIMIT,
    BY_RETURN,
    CASH,
    EPS,
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
    PARTLY,
    REST,
    ROOM,
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
    # What earlier parts of the order were spared by the maximum may be charged with this one.
    once = max(max(placed["raw_fee"], fees.minimum) - placed["fee"], 0.0)
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
