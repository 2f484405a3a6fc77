"""The simulator beside a bare compiled loop and backtrader, on the same seeded bars, in one run.

``python benchmarks/engine.py [--quick] [--json]``. Each engine runs in a process of its own, so
that peak memory is its own. Time is the median of several calls after a first one, which is given
apart because it compiles or reads what an earlier process compiled. ``ratio`` is this row's time
per bar over that of ``peer``. backtrader is measured on fewer bars where the full number would
take minutes; its time per bar does not fall with their number.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

FAST, SLOW = 20, 100
FEE_BPS, SPREAD_BPS, SLIPPAGE_BPS = 0.2, 1.0, 0.2  # low, or a million bars end in nothing
CASH = 100_000.0
PAIRS = 15
INVESTED = 0.9  # of equity at most: backtrader refuses an order that the next open makes too large


@dataclass(frozen=True)
class Workload:
    """Shape of the market an engine is given."""

    name: str
    n_bars: int
    n_symbols: int
    calls: int


class Outcome(NamedTuple):
    """What an engine gives back: enough to see that it did the work."""

    final_equity: float
    n_fills: int


WORKLOADS = {
    "one_symbol": Workload("one_symbol", 1_000_000, 1, 7),
    "many_symbols": Workload("many_symbols", 5_000, 500, 7),
}
BACKTRADER_BARS = {"one_symbol": 20_000, "many_symbols": 200}
ENGINES = ("bare_loop", "tradewind_kernel", "tradewind", "tradewind_cerebro", "backtrader")
PEER = dict.fromkeys(("tradewind_kernel", "tradewind"), "bare_loop")
PEER["tradewind_cerebro"] = "backtrader"


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
    from tradewind.engine.executors import kernel, reference
    from tradewind.engine.sizing import Sizing
    from tradewind.strategies.sma_cross import SmaCross

    terms = kernel.Terms(
        costs(FEE_BPS, SPREAD_BPS, SLIPPAGE_BPS, 0.0),
        Sizing(INVESTED / panel.n_symbols, 1.0, 0.0, 0.0, 0.0),
        kernel.Account(CASH, 1.0, False, 0.0),
        reference.NO_VOL,
    )
    return SmaCross(fast=FAST, slow=SLOW), terms


def run_kernel(panel: Any) -> Callable[[], Outcome]:
    """Time the compiled loop alone, all orders and fills recorded."""
    from tradewind.engine.executors import kernel
    from tradewind.engine.executors.reference import compiled_kernel
    from tradewind.engine.protocols import Signals

    strategy, terms = parts(panel)
    inputs = strategy.prepare(panel, Signals())
    bars, loop = kernel.market_of(panel), compiled_kernel(strategy.rule)

    def call() -> Outcome:
        state = kernel.new_state(panel.n_bars, panel.n_symbols, CASH)
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


def memory_kb(field: str) -> int:
    """One line of this process's memory account."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def one(engine: str, workload: Workload, n_bars: int, calls: int) -> dict[str, Any]:
    """Measure one engine in this process."""
    RUNNERS[engine](market(200, workload.n_symbols))()  # imports and, once ever, compiling
    before_kb = memory_kb("VmRSS")
    panel = market(n_bars, workload.n_symbols)
    # The market is made from temporaries; only what an engine adds to the panel itself counts.
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    call = RUNNERS[engine](panel)
    begun = perf_counter()
    outcome = call()
    first = perf_counter() - begun
    seconds = []
    for _ in range(calls):
        begun = perf_counter()
        call()
        seconds.append(perf_counter() - begun)
    took = median(seconds) if seconds else first
    peak_mb = (memory_kb("VmHWM") - before_kb) / 1024
    side_by_side = beside(call, run_bare(panel)) if PEER.get(engine) == "bare_loop" else {}
    return {
        "engine": engine,
        "workload": workload.name,
        "bars": n_bars,
        "symbols": workload.n_symbols,
        "configs": 1,
        "seconds": took,
        "first_call_seconds": first,
        "ns_per_bar": took / (n_bars * workload.n_symbols) * 1e9,
        "peak_mb": peak_mb,
        "panel_mb": panel.nbytes / 2**20,
        "peak_over_panel": peak_mb * 2**20 / panel.nbytes,
        "final_equity": outcome.final_equity,
        "fills": outcome.n_fills,
        **side_by_side,
    }


