"""The simulators that ``engine.py`` sets side by side, each made to trade the same SMA cross."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

FAST, SLOW = 20, 100
FEE_BPS, SPREAD_BPS, SLIPPAGE_BPS = 0.2, 1.0, 0.2  # low, or a million bars end in nothing
CASH = 100_000.0
INVESTED = 0.9  # of equity at most: backtrader refuses an order that the next open makes too large


class Outcome(NamedTuple):
    """What an engine gives back: enough to see that it did the work."""

    final_equity: float
    n_fills: int


def market(n_bars: int, n_symbols: int) -> Any:
    """Mean-reverting walk with overnight gaps, the same for every engine; prices to the cent."""
    from scipy.signal import lfilter

    from tradewind.engine.records import DAY_NS, Panel

    rng = np.random.default_rng(1)
    # Pulled back toward its start by a thousandth a bar, or a million steps end in dust.
    close = lfilter([1.0], [1.0, -0.999], rng.normal(0, 0.01, (n_bars, n_symbols)), axis=0)
    np.exp(close, out=close)
    close *= 100.0
    np.round(close, 2, out=close)
    open_ = np.vstack([close[:1], close[:-1]])
    open_ *= np.exp(rng.normal(0, 0.002, (n_bars, n_symbols)))
    np.round(open_, 2, out=open_)
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    volume = np.full((n_bars, n_symbols), 1e6)
    ts = np.arange(1, n_bars + 1, dtype=np.int64) * DAY_NS
    names = tuple(f"S{k}" for k in range(n_symbols))
    return Panel(names, ts, open_, high, low, close, volume)


def bare_rows(n: int) -> Any:
    """Fill rows as the bare loop writes them: bar, symbol, quantity, price, fee."""
    return np.empty((n, 5))


def bare_loop(
    open_: Any, close: Any, total: Any, weight: float, cash: float, fills: Any, equity: Any
) -> int:
    """Trade an SMA cross by hand-written code that can do nothing else; returns fills written."""
    n_bars, n_symbols = close.shape
    half, slip, fee = SPREAD_BPS / 2e4, SLIPPAGE_BPS / 1e4, FEE_BPS / 1e4
    qty = np.zeros(n_symbols)
    sells = np.empty(n_symbols, np.int64)
    buys = np.empty(n_symbols, np.int64)
    size = np.empty(n_symbols)
    n_sells = n_buys = n = 0
    for t in range(n_bars):
        for i in range(n_sells):
            k = sells[i]
            price = open_[t, k] * (1.0 - half) * (1.0 - slip)
            paid = qty[k] * fee * price
            cash += qty[k] * price - paid
            fills[n, 0], fills[n, 1], fills[n, 2] = t, k, -qty[k]
            fills[n, 3], fills[n, 4] = price, paid
            n += 1
            qty[k] = 0.0
        for i in range(n_buys):
            k = buys[i]
            price = open_[t, k] * (1.0 + half) * (1.0 + slip)
            units = min(size[k], max(cash, 0.0) / (price * (1.0 + fee)))
            paid = units * fee * price
            cash -= units * price + paid
            fills[n, 0], fills[n, 1], fills[n, 2] = t, k, units
            fills[n, 3], fills[n, 4] = price, paid
            n += 1
            qty[k] = units
        worth = cash
        for k in range(n_symbols):
            worth += qty[k] * close[t, k]
        equity[t] = worth
        n_sells = n_buys = 0
        if t + 1 < SLOW:
            continue
        for k in range(n_symbols):
            now = total[t + 1, k]
            fast = (now - total[t + 1 - FAST, k]) / FAST
            slow = (now - total[t + 1 - SLOW, k]) / SLOW
            if fast > slow and qty[k] == 0.0:
                buys[n_buys] = k
                size[k] = weight * worth / close[t, k]
                n_buys += 1
            elif fast <= slow and qty[k] > 0.0:
                sells[n_sells] = k
                n_sells += 1
    return n


def run_bare(panel: Any) -> Callable[[], Outcome]:
    """Bare loop on a panel; its prefix sums are made outside, as the kernel's inputs are."""
    from numba import njit

    loop = njit(error_model="numpy")(bare_loop)
    total = np.zeros((panel.n_bars + 1, panel.n_symbols))
    np.cumsum(panel.close, axis=0, out=total[1:])
    room = panel.n_bars * panel.n_symbols // 16 + 2 * panel.n_symbols

    def call() -> Outcome:
        fills, equity = bare_rows(room), np.empty(panel.n_bars)
        n = loop(panel.open, panel.close, total, INVESTED / panel.n_symbols, CASH, fills, equity)
        return Outcome(float(equity[-1]), n)

    return call


