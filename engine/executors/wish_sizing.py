"""How many units the wishes of one decision mean, in the order that docs/sizing.md gives.

In the subset numba compiles; :mod:`tradewind.engine.executors.entry` sends what comes out.
"""

from typing import Any

import numpy as np

from tradewind.engine.executors.ending import happened
from tradewind.engine.executors.placing import reference_price, write_order
from tradewind.engine.executors.quotes import rate_of
from tradewind.engine.executors.state import (
    CAPPED,
    CUT,
    DELISTED,
    NO_SIZE,
    PEAK,
    Log,
    Market,
    State,
    Terms,
    last_price,
)
from tradewind.engine.intents import ORDER, TARGET
from tradewind.engine.series import at
from tradewind.engine.sizing import (
    BY_DRAWDOWN,
    MIN_QTY,
    NO_CUT,
    PARITY,
    RISK,
    capped,
    inverse_vol,
    sized,
    staying,
    throttled,
    whole_lots,
)


def size_targets(market: Market, terms: Terms, state: State, log: Log, n: int, t: int) -> float:
    """Set ``state.aim`` to the units that each target means; returns the sum for risk parity."""
    begin(market, terms, state, n, t)
    parity = inverse_vols(market, terms, state, n, t) if terms.sizing.kind == PARITY else 0.0
    for i in range(n):  # all are sized before one is capped: what is let go makes room at once
        if state.intents[i]["action"] == TARGET:
            size_target(market, terms, state, log, i, t, parity)
    for i in range(n):
        if state.intents[i]["action"] == TARGET:
            cap_target(market, terms, state, log, i, t)
    return parity


def begin(market: Market, terms: Terms, state: State, n: int, t: int) -> None:
    """Let every column stand with what is held; add it up where a cap on a sum needs that."""
    for i in range(n):
        k = state.intents[i]["symbol"]
        state.aim[k] = state.stand[k] = state.qty[k]
    if not sums(terms):
        return
    for k in range(len(state.gross_of)):
        state.gross_of[k] = 0.0
    for k in range(len(state.qty)):
        state.stand[k] = 0.0
        if state.qty[k] != 0.0:
            stand_with(market, terms, state, k, t, state.qty[k])


def sums(terms: Terms) -> Any:
    """Whether there is a cap on more than one symbol."""
    return terms.sizing.max_group < np.inf or terms.sizing.max_gross < np.inf


def value_of_one(market: Market, k: int, t: int) -> Any:
    """Last close of column ``k``, account currency."""
    return last_price(market.close, t, k) * rate_of(market, t, k, True)


def stand_with(market: Market, terms: Terms, state: State, k: int, t: int, units: float) -> None:
    """Let column ``k`` count with ``units`` beside the wishes that follow."""
    change = abs(units) - abs(state.stand[k])
    if sums(terms) and change != 0.0:
        change *= value_of_one(market, k, t)
        state.gross_of[0] += change
        group = terms.sizing.group[k]
        if 0 <= group < len(state.qty):
            state.gross_of[1 + group] += change
    state.stand[k] = units


def gone(market: Market, k: int, t: int) -> Any:
    """Whether column ``k`` trades no more after bar ``t``."""
    return market.ends[k] >= 0 and market.ends[k] <= t


def inverse_vols(market: Market, terms: Terms, state: State, n: int, t: int) -> float:
    """Sum of inverse volatilities over open positions and what this decision wishes to hold."""
    total = 0.0
    for k in range(len(state.qty)):
        if state.qty[k] != 0.0 and state.named[k] != t:
            total += inverse_vol(terms.sizing, t, k)
            state.counted[k] = t
    for i in range(n):
        wish = state.intents[i]
        k = wish["symbol"]
        by_strength = wish["action"] == TARGET or wish["action"] == ORDER
        if not by_strength or wish["weight"] == 0.0 or state.counted[k] == t or gone(market, k, t):
            continue
        total += inverse_vol(terms.sizing, t, k)
        state.counted[k] = t
    return total


