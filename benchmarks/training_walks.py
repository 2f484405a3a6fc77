"""A whole walk-forward, a network per symbol and fold, on one worker, on two, and as a script."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.walkforward.run import run, spec_of
from tradewind.forecasters import Lstm

SCRIPT = Path(__file__).with_name("naive_walk.py")


class Size(NamedTuple):
    """How much there is to do."""

    symbols: int
    folds: int
    epochs: int
    naive_symbols: int  # the script is given fewer: its time rises with their number
    hidden: int = 32
    train: int = 500
    refit: int = 40

    @property
    def n_bars(self) -> int:
        """Bars of the panel."""
        return self.train + self.folds * self.refit


FULL, QUICK = Size(50, 10, 3, 1), Size(4, 3, 2, 1)


def market(size: Size) -> Panel:
    """Random walks."""
    draw = np.random.default_rng(0)
    shape = size.n_bars, size.symbols
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, shape), axis=0))
    spread = np.exp(np.abs(draw.normal(0, 0.005, shape)))
    ts = (np.arange(size.n_bars, dtype=np.int64) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(size.symbols))
    volume = np.exp(draw.normal(12, 0.3, shape))
    return Panel(names, ts, close.copy(), close * spread, close / spread, close, volume)


def walk(panel: Panel, size: Size, workers: int, precision: str = "float32") -> dict[str, float]:
    """Time of one walk-forward, of this process and its workers."""
    params = {
        "hidden": size.hidden,
        "pooled": False,
        "stride": 1,
        "epochs": size.epochs,
        "patience": size.epochs,
        "precision": precision,
    }
    config = WalkForwardConfig(train=size.train, refit=size.refit)
    begun, before = perf_counter(), _worked()
    walked = run(spec_of(Lstm, params), panel, config, seed=0, workers=workers)
    assert len(walked.folds) == size.folds
    assert np.isfinite(walked.forecasts.mean[walked.first_bar :]).all()
    return {"seconds": perf_counter() - begun, "cpu_seconds": _worked() - before}


def _worked() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def naive(size: Size) -> dict[str, float]:
    """Time of the script for all symbols, from that for a few, on torch's default threads."""
    numbers = (size.n_bars, size.train, size.refit, size.folds, size.naive_symbols, size.epochs)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("OMP", "MKL"))
    }
    command = [sys.executable, str(SCRIPT), *map(str, numbers), str(size.hidden)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=clean)
    found = json.loads(done.stdout.splitlines()[-1])
    times = size.symbols / size.naive_symbols
    return {name: found[name] * times for name in ("seconds", "cpu_seconds")}


def others_share(begun: float, before: tuple[float, float]) -> float:
    """Cores that were at work for somebody else since ``begun``."""
    busy, own = _busy(), _worked()
    return max(0.0, (busy - before[0]) - (own - before[1])) / (perf_counter() - begun)


def _busy() -> float:
    """Processor seconds of the whole machine."""
    fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, *_ = map(int, fields)
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def rows(quick: bool, bf16: bool) -> list[dict[str, Any]]:
    """One worker against two, and both against the script; in bfloat16 too where there is such."""
    size = QUICK if quick else FULL
    panel = market(size)
    begun, before = perf_counter(), (_busy(), _worked())
    one, two, script = walk(panel, size, 1), walk(panel, size, 2), naive(size)
    rounded = {"tradewind, bf16, 2 workers": walk(panel, size, 2, "bf16")} if bf16 else {}
    shared = {
        "symbols": size.symbols,
        "folds": size.folds,
        "hidden": size.hidden,
        "epochs": size.epochs,
        "others_cores": others_share(begun, before),
    }
    case = "walk-forward"
    found = [
        {"case": case, "engine": "tradewind, 1 worker", **one, **shared},
        {
            "case": case, "engine": "tradewind, 2 workers", **two, **shared,
            "peer": "tradewind, 1 worker", "ratio": one["seconds"] / two["seconds"],
            # What it would be with two cores to itself: the work there is, over two.
            "cpu_ratio": 2.0 * one["cpu_seconds"] / two["cpu_seconds"],
            "goal": 1.8, "met": one["seconds"] / two["seconds"] >= 1.8,
        },
    ]  # fmt: skip
    found += [
        {
            "case": "walk-forward, script", "engine": engine, **ours, **shared,
            "peer": "a script with default threads", "peer_seconds": script["seconds"],
            "ratio": script["seconds"] / ours["seconds"],
            "cpu_ratio": script["cpu_seconds"] / ours["cpu_seconds"],
            "goal": 5.0, "met": script["seconds"] / ours["seconds"] >= 5.0,
        }
        for engine, ours in {"tradewind, 2 workers": two, **rounded}.items()
    ]  # fmt: skip
    if quick:  # starting the workers is most of it, so it shows nothing
        return [{key: row[key] for key in row.keys() - {"goal", "met"}} for row in found]
    return found
