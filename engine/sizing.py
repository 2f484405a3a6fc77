"""From a strategy's strength to units: pure functions on numbers, in the subset numba compiles.

A sizing sees only what was known at the decision: the close and the equity of that bar, what is
held, and estimates made from bars up to it. What every kind means, with numbers, is told in
docs/sizing.md.
"""

from math import floor, inf, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.series import Series, at, constant

MIN_QTY = 1e-9  # below this a rebalance is rounding noise, not a trade
SLACK = 1e-12  # relative: rounding of a sum of positions must not cut a wish that just fits
WEIGHT, UNITS, NOTIONAL, RISK, PARITY, KELLY = range(6)  # Sizing.kind
NO_CUT, BY_NAME, BY_GROUP, BY_GROSS, BY_PYRAMIDING, BY_DRAWDOWN = range(6)  # engine.types.Cut


class Sizing(NamedTuple):
    """Numbers the kernel sizes with."""

    kind: int
    full: Series  # at strength 1: weight of equity, units, notional, fraction lost at the stop ...
    distance: Series  # RISK: to the stop where the wish brings none, as a fraction of the close
    vol: Series  # PARITY: volatility of one bar
    max_weight: float  # cap on the weight of one symbol
    group: Any  # (n_symbols,) number of each symbol's group, below n_symbols; -1 = in none
    max_group: float  # cap on the gross weight of a group
    max_gross: float  # cap on the gross weight of everything
    max_adds: int  # fills that may add to a position once it is open
    throttle_from: float  # drawdown at which strength begins to shrink
    throttle_to: float  # drawdown at which it is 0; inf = no throttle
    lot: Series  # units per lot; 0 = fractional
    min_notional: float  # account currency


def fixed_weight(
    weight: float, n_symbols: int, *, max_weight: float = 1.0, lot: float = 0.0
) -> Sizing:
    """Full strength means ``weight`` of equity, with no cap but ``max_weight``."""
    return Sizing(
        kind=WEIGHT,
        full=constant(weight),
        distance=constant(nan),
        vol=constant(nan),
        max_weight=max_weight,
        group=np.full(n_symbols, -1, np.int64),
        max_group=inf,
        max_gross=inf,
        max_adds=2**31,
        throttle_from=inf,
        throttle_to=inf,
        lot=constant(lot),
        min_notional=0.0,
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
        What the strategy asked for, 1 = full position, after :func:`throttled`.
    equity, price : float
        Account currency, at the close of the decision; the last close where there is no bar.
    distance : float
        To the protective stop of the wish, account currency per unit, > 0; NaN without one.
    parity : float
        Sum of :func:`inverse_vol` over the columns that are held and not named in this decision,
        and over those that it names with a strength other than 0; read by PARITY alone.

    Notes
    -----
    KELLY gives 0, which is a number, where the forecast points the other way.
    """
    if strength == 0.0:
        return 0.0
    if not (price > 0.0 and equity > 0.0):
        return nan
    full = at(sizing.full, t, k)
    if sizing.kind == WEIGHT:
        return strength * full * equity / price
    if sizing.kind == UNITS:
        return strength * full
    if sizing.kind == NOTIONAL:
        return strength * full / price
    if sizing.kind == RISK:
        own = at(sizing.distance, t, k) * price
        risked = own if distance != distance else distance
        return strength * full * equity / risked if risked > 0.0 else nan
    if sizing.kind == PARITY:
        share = inverse_vol(sizing, t, k)
        if not (share > 0.0 and parity > 0.0):
            return nan
        return strength * full * (share / parity) * equity / price
    # KELLY: the forecast's sign is in ``full``
    if strength * full < 0.0:
        return 0.0
    return strength * abs(full) * equity / price


def inverse_vol(sizing: Sizing, t: int, k: int) -> Any:
    """What column ``k`` adds to the ``parity`` of :func:`sized`; 0 where it is not known."""
    if sizing.kind != PARITY:
        return 0.0
    vol = at(sizing.vol, t, k)
    return 1.0 / vol if vol > 0.0 else 0.0


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
    """(signed units within the caps, number of the cap that left the least, or 0).

    Pyramiding, name, group and gross are applied in this order. The cap per name holds for the
    position, so it may ask to sell what has grown beyond it. Pyramiding, group and gross stop what
    would be added and never sell what is held.

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
        Gross value of the other positions of the group, and of all others; account currency. A
        symbol whose wish of this decision has been through here counts with what was left of it,
        one whose target is still to come with what it is :func:`staying` with: what is let go makes
        room at once, what is bought takes it in the order of the wishes.
    """
    size = abs(aim)
    kept = staying(aim, held)
    left, by = size, NO_CUT
    if adds >= sizing.max_adds and kept > 0.0 and left > kept * (1.0 + SLACK):
        left, by = kept, BY_PYRAMIDING
    if sizing.max_weight < inf:
        most = sizing.max_weight * max(equity, 0.0)
        if left * price > most * (1.0 + SLACK):
            left, by = most / price, BY_NAME
    if sizing.group[k] >= 0 and sizing.max_group < inf:
        fits = _room(sizing.max_group, equity, others_in_group, left, kept, price)
        if fits < left:
            left, by = fits, BY_GROUP
    if sizing.max_gross < inf:
        fits = _room(sizing.max_gross, equity, others, left, kept, price)
        if fits < left:
            left, by = fits, BY_GROSS
    return (left if aim > 0.0 else -left), by


def staying(aim: float, held: float) -> Any:
    """Units, without a sign, of what is held that stay where ``aim`` is wished for."""
    return min(abs(aim), abs(held)) if aim * held > 0.0 else 0.0


def _room(
    cap: float, equity: float, others: float, size: float, kept: float, price: float
) -> float:
    """Units of ``size`` for which a cap on a sum has room, at least those ``kept``."""
    most = cap * max(equity, 0.0)
    if others + size * price <= most * (1.0 + SLACK):
        return size
    return max((most - others) / price, min(kept, size), 0.0)


def throttled(sizing: Sizing, equity: float, peak: float) -> float:
    """Factor on every strength, from the drawdown of the account; 1 without a throttle.

    For targets and for orders, except those whose sign is against what is held: in a drawdown to
    reduce is what is wanted.

    Parameters
    ----------
    sizing : Sizing
    equity, peak : float
        Account currency, at the close of the decision, and the most it has been at a close so far.
    """
    if sizing.throttle_to == inf or not peak > 0.0:
        return 1.0
    fall = 1.0 - equity / peak
    if fall <= sizing.throttle_from:
        return 1.0
    if fall >= sizing.throttle_to:
        return 0.0
    return (sizing.throttle_to - fall) / (sizing.throttle_to - sizing.throttle_from)


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
