"""Hand-written portfolios in numba: the floor under workloads C and D, from loaded bars to sums."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from workloads import (
    CASH,
    FEE,
    INVESTED,
    LOOKBACK,
    SKIP,
    SLIP,
    TOP,
    VOL_LOOKBACK,
    Bars,
    Outcome,
    Workload,
    month_begins,
    ratios,
)


@njit(error_model="numpy", cache=True)
def top_tenth(close: Any, rows: Any) -> Any:
    """Weights of the tenth with the best return of a year but the last month."""
    n_symbols = close.shape[1]
    n_top = max(1, int(n_symbols * TOP))
    weights = np.zeros((len(rows), n_symbols))
    for i in range(len(rows)):
        gain = close[rows[i] - SKIP] / close[rows[i] - LOOKBACK]
        least = np.partition(gain, n_symbols - n_top)[n_symbols - n_top]
        for k in range(n_symbols):
            if gain[k] >= least:
                weights[i, k] = INVESTED / n_top
    return weights


@njit(error_model="numpy", cache=True)
def steady(close: Any, rows: Any) -> Any:
    """Weights in inverse proportion to the standard deviation of a quarter's returns."""
    n_symbols = close.shape[1]
    weights = np.empty((len(rows), n_symbols))
    total, squares = np.empty(n_symbols), np.empty(n_symbols)
    for i in range(len(rows)):
        total[:] = 0.0
        squares[:] = 0.0
        for t in range(rows[i] - VOL_LOOKBACK + 1, rows[i] + 1):
            for k in range(n_symbols):
                step = close[t, k] / close[t - 1, k] - 1.0
                total[k] += step
                squares[k] += step * step
        whole = 0.0
        for k in range(n_symbols):
            variance = (squares[k] - total[k] ** 2 / VOL_LOOKBACK) / (VOL_LOOKBACK - 1)
            weights[i, k] = 1.0 / np.sqrt(variance)
            whole += weights[i, k]
        for k in range(n_symbols):
            weights[i, k] *= INVESTED / whole
    return weights


@njit(error_model="numpy", cache=True)
def rebalance(
    open_: Any, close: Any, rows: Any, weights: Any, fills: Any, equity: Any, sums: Any
) -> int:
    """Bring a portfolio to ``weights[i]`` at the open after row ``rows[i]``, sales first."""
    n_bars, n_symbols = close.shape
    qty, size = np.zeros(n_symbols), np.zeros(n_symbols)
    held = np.empty(n_symbols, np.int64)
    n_held = n = i = 0
    cash, worth, peak, drawdown, total, squares = CASH, CASH, CASH, 0.0, 0.0, 0.0
    due = False
    first = rows[0] if len(rows) else n_bars
    for t in range(n_bars):
        if due:
            for adding in range(2):
                for k in range(n_symbols):
                    wish = size[k]
                    if wish == 0.0 or (wish > 0.0) != (adding == 1):
                        continue
                    price = open_[t, k] * (1.0 + SLIP if wish > 0.0 else 1.0 - SLIP)
                    fee = abs(wish) * price * FEE
                    cash -= wish * price + fee
                    qty[k] = 0.0 if weights[i - 1, k] == 0.0 else qty[k] + wish
                    fills[n, 0], fills[n, 1], fills[n, 2] = t, k, wish
                    fills[n, 3], fills[n, 4] = price, fee
                    n += 1
            n_held = 0
            for k in range(n_symbols):
                if qty[k] != 0.0:
                    held[n_held] = k
                    n_held += 1
            due = False
        before = worth
        worth = cash
        for j in range(n_held):
            worth += qty[held[j]] * close[t, held[j]]
        equity[t] = worth
        if t > first:
            gain = worth / before - 1.0
            total += gain
            squares += gain * gain
            peak = max(peak, worth)
            drawdown = max(drawdown, 1.0 - worth / peak)
        if i < len(rows) and rows[i] == t:
            for k in range(n_symbols):
                size[k] = weights[i, k] * worth / close[t, k] - qty[k]
            i += 1
            due = True
    sums[0], sums[1], sums[2], sums[3] = worth, total, squares, drawdown
    return n


def portfolio(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """C and D: monthly targets, made inside the call as everywhere else."""
    weigh, needed = (top_tenth, LOOKBACK) if workload.name == "C" else (steady, VOL_LOOKBACK)

    def call() -> Outcome:
        rows = month_begins(bars.ts)
        rows = rows[rows >= needed]
        n_bars, n_symbols = bars.shape
        fills = np.empty((2 * len(rows) * n_symbols, 5))
        equity, sums = np.empty(n_bars), np.empty(4)
        n = rebalance(bars.open, bars.close, rows, weigh(bars.close, rows), fills, equity, sums)
        return Outcome(float(sums[0]), n, *ratios(sums, n_bars - 1 - int(rows[0])))

    return call
