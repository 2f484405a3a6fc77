"""What a portfolio must keep to, and by how much one does not."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Floats

EXACT = 1e-9  # of a sum of weights; what a limit may be passed by, which is rounding


class Limits(NamedTuple):
    """What a portfolio must keep to; numbers numba can take.

    Turnover counts both sides, as the engine's does: to sell all and buy something else is 2.
    """

    least: int  # names that are held
    most: int
    low: float  # weight of a name that is held
    high: Floats  # (n_symbols,) greatest weight; 0 where a name cannot be held
    lot: Floats  # (n_symbols,) weight of one lot at the cash at hand; 0 = fractional
    current: Floats  # (n_symbols,) weights held today; the rest is cash
    turnover: float  # most that may be bought and sold from ``current``; inf = no limit


def limits_of(
    symbols: Sequence[str],
    *,
    cash: float,
    least: int,
    most: int,
    low: float = 0.0,
    high: float = 1.0,
    lot: Floats | None = None,
    current: Floats | None = None,
    turnover: float = np.inf,
) -> Limits:
    """Limits, checked against each other.

    Parameters
    ----------
    symbols : sequence of str
    cash : float
        Account currency.
    least, most : int
        Names held.
    low, high : float
        Weight of a name that is held.
    lot : ndarray of float64, shape (n_symbols,), optional
        Value of one lot where the cash is spent, account currency; 0 where units are fractional.
    current : ndarray of float64, shape (n_symbols,), optional
        Weights held today.
    turnover : float
        Bought and sold from there, fraction of equity.

    Raises
    ------
    ConfigError
        If nothing can keep to all of it: the message names the contradiction.
    """
    n = len(symbols)
    lots = np.zeros(n) if lot is None else np.asarray(lot, np.float64) / cash
    caps = np.full(n, float(high))
    in_lots = lots > 0.0
    caps[in_lots] = np.floor(high / lots[in_lots] + EXACT) * lots[in_lots]
    held = np.zeros(n) if current is None else np.asarray(current, np.float64)
    limits = Limits(least, most, float(low), caps, lots, held, float(turnover))
    _check(limits, symbols, high, cash)
    return limits


def _check(limits: Limits, symbols: Sequence[str], high: float, cash: float) -> None:
    """Refuse limits that contradict each other."""
    n, least, most, low = len(symbols), limits.least, limits.most, limits.low
    if least > n:
        raise ConfigError(f"evolve.count: {least} names are to be held and there are {n}")
    if min(most, n) * high < 1.0 - EXACT:
        raise ConfigError(
            f"evolve: {min(most, n)} names of at most {high:g} each hold {min(most, n) * high:g} "
            f"and the whole is 1; allow more names, or a weight.most of {1 / min(most, n):.4g}"
        )
    if least * low > 1.0 + EXACT:
        raise ConfigError(
            f"evolve: {least} names of at least {low:g} each hold {least * low:g} and the whole is "
            f"1; ask for fewer names, or a weight.least of {1 / least:.4g}"
        )
    fewest = max(least, int(np.ceil(1.0 / high - EXACT)))
    if low > 0.0 and fewest * low > 1.0 + EXACT:
        raise ConfigError(
            f"evolve: {fewest} names are the fewest of at most {high:g} each that hold the whole, "
            f"and at least {low:g} each they hold {fewest * low:g}; widen weight.least or "
            "weight.most"
        )
    _check_lots(limits, symbols, high, cash)
    _check_turnover(limits)


def _check_lots(limits: Limits, symbols: Sequence[str], high: float, cash: float) -> None:
    buyable = (limits.high > 0.0) & (limits.high >= limits.low - EXACT)
    cheapest = np.sort(limits.lot[buyable])[: limits.least]
    if int(buyable.sum()) < limits.least:
        dear = int(np.argmin(limits.lot + np.where(buyable, np.inf, 0.0)))
        raise ConfigError(
            f"evolve: {limits.least} names are to be held, and of {len(symbols)} a lot of "
            f"{int(buyable.sum())} can be bought with {high:g} of {cash:,.0f}; the next, "
            f"{symbols[dear]}, costs {limits.lot[dear] * cash:,.0f} a lot: give more cash, smaller "
            "lots, a higher weight.most or fewer names"
        )
    if cheapest.sum() > 1.0 + EXACT:
        raise ConfigError(
            f"evolve: one lot of each of the {limits.least} cheapest names costs "
            f"{cheapest.sum() * cash:,.0f}, and there are {cash:,.0f}; give more cash, smaller "
            "lots or fewer names"
        )


def _check_turnover(limits: Limits) -> None:
    """The least that must be sold so that few enough names of today are left, and bought."""
    if limits.turnover == np.inf:
        return
    today = limits.current
    kept = np.sort(np.minimum(today, limits.high))[::-1][: limits.most]
    sold = float(today.sum() - kept.sum())
    bought = 1.0 - float(today.sum()) + sold
    if sold + bought > limits.turnover + EXACT:
        raise ConfigError(
            f"evolve.turnover.now: {limits.turnover:g} is less than the {sold + bought:.4g} that "
            f"must be bought and sold from the current weights to be invested in {limits.most} "
            "names within their caps; allow that much, or more names"
        )


def violations(weights: Floats, limits: Limits) -> Floats:
    """By how much portfolios break the limits, shape (n_portfolios,); 0 = not at all."""
    held = weights > 0.0
    count = held.sum(axis=1)
    over = np.maximum(count - limits.most, 0) + np.maximum(limits.least - count, 0)
    caps = np.maximum(weights - limits.high, 0.0).sum(axis=1)
    floors = np.where(held, np.maximum(limits.low - weights, 0.0), 0.0).sum(axis=1)
    whole = weights.sum(axis=1)
    spent = np.maximum(whole - 1.0, 0.0)
    if not limits.lot.any():
        spent = np.abs(whole - 1.0)
    found = over + caps + floors + spent
    if limits.turnover < np.inf:
        traded = np.abs(weights - limits.current).sum(axis=1)
        found = found + np.maximum(traded - limits.turnover, 0.0)
    return np.asarray(np.where(found > EXACT, found, 0.0))
