"""From a rule's wishes to backtrader's calls: ``buy``, ``sell``, ``order_target_percent`` ...

In the subset numba compiles. Rows are heeded one after the other, as a strategy's calls would be.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.backtrader_book import (
    NO_SIZE,
    blank,
    cancel,
    end,
    send_wish,
    tidy,
)
from tradewind.engine.executors.backtrader_money import margin_of, position_value
from tradewind.engine.executors.backtrader_state import (
    BAD_ACTION,
    BAD_GROUP,
    BAD_PRICE,
    BAD_SIZE,
    BAD_SYMBOL,
    BAD_TIME,
    BAD_TYPE,
    BAD_WEIGHT,
    BARE_TARGET,
    CASH,
    CLOSE,
    FINE,
    FIXED_SIZER,
    LIMIT,
    MARKET,
    NO_REDUCE_ONLY,
    NO_SIZER,
    ORDERS,
    PERCENT_SIZER,
    REJECTED,
    STOP,
    STOP_LIMIT,
    SYMBOL,
    TOO_MANY,
    TRAIL,
    TRAIL_LIMIT,
    Log,
    Rules,
    State,
    Terms,
    touch,
)
from tradewind.engine.executors.backtrader_state import Market as Bars
from tradewind.engine.intents import BARS as FOR_BARS
from tradewind.engine.intents import CANCEL, IOC, MARKET_ON_CLOSE, ORDER, TARGET, TRAILING_STOP
from tradewind.engine.intents import LIMIT as LIMIT_WISH
from tradewind.engine.intents import MARKET as MARKET_WISH
from tradewind.engine.intents import STOP as STOP_WISH
from tradewind.engine.intents import STOP_LIMIT as STOP_LIMIT_WISH


def kind_of(wish: Any) -> int:
    """Order type as backtrader numbers it, -1 where there is none like it."""
    kind = wish["order_type"]
    if kind == MARKET_WISH:
        return MARKET
    if kind == MARKET_ON_CLOSE:
        return CLOSE
    if kind == LIMIT_WISH:
        return LIMIT
    if kind == STOP_WISH:
        return STOP
    if kind == STOP_LIMIT_WISH:
        return STOP_LIMIT
    if kind == TRAILING_STOP:
        return TRAIL if np.isnan(wish["limit"]) else TRAIL_LIMIT  # a limit makes it another type
    return -1


def fault_of(wish: Any, kind: int, n_symbols: int) -> int:
    """Why backtrader could not be asked for this, or FINE."""
    if wish["symbol"] < 0 or wish["symbol"] >= n_symbols:
        return BAD_SYMBOL
    if wish["action"] == CANCEL:
        return FINE if wish["order"] >= -1 else BAD_ACTION
    if wish["action"] != ORDER and wish["action"] != TARGET:
        return BAD_ACTION
    if kind < 0:
        return BAD_TYPE
    if wish["tif"] < 0 or wish["tif"] >= IOC or wish["tif"] == FOR_BARS:
        return BAD_TIME
    if wish["reduce_only"]:
        return NO_REDUCE_ONLY
    if wish["oco"] < 0:
        return BAD_GROUP
    return price_fault(wish, kind)


def price_fault(wish: Any, kind: int) -> int:
    """Prices that are infinite, or that the order's type would not look at."""
    protects = False
    for price in (wish["stop_loss"], wish["take_profit"], wish["stop_trail"],
                  wish["stop_trail_fraction"]):  # fmt: skip
        if np.isinf(price):
            return BAD_PRICE
        protects = protects or price == price
    if protects and wish["action"] == TARGET:
        return BARE_TARGET
    for price in (wish["limit"], wish["stop"], wish["trail"], wish["trail_fraction"]):
        if np.isinf(price):
            return BAD_PRICE
    trails = not (np.isnan(wish["trail"]) and np.isnan(wish["trail_fraction"]))
    if trails and kind != TRAIL and kind != TRAIL_LIMIT:
        return BAD_PRICE
    if not np.isnan(wish["limit"]) and (kind in (MARKET, CLOSE, STOP)):
        return BAD_PRICE
    if not np.isnan(wish["stop"]) and (kind in (MARKET, CLOSE, LIMIT)):
        return BAD_PRICE
    return FINE


