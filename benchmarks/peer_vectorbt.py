"""vectorbt as its documentation uses it: signals and orders as whole arrays, one call for them all.

``VECTORBT_ENGINE`` says which of its two engines runs, ``rust`` or ``numba``.
"""

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from workloads import (
    CASH,
    FAST,
    FEE,
    SLIP,
    SLOW,
    STOP,
    TARGET,
    TARGETS,
    Bars,
    Outcome,
    Workload,
    settings,
)

warnings.filterwarnings("ignore")
ENGINE = os.environ.get("VECTORBT_ENGINE", "rust")
vbt.settings["engine"] = ENGINE
COSTS = {"fees": FEE, "slippage": SLIP, "init_cash": CASH}


def ended(portfolio: Any, freq: str, per_year: float) -> Outcome:
    """Read fills, equity curve and ratios; the curve is made once and everything from it."""
    value = portfolio.value()
    returns = value.vbt(engine=ENGINE).pct_change()
    found = returns.vbt.returns(freq=freq, year_freq="365 days", engine=ENGINE)
    ratio = np.mean(found.sharpe_ratio()) / np.sqrt(per_year)
    last = float(np.mean(np.asarray(value)[-1]))
    n = len(portfolio.orders.values)
    return Outcome(last, n, float(ratio), -float(np.mean(found.max_drawdown())))


def crosses(close: Any, pairs: list[tuple[int, int]]) -> tuple[Any, Any]:
    """(entries, exits), a column for each pair, to be filled at the next open.

    Every distinct average is made once, which is quicker than ``vbt.MA`` and its caches.
    """
    windows = sorted({window for pair in pairs for window in pair})
    mean = {w: close.vbt(engine=ENGINE).rolling_mean(w).to_numpy()[:-1] for w in windows}
    above = np.zeros((len(close), len(pairs)), np.bool_, order="C")
    below = np.zeros_like(above)
    for i, (fast, slow) in enumerate(pairs):
        np.greater(mean[fast], mean[slow], out=above[1:, i])
        np.less_equal(mean[fast], mean[slow], out=below[1:, i])
    return above, below


def one_cross(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """A, or A-brackets with ``from_signals``'s own trailing stop and target."""
    index = pd.to_datetime(bars.ts)
    names = ("open", "high", "low", "close")
    open_, high, low, close = (pd.Series(getattr(bars, n)[:, 0], index) for n in names)
    stops: dict[str, Any] = {}
    if workload.name != "A":
        stops = {"open": open_, "high": high, "low": low}
        stops |= {"sl_stop": STOP, "sl_trail": True, "tp_stop": TARGET}

    def call() -> Outcome:
        above, below = (a[:, 0] for a in crosses(close, [(FAST, SLOW)]))
        if stops:  # an entry stopped out waits for the next cross
            above = above & ~np.concatenate(([True], above[:-1]))
        found = vbt.Portfolio.from_signals(
            close, above, below, price=open_, freq="1min", engine=ENGINE, **stops, **COSTS
        )
        return ended(found, "1min", 365 * 1440)

    return call


def many_crosses(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """B: a column for each setting, every distinct average made once."""
    index = pd.to_datetime(bars.ts)
    open_, close = pd.Series(bars.open[:, 0], index), pd.Series(bars.close[:, 0], index)
    asked = settings(workload.n_settings)

    def call() -> Outcome:
        above, below = crosses(close, asked)
        found = vbt.Portfolio.from_signals(
            close, above, below, price=open_, freq="1D", engine=ENGINE, **COSTS
        )
        return ended(found, "1D", 365)

    return call


def portfolio(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """C and D: target weights on shared cash, valued at the close they were decided on."""
    index = pd.to_datetime(bars.ts)
    open_, close = pd.DataFrame(bars.open, index), pd.DataFrame(bars.close, index)

    def call() -> Outcome:
        size = np.full(bars.shape, np.nan)
        for row, weights in TARGETS[workload.name](bars):
            size[row + 1] = weights
        found = vbt.Portfolio.from_orders(
            close,
            size,
            size_type="targetpercent",
            price=open_,
            val_price=-np.inf,  # the close before
            group_by=True,
            cash_sharing=True,
            call_seq="auto",  # sales first
            freq="1D",
            engine=ENGINE,
            **COSTS,
        )
        return ended(found, "1D", 365)

    return call


RUNNERS = {
    "A": one_cross,
    "A-brackets": one_cross,
    "A-orders": one_cross,
    "B": many_crosses,
    "C": portfolio,
    "D": portfolio,
}
