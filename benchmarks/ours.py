"""tradewind on every workload, through what a user calls: prepare, simulate, read the result.

``THREADS`` says how many threads a batch may use.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
from our_strategies import BracketCross, EveryOrder, PlainCross
from workloads import (
    ALL_IN,
    CASH,
    FAST,
    FEE_BPS,
    INVESTED,
    LOOKBACK,
    SKIP,
    SLOW,
    SPREAD_BPS,
    TOP,
    VOL_LOOKBACK,
    Bars,
    Outcome,
    Workload,
    ratios,
    settings,
)

from tradewind.engine.costs import costs
from tradewind.engine.executors import reference, state
from tradewind.engine.executors.batch import simulate_many
from tradewind.engine.protocols import Signals, Strategy
from tradewind.engine.records import Panel
from tradewind.engine.sizing import fixed_weight
from tradewind.strategies.inverse_volatility import InverseVolatility
from tradewind.strategies.momentum import Momentum
from tradewind.strategies.sma_cross import SmaCross

MADE: dict[str, Callable[[], Strategy]] = {
    "A": lambda: SmaCross(fast=FAST, slow=SLOW),
    "A-brackets": BracketCross,
    "A-orders": EveryOrder,
    "C": lambda: Momentum(lookback=LOOKBACK, skip=SKIP, top=TOP),
    "D": lambda: InverseVolatility(lookback=VOL_LOOKBACK),
    "E": PlainCross,
}


def panel_of(bars: Bars, workload: Workload) -> Panel:
    """Loaded bars as a user has them."""
    names = tuple(f"S{k}" for k in range(bars.shape[1]))
    interval = "1min" if workload.name[0] in "AE" else "1d"
    return Panel(names, **bars._asdict(), interval=interval)


def terms_of(panel: Panel, workload: Workload) -> state.Terms:
    """Costs, sizing and account of a workload."""
    slippage_bps = 0.5 if workload.name == "A-orders" else 0.0
    weight = INVESTED if workload.name in "CD" else ALL_IN
    return state.Terms(
        costs(FEE_BPS, SPREAD_BPS, slippage_bps, 0.0),
        fixed_weight(weight, panel.n_symbols, max_weight=weight),
        state.Account(CASH, 1.0, False, 0.0, False, 0.0, np.ones(panel.n_symbols, np.bool_)),
        state.PLAIN_EXECUTION,
    )


def one(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """One run: indicators, simulation, the ledger's proof of it."""
    panel = panel_of(bars, workload)
    terms = terms_of(panel, workload)

    def call() -> Outcome:
        strategy = MADE[workload.name]()
        inputs = strategy.prepare(panel, Signals())
        found = reference.simulate(strategy, inputs, panel, terms, start=strategy.warmup - 1)
        sums = found.sums
        assert sums is not None
        return Outcome(float(found.equity[-1]), len(found.fills), *ratios(sums, int(sums[0])))

    return call


def digest(*arrays: Any) -> str:
    """Seal of every bit of some arrays."""
    seal = sha256()
    for array in arrays:
        seal.update(np.ascontiguousarray(array).tobytes())
    return seal.hexdigest()


def many(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """B: every setting in one call."""
    panel = panel_of(bars, workload)
    terms = terms_of(panel, workload)
    threads = int(os.environ.get("THREADS", "1"))
    asked = settings(workload.n_settings)
    start = min(slow for _, slow in asked) - 1  # a rule waits until its own window is full

    def call() -> Outcome:
        crosses = [SmaCross(fast=fast, slow=slow) for fast, slow in asked]
        inputs = crosses[0].prepare(panel, Signals())
        found = simulate_many(crosses, inputs, panel, terms, start=start, threads=threads)
        return Outcome(
            float(found.equity.mean()),
            int(found.fills.sum()),
            float(found.sharpe.mean()),
            float(found.drawdown.mean()),
            digest(found.equity, found.orders, found.fills, found.sums),
        )

    return call


RUNNERS = {**dict.fromkeys(MADE, one), "B": many}