def parts(panel: Any) -> Any:
    """(strategy, terms) of tradewind for this workload."""
    from tradewind.engine.costs import costs
    from tradewind.engine.executors import reference, state
    from tradewind.engine.sizing import Sizing
    from tradewind.strategies.sma_cross import SmaCross

    terms = state.Terms(
        costs(FEE_BPS, SPREAD_BPS, SLIPPAGE_BPS, 0.0),
        Sizing(INVESTED / panel.n_symbols, 1.0, 0.0, 0.0, 0.0),
        state.Account(CASH, 1.0, False, 0.0),
        reference.NO_VOL,
    )
    return SmaCross(fast=FAST, slow=SLOW), terms


def run_kernel(panel: Any) -> Callable[[], Outcome]:
    """Time the compiled loop alone, all orders and fills recorded."""
    from tradewind.engine.executors import kernel
    from tradewind.engine.executors import state as states
    from tradewind.engine.executors.reference import compiled_kernel
    from tradewind.engine.protocols import Signals

    strategy, terms = parts(panel)
    inputs = strategy.prepare(panel, Signals())
    bars, loop = states.market_of(panel), compiled_kernel(strategy.rule)

    def call() -> Outcome:
        state = states.new_state(panel.n_bars, panel.n_symbols, CASH)
        _, fills = kernel.simulate(loop, bars, inputs, strategy.params, terms, state, SLOW - 1)
        return Outcome(float(state.equity_curve[-1]), len(fills))

    return call


def run_public(panel: Any, executor: str = "kernel") -> Callable[[], Outcome]:
    """Time what a run does: indicators, simulation, and the ledger's proof of it."""
    from tradewind.engine.executors import reference
    from tradewind.engine.protocols import Signals

    simulate = reference.simulate
    if executor == "cerebro":
        from tradewind.engine.executors import cerebro

        simulate = cerebro.simulate
    strategy, terms = parts(panel)

    def call() -> Outcome:
        inputs = strategy.prepare(panel, Signals())
        found = simulate(strategy, inputs, panel, terms, start=SLOW - 1)
        return Outcome(float(found.equity[-1]), len(found.fills))

    return call


def run_backtrader(panel: Any) -> Callable[[], Outcome]:
    """Time backtrader as its own documentation would write this strategy."""
    import backtrader as bt
    import pandas as pd

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fills = 0
            self.fast = [bt.ind.SMA(data, period=FAST) for data in self.datas]
            self.slow = [bt.ind.SMA(data, period=SLOW) for data in self.datas]

        def notify_order(self, order: Any) -> None:
            self.fills += order.status == order.Completed

        def next(self) -> None:
            worth = INVESTED * self.broker.getvalue() / len(self.datas)
            for k, data in enumerate(self.datas):
                above = self.fast[k][0] > self.slow[k][0]
                held = self.getposition(data).size
                if above and not held:
                    self.buy(data=data, size=worth / data.close[0])
                elif not above and held:
                    self.sell(data=data, size=held)

    def call() -> Outcome:
        brain = bt.Cerebro(stdstats=False)
        brain.broker.set_cash(CASH)
        brain.broker.setcommission(FEE_BPS / 1e4)
        brain.broker.set_slippage_perc(SPREAD_BPS / 2e4 + SLIPPAGE_BPS / 1e4, slip_out=True)
        index = pd.to_datetime(panel.ts)
        for k in range(panel.n_symbols):
            columns = {n: getattr(panel, n)[:, k] for n in ("open", "high", "low", "close")}
            frame = pd.DataFrame({**columns, "volume": 1e6}, index=index)
            brain.adddata(bt.feeds.PandasData(dataname=frame))
        brain.addstrategy(Cross)
        (strategy,) = brain.run()
        return Outcome(float(brain.broker.getvalue()), strategy.fills)

    return call


RUNNERS: dict[str, Callable[[Any], Callable[[], Outcome]]] = {
    "bare_loop": run_bare,
    "tradewind_kernel": run_kernel,
    "tradewind": run_public,
    "tradewind_cerebro": lambda panel: run_public(panel, "cerebro"),
    "backtrader": run_backtrader,
}
