"""bt as its documentation uses it: a stack of algos over a frame of prices.

bt has one price a bar, at which it fills and marks, and no slippage. It is given the opens, with
the wishes of the bar before, and slippage as part of its commission: near the others, not to the
cent.
"""

from collections.abc import Callable

import bt
import numpy as np
import pandas as pd
from workloads import (
    CASH,
    FAST,
    FEE,
    SLIP,
    SLOW,
    TARGETS,
    Bars,
    Outcome,
    Workload,
    settings,
    sharpe,
)


def commission(qty: float, price: float) -> float:
    """Fee and slippage, account currency."""
    return abs(qty) * price * (FEE + SLIP)  # type: ignore[no-any-return]


def run(prices: pd.DataFrame, weights: pd.DataFrame) -> Outcome:
    """Hold ``weights`` from each of their rows on."""
    algos = [bt.algos.WeighTarget(weights), bt.algos.Rebalance()]
    test = bt.Backtest(
        bt.Strategy("s", algos),
        prices,
        initial_capital=CASH,
        commissions=commission,
        integer_positions=False,
    )
    test.run()
    value = test.strategy.values.to_numpy()
    gain = value[1:] / value[:-1] - 1.0
    drawdown = float((1.0 - value / np.maximum.accumulate(value)).max())
    n = len(test.strategy.get_transactions())
    ratio = sharpe(float(gain.sum()), float(gain @ gain), len(gain))
    return Outcome(float(value[-1]), n, ratio, drawdown)


def cross_weights(close: pd.Series, fast: int, slow: int) -> pd.DataFrame:
    """Weights 1 and 0 on the bars after the average's side has changed."""
    above = close.rolling(fast).mean() > close.rolling(slow).mean()
    held = above.shift(1, fill_value=False).astype(float)
    return held[held != held.shift(1, fill_value=0.0)].to_frame("S")


def crosses(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """A and B: one run for each setting."""
    index = pd.to_datetime(bars.ts)
    prices = pd.DataFrame({"S": bars.open[:, 0]}, index)
    close = pd.Series(bars.close[:, 0], index)
    asked = settings(workload.n_settings) if workload.n_settings > 1 else [(FAST, SLOW)]

    def call() -> Outcome:
        found = [run(prices, cross_weights(close, *pair)) for pair in asked]
        means = np.array([one[:4] for one in found]).mean(axis=0)
        return Outcome(means[0], sum(one.fills for one in found), means[2], means[3])

    return call


def portfolio(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """C and D."""
    index = pd.to_datetime(bars.ts)
    names = [f"S{k}" for k in range(bars.shape[1])]
    prices = pd.DataFrame(bars.open, index, names)

    def call() -> Outcome:
        asked = list(TARGETS[workload.name](bars))
        rows = [row + 1 for row, _ in asked]
        weights = pd.DataFrame([weights for _, weights in asked], index[rows], names)
        return run(prices, weights)

    return call


RUNNERS = {"A": crosses, "B": crosses, "C": portfolio, "D": portfolio}
