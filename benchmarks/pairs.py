"""Finding and trading pairs at scale, against statsmodels and the bare compiled loop.

``python benchmarks/pairs.py [--quick] [--json]``. Markets are seeded random walks of sectors, so
that some pairs belong together. statsmodels' loop is timed on a random sample of the pairs, in turn
with the scan, and multiplied.
"""

import argparse
import json
import os
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import bare_pairs
import numpy as np

from tradewind.engine.costs import costs
from tradewind.engine.executors.batch import simulate_many
from tradewind.engine.executors.state import PLAIN_EXECUTION, Account, Terms
from tradewind.engine.protocols import Signals
from tradewind.engine.records import DAY_NS, Floats, Panel
from tradewind.engine.sizing import fixed_weight
from tradewind.strategies.pairing.cointegration import engle_granger
from tradewind.strategies.pairing.johansen_scan import johansen_pairs
from tradewind.strategies.pairs import Pairs

Row = dict[str, Any]
THREADS = os.cpu_count() or 1
SECTORS = 20
FEE_BPS = 1.0
TURNS = 3


def market(n_bars: int, n_symbols: int, seed: int) -> Panel:
    """Logarithmic walks: a market, a sector, and what is a symbol's own, half of it reverting."""
    draw = np.random.default_rng(seed)
    sector = np.arange(n_symbols) % SECTORS
    common = np.cumsum(draw.normal(0.0003, 0.008, (n_bars, 1)), axis=0)
    sectors = np.cumsum(draw.normal(0, 0.008, (n_bars, SECTORS)), axis=0)[:, sector]
    step = draw.normal(0, 0.01, (n_bars, n_symbols))
    own = np.zeros_like(step)
    keep = np.where(np.arange(n_symbols) % 2, 0.95, 1.0)
    for t in range(1, n_bars):
        own[t] = keep * own[t - 1] + step[t]
    close = np.exp(4.0 + common + sectors + own)
    opened = np.vstack([close[:1], close[:-1]]) * np.exp(draw.normal(0, 0.002, close.shape))
    ts = (np.arange(n_bars) * 365 // 252 + 3_650) * DAY_NS
    names = tuple(f"S{k:03}" for k in range(n_symbols))
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Panel(names, ts, opened, high, low, close, np.full(close.shape, 1e6))


def scan_row(quick: bool) -> Row:
    """All ordered pairs, and statsmodels on a sample of them."""
    from statsmodels.tsa.stattools import coint

    n = 120 if quick else 500
    prices = np.log(market(500, n, 1).close)
    engle_granger(prices[:, :3])  # compiles
    n_pairs = n * (n - 1)
    sample = np.random.default_rng(2).choice(n_pairs, 60 if quick else 200, replace=False)
    ours, theirs, worst = [], [], 0.0
    for part in np.array_split(sample, TURNS):
        begun = perf_counter()
        found = engle_granger(prices, threads=THREADS)
        ours.append(perf_counter() - begun)
        begun = perf_counter()
        told = [coint(prices[:, found.y[i]], prices[:, found.x[i]]) for i in part]
        theirs.append((perf_counter() - begun) / len(part) * n_pairs)
        off = [abs(one[0] - found.statistic[i]) for one, i in zip(told, part, strict=True)]
        worst = max(worst, *off)
    ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
    row: Row = {
        "case": "all ordered pairs", "symbols": n, "bars": 500, "pairs": n_pairs,
        "seconds": median(ours), "peer": "statsmodels coint, extrapolated",
        "peer_seconds": median(theirs), "ratio": ratio, "greatest_difference": worst,
    }  # fmt: skip
    if not quick:
        met = bool(row["seconds"] < 2.0 and ratio >= 1_000.0 and worst < 1e-8)
        row |= {"goal_seconds": 2.0, "goal_ratio": 1_000.0, "met": met}
    return row


def johansen_row(quick: bool) -> Row:
    """All pairs by Johansen's test, and statsmodels on a sample of them."""
    from statsmodels.tsa.vector_ar.vecm import coint_johansen

    n = 120 if quick else 500
    prices = np.log(market(500, n, 1).close)
    johansen_pairs(prices[:, :3])  # compiles
    n_pairs = n * (n - 1) // 2
    sample = np.random.default_rng(2).choice(n_pairs, 300, replace=False)
    ours, theirs, worst = [], [], 0.0
    for part in np.array_split(sample, TURNS):
        begun = perf_counter()
        found = johansen_pairs(prices, threads=THREADS)
        ours.append(perf_counter() - begun)
        begun = perf_counter()
        told = [coint_johansen(prices[:, [found.y[i], found.x[i]]], 0, 1) for i in part]
        theirs.append((perf_counter() - begun) / len(part) * n_pairs)
        off = [np.abs(one.lr1 - found.trace[i]).max() for one, i in zip(told, part, strict=True)]
        worst = max(worst, *off)
    return {
        "case": "all pairs by Johansen", "symbols": n, "bars": 500, "pairs": n_pairs,
        "seconds": median(ours), "peer": "statsmodels coint_johansen, extrapolated",
        "peer_seconds": median(theirs), "greatest_difference": float(worst),
        "ratio": median(b / a for a, b in zip(ours, theirs, strict=True)),
    }  # fmt: skip


def walk_row(quick: bool) -> Row:
    """Pairs formed anew each year, with p-values, over twenty years."""
    n, years = (100, 5) if quick else (500, 20)
    panel = market(252 * years, n, 3)
    strategy = Pairs(find="cointegration", p_value=0.01, false_discoveries=0.05, half_life=(1, 60),
                     count=20, formation=252, every="year")  # fmt: skip
    begun = perf_counter()
    inputs = strategy.prepare(panel, Signals())
    row: Row = {
        "case": "walk-forward", "symbols": n, "bars": panel.n_bars,
        "formations": years - 1, "pairs": int((inputs.leg[:, 0] >= 0).sum()),
        "seconds": perf_counter() - begun,
    }  # fmt: skip
    if not quick:
        row |= {"goal_seconds": 60.0, "met": row["seconds"] < 60.0}
    return row


def threshold_row(quick: bool) -> Row:
    """Settings of entry and exit in one call of the kernel, in turn with the bare loop."""
    n_settings = 100 if quick else 1_000
    panel = market(5_000, 40, 4)
    names = [[panel.symbols[k], panel.symbols[k + SECTORS]] for k in range(SECTORS)]
    levels = np.column_stack([
        np.tile(np.linspace(1.0, 3.0, n_settings // 10), 10),
        np.repeat(np.linspace(-0.5, 0.5, 10), n_settings // 10),
    ])  # fmt: skip
    made = [
        Pairs(pairs=names, window=60, entry=float(e), exit=float(x), lot=0.0) for e, x in levels
    ]
    inputs = made[0].prepare(panel, Signals())
    terms = Terms(
        costs(FEE_BPS, 0.0, 0.0, 0.0), fixed_weight(1.0, 40),
        Account(bare_pairs.CASH, 4.0, False, 0.0, False, 0.0, np.ones(40, np.bool_)),
        PLAIN_EXECUTION,
    )  # fmt: skip
    found = np.empty((n_settings, 5))
    legs = np.array([[k, k + SECTORS] for k in range(SECTORS)])

    def bare() -> Floats:
        signal = np.where(inputs.row >= 0, inputs.signal, np.nan)
        bare_pairs.sweep(
            panel.open, panel.close, legs, signal, inputs.share, levels, FEE_BPS * 1e-4, found
        )
        return found

    simulate_many(made[:2], inputs, panel, terms, start=251)
    bare_pairs.sweep(panel.open, panel.close, legs, inputs.signal, inputs.share, levels[:1], 1e-4,
                     found)  # fmt: skip
    ours, theirs = [], []
    for _ in range(TURNS):
        begun = perf_counter()
        batch = simulate_many(made, inputs, panel, terms, start=251)
        ours.append(perf_counter() - begun)
        begun = perf_counter()
        least = bare()
        theirs.append(perf_counter() - begun)
    off = np.abs(batch.equity / least[:, 0] - 1.0)
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    row: Row = {
        "case": "thresholds", "settings": n_settings, "pairs": SECTORS, "bars": 5_000,
        "fills": int(batch.fills.sum()), "seconds": median(ours), "peer": "bare compiled loop",
        "peer_seconds": median(theirs), "ratio": ratio, "greatest_difference": float(off.max()),
    }  # fmt: skip
    if not quick:
        row |= {"goal_ratio": 3.0, "met": bool(ratio <= 3.0)}
    return row


def rows(quick: bool) -> Iterator[Row]:
    """All of them."""
    yield scan_row(quick)
    yield johansen_row(quick)
    yield walk_row(quick)
    yield threshold_row(quick)


def main() -> int:
    """Print rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for row in rows(given.quick):
        shown = {key: f"{v:.3g}" if isinstance(v, float) else v for key, v in row.items()}
        print(json.dumps(row) if given.json else shown, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
