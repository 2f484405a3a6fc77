"""How fast Boltzmann machines learn: one layer beside scikit-learn's, and a paper's whole training.

``python benchmarks/rbm.py [--quick] [--json]``. The layer has 33 visible and 40 hidden units and
learns from batches of 1,000 rows; scikit-learn's machine is binary and gets the same rows squeezed
into [0, 1]. Both on one thread, in turn. The training is that of 848,000 rows by 33 inputs, as many
as Takeuchi and Lee (2013) had, through all stages of the network 33-40-4-50-2.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter, process_time
from typing import Any

import torch
from torch import Generator, Tensor

from tradewind.forecasters.machines import deep, rbm
from tradewind.forecasters.machines.deep import Recipe, Rows
from tradewind.forecasters.machines.rbm import Rbm
from tradewind.forecasters.training.loop import Schedule, one_thread

VISIBLE, HIDDEN, BATCH = 33, 40, 1_000
PAPER_ROWS, GOAL_SECONDS, GOAL_RATIO = 848_000, 600.0, 4.0
Row = dict[str, Any]


def rows_of(n: int, seed: int) -> Rows:
    """Rows with a few common factors, and classes that depend on one of them a little."""
    draw = Generator().manual_seed(seed)
    factors = torch.randn(n, 5, generator=draw)
    mixing = torch.randn(5, VISIBLE, generator=Generator().manual_seed(0))
    x = factors @ mixing + torch.randn(n, VISIBLE, generator=draw)
    above = 0.1 * factors[:, 0] + torch.randn(n, generator=draw) > 0
    return Rows((x - x.mean(0)) / x.std(0), above.long())


def ours(x: Tensor, kind: rbm.Visible, steps: int = 1) -> Callable[[], None]:
    """One epoch of CD-k."""
    machine = Rbm.drawn(VISIBLE, HIDDEN, kind, Generator().manual_seed(1))
    plan = rbm.Schedule(epochs=1, batch=BATCH, learning_rate=0.005, steps=steps)
    return lambda: (rbm.train(machine, x, x[:BATCH], plan, Generator().manual_seed(2)), None)[1]


def theirs(x: Tensor) -> Callable[[], None]:
    """One epoch of scikit-learn's persistent CD."""
    from sklearn.neural_network import BernoulliRBM

    squeezed = x.sigmoid().numpy()  # float32, as ours; it keeps the type
    machine = BernoulliRBM(HIDDEN, batch_size=BATCH, n_iter=1, learning_rate=0.005, random_state=0)
    return lambda: (machine.fit(squeezed), None)[1]


def layer_rows(quick: bool) -> Iterator[Row]:
    """Rows a processor second, side by side."""
    n, turns = (50_000, 3) if quick else (200_000, 7)
    x = rows_of(n, 3).x
    calls = {
        "scikit-learn BernoulliRBM": theirs(x),
        "tradewind, Gaussian": ours(x, "gaussian"),
        "tradewind, binary": ours(x.sigmoid(), "bernoulli"),
        "tradewind, Gaussian, CD-5": ours(x, "gaussian", steps=5),
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            begun = process_time()
            call()
            took[name].append(process_time() - begun)
    peer = "scikit-learn BernoulliRBM"
    for name, times in took.items():
        row: Row = {"case": "layer 33-40", "engine": name, "rows_per_second": n / median(times)}
        if name != peer:
            ratio = median(a / b for a, b in zip(took[peer], times, strict=True))
            row |= {"peer": peer, "ratio": ratio}
        if name == "tradewind, Gaussian":
            row |= {"goal": GOAL_RATIO, "met": row["ratio"] >= GOAL_RATIO}
        yield row


def training_row(quick: bool) -> Row:
    """Seconds of the whole training; a twentieth of the rows with ``quick``."""
    n = PAPER_ROWS // (20 if quick else 1)
    fitting, stopping = rows_of(n * 4 // 5, 4), rows_of(n // 5, 5)
    stage = Schedule(epochs=10, patience=3, batch=BATCH, learning_rate=0.002)
    machine = rbm.Schedule(epochs=10, batch=BATCH, learning_rate=0.005)
    recipe = Recipe(
        gaussian=machine, binary=rbm.Schedule(epochs=10, batch=BATCH, learning_rate=0.05),
        rebuild=stage, classify=stage, whole=stage,
    )  # fmt: skip
    begun, worked = perf_counter(), process_time()
    _, curve = deep.fit(fitting, stopping, recipe, Generator().manual_seed(6))
    epochs = {point.stage: point.epoch for point in curve}
    row: Row = {
        "case": "whole training", "engine": "tradewind", "rows": n, "epochs": epochs,
        "seconds": perf_counter() - begun, "cpu_seconds": process_time() - worked,
    }  # fmt: skip
    if not quick:
        row |= {"goal_seconds": GOAL_SECONDS, "met": row["seconds"] < GOAL_SECONDS}
    return row


def text(row: Row) -> str:
    """One line."""
    head = f"{row['case']:16} {row['engine']:28}"
    if "seconds" in row:
        return f"{head} {row['rows']:,} rows: {row['seconds']:.0f} s ({row['cpu_seconds']:.0f} CPU)"
    line = f"{head} {row['rows_per_second']:>12,.0f} rows/s"
    return line + (f"  {row['ratio']:.2f} x {row['peer']}" if "ratio" in row else "")


def main() -> int:
    """Print rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with one_thread():
        for row in [*layer_rows(given.quick), training_row(given.quick)]:
            print(json.dumps(row) if given.json else text(row), flush=True)
    return 0


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if os.environ.get(name) != "1":
            os.environ |= {name: "1"}
            os.execv(sys.executable, [sys.executable, *sys.argv])  # read when libraries load
    raise SystemExit(main())
