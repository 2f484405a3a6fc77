"""The folds of one LSTM on two processes of this machine and on two Dask workers beside them.

``python benchmarks/fanout.py [--quick] [--json]``. One JSON object a line: how many folds, where
they were fitted, wall seconds of a first and a second walk-forward without a cache, and whether
the forecasts have the bits of those fitted here.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.walkforward.run import ForecasterSpec, WalkForward, run
from tradewind.engine.walkforward.where import Cluster, Workers

Row = dict[str, Any]
WORKERS = 2
N_FOLDS = 8
TRAIN, BLOCK = 500, 125


def market(n_symbols: int) -> Panel:
    """Random walks of one percent a day, long enough for all folds."""
    steps = np.random.default_rng(7).normal(0, 0.01, (TRAIN + N_FOLDS * BLOCK, n_symbols))
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    opened = np.vstack([close[:1], close[:-1]])
    ts = (np.arange(len(close), dtype=np.int64) + 16_000) * DAY_NS
    high, low = np.fmax(opened, close) * 1.01, np.fmin(opened, close) * 0.99
    names = tuple(f"S{k}" for k in range(n_symbols))
    return Panel(names, ts, opened, high, low, close, np.full(close.shape, 1_000.0))


@contextmanager
def dask(folder: Path) -> Iterator[Cluster]:
    """A scheduler and two workers of one thread each."""
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    started = []

    def start(name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.{name}", *common, *arguments]
        quiet = subprocess.DEVNULL
        started.append(
            subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
        )

    try:
        start("dask_scheduler", "--port", "0")
        while not file.exists() or not file.read_text():
            time.sleep(0.05)
        for _ in range(WORKERS):
            start("dask_worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        time.sleep(5.0)  # workers that come later would be counted as slow
        host, _, port = json.loads(file.read_text())["address"].partition("//")[2].rpartition(":")
        yield Cluster(host, int(port))
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def rows(quick: bool) -> Iterator[Row]:
    """Wall seconds here and there."""
    panel = market(4 if quick else 30)
    spec = ForecasterSpec(
        "tradewind.forecasters.recurrent:Lstm",
        {"window": 20, "features": ("return_1", "range"), "epochs": 2 if quick else 10},
    )
    config = WalkForwardConfig(train=TRAIN, refit=BLOCK)

    def walked(workers: Workers) -> tuple[WalkForward, float]:
        begun = perf_counter()
        made = run(spec, panel, config, seed=7, workers=workers)
        return made, perf_counter() - begun

    with tempfile.TemporaryDirectory() as made, dask(Path(made)) as cluster:
        wanted = None
        for name, workers in (("local", WORKERS), ("dask", cluster)):
            (first, first_s), (_, second_s) = walked(workers), walked(workers)
            wanted = wanted or first.forecasts
            yield {
                "executor": name, "workers": WORKERS, "folds": len(first.folds),
                "symbols": panel.n_symbols, "bars_mb": round(panel.nbytes / 1e6, 2),
                "first_s": round(first_s, 2), "second_s": round(second_s, 2),
                "same_bits": first.forecasts.mean.tobytes() == wanted.mean.tobytes(),
            }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args()
    for row in rows(asked.quick):
        words = ", ".join(f"{name} {value}" for name, value in row.items())
        print(json.dumps(row) if asked.json else words, flush=True)


if __name__ == "__main__":
    main()