def strength_left(terms: Terms, state: State, wish: Any) -> Any:
    """What the drawdown leaves of a strength; an order against the position is not throttled."""
    if wish["action"] == ORDER and wish["weight"] * state.qty[wish["symbol"]] < 0.0:
        return 1.0
    return throttled(terms.sizing, state.equity[0], state.money[PEAK])


def units_of(
    market: Market, terms: Terms, state: State, log: Log, wish: Any, t: int, parity: float
) -> Any:
    """Signed units that the strength of a wish means, before caps; NaN where there is no number."""
    k, strength = wish["symbol"], wish["weight"]
    if strength == 0.0:
        return 0.0
    factor = strength_left(terms, state, wish)
    if factor < 1.0:
        happened(state, log, t, k, CUT, float(BY_DRAWDOWN))
    price = value_of_one(market, k, t)
    away = np.nan
    if terms.sizing.kind == RISK:
        away = stop_distance(market, terms, wish, t) * rate_of(market, t, k, True)
    return sized(terms.sizing, t, k, strength * factor, state.equity[0], price, away, parity)


def stop_distance(market: Market, terms: Terms, wish: Any, t: int) -> Any:
    """From the entry of a wish to its protective stop, price units; NaN where it has none."""
    if wish["stop_trail"] == wish["stop_trail"]:
        return wish["stop_trail"]
    entry = reference_price(market, terms, wish, t, wish["weight"] > 0.0)
    if wish["stop_trail_fraction"] == wish["stop_trail_fraction"]:
        return wish["stop_trail_fraction"] * entry
    return abs(entry - wish["stop_loss"])


def within_caps(
    market: Market, terms: Terms, state: State, log: Log, k: int, t: int, aim: float, held: float
) -> Any:
    """(signed units of ``aim`` that the caps leave, which cap cut them); a cut is written down."""
    sizing = terms.sizing
    price = value_of_one(market, k, t)
    group = others = 0.0
    if sums(terms):
        own = abs(state.stand[k]) * price if state.stand[k] != 0.0 else 0.0
        others = max(state.gross_of[0] - own, 0.0)
        if 0 <= sizing.group[k] < len(state.qty):
            group = max(state.gross_of[1 + sizing.group[k]] - own, 0.0)
    adds = state.adds[k] if state.qty[k] * held > 0.0 else 0  # of a position that is open
    left, cut = capped(sizing, k, aim, held, adds, price, state.equity[0], group, others)
    if cut != NO_CUT:
        happened(state, log, t, k, CUT, float(cut))
    return left, cut


def on_lot(terms: Terms, t: int, k: int, units: float) -> Any:
    """Units rounded toward zero to the lot; so little that it would be struck off is nothing."""
    whole = whole_lots(units, at(terms.sizing.lot, t, k))
    return 0.0 if abs(whole) < MIN_QTY else whole


def size_target(
    market: Market, terms: Terms, state: State, log: Log, i: int, t: int, parity: float
) -> None:
    """Find the units that target ``i`` means before caps; NaN where it means none."""
    wish = state.intents[i]
    k = wish["symbol"]
    units = np.nan
    if wish["weight"] == 0.0 or not gone(market, k, t):
        units = units_of(market, terms, state, log, wish, t, parity)
    state.aim[k] = units
    if units == units:
        stand_with(market, terms, state, k, t, staying(units, state.qty[k]))


def cap_target(market: Market, terms: Terms, state: State, log: Log, i: int, t: int) -> None:
    """Find the units that target ``i`` means in the end; where it means none, say why."""
    wish = state.intents[i]
    k = wish["symbol"]
    units, held = state.aim[k], state.qty[k]
    if units != units:
        write_order(state, log, k, t, 0.0, DELISTED if gone(market, k, t) else NO_SIZE)
        return
    cut = NO_CUT
    if units != 0.0:
        units, cut = within_caps(market, terms, state, log, k, t, units, held)
        units = on_lot(terms, t, k, units)
    if wish["weight"] != 0.0 and strength_left(terms, state, wish) < 1.0:
        cut = BY_DRAWDOWN
    if cut != NO_CUT and units == 0.0 and held == 0.0:
        write_order(state, log, k, t, 0.0, CAPPED)
    state.aim[k] = units
    stand_with(market, terms, state, k, t, units)
