"""From a strategy's strength to units: pure functions on numbers, in the subset numba compiles.

A sizing sees only what was known at the decision: the close and the equity of that bar, and a
volatility estimated from returns up to it.
"""

from math import floor, nan, sqrt
from typing import NamedTuple

import numpy as np

MIN_QTY = 1e-9  # below this a rebalance is rounding noise, not a trade


class Sizing(NamedTuple):
    """Numbers the kernel sizes with."""

    weight: float  # fraction of equity at strength 1; with a volatility target, the capital share
    max_weight: float  # cap on the weight of one symbol
    vol_target: float  # volatility of one bar that a full position shall have; 0 = fixed weight
    lot: float  # units per lot; 0 = fractional
    min_notional: float  # currency


def weight_of(strength: float, sizing: Sizing, vol: float) -> float:
    """Signed fraction of equity for a strength; NaN where the volatility is not known.

    Parameters
    ----------
    strength : float
        What the strategy asked for, 1 = full position.
    sizing : Sizing
    vol : float
        Standard deviation of one bar's log return, as known at the decision.
    """
    weight = strength * sizing.weight
    if sizing.vol_target > 0.0:
        if not vol > 0.0:
            return nan if strength != 0.0 else 0.0
        weight = weight * (sizing.vol_target / vol)
    return min(max(weight, -sizing.max_weight), sizing.max_weight)


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
