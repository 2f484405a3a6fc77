"""Fees, positions, cash and value as backtrader reckons them, operation by operation.

In the subset numba compiles. The order of the float64 operations is that of ``comminfo.py``,
``position.py`` and ``brokers/bbroker.py``: another order would give another last bit.
"""

from typing import Any

from tradewind.engine.compiling import inlined
from tradewind.engine.executors.backtrader_state import (
    CASH,
    CREDIT,
    DAY_US,
    EVENTS,
    LISTED,
    Log,
    Market,
    Rules,
    State,
    stamp_of,
)

BORROW, INTEREST = 0, 1  # tradewind.engine.types.Happening


@inlined
def margin_of(scheme: Any, price: float) -> Any:
    """Currency tied up by one contract."""
    auto = scheme["automargin"]
    if auto == 0.0:
        return scheme["margin"]
    return price * scheme["mult"] if auto < 0.0 else price * auto


@inlined
def worth(scheme: Any, size: float, price: float) -> Any:
    """Value of ``size``: with its sign for stocks, the margin for futures."""
    if scheme["stocklike"]:
        return size * price
    return abs(size) * margin_of(scheme, price)


def cost(scheme: Any, size: float, price: float) -> Any:
    """Cash that an operation takes, whatever its side."""
    if scheme["stocklike"]:
        return abs(size) * price
    return abs(size) * margin_of(scheme, price)


def cash_of(rules: Rules, scheme: Any, traded: float, size: float, price: float) -> Any:
    """Cash bound by ``traded`` (or ``size``, where shorts pay in), after leverage."""
    value = worth(scheme, size, price) if rules.shortcash else cost(scheme, traded, price)
    return value / scheme["leverage"] if value > 0.0 else value


def fee_of(scheme: Any, size: float, price: float) -> Any:
    """Commission of one side."""
    if scheme["percent"]:
        return abs(size) * scheme["commission"] * price
    return abs(size) * scheme["commission"]


def settled(scheme: Any, size: float, old: float, new: float) -> Any:
    """Cash that a future's move from ``old`` to ``new`` brings; stocks have none."""
    if scheme["stocklike"]:
        return 0.0
    return size * (new - old) * scheme["mult"]


def split(size: float, average: float, qty: float, price: float) -> Any:
    """(new size, new average, units opened, units closed) of trading ``qty`` at ``price``."""
    new = size + qty
    if new == 0.0:
        return new, 0.0, 0.0, qty
    if size == 0.0:
        return new, price, qty, 0.0
    if (size > 0.0 and qty > 0.0) or (size < 0.0 and qty < 0.0):
        return new, (average * size + qty * price) / new, qty, 0.0
    if (size > 0.0) == (new > 0.0):
        return new, average, 0.0, qty
    return new, price, new, -size


def charge_interest(market: Market, schemes: Any, state: State, log: Log, t: int) -> None:
    """Take interest on every position for the days since it was last charged."""
    credit = 0.0
    for i in range(state.count[LISTED]):
        k = state.listed[i]
        size = state.size[k]
        if size == 0.0:
            continue
        day = stamp_of(market, state.row[k]) // DAY_US
        days = day - state.carry_day[k]
        state.carry_day[k] = day
        if days <= 0 or (size > 0.0 and not schemes[k]["interest_long"]):
            continue
        due = float(days) * schemes[k]["daily"] * abs(size) * state.price[k]
        state.carry[k] += due
        credit += due
        if due != 0.0:
            row = log.events[state.count[EVENTS]]
            row["bar"] = t
            row["symbol"] = k
            row["kind"] = INTEREST if size > 0.0 else BORROW
            row["amount"] = -due
            state.count[EVENTS] += 1
    state.money[CASH] -= credit
    state.money[CREDIT] = credit


def settle_futures(market: Market, schemes: Any, state: State) -> None:
    """Move cash by what futures gained since they were last settled."""
    for i in range(state.count[LISTED]):
        k = state.listed[i]
        if state.size[k] != 0.0:
            close = market.close[state.row[k], k]
            state.money[CASH] += settled(schemes[k], state.size[k], state.base[k], close)
            state.base[k] = close


@inlined
def position_value(shortcash: int, scheme: Any, size: float, average: float, close: float) -> Any:
    """Value of a position before leverage; a short's is negative where shorts pay cash in."""
    if shortcash or not scheme["stocklike"] or size >= 0.0:
        return worth(scheme, size, close)
    value = average * size
    value += (average - close) * size
    return value
