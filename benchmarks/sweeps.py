"""A study of many settings beside one run per trial, and a whole grid beside the bare loop.

``python benchmarks/sweeps.py [--quick] [--json]``. A cross of two averages, long and flat or long
and short, after costs, on made-up days of one symbol.

- ``study``: TPE in batches, three parameters, scored on five test blocks. Beside it one Cerebro
  run per trial and one vectorbt run per trial, whose time is that of a sample of the same settings,
  times the number of trials (``extrapolated``), without a sampler's time on top. What asking and
  telling took of ours is ``sampler_seconds``.
- ``grid``: every pair of windows, beside the same pairs in a loop written for this one job
  (``bare_loops.cross``) on one thread; ``peak_mb`` is that of the whole process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from bare_loops import cross

from tradewind.engine.config.file import override, parse
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT
from tradewind.engine.sweeping import grid
from tradewind.engine.sweeping.found import Found
from tradewind.engine.sweeping.preparing import Plan, prepared
from tradewind.engine.sweeping.run import searched

Row = dict[str, Any]
N_BARS = 5_000
GOAL_CEREBRO, GOAL_VECTORBT, GOAL_BARE, GOAL_MB = 200.0, 20.0, 3.0, 2_048.0
PEER = Path(__file__).parent.parent / ".venv-peers" / "main" / "bin" / "python"
TEXT = """
name: sweeps
data: {source: csv, path: MADE.csv, symbols: [MADE], calendar: none}
strategy: {kind: sma_cross}
costs: {fee_bps: 10, slippage_bps: 5}
account: {cash: 100000, fractional: true}
sweep: {batch: 512, validate: {folds: 5, train: 0.1}}
"""
STUDY = (
    "{strategy.fast: {low: 2, high: 60}, strategy.slow: {low: 61, high: 250}, "
    "strategy.short: [false, true]}"
)


def bars_into(folder: Path) -> None:
    """Made-up days: a walk with drift, gaps at the open."""
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(rng.normal(2e-4, 0.012, N_BARS)))
    opens = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0.0, 0.003, N_BARS))
    days = np.datetime64("2000-01-03") + np.arange(N_BARS)
    lines = ["date,open,high,low,close,volume"]
    for day, o, c in zip(days, opens, close, strict=True):
        high, low = max(o, c) * 1.004, min(o, c) * 0.996
        lines.append(f"{day},{o:.6f},{high:.6f},{low:.6f},{c:.6f},1000000")
    (folder / "MADE.csv").write_text("\n".join(lines), "utf-8")


def plan_of(folder: Path, *assignments: str) -> Plan:
    """A plan, its compiled code ready."""
    document = parse(TEXT, where="sweeps", folder=folder)
    return prepared(override(document, list(assignments)), Diary())


def study_rows(folder: Path, trials: int, sample: int) -> list[Row]:
    """The study, and what one run per trial would take."""
    asked = plan_of(folder, f"sweep.space={STUDY}", f"sweep.trials={trials}")
    warm = plan_of(folder, f"sweep.space={STUDY}", "sweep.trials=1024")
    searched(warm, SILENT)
    begun = perf_counter()
    found = searched(asked, SILENT)
    seconds = perf_counter() - begun
    sampler = found.seconds["ask"] + found.seconds["tell"]
    ours = {
        "case": "study", "engine": "tradewind", "trials": trials, "bars": N_BARS,
        "batch": asked.config.batch,
        "seconds": seconds, "trials_per_second": trials / seconds, "sampler_seconds": sampler,
        "simulating_seconds": found.seconds["run"], "threads": asked.evaluator.threads,
        "distinct": len({tuple(one.values.values()) for one in found.outcomes}),
    }  # fmt: skip
    rows = [ours, cerebro_row(folder, found, sample), vectorbt_row(folder, asked, found, sample)]
    for row in rows[1:]:
        if "each" in row:
            row["seconds"] = row["each"] * trials
            row["ratio"] = row["seconds"] / seconds
            row["met"] = row["ratio"] >= row["goal"]
    return rows


def sample_of(found: Found, n: int) -> list[Any]:
    """Settings of a study, evenly taken."""
    outcomes = [one for one in found.outcomes if one.state == "complete"]
    return [outcomes[i].values for i in np.linspace(0, len(outcomes) - 1, n).astype(int)]


def cerebro_row(folder: Path, found: Found, sample: int) -> Row:
    """One Cerebro run per trial, of the same config."""
    asked = plan_of(folder, f"sweep.space={STUDY}", "executor=cerebro")
    outcomes = asked.evaluator.evaluate(sample_of(found, sample), asked.space.fixed)
    each = median(one.seconds for one in outcomes)
    return {
        "case": "study", "engine": "one Cerebro run per trial", "peer": "backtrader",
        "each": each, "sample": sample, "extrapolated": True, "goal": GOAL_CEREBRO,
    }  # fmt: skip


def vectorbt_row(folder: Path, asked: Plan, found: Found, sample: int) -> Row:
    """One vectorbt run per trial, in the peers' environment."""
    row: Row = {"case": "study", "engine": "one vectorbt run per trial", "peer": "vectorbt"}
    python = os.environ.get("PEER_PYTHON", str(PEER))
    if not Path(python).is_file():
        return row | {"absent": "not installed; make peers"}
    panel = asked.bars.history.panel
    np.savez(folder / "bars.npz", open=panel.open[:, 0], close=panel.close[:, 0])
    settings = [list(values.values()) for values in sample_of(found, 4 * sample)]
    (folder / "settings.json").write_text(json.dumps(settings), "utf-8")
    script = Path(__file__).with_name("peer_sweep_vectorbt.py")
    command = [python, str(script), str(folder / "bars.npz"), str(folder / "settings.json")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        return row | {"absent": (ran.stderr.strip().splitlines() or ["failed"])[-1]}
    said = json.loads(ran.stdout.splitlines()[-1])
    return row | {
        "each": median(said["seconds"]), "sample": len(settings), "extrapolated": True,
        "goal": GOAL_VECTORBT, "version": said["version"],
    }  # fmt: skip


def grid_row(folder: Path, settings: int) -> Row:
    """A whole grid, and the same in the bare loop."""
    n_slow = settings // 250
    space = (
        f"{{strategy.fast: {{low: 2, high: 251}}, "
        f"strategy.slow: {{low: 260, high: {259 + n_slow}}}}}"
    )
    asked = plan_of(folder, f"sweep.space={space}", "sweep.sampler=grid", "sweep.keep_returns=500")
    grid.scanned(asked.evaluator, grid.Settings(asked.space, 2)[:8], {})  # compiles
    begun = perf_counter()
    found = searched(asked, SILENT)
    seconds = perf_counter() - begun
    panel = asked.bars.history.panel
    opens, close = (np.ascontiguousarray(x[:, 0]) for x in (panel.open, panel.close))
    fills, equity, sums = np.empty((0, 4)), np.empty(0), np.empty(4)
    cross(opens, close, 5, 50, 50, fills, equity, sums)
    begun = perf_counter()
    for fast in range(2, 252):
        for slow in range(260, 260 + n_slow):
            cross(opens, close, fast, slow, slow, fills, equity, sums)
    bare = perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "case": "grid", "engine": "tradewind", "peer": "bare loop, one thread",
        "settings": len(found.outcomes), "bars": N_BARS, "threads": asked.evaluator.threads,
        "seconds": seconds, "bare_seconds": bare, "ratio": seconds / bare, "goal": GOAL_BARE,
        "met": seconds / bare < GOAL_BARE, "peak_mb": peak, "goal_mb": GOAL_MB,
        "met_mb": peak < GOAL_MB,
    }  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bars_into(folder)
        rows = study_rows(folder, 2_000 if given.quick else 10_000, 3 if given.quick else 10)
        rows.append(grid_row(folder, 25_000 if given.quick else 100_000))
    for row in rows:
        print(json.dumps(row) if given.json else "  ".join(f"{k} {v}" for k, v in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
