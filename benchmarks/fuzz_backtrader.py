"""``rules: backtrader`` against plain backtrader: random runs in every bit, and time per bar.

``python benchmarks/fuzz_backtrader.py --runs 5000 --seed 1 [--symbols 1-4]`` makes random markets,
broker options and wishes (seeds ``seed`` ... ``seed + runs - 1``), runs each on both and compares
cash, value, positions, average prices, order states, prices, fills and fees for exact equality. It
prints what was exercised, and the first difference of every run that differs; exit code 1 if any.
``--speed BARS`` times an SMA cross of one symbol on both, in turn, instead.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' own random runs

from tests.parity.random_backtrader import Run, differences, ours, random_run, theirs

FAST, SLOW, SHARE, CASH, FEE = 20, 100, 0.9, 100_000.0, 0.00002
CALLS = 5


class Count:
    """What the runs so far have exercised."""

    def __init__(self) -> None:
        self.ends: Counter[tuple[str, str]] = Counter()
        self.runs: Counter[str] = Counter()
        self.orders = self.fills = self.parts = self.children = self.grouped = self.stale = 0

    def add(self, run: Run, found: Any) -> None:
        """Count one run."""
        from tradewind.engine.executors.backtrader_state import STATUS_NAMES
        from tradewind.engine.types import OrderType

        orders, fills = found.simulation.orders, found.simulation.fills
        for kind, limit, status in zip(
            orders["order_type"], orders["limit"], found.statuses, strict=True
        ):
            name = OrderType(int(kind)).name.lower()
            if name == "trailing_stop" and limit == limit:
                name = "trailing_stop_limit"
            self.ends[name, STATUS_NAMES[status]] += 1
        self.orders += len(orders)
        self.fills += len(fills)
        self.parts += len(fills) - len(np.unique(fills["order"]))
        self.children += int((orders["parent"] >= 0).sum())
        self.grouped += int((orders["oco"] > 0).sum())
        self.stale += found.stale
        self.runs[f"{run.panel.n_symbols} symbols"] += 1
        broker = run.options.broker.model_dump()
        schemes = [run.options.scheme(symbol) for symbol in run.panel.symbols]
        self.runs["interest"] += any(scheme.interest for scheme in schemes)
        for name in ("coc", "coo", "schemes", "session_end"):
            self.runs[name] += bool(broker.get(name))
        for name in ("shortcash", "checksubmit"):
            self.runs[f"no {name}"] += not broker[name]
        self.runs["slippage"] += any(broker["slippage"][n] for n in ("slip_perc", "slip_fixed"))
        self.runs["filler"] += broker["filler"]["kind"] != "none"
        self.runs["futures"] += not all(scheme.is_stock for scheme in schemes)
        self.runs["intraday"] += not run.panel.daily
        self.runs["gaps"] += bool(np.isnan(run.panel.close).any())

    def print(self) -> None:
        """Table of order types by how they ended, and the rest."""
        kinds = sorted({kind for kind, _ in self.ends})
        states = sorted({state for _, state in self.ends}, key=lambda s: (s != "completed", s))
        print(f"{'':20}" + "".join(f"{state:>11}" for state in states))
        for kind in kinds:
            print(f"{kind:20}" + "".join(f"{self.ends[kind, s]:11,}" for s in states))
        print(
            f"{self.orders:,} orders ({self.children:,} children of brackets, {self.grouped:,} in "
            f"OCO groups), {self.fills:,} fills, {self.parts:,} of them further parts of an order, "
            f"{self.stale:,} on stale bars"
        )
        print("runs with " + ", ".join(f"{name}: {n:,}" for name, n in sorted(self.runs.items())))


def fuzz(runs: int, seed: int, symbols: tuple[int, int]) -> int:
    """Compare ``runs`` random runs; returns how many differ."""
    count, differing, begun = Count(), 0, perf_counter()
    for number in track(range(seed, seed + runs), "runs"):
        run = random_run(number, symbols)
        a, b = ours(run), theirs(run)
        count.add(run, a[0])
        if found := differences(*a, *b):
            differing += 1
            print(f"seed {number} differs: {found[0]}")
    count.print()
    print(f"{runs:,} runs, {differing:,} differ; {perf_counter() - begun:,.0f} s")
    return differing


def market(n_bars: int) -> Any:
    """Mean-reverting walk of one symbol with overnight gaps; prices of six decimals."""
    from scipy.signal import lfilter

    from tradewind.engine.records import DAY_NS, Panel

    rng = np.random.default_rng(1)
    # pulled back toward its start, or a million steps end in dust
    close = lfilter([1.0], [1.0, -0.999], rng.normal(0, 0.01, (n_bars, 1)), axis=0)
    close = np.round(100.0 * np.exp(close), 6)
    open_ = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.002, (n_bars, 1)))
    open_ = np.round(open_, 6)
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    ts = np.arange(1, n_bars + 1, dtype=np.int64) * DAY_NS
    return Panel(("A",), ts, open_, high, low, close, np.full((n_bars, 1), 1e6))


def script(panel: Any) -> Any:
    """An SMA cross as backtrader's own documentation would write it."""
    import backtrader as bt
    import pandas as pd

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fast = bt.ind.SMA(period=FAST)
            self.slow = bt.ind.SMA(period=SLOW)

        def next(self) -> None:
            above = self.fast[0] > self.slow[0]
            if above and not self.position:
                self.order_target_percent(target=SHARE)
            elif not above and self.position:
                self.order_target_percent(target=0.0)

    brain = bt.Cerebro(stdstats=False)
    brain.broker.set_cash(CASH)
    brain.broker.setcommission(FEE)
    columns = {n: getattr(panel, n)[:, 0] for n in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame(columns, index=pd.to_datetime(panel.dates))
    brain.adddata(bt.feeds.PandasData(dataname=frame))
    brain.addstrategy(Cross)
    return brain


def speed(n_bars: int) -> int:
    """Time both in turn on the same bars; returns 1 where they end with different money."""
    from tradewind.engine.config.backtrader import BacktraderConfig, CommissionConfig
    from tradewind.engine.executors import backtrader_profile
    from tradewind.engine.executors.backtrader_options import Options
    from tradewind.engine.protocols import Signals
    from tradewind.strategies.sma_cross import SmaCross

    strategy = SmaCross(fast=FAST, slow=SLOW)
    broker = BacktraderConfig(commission=CommissionConfig(commission=FEE))
    options = Options(broker, CASH, SHARE)

    def twin(panel: Any) -> Any:
        inputs = strategy.prepare(panel, Signals())
        return backtrader_profile.simulate(strategy, inputs, panel, options, start=SLOW - 1)

    short, long = market(n_bars), market(50 * n_bars)
    twin(short)
    slow, fast = [], []
    for _ in range(CALLS):
        brain = script(short)
        begun = perf_counter()
        brain.run()
        between = perf_counter()
        twin(long)
        slow.append((between - begun) / short.n_bars * 1e9)
        fast.append((perf_counter() - between) / long.n_bars * 1e9)
    theirs_end, ours_end = float(brain.broker.getvalue()), float(twin(short).equity[-1])
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    print(
        f"SMA cross {FAST}/{SLOW}, one symbol: backtrader {median(slow):,.0f} ns per bar "
        f"({short.n_bars:,} bars), rules: backtrader {median(fast):,.1f} ns per bar "
        f"({long.n_bars:,} bars), {median(ratios):,.0f} times faster; value at the end of "
        f"{short.n_bars:,} bars {theirs_end!r} and {ours_end!r}"
    )
    return int(theirs_end != ours_end)


def main() -> int:
    """Fuzz, or time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--symbols", default="1-4", metavar="LEAST-MOST")
    parser.add_argument("--speed", type=int, metavar="BARS")
    given = parser.parse_args()
    if given.speed:
        return speed(given.speed)
    least, _, most = given.symbols.partition("-")
    return int(fuzz(given.runs, given.seed, (int(least), int(most or least))) > 0)


if __name__ == "__main__":
    raise SystemExit(main())