def beside(call: Callable[[], Outcome], other: Callable[[], Outcome]) -> dict[str, Any]:
    """Median ratio of two calls made in turn, so that a busy machine slows both alike."""
    other()
    ratios = []
    for _ in range(PAIRS):
        begun = perf_counter()
        other()
        between = perf_counter()
        call()
        ratios.append((perf_counter() - between) / (between - begun))
    return {"peer": "bare_loop", "ratio": median(ratios)}


def plan(quick: bool) -> list[tuple[str, str, int, int]]:
    """(engine, workload, bars, calls) of every row."""
    rows = []
    for workload in WORKLOADS.values():
        for engine in ENGINES:
            slow = engine in ("backtrader", "tradewind_cerebro")
            bars = BACKTRADER_BARS[workload.name] if slow else workload.n_bars
            calls = (0 if quick else 3) if slow else workload.calls
            rows.append((engine, workload.name, bars, calls))
        # The compiled engines on backtrader's bars too: the same bars must end in the same cents.
        rows.append(("tradewind", workload.name, BACKTRADER_BARS[workload.name], workload.calls))
    return rows


def measure(engine: str, workload: str, bars: int, calls: int) -> dict[str, Any]:
    """Measure one engine in a process of its own."""
    asked = [engine, workload, str(bars), str(calls)]
    done = subprocess.run(
        [sys.executable, __file__, "--one", *asked], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"engine": engine, "workload": workload, "absent": done.stderr.strip()[-300:]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Set every row against its peer on the same workload."""
    for row in rows:
        peer = PEER.get(row["engine"])
        for other in rows:
            if other["workload"] != row["workload"] or "absent" in {**row, **other}:
                continue
            if peer == other["engine"] and "ratio" not in row:
                row["peer"] = peer
                row["ratio"] = row["ns_per_bar"] / other["ns_per_bar"]
            if other["engine"] == "backtrader" and row["engine"] != "backtrader":
                row["times_backtrader"] = other["ns_per_bar"] / row["ns_per_bar"]
    return rows


def agreement(rows: list[dict[str, Any]]) -> list[str]:
    """Say where engines that traded the same bars ended with different money."""
    found = []
    done = [row for row in rows if "absent" not in row]
    for row in done:
        base = next(r for r in done if (r["workload"], r["bars"]) == (row["workload"], row["bars"]))
        # backtrader has no cash cap at the fill: it refuses where the others scale.
        if row["engine"] != "backtrader" and abs(row["final_equity"] - base["final_equity"]) > 0.01:
            found.append(f"{row['engine']} and {base['engine']} differ on {row['workload']}")
    return found


def main() -> int:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=4, metavar=("ENGINE", "WORKLOAD", "BARS", "CALLS"))
    given = parser.parse_args()
    if given.one:
        engine, workload, bars, calls = given.one
        print(json.dumps(one(engine, WORKLOADS[workload], int(bars), int(calls))))
        return 0
    rows = with_ratios([measure(*row) for row in plan(given.quick)])
    for row in rows:
        print(json.dumps(row) if given.json else text(row))
    differences = agreement(rows)
    for line in differences:
        print(line, file=sys.stderr)
    return 1 if differences else 0


def text(row: dict[str, Any]) -> str:
    """One row as a person reads it."""
    if "absent" in row:
        return f"{row['workload']:13} {row['engine']:18} absent: {row['absent']}"
    ratio = f"{row['ratio']:6.2f} x {row['peer']}" if "ratio" in row else ""
    times = f"{row['times_backtrader']:8,.0f} times backtrader" if "times_backtrader" in row else ""
    return (
        f"{row['workload']:13} {row['engine']:18} {row['bars']:9,} x {row['symbols']:3} "
        f"{row['ns_per_bar']:10,.1f} ns/bar  first {row['first_call_seconds']:6.2f} s  "
        f"peak {row['peak_over_panel']:5.2f} x panel  {row['final_equity']:14,.2f} "
        f"{row['fills']:7,} fills  {ratio} {times}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
