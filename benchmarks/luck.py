"""Luck among many trials: speed beside purgedcv and arch, and the size of the test of many rules.

``python benchmarks/luck.py [--quick] [--json]``. Returns are seeded noise. purgedcv is timed on few
splits and multiplied; arch runs as many resamples as ours.
"""

import argparse
import json
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from tradewind.engine.luck.overfitting import block_sums, overfitting
from tradewind.engine.luck.reality_check import reality_check
from tradewind.engine.records import Floats

Row = dict[str, Any]
BARS, RULES, RESAMPLES = 1_250, 1_000, 1_000
LEVEL = 0.05


def noise(seed: int, rules: int, bars: int) -> Floats:
    return np.asarray(np.random.default_rng(seed).normal(0.0, 0.01, (rules, bars)))


def overfitting_row(quick: bool) -> Row:
    """All 12,870 splits of 16 blocks; purgedcv has 70 splits of 8, on fewer trials."""
    from purgedcv import probability_of_backtest_overfitting

    returns = noise(1, RULES, BARS)
    overfitting(block_sums(returns[:10]))
    took, theirs, off = [], [], 0.0
    few = returns[: 40 if quick else 200]
    for _ in range(3):
        begun = perf_counter()
        overfitting(block_sums(returns))
        took.append(perf_counter() - begun)
        begun = perf_counter()
        told = probability_of_backtest_overfitting(few, 8)
        theirs.append((perf_counter() - begun) / 70 / len(few) * 12_870 * RULES)
        ours = overfitting(block_sums(few, 8))
        off = max(off, float(np.abs(ours.logits - told.logits).max()))
    ratio = median(b / a for a, b in zip(took, theirs, strict=True))
    row: Row = {
        "case": "overfitting", "trials": RULES, "splits": 12_870, "seconds": median(took),
        "peer": "purgedcv, extrapolated", "peer_seconds": median(theirs), "ratio": ratio,
        "greatest_difference": off, "goal": "under 1 s, equal to 1e-12",
    }  # fmt: skip
    return row | {"met": bool(row["seconds"] < 1.0 and off < 1e-12)}


def check_row(quick: bool) -> Row:
    """Many rules against zero, as many resamples each."""
    from arch.bootstrap import SPA

    n = RESAMPLES // (10 if quick else 1)
    returns = noise(2, RULES, BARS)
    took, theirs = [], []
    for _ in range(1 if quick else 2):
        begun = perf_counter()
        reality_check(returns, n_resamples=n)
        took.append(perf_counter() - begun)
        begun = perf_counter()
        SPA(np.zeros(BARS), -returns.T, block_size=5, reps=n, seed=1).compute()
        theirs.append(perf_counter() - begun)
    ratio = median(b / a for a, b in zip(took, theirs, strict=True))
    return {"case": "test of many rules", "trials": RULES, "resamples": n,
            "seconds": median(took), "peer": "arch SPA", "peer_seconds": median(theirs),
            "ratio": ratio}  # fmt: skip


def size_rows(quick: bool) -> Iterator[Row]:
    """How often noise is rejected at 5 %: fitted blocks, and blocks of the square root."""
    rounds = 10 if quick else 400
    fitted = rooted = white = 0
    for seed in range(rounds):
        returns = noise(100 + seed, RULES, 500)
        found = reality_check(returns, n_resamples=RESAMPLES, seed=seed)
        fitted += found.consistent < LEVEL
        white += found.reality_check < LEVEL
        if seed < rounds // 4:
            rooted += reality_check(returns, n_resamples=250, block=22.0).consistent < LEVEL
    for name, hits, n in (
        ("SPA, fitted blocks", fitted, rounds), ("reality check, fitted blocks", white, rounds),
        ("SPA, blocks of the square root", rooted, rounds // 4),
    ):  # fmt: skip
        row: Row = {"case": "size", "test": name, "rounds": n, "rejected": hits / max(n, 1)}
        if name == "SPA, fitted blocks" and not quick:
            row |= {"goal": "3 to 7 %", "met": bool(0.03 <= row["rejected"] <= 0.07)}
        yield row


def main() -> int:
    """Print rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for row in [overfitting_row(given.quick), check_row(given.quick), *size_rows(given.quick)]:
        print(json.dumps(row) if given.json else row, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
