"""What trading costs: pure functions on numbers, in the subset numba compiles.

``mid`` is the bar's price, ``quote`` the side's own price (ask for a buyer, bid for a seller) and
``price`` what is paid or received after slippage. The three are kept apart so that spread and
slippage can be reported separately (broker rules A2, A3).
"""

from typing import NamedTuple

DAYS_PER_YEAR = 365.0  # borrow accrues actual/365, weekends included


class Costs(NamedTuple):
    """Rates as fractions, ready for the kernel."""

    fee: float  # of traded value, per side
    half_spread: float  # of mid
    slippage: float  # of the side's own price
    borrow_daily: float  # of short value, per calendar day


def costs(fee_bps: float, spread_bps: float, slippage_bps: float, borrow_annual: float) -> Costs:
    """Rates from a config's units.

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
    return Costs(fee_bps / 1e4, spread_bps / 2e4, slippage_bps / 1e4, borrow_annual / DAYS_PER_YEAR)


def quote_price(mid: float, side: float, half_spread: float) -> float:
    """Ask for ``side`` +1, bid for -1, around ``mid``."""
    return mid * (1.0 + side * half_spread)


def slipped_price(quote: float, side: float, slippage: float) -> float:
    """Price after slippage against us; never clipped to the bar's range (A3)."""
    return quote * (1.0 + side * slippage)


def fee_paid(qty: float, price: float, fee: float) -> float:
    """Commission in currency for ``qty`` signed units at ``price``."""
    return abs(qty) * fee * price


def affordable_qty(room: float, max_leverage: float, mid: float, price: float, fee: float) -> float:
    """Most units that may be added so that gross exposure stays within ``max_leverage`` x equity.

    Solves ``gross + q mid <= max_leverage (equity - q (|price - mid| + price fee))``: the spread,
    slippage and fee of the fill itself lower the equity it is measured against (A7).

    Parameters
    ----------
    room : float
        ``max_leverage * equity - gross`` before the fill, currency.
    max_leverage : float
    mid, price : float
        Open of the bar and the price after spread and slippage.
    fee : float
        Fraction of traded value.

    Returns
    -------
    float
        Unsigned units, >= 0.
    """
    if room <= 0.0:
        return 0.0
    return room / (mid + max_leverage * (abs(price - mid) + price * fee))