def sized(market: Bars, rules: Rules, state: State, k: int) -> Any:
    """Units that the sizer gives an order without a quantity."""
    held = state.size[k]
    if rules.sizer == FIXED_SIZER:
        return rules.sizer_stake
    touch(state, k)
    if rules.sizer == PERCENT_SIZER:
        size = held
        if held == 0.0:
            size = state.money[CASH] / market.close[state.row[k], k] * rules.sizer_stake
        return np.trunc(size) if rules.sizer_whole else size
    return rules.sizer_stake * (2.0 if held != 0.0 else 1.0)


def aimed(market: Bars, rules: Rules, schemes: Any, state: State, wish: Any, price: float) -> Any:
    """Signed units that ``order_target_percent`` would send; 0 = no order."""
    k = wish["symbol"]
    held = state.size[k]
    aim = wish["weight"] * rules.full * state.equity[0]
    if aim == 0.0 and held != 0.0:
        return -held
    scheme = schemes[k]
    close = market.close[state.row[k], k]
    value = position_value(rules.shortcash, scheme, held, state.price[k], close)
    unit = price if scheme["stocklike"] else margin_of(scheme, price)
    if unit == 0.0:
        return np.nan
    if aim > value:
        return abs(np.trunc(scheme["leverage"] * ((aim - value) // unit)))
    if aim < value:
        return -abs(np.trunc(scheme["leverage"] * ((value - aim) // unit)))
    return 0.0


def heed(market: Bars, terms: Terms, state: State, log: Log, n: int, t: int) -> int:
    """Act on ``n`` rows of wishes; returns FINE or why the strategy is wrong."""
    rules, schemes = terms.rules, terms.schemes
    if n > len(state.intents):
        return TOO_MANY
    for i in range(n):
        wish = state.intents[i]
        kind = kind_of(wish)
        state.count[SYMBOL] = wish["symbol"]
        code = fault_of(wish, kind, len(state.size))
        if code != FINE:
            return code
        if wish["action"] == CANCEL:
            withdraw_asked(state, log, wish)
            continue
        code = order_wish(market, rules, schemes, state, log, wish, kind, t)
        if code != FINE:
            return code
    tidy(state, log)
    return FINE


def withdraw_asked(state: State, log: Log, wish: Any) -> None:
    """Cancel one order by its number, or with -1 every one of the symbol that is in the queue."""
    number = wish["order"]
    if number >= 0:
        if number < state.count[ORDERS]:
            cancel(state, log, number)
        return
    for i in range(state.n_working[0]):
        if log.orders[log.working[i]]["symbol"] == wish["symbol"]:
            cancel(state, log, log.working[i])


def order_wish(
    market: Bars, rules: Rules, schemes: Any, state: State, log: Log, wish: Any, kind: int, t: int
) -> int:
    """Send what an ORDER or a TARGET asks for; returns FINE or a fault."""
    k = wish["symbol"]
    price = wish["limit"] if kind == LIMIT else wish["stop"]
    limit = wish["limit"] if kind in (STOP_LIMIT, TRAIL_LIMIT) else np.nan
    priced = state.row[k] >= 0  # backtrader would read the last bar of the data here
    if wish["action"] == TARGET:
        qty = wish["weight"]
        if not np.isfinite(qty):
            return BAD_WEIGHT
        if priced:
            touch(state, k)
            closes = qty * rules.full * state.equity[0] == 0.0 and state.size[k] != 0.0
            if price != price and not closes:
                price = market.close[state.row[k], k]
            qty = aimed(market, rules, schemes, state, wish, price)
    else:
        qty = wish["qty"]
        if np.isnan(qty) and abs(wish["weight"]) == 1.0 and rules.sizer != NO_SIZER:
            qty = wish["weight"] * (abs(sized(market, rules, state, k)) if priced else 1.0)
    if not np.isfinite(qty):
        return BAD_SIZE
    if qty != 0.0 and priced:
        send_wish(market, rules, state, log, wish, kind, qty, price, limit, t)
    elif qty != 0.0:
        refuse(state, log, wish, t)
    return FINE


def refuse(state: State, log: Log, wish: Any, t: int) -> None:
    """Write down an order for a symbol that has had no bar yet."""
    n = state.count[ORDERS]
    state.count[ORDERS] = n + 1
    blank(log, n, wish, t)
    qty = wish["qty"] if wish["action"] == ORDER else 0.0
    log.orders[n]["qty"] = 0.0 if np.isnan(qty) else qty
    log.orders[n]["order_type"] = wish["order_type"]
    end(log, n, REJECTED, NO_SIZE)
