"""From a strategy's strength to units: pure functions on numbers, in the subset numba compiles.

A sizing sees only what was known at the decision: the close and the equity of that bar, what is
held, and estimates made from bars up to it.
"""

from math import floor, inf, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.series import Series, at, constant

MIN_QTY = 1e-9  # below this a rebalance is rounding noise, not a trade
WEIGHT, UNITS, NOTIONAL, RISK, PARITY = range(5)  # Sizing.kind
NO_CUT, BY_NAME, BY_GROUP, BY_GROSS, BY_PYRAMIDING, BY_DRAWDOWN = range(6)  # engine.types.Cut


class Sizing(NamedTuple):
    """Numbers the kernel sizes with."""

    kind: int
    full: Series  # at strength 1: weight of equity, units, notional, fraction lost at the stop ...
    distance: Series  # RISK: price units to the stop where the wish brings none
    vol: Series  # PARITY: volatility of one bar
    max_weight: float  # cap on the weight of one symbol
    group: Any  # (n_symbols,) number of each symbol's group
    max_group: float  # cap on the gross weight of a group
    max_gross: float  # cap on the gross weight of everything
    max_adds: int  # fills that may add to a position once it is open
    throttle_from: float  # drawdown at which strength begins to shrink
    throttle_to: float  # drawdown at which it is 0; inf = no throttle
    lot: float  # units per lot; 0 = fractional
    min_notional: float  # account currency


def fixed_weight(
    weight: float, n_symbols: int, *, max_weight: float = 1.0, lot: float = 0.0
) -> Sizing:
    """Full strength means ``weight`` of equity, with no cap but ``max_weight``."""
    return Sizing(
        WEIGHT,
        constant(weight),
        constant(nan),
        constant(nan),
        max_weight,
        np.zeros(n_symbols, np.int64),
        inf,
        inf,
        2**31,
        inf,
        inf,
        lot,
        0.0,
    )


def sized(
    sizing: Sizing,
    t: int,
    k: int,
    strength: float,
    equity: float,
    price: float,
    distance: float,
    parity: float,
) -> Any:
    """Signed units that a strength means before caps and lots; NaN where there is no number.

    Parameters
    ----------
    sizing : Sizing
    t, k : int
        Bar of the decision and column.
    strength : float
        What the strategy asked for, 1 = full position.
    equity, price : float
        Account currency, at the close of the decision.
    distance : float
        To the protective stop of the wish, account currency per unit; NaN without one.
    parity : float
        Sum of inverse volatilities over open positions and wishes, for PARITY.
    """
    if strength == 0.0:
        return 0.0
    if not (price > 0.0 and equity > 0.0):
        return nan
    full = at(sizing.full, t, k)
    return strength * full * equity / price


def capped(
    sizing: Sizing,
    k: int,
    aim: float,
    held: float,
    adds: int,
    price: float,
    equity: float,
    others_in_group: float,
    others: float,
) -> tuple[float, int]:
    """(signed units within the caps, number of the cap that cut them or 0).

    Parameters
    ----------
    sizing : Sizing
    k : int
        Column.
    aim, held : float
        Signed units wished for in all, and held.
    adds : int
        Fills that have added to the position since it was opened.
    price, equity : float
        Account currency, at the close of the decision.
    others_in_group, others : float
        Gross value of the other positions of the group, and of all others; account currency, the
        targets of this decision in place of what is held where they are known already.
    """
    most = sizing.max_weight * equity / price
    if abs(aim) > most * (1.0 + 1e-12):
        return (most if aim > 0.0 else -most), BY_NAME
    return aim, NO_CUT


def throttled(sizing: Sizing, equity: float, peak: float) -> float:
    """Factor on every strength, from the drawdown of the account; 1 without a throttle."""
    return 1.0


def whole_lots(qty: float, lot: float) -> float:
    """Round signed units toward zero to the lot; 0 leaves them as they are (A8)."""
    if lot <= 0.0 or qty != qty:
        return qty
    # 1e-9 of a lot: a quotient that is whole but for rounding must not lose a lot.
    lots = floor(abs(qty) / lot + 1e-9) * lot
    return lots if qty > 0.0 else -lots


def ewma_volatility(close: np.ndarray, lookback: int) -> np.ndarray:
    """Standard deviation of one bar's log return, exponentially weighted, causal.

    Parameters
    ----------
    close : ndarray of float64, shape (n_bars, n_symbols)
        NaN where there is no bar; the return then spans the gap.
    lookback : int
        Weight of the newest squared return is ``2 / (lookback + 1)``.

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols)
        Row t uses closes up to t; NaN until ``lookback`` returns have been seen. A row without a
        bar repeats the last estimate, so that a halted symbol can be sized by what is known of it.

    Notes
    -----
    Mean zero (RiskMetrics 1996); weights are normalised over what has been seen, so the first
    values are not pulled toward zero.
    """
    n_bars, n_symbols = close.shape
    out = np.full((n_bars, n_symbols), np.nan)
    decay = 1.0 - 2.0 / (lookback + 1.0)
    for k in range(n_symbols):
        last = nan
        total = weight = 0.0
        seen = 0
        for t in range(n_bars):
            price = close[t, k]
            if price > 0.0:
                if last > 0.0:
                    step = np.log(price / last)
                    total = decay * total + step * step
                    weight = decay * weight + 1.0
                    seen += 1
                last = price
            if seen >= lookback:
                out[t, k] = sqrt(total / weight)
    return out
