"""The least that trades pairs by thresholds: one compiled loop, no order, no rule, no check."""

from typing import Any

import numpy as np
from numba import njit

CASH = 100_000.0


@njit(error_model="numpy", cache=True, nogil=True)
def sweep(
    open_: Any, close: Any, legs: Any, signal: Any, share: Any, levels: Any, side_cost: float,
    found: Any,
) -> None:  # fmt: skip
    """Trade all pairs for every row of ``levels`` (entry, exit); fills at the next open.

    ``found`` gets final equity, fills, and the sums of returns, squares and drawdown.
    """
    n_bars, n_symbols = close.shape
    n_pairs = legs.shape[0]
    side, units = np.zeros(n_pairs), np.zeros((n_pairs, 2))
    qty, wish = np.zeros(n_symbols), np.zeros(n_symbols)
    for i in range(len(levels)):
        entry, leave = levels[i, 0], levels[i, 1]
        side[:], qty[:], wish[:] = 0.0, 0.0, 0.0
        cash = worth = peak = CASH
        total = squares = drawdown = 0.0
        n_fills, due = 0, False
        for t in range(n_bars):
            if due:
                for k in range(n_symbols):
                    if wish[k] != qty[k]:
                        change = wish[k] - qty[k]
                        cash -= change * open_[t, k] + abs(change) * open_[t, k] * side_cost
                        qty[k] = wish[k]
                        n_fills += 1
                due = False
            before = worth
            worth = cash
            for k in range(n_symbols):
                worth += qty[k] * close[t, k]
            if t > 0:
                gain = worth / before - 1.0
                total += gain
                squares += gain * gain
                peak = max(peak, worth)
                drawdown = max(drawdown, 1.0 - worth / peak)
            for p in range(n_pairs):
                value = signal[t, p]
                if side[p] != 0.0 and side[p] * value >= -leave:
                    for j in range(2):
                        wish[legs[p, j]] -= units[p, j]
                    side[p] = 0.0
                    due = True
                if side[p] == 0.0 and abs(value) >= entry:
                    side[p] = -1.0 if value > 0.0 else 1.0
                    for j in range(2):
                        k = legs[p, j]
                        units[p, j] = side[p] * share[t, p, j] * worth / n_pairs / close[t, k]
                        wish[k] += units[p, j]
                    due = True
        found[i, 0], found[i, 1] = worth, n_fills
        found[i, 2], found[i, 3], found[i, 4] = total, squares, drawdown
