"""What a person writes by hand in numba when one job is all the code has to do: the floor.

Each loop does the whole job of its workload, from the loaded bars to fills, equity curve and the
sums that Sharpe ratio and drawdown are made of, and nothing that another job would need.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from bare_portfolios import portfolio
from numba import njit
from workloads import (
    CASH,
    FAST,
    FEE,
    SLIP,
    SLOW,
    STOP,
    TARGET,
    Bars,
    Outcome,
    Workload,
    ratios,
    settings,
)


@njit(error_model="numpy", cache=True)
def cross(
    open_: Any, close: Any, fast: int, slow: int, start: int, fills: Any, equity: Any, sums: Any
) -> int:
    """SMA cross, all in; fills and equity where there is room, sums of returns after ``start``."""
    cash, qty, worth, peak, drawdown, total, squares = CASH, 0.0, CASH, CASH, 0.0, 0.0, 0.0
    quick = lasting = 0.0
    n, wish = 0, 0
    for t in range(len(close)):
        if wish > 0:
            price = open_[t] * (1.0 + SLIP)
            qty = cash / (price * (1.0 + FEE))
            fee = qty * price * FEE
            cash -= qty * price + fee
            if n < len(fills):
                fills[n, 0], fills[n, 1], fills[n, 2], fills[n, 3] = t, qty, price, fee
            n += 1
        elif wish < 0:
            price = open_[t] * (1.0 - SLIP)
            fee = qty * price * FEE
            cash += qty * price - fee
            if n < len(fills):
                fills[n, 0], fills[n, 1], fills[n, 2], fills[n, 3] = t, -qty, price, fee
            n += 1
            qty = 0.0
        before = worth
        worth = cash + qty * close[t]
        if len(equity):
            equity[t] = worth
        wish = 0
        quick += close[t]
        lasting += close[t]
        if t >= fast:
            quick -= close[t - fast]
        if t >= slow:
            lasting -= close[t - slow]
        if t > start:
            gain = worth / before - 1.0
            total += gain
            squares += gain * gain
            peak = max(peak, worth)
            drawdown = max(drawdown, 1.0 - worth / peak)
        if t + 1 >= slow:
            above = quick * slow > lasting * fast
            if above and qty == 0.0:
                wish = 1
            elif not above and qty > 0.0:
                wish = -1
    sums[0], sums[1], sums[2], sums[3] = worth, total, squares, drawdown
    return n


@njit(error_model="numpy", cache=True)
def bracket(open_: Any, high: Any, low: Any, close: Any, fills: Any, equity: Any, sums: Any) -> int:
    """SMA cross whose entries carry a trailing stop and a target, both from the entry's bar on."""
    cash, qty, worth, peak, drawdown, total, squares = CASH, 0.0, CASH, CASH, 0.0, 0.0, 0.0
    quick = lasting = stop = target = 0.0
    n, wish = 0, 0
    was_above = False
    for t in range(len(close)):
        leaves = 0.0
        if wish > 0:
            price = open_[t] * (1.0 + SLIP)
            qty = cash / (price * (1.0 + FEE))
            fee = qty * price * FEE
            cash -= qty * price + fee
            fills[n, 0], fills[n, 1], fills[n, 2], fills[n, 3] = t, qty, price, fee
            n += 1
            stop, target = price * (1.0 - STOP), close[t - 1] * (1.0 + TARGET)
        elif wish < 0 and qty > 0.0:
            leaves = open_[t] * (1.0 - SLIP)
        if qty > 0.0 and leaves == 0.0:
            side = 1.0 - SLIP
            at_open = open_[t] * side
            if wish == 0 and (at_open <= stop or at_open >= target):
                leaves = at_open
            elif low[t] * side <= stop:
                leaves = stop
            elif high[t] * side >= target:
                leaves = target
        if leaves > 0.0:
            fee = qty * leaves * FEE
            cash += qty * leaves - fee
            fills[n, 0], fills[n, 1], fills[n, 2], fills[n, 3] = t, -qty, leaves, fee
            n += 1
            qty = 0.0
        if qty > 0.0:
            stop = max(stop, close[t] * (1.0 - SLIP) * (1.0 - STOP))
        before = worth
        worth = cash + qty * close[t]
        equity[t] = worth
        wish = 0
        quick += close[t]
        lasting += close[t]
        if t >= FAST:
            quick -= close[t - FAST]
        if t >= SLOW:
            lasting -= close[t - SLOW]
        if t >= SLOW:
            gain = worth / before - 1.0
            total += gain
            squares += gain * gain
            peak = max(peak, worth)
            drawdown = max(drawdown, 1.0 - worth / peak)
        if t + 1 >= SLOW:
            above = quick * SLOW > lasting * FAST
            if above and not was_above and qty == 0.0:
                wish = 1
            elif was_above and not above and qty > 0.0:
                wish = -1
            was_above = above
    sums[0], sums[1], sums[2], sums[3] = worth, total, squares, drawdown
    return n


def one_cross(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """A: one setting over all bars."""
    open_, close = bars.open[:, 0], bars.close[:, 0]

    def call() -> Outcome:
        fills, equity, sums = np.empty((len(close) // 16, 4)), np.empty(len(close)), np.empty(4)
        n = cross(open_, close, FAST, SLOW, SLOW - 1, fills, equity, sums)
        return Outcome(float(sums[0]), n, *ratios(sums, len(close) - SLOW))

    return call


def brackets(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """A-brackets."""
    open_, high, low, close = (a[:, 0] for a in (bars.open, bars.high, bars.low, bars.close))

    def call() -> Outcome:
        fills, equity, sums = np.empty((len(close) // 16, 4)), np.empty(len(close)), np.empty(4)
        n = bracket(open_, high, low, close, fills, equity, sums)
        return Outcome(float(sums[0]), n, *ratios(sums, len(close) - SLOW))

    return call


def many_crosses(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """B: of every setting its end, its Sharpe ratio and its drawdown."""
    open_, close = bars.open[:, 0], bars.close[:, 0]
    asked = settings(workload.n_settings)
    none = np.empty(0)
    start = min(slow for _, slow in asked) - 1

    def call() -> Outcome:
        found, sums = np.empty((len(asked), 3)), np.empty(4)
        n = 0
        for i, (fast, slow) in enumerate(asked):
            n += cross(open_, close, fast, slow, start, none.reshape(0, 4), none, sums)
            found[i] = sums[0], *ratios(sums, len(close) - 1 - start)
        return Outcome(float(found[:, 0].mean()), n, *found[:, 1:].mean(axis=0).tolist())

    return call


RUNNERS = {
    "A": one_cross,
    "A-brackets": brackets,
    "B": many_crosses,
    "C": portfolio,
    "D": portfolio,
    "E": one_cross,
}
