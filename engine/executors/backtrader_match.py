"""At what price an order meets a bar under backtrader's rules.

In the subset numba compiles. NaN as a price means: nothing can be matched on this bar. ``side`` is
+1 for a buy, -1 for a sale.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.backtrader_state import (
    CLOSE,
    LIMIT,
    MARKET,
    STOP,
    TRAIL,
    TRAIL_LIMIT,
    Market,
    Rules,
)


def slipped(rules: Rules, side: float, price: float, cap: float, limit: bool) -> Any:
    """Price after slippage, held at ``cap`` or given up where it passes it."""
    if rules.slip_perc != 0.0:
        moved = price * (1.0 + rules.slip_perc) if side > 0.0 else price * (1.0 - rules.slip_perc)
    elif rules.slip_fixed != 0.0:
        moved = price + rules.slip_fixed if side > 0.0 else price - rules.slip_fixed
    else:
        return price
    if (moved <= cap) if side > 0.0 else (moved >= cap):
        return moved
    if rules.slip_match or (limit and rules.slip_limit):
        return moved if rules.slip_out else cap
    return np.nan


def at_open(rules: Rules, side: float, price: float, cap: float, limit: bool) -> Any:
    """Price at the open, slipped only where the options say so."""
    return slipped(rules, side, price, cap, limit) if rules.slip_open else price


def limit_price(rules: Rules, side: float, limit: float, bar: Any) -> Any:
    """Price of a limit order on a bar (open, high, low, close)."""
    if side > 0.0:
        if limit >= bar[0]:
            return at_open(rules, side, bar[0], min(bar[1], limit), True)
        return limit if limit >= bar[2] else np.nan
    if limit <= bar[0]:
        # the cap is the limit and not the better of limit and low: backtrader's own
        return at_open(rules, side, bar[0], limit, True)
    return limit if limit <= bar[1] else np.nan


def stop_price(rules: Rules, side: float, stop: float, bar: Any) -> Any:
    """Price of a stop on a bar."""
    far = bar[1] if side > 0.0 else bar[2]
    if (bar[0] >= stop) if side > 0.0 else (bar[0] <= stop):
        return at_open(rules, side, bar[0], far, False)
    if (far >= stop) if side > 0.0 else (far <= stop):
        return slipped(rules, side, stop, far, False)
    return np.nan


def stop_limit_price(rules: Rules, twin: Any, side: float, bar: Any) -> Any:
    """(price, whether the stop was touched) of a stop-limit that had not been triggered."""
    stop, limit = twin["price"], twin["limit"]
    far = bar[1] if side > 0.0 else bar[2]
    if (bar[0] >= stop) if side > 0.0 else (bar[0] <= stop):
        return limit_price(rules, side, limit, bar), True
    if not ((far >= stop) if side > 0.0 else (far <= stop)):
        return np.nan, False
    if (limit >= stop) if side > 0.0 else (limit <= stop):
        return slipped(rules, side, stop, far, True), True
    # the bar turned round after the trigger; "<=" on one side and ">" on the other as in backtrader
    if side > 0.0:
        if bar[0] > bar[3] and limit >= bar[3]:
            return limit, True
    elif bar[0] <= bar[3] and limit <= bar[3]:
        return limit, True
    return np.nan, True


def match(market: Market, rules: Rules, order: Any, twin: Any, t: int, k: int) -> Any:
    """(price or NaN, bars back) at which an order fills on row ``t`` of column ``k``.

    Triggers a stop-limit and lets a market-on-close order remember a close.
    """
    bar = (market.open[t, k], market.high[t, k], market.low[t, k], market.close[t, k])
    side = 1.0 if order["qty"] > 0.0 else -1.0
    kind = twin["kind"]
    if kind == MARKET:
        far = bar[1] if side > 0.0 else bar[2]
        if rules.coc:
            return at_open(rules, side, twin["close"], far, False), 0
        if not rules.coo and market.stamp[t] <= twin["created"]:
            return np.nan, 0
        return at_open(rules, side, bar[0], far, False), 0
    if kind == CLOSE:
        return _close_price(twin, market.stamp[t], bar[3])
    if kind == LIMIT:
        return limit_price(rules, side, twin["price"], bar), 0
    if order["triggered"]:
        return limit_price(rules, side, twin["limit"], bar), 0
    if kind in (STOP, TRAIL):
        return stop_price(rules, side, twin["price"], bar), 0
    price, touched = stop_limit_price(rules, twin, side, bar)
    if touched:
        order["triggered"] = 1
    return price, 0


def _close_price(twin: Any, stamp: int, close: float) -> Any:
    """Price of a market-on-close order: this close, or the one remembered from a bar before."""
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
