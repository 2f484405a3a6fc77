"""What one bar costs a process that trades, after features: with torch and without.

``python benchmarks/live_step.py [--quick] [--json]``. An LSTM of 64 units on 8 features, window 60.
Every engine gets the same bar, standardises it, moves its state or window, and ends with the mean
and deviation of each symbol in log return. All run in one process on one thread, in turn, round
after round; times are the median and the 99th percentile of single calls. ``ratio`` is the median
over the rounds of this row's time over that of ``peer``.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Any, NamedTuple

import numpy as np
import torch
from live_step_page import goals

from tradewind.engine.causality import probe
from tradewind.engine.records import Floats
from tradewind.forecasters import Lstm
from tradewind.forecasters.networks.recurrent import RecurrentEncoder
from tradewind.forecasters.serving.stepper import Stepper
from tradewind.forecasters.serving.windows import WindowServer
from tradewind.forecasters.training.fitted import Fitted

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
HIDDEN, WINDOW, HORIZON = 64, 60, 5
SYMBOLS = (1, 500)
WARM_UP = 80  # bars before the first that is measured: every engine then speaks
Call = Callable[[Floats], object]


class Engine(NamedTuple):
    """One way to take a bar; ``peer`` is what its ratio is over."""

    workload: str
    engine: str
    n_symbols: int
    layers: int
    peer: str | None
    call: Call


def torch_step(one: Fitted, n_symbols: int) -> Call:
    """The state carried by torch itself."""
    network, encoder = one.network.eval(), one.network.encoder
    assert isinstance(encoder, RecurrentEncoder)
    state, who = encoder.begin(n_symbols), torch.zeros(n_symbols, dtype=torch.int64)

    def call(bar: Floats) -> object:
        nonlocal state
        x = torch.from_numpy(one.scaling.apply(bar[:, :-1]))[:, None]  # type: ignore[attr-defined]
        with torch.inference_mode():
            states, state = encoder.run(network.known(x, who), state)
            output = network.read(states[:, 0]).numpy()
        return one.head.said(output, bar[:, -1] * np.sqrt(HORIZON))

    return call


def torch_window(one: Fitted, n_symbols: int) -> Call:
    """A whole window read by torch."""
    network, who = one.network.eval(), torch.zeros(n_symbols, dtype=torch.int64)
    bars = np.zeros((n_symbols, WINDOW, len(one.scaling.record()["mean"])), np.float32)

    def call(bar: Floats) -> object:
        bars[:, :-1] = bars[:, 1:]
        bars[:, -1] = one.scaling.apply(bar[:, :-1])  # type: ignore[attr-defined]
        with torch.inference_mode():
            output = network(torch.from_numpy(bars), who).numpy()
        return one.head.said(output, bar[:, -1] * np.sqrt(HORIZON))

    return call


def engines(folder: Path) -> list[Engine]:
    """Every engine over networks that were fitted for it."""
    made = []
    panel = probe(n_bars=500, n_symbols=3)
    for layers in (1, 2):
        shape: dict[str, Any] = {"hidden": HIDDEN, "layers": layers, "window": WINDOW, "epochs": 1}
        carried = Lstm(serving="stateful", **shape).fit(panel)
        windows = Lstm(**shape).fit(panel)
        carried.export(folder / f"state-{layers}")
        windows.export(folder / f"window-{layers}")
        ours, theirs = (next(iter((f.fitted or {}).values())) for f in (carried, windows))
        for n in SYMBOLS if layers == 1 else SYMBOLS[:1]:
            names = tuple(f"S{k}" for k in range(n))
            kept = folder / f"state-{layers}"
            numba, plain = (
                Stepper.open(kept, names, backend=backend).step for backend in ("numba", "numpy")
            )
            onnx = WindowServer.open(folder / f"window-{layers}", names).step
            of = (n, layers)
            made += [
                Engine("step", "torch", *of, None, torch_step(ours, n)),
                Engine("step", "tradewind", *of, "torch", numba),
                Engine("step", "tradewind_numpy", *of, "torch", plain),
                Engine("window", "torch", *of, None, torch_window(theirs, n)),
                Engine("window", "tradewind_onnx", *of, "torch", onnx),
            ]
    return made


def timed(call: Call, bars: Floats) -> list[int]:
    """Nanoseconds of each call, over bars (n_bars, n_symbols, n_inputs)."""
    found = []
    for bar in bars:
        begun = perf_counter_ns()
        call(bar)
        found.append(perf_counter_ns() - begun)
    return found


def measure(found: list[Engine], quick: bool) -> list[dict[str, Any]]:
    """All engines in turn, round after round."""
    draw = np.random.default_rng(0)
    history = {n: draw.normal(0.01, 0.01, (256, n, 9)) for n in SYMBOLS}
    for bars in history.values():
        bars[:, :, -1] = 0.01
    for one in found:
        timed(one.call, history[one.n_symbols][:WARM_UP])
    rounds: list[list[list[int]]] = [[] for _ in found]
    for _ in range(5 if quick else 25):
        for k, one in enumerate(found):
            n_calls = 256 if one.n_symbols == 1 else 20 if one.workload == "step" else 3
            rounds[k].append(timed(one.call, history[one.n_symbols][:n_calls]))
    rows = []
    for one, mine in zip(found, rounds, strict=True):
        every = np.array([ns for part in mine for ns in part]) / 1e3
        row = {
            "workload": one.workload,
            "engine": one.engine,
            "symbols": one.n_symbols,
            "layers": one.layers,
            "hidden": HIDDEN,
            "median_us": float(np.median(every)),
            "p99_us": float(np.percentile(every, 99)),
            "calls": len(every),
        }
        peers = [
            theirs
            for other, theirs in zip(found, rounds, strict=True)
            if other[:4] == (one.workload, one.peer, one.n_symbols, one.layers)
        ]
        if peers:
            pairs = zip(mine, peers[0], strict=True)
            row |= {"peer": one.peer, "ratio": median(median(a) / median(b) for a, b in pairs)}
        rows.append(row)
    return rows


def text(row: dict[str, Any]) -> str:
    """One line."""
    line = f"{row['workload']:7} {row['engine']:16} {row['symbols']:>4} x {row['layers']} layers"
    line += f"  {row['median_us']:>9.1f} us  p99 {row['p99_us']:>9.1f} us"
    return line + (f"  {row['ratio']:6.3f} x {row['peer']}" if "ratio" in row else "")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in THREADS):  # they are read once, on import
        env = {**os.environ, **dict.fromkeys(THREADS, "1")}
        os.execve(sys.executable, [sys.executable, *sys.argv], env)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        rows = measure(engines(Path(folder)), given.quick)
    for row in rows:
        print(json.dumps(row) if given.json else text(row))
    if not given.json:
        for one in goals(rows):
            print(f"{one.wanted}: {one.found}, {'met' if one.met else 'missed'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
