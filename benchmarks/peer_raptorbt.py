"""RaptorBT as its README uses it: signals made with its own indicators, one call into Rust.

It trades one symbol on its own cash (its portfolio runner splits the capital once and for all), so
monthly target weights on shared cash cannot be said; those workloads are left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import raptorbt
from workloads import CASH, FAST, FEE, SLIP, SLOW, STOP, TARGET, Bars, Outcome, Workload, settings


def config(bar_years: float) -> Any:
    """Same frictions, decisions filled at the next open."""
    return raptorbt.BacktestConfig(
        initial_capital=CASH,
        fees=FEE,
        slippage=SLIP,
        fill_timing="next_bar_open",
        periods_per_year=bar_years,
    )


def signals(quick: Any, lasting: Any) -> tuple[Any, Any]:
    """(entries, exits); a comparison with an average that is not there yet is False."""
    return quick > lasting, quick <= lasting


def ended(result: Any, per_year: float) -> Outcome:
    """Read fills, equity curve and ratios."""
    equity, trades, metrics = result.equity_curve(), result.trades(), result.metrics
    n = 2 * len(trades)
    sharpe = metrics.sharpe_ratio / np.sqrt(per_year)
    return Outcome(float(equity[-1]), n, float(sharpe), metrics.max_drawdown_pct / 100)


def one_cross(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """A, or A-brackets with the config's trailing stop and fixed target."""
    arrays = [bars.ts, *(np.ascontiguousarray(a[:, 0]) for a in bars[1:])]
    close = arrays[4]
    per_year = 365.0 * 1440

    def call() -> Outcome:
        asked = config(per_year)
        above, below = signals(raptorbt.sma(close, FAST), raptorbt.sma(close, SLOW))
        if workload.name != "A":
            asked.set_trailing_stop(STOP)
            asked.set_fixed_target(TARGET)
            above[1:] &= ~above[:-1]
        found = raptorbt.run_single_backtest(
            *arrays, above, below, direction=1, weight=1.0, symbol="S", config=asked
        )
        return ended(found, per_year)

    return call


def many_crosses(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """B: its batch runner, which spreads the settings over the cores it may use."""
    arrays = [bars.ts, *(np.ascontiguousarray(a[:, 0]) for a in bars[1:])]
    close = arrays[4]
    asked = settings(workload.n_settings)
    windows = sorted({window for pair in asked for window in pair})

    def call() -> Outcome:
        mean = {window: raptorbt.sma(close, window) for window in windows}
        items = [
            raptorbt.BatchSingleItem(str(i), *signals(mean[fast], mean[slow]))
            for i, (fast, slow) in enumerate(asked)
        ]
        found = raptorbt.batch_single_backtest(*arrays, items, config=config(365.0))
        metrics = [result.metrics for _, result in found]
        return Outcome(
            float(np.mean([m.end_value for m in metrics])),
            2 * sum(m.total_trades for m in metrics),
            float(np.mean([m.sharpe_ratio for m in metrics])) / np.sqrt(365.0),
            float(np.mean([m.max_drawdown_pct for m in metrics])) / 100,
        )

    return call


def class_based(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """E: a ``raptorbt.Strategy`` whose ``on_bar`` is plain Python."""
    arrays = [bars.ts, *(np.ascontiguousarray(a[:, 0]) for a in bars[1:])]

    class Cross(raptorbt.Strategy):  # type: ignore[misc]
        def on_start(self, ctx: Any) -> None:
            quick, lasting = raptorbt.sma(ctx.close, FAST), raptorbt.sma(ctx.close, SLOW)
            self.above, self.below = (s.tolist() for s in signals(quick, lasting))

        def on_bar(self, ctx: Any) -> None:
            i = ctx.idx
            if self.above[i]:
                if ctx.position is None:
                    self.enter()
            elif self.below[i] and ctx.position is not None:
                self.close_position()

    per_year = 365.0 * 1440

    def call() -> Outcome:
        found = raptorbt.run_strategy_backtest(
            Cross(), *arrays, symbol="S", config=config(per_year)
        )
        return ended(found, per_year)

    return call


RUNNERS = {
    "A": one_cross,
    "A-brackets": one_cross,
    "A-orders": one_cross,
    "B": many_crosses,
    "E": class_based,
}
