"""What trading costs: pure functions on numbers, in the subset numba compiles.

``mid`` is the bar's price, ``quote`` the side's own price (ask for a buyer, bid for a seller) and
``price`` what is paid or received after slippage. The three are kept apart so that spread and
slippage can be reported separately (sections 2 and 7 of docs/broker-rules.md).
"""

from math import ceil, floor, inf
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.series import Series, constant

DAYS_PER_YEAR = 365.0  # borrow and interest accrue actual/365, weekends included
ON_TICK = 1e-9  # of a tick: a price that is on the grid but for rounding stays where it is


class Fees(NamedTuple):
    """Commission per order; tiers by the value traded so far in the calendar month."""

    from_value: Any  # (n_tiers,) increasing, the first 0; account currency
    taker: Any  # (n_tiers,) fraction of value
    maker: Any  # (n_tiers,) fraction of value
    per_unit: Any  # (n_tiers,) account currency
    minimum: float  # per order, account currency
    maximum: float  # fraction of the order's value; inf = none


class Costs(NamedTuple):
    """Rates as fractions, ready for the kernel."""

    fees: Fees
    half_spread: Series  # of mid
    spread_scale: float  # multiplies every half-spread: what a break-even curve varies
    slippage: float  # of the side's own price
    slippage_fixed: Series  # price units
    impact: float  # fraction of the price at units = volume; grows with the square root
    borrow_daily: Series  # of short value, per calendar day
    borrowable: Series  # units that can be sold short; inf = no limit
    debit_daily: float  # on negative cash, per calendar day
    credit_daily: float  # on positive cash, per calendar day


def flat_fees(rate: float) -> Fees:
    """Fees that are a fraction of value and nothing else."""
    one = np.zeros(1)
    return Fees(one, np.array([rate]), np.array([rate]), np.zeros(1), 0.0, inf)


def costs(fee_bps: float, spread_bps: float, slippage_bps: float, borrow_annual: float) -> Costs:
    """Plain costs from a config's units.

    Parameters
    ----------
    fee_bps : float
        Commission per side, basis points of traded value.
    spread_bps : float
        Full quoted spread, basis points of mid.
    slippage_bps : float
        Basis points of the side's own price, against us.
    borrow_annual : float
        Rate on short value, actual/365.
    """
    return Costs(
        flat_fees(fee_bps / 1e4),
        constant(spread_bps / 2e4),
        1.0,
        slippage_bps / 1e4,
        constant(0.0),
        0.0,
        constant(borrow_annual / DAYS_PER_YEAR),
        constant(inf),
        0.0,
        0.0,
    )


def quote_price(mid: float, side: float, half_spread: float) -> float:
    """Ask for ``side`` +1, bid for -1, around ``mid``."""
    return mid * (1.0 + side * half_spread)


def against_us(price: float, side: float, tick: float) -> float:
    """Round a price paid to the tick: up for a buy, down for a sale; tick 0 leaves it."""
    if tick <= 0.0:
        return price
    if side > 0.0:
        return ceil(price / tick - ON_TICK) * tick
    return floor(price / tick + ON_TICK) * tick


def tier(fees: Fees, month_value: float) -> int:
    """Row of the fee table after ``month_value`` was traded this month."""
    row = 0
    while row + 1 < len(fees.from_value) and month_value >= fees.from_value[row + 1]:
        row += 1
    return row


def raw_fee(fees: Fees, qty: float, value: float, maker: bool, month_value: float) -> float:
    """Commission of a fill before the order's minimum and maximum.

    Parameters
    ----------
    fees : Fees
    qty, value : float
        Unsigned units and account currency.
    maker : bool
        Whether a resting limit was filled at its own price.
    month_value : float
        Traded this month before the fill.
    """
    row = tier(fees, month_value)
    rate = fees.maker[row] if maker else fees.taker[row]
    return value * rate + qty * fees.per_unit[row]  # type: ignore[no-any-return]


def order_fee(fees: Fees, raw: float, value: float) -> float:
    """Commission of an order whose fills come to ``raw`` and ``value`` so far."""
    return min(max(raw, fees.minimum), fees.maximum * value)


def affordable_qty(
    room: float, max_leverage: float, mid: float, price: float, per_unit: float, once: float
) -> float:
    """Most units that may be added so that gross exposure stays within ``max_leverage`` x equity.

    Solves ``gross + q mid <= max_leverage (equity - q (|price - mid| + per_unit) - once)``: the
    spread, slippage and fee of the fill itself lower the equity it is measured against.

    Parameters
    ----------
    room : float
        ``max_leverage * equity - gross`` before the fill, account currency.
    max_leverage : float
    mid, price : float
        Of the bar and after spread and slippage, account currency.
    per_unit : float
        Fee that grows with the units, account currency per unit.
    once : float
        Fee that does not, account currency: an upper bound, so that what is found fits.

    Returns
    -------
    float
        Unsigned units, >= 0.
    """
    left = room - max_leverage * once
    if left <= 0.0:
        return 0.0
    return left / (mid + max_leverage * (abs(price - mid) + per_unit))
