"""At what price an order meets a bar under backtrader's rules.

In the subset numba compiles. NaN as a price means: nothing can be matched on this bar. ``side`` is
+1 for a buy, -1 for a sale.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.backtrader_state import (
    LIMIT,
    MARKET,
    STOP,
    TRAIL,
    TRAIL_LIMIT,
    Market,
    Rules,
    stamp_of,
)


def slipped(rules: Rules, side: float, price: float, cap: float, limit: bool) -> Any:
    """(price after slippage, price before): held at ``cap`` or given up where it passes it."""
    if rules.slip_perc != 0.0:
        moved = price * (1.0 + rules.slip_perc) if side > 0.0 else price * (1.0 - rules.slip_perc)
    elif rules.slip_fixed != 0.0:
        moved = price + rules.slip_fixed if side > 0.0 else price - rules.slip_fixed
    else:
        return price, price
    if (moved <= cap) if side > 0.0 else (moved >= cap):
        return moved, price
    if rules.slip_match or (limit and rules.slip_limit):
        return (moved if rules.slip_out else cap), price
    return np.nan, price


def at_open(rules: Rules, side: float, price: float, cap: float, limit: bool) -> Any:
    """The same at the open, where slippage is asked for there."""
    return slipped(rules, side, price, cap, limit) if rules.slip_open else (price, price)


def limit_price(rules: Rules, side: float, limit: float, bar: Any) -> Any:
    """(price, price before slippage) of a limit order on a bar (open, high, low, close)."""
    if side > 0.0:
        if limit >= bar[0]:
            return at_open(rules, side, bar[0], min(bar[1], limit), True)
        return (limit if limit >= bar[2] else np.nan), limit
    if limit <= bar[0]:
        # the cap is the limit and not the better of limit and low: backtrader's own
        return at_open(rules, side, bar[0], limit, True)
    return (limit if limit <= bar[1] else np.nan), limit


def stop_price(rules: Rules, side: float, stop: float, bar: Any) -> Any:
    """(price, price before slippage) of a stop on a bar."""
    far = bar[1] if side > 0.0 else bar[2]
    if (bar[0] >= stop) if side > 0.0 else (bar[0] <= stop):
        return at_open(rules, side, bar[0], far, False)
    if (far >= stop) if side > 0.0 else (far <= stop):
        return slipped(rules, side, stop, far, False)
    return np.nan, stop


def stop_limit_price(rules: Rules, order: Any, twin: Any, side: float, bar: Any) -> Any:
    """(price, price before slippage) of a stop-limit that was not triggered before this bar."""
    stop, limit = twin["price"], twin["limit"]
    far = bar[1] if side > 0.0 else bar[2]
    if (bar[0] >= stop) if side > 0.0 else (bar[0] <= stop):
        order["triggered"] = 1
        return limit_price(rules, side, limit, bar)
    if not ((far >= stop) if side > 0.0 else (far <= stop)):
        return np.nan, limit
    order["triggered"] = 1
    if (limit >= stop) if side > 0.0 else (limit <= stop):
        return slipped(rules, side, stop, far, True)
    # the bar turned round after the trigger; "<=" on one side and ">" on the other as in backtrader
    if side > 0.0:
        back = bar[0] > bar[3] and limit >= bar[3]
    else:
        back = bar[0] <= bar[3] and limit <= bar[3]
    return (limit if back else np.nan), limit


def match(market: Market, rules: Rules, order: Any, twin: Any, t: int, k: int) -> Any:
    """(price or NaN, price before slippage) at which an order fills on row ``t`` of column ``k``.

    Triggers a stop-limit.
    """
    bar = (market.open[t, k], market.high[t, k], market.low[t, k], market.close[t, k])
    side = 1.0 if order["qty"] > 0.0 else -1.0
    kind = twin["kind"]
    if kind == MARKET:
        far = bar[1] if side > 0.0 else bar[2]
        if rules.coc:
            return at_open(rules, side, twin["close"], far, False)
        if not rules.coo and stamp_of(market, t) <= twin["created"]:
            return np.nan, np.nan
        return at_open(rules, side, bar[0], far, False)
    if kind == LIMIT:
        return limit_price(rules, side, twin["price"], bar)
    if order["triggered"]:
        return limit_price(rules, side, twin["limit"], bar)
    if kind in (STOP, TRAIL):
        return stop_price(rules, side, twin["price"], bar)
    return stop_limit_price(rules, order, twin, side, bar)


def close_price(twin: Any, stamp: int, close: float) -> Any:
    """(price or NaN, bars back) of a market-on-close order.

    It fills at this close, or at the one it remembers from a bar before; else it remembers this.
    """
    if stamp > twin["created"] and stamp >= twin["session_end"]:
        if twin["note"] != 0.0 and stamp > twin["session_end"]:
            return twin["note"], 1
        return close, 0
    twin["note"] = close
    return np.nan, 0


def follow(order: Any, twin: Any, price: float) -> bool:
    """Move a trail after ``price``; says whether it moved."""
    step = 0.0
    if order["trail"] == order["trail"] and order["trail"] != 0.0:
        step = order["trail"]
    elif order["trail_fraction"] == order["trail_fraction"]:
        step = price * order["trail_fraction"]
    if order["qty"] > 0.0:
        moved = price + step
        if not moved < twin["price"]:
            return False
    else:
        moved = price - step
        if not moved > twin["price"]:
            return False
    twin["price"] = moved
    order["stop"] = moved
    if twin["kind"] == TRAIL_LIMIT:
        twin["limit"] = moved - twin["offset"]
        order["limit"] = twin["limit"]
    return True


def filled_part(market: Market, rules: Rules, order: Any, twin: Any, t: int, k: int) -> Any:
    """Signed units that the volume of row ``t`` lets fill."""
    rest = abs(twin["remaining"])
    volume = market.volume[t, k]
    if rules.filler == 1:
        part = min(volume, rest)
        if rules.filler_size != 0.0:
            part = min(part, rules.filler_size)
    elif rules.filler == 2:
        part = min((volume * rules.filler_size) // 100.0, rest)
    else:
        parts = 1.0
        if rules.filler_step != 0.0:
            span = market.high[t, k] - market.low[t, k] + rules.filler_step
            parts = span // rules.filler_step
        part = min(((volume / parts) * rules.filler_size) // 100.0, rest)
    return part if order["qty"] > 0.0 else -part
