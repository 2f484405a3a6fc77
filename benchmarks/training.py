"""What training costs: ours beside torch's own loop, neuralforecast and a plain script.

``python benchmarks/training.py [--quick] [--json] [--only rates,peer,load,walks,gpu]``. Windows of
60 bars by 8 columns, one thread. Epochs are made in turn, round after round, so that a busy machine
slows all alike; rates are samples per processor second, medians over the rounds, and ``ratio`` is
the median over the rounds of this row's rate over that of ``peer``. What concerns two cores and
load is wall time (``others_cores`` tells how much of the machine somebody else had). A peer that is
not installed (``make peers``), or a GPU that is not there, is reported as absent.
"""

import os

# Before torch comes in: one thread that waits without spinning, as our workers are started.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "MKL_NUM_THREADS": "1"}

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
import training_load
import training_walks
from torch import nn
from training_loops import Turn, Workload, bare, ceiling, in_a_group, ours

from tradewind.engine.records import Panel
from tradewind.forecasters import Lstm
from tradewind.forecasters.training.hardware import refuse_slow_bf16

PEER = Path(__file__).resolve().parent.parent / ".venv-peers" / "neuralforecast" / "bin" / "python"
KINDS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
OTHERS = ("tcn", "dlinear", "nlinear", "nhits", "patchtst", "transformer")
Row = dict[str, Any]


def has_bf16() -> bool:
    """Whether the CPU has the instructions."""
    try:
        refuse_slow_bf16("bf16", "cpu", "")
    except ValueError:
        return False
    return True


def rates(quick: bool) -> Iterator[Row]:
    """Samples per processor second of one thread, our loop beside a bare one of the same batch."""
    work = Workload.of(512 if quick else 2048)
    bf16 = has_bf16()
    for batch in (128, 256, 1024):
        turns: dict[str, Turn] = {
            "nn.LSTM loop": bare(work, nn.LSTM, 64, batch),
            "tradewind": ours(work, "lstm", 64, batch),
        }
        if bf16:
            turns["tradewind, bf16"] = ours(work, "lstm", 64, batch, bf16=True)
        case = f"lstm, hidden 64, batch {batch}"
        goals = {"tradewind": 1.0} if batch < 1024 else {}
        yield from _beside(case, turns, "nn.LSTM loop", work, quick, goals)
        if not bf16:
            yield {"case": case, "engine": "tradewind, bf16", "absent": "this CPU has no bfloat16"}
    for family, kind in KINDS.items():
        if family != "lstm":
            name = f"nn.{kind.__name__} loop"
            pair = {name: bare(work, kind, 64, 128), "tradewind": ours(work, family, 64, 128)}
            yield from _beside(f"{family}, hidden 64, batch 128", pair, name, work, quick, {})
    for family in OTHERS:
        turns = {"tradewind": ours(work, family, 64, 128)}
        if bf16:
            turns["tradewind, bf16"] = ours(work, family, 64, 128, bf16=True)
        yield from _beside(f"{family}, batch 128", turns, "tradewind", work, quick, {})


def _beside(
    case: str,
    turns: dict[str, Turn],
    peer: str,
    work: Workload,
    quick: bool,
    goals: dict[str, float],
) -> Iterator[Row]:
    """Epochs in turn; one row each, set against ``peer``."""
    took: dict[str, list[float]] = {name: [] for name in turns}
    for turn in turns.values():
        turn()
    for number in range(3 if quick else 9):
        names = list(turns) if number % 2 else list(turns)[::-1]
        for name in names:
            took[name].append(turns[name]())
    for name, seconds in took.items():
        row: Row = {"case": case, "engine": name}
        row["samples_per_cpu_second"] = len(work.target) / median(seconds)
        if name != peer:
            row |= {"peer": peer, "ratio": median(_over(took[peer], seconds))}
        if name in goals:
            row |= {"goal": goals[name], "met": row["ratio"] >= goals[name]}
        yield row


def _over(upper: list[float], lower: list[float]) -> list[float]:
    return [a / b for a, b in zip(upper, lower, strict=True)]


def whole_fits(quick: bool) -> Iterator[Row]:
    """A whole fit, features, scaling and stopping included, beside neuralforecast's."""
    case, peer = "lstm, hidden 64, a whole fit", "neuralforecast"
    size = training_walks.Size(8, 0, 1 if quick else 5, 0, train=300 if quick else 800)
    if not PEER.exists():
        yield {"case": case, "engine": peer, "absent": "not installed; make peers"}
        return
    from time import process_time

    panel = training_walks.market(size)
    n_windows = size.symbols * (size.n_bars - 60)
    numbers = (size.n_bars, size.symbols, 64, 256, size.epochs)
    script = str(PEER.parents[3] / "benchmarks" / "peer_neuralforecast.py")
    environment = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    child = training_load.Child(str(PEER), script, *map(str, numbers), **environment)
    _fit(panel, 1)  # whatever loads late
    rates: dict[str, list[float]] = {peer: [], "tradewind": []}
    for _ in range(2 if quick else 3):
        found = child.ask()
        rates[peer].append(found["samples"] / found["cpu_seconds"])
        begun = process_time()
        n_samples = _fit(panel, size.epochs)
        rates["tradewind"].append(n_samples * size.epochs / (process_time() - begun))
    child.close()
    ratio = median(_over(rates["tradewind"], rates[peer]))
    yield {"case": case, "engine": peer, "samples_per_cpu_second": median(rates[peer])}
    yield {
        "case": case, "engine": "tradewind", "windows": n_windows,
        "samples_per_cpu_second": median(rates["tradewind"]),
        "peer": peer, "ratio": ratio, "goal": 2.0, "met": ratio >= 2.0,
    }  # fmt: skip


def _fit(panel: Panel, epochs: int) -> int:
    """Windows fitted on; those kept to stop by are work as well, and are not counted."""
    made = Lstm(hidden=64, stride=1, batch=256, epochs=epochs, patience=epochs, validation=0.05)
    return made.fit(panel).n_samples


def gpu(quick: bool) -> Iterator[Row]:
    """Many LSTMs in a group beside torch's own LSTM of one network on one big batch."""
    case = "lstm, hidden 64, 200 networks in a group"
    if not torch.cuda.is_available():
        yield {"case": case, "engine": "tradewind", "absent": "no CUDA device"}
        return
    device, n_networks, n = torch.device("cuda"), 200, 1024 if quick else 8192
    in_a_group(2, 128, 64, device, bf16=False)
    for bf16 in (False, True):
        peer = f"nn.LSTM (cuDNN), one batch of {n_networks * 128:,}{', bf16' if bf16 else ''}"
        most = ceiling(n_networks * 128, 20 * n_networks * 128, 64, device, bf16=bf16)
        rate = in_a_group(n_networks, n, 64, device, bf16=bf16)
        row = {"case": case, "device": torch.cuda.get_device_name(device)}
        yield {**row, "engine": peer, "samples_per_second": most}
        name = f"tradewind{', bf16' if bf16 else ''}"
        ratio = rate / most
        yield {**row, "engine": name, "samples_per_second": rate, "peer": peer, "ratio": ratio}


PARTS: dict[str, Callable[[bool], Any]] = {
    "rates": rates,
    "peer": whole_fits,
    "load": training_load.rows,
    "walks": lambda quick: training_walks.rows(quick, has_bf16()),
    "gpu": gpu,
}


def text(row: Row) -> str:
    """One line."""
    head = f"{row['case']:42} {row['engine']:30}"
    if "absent" in row:
        return f"{head} absent: {row['absent']}"
    line = head
    for name, unit in (
        ("samples_per_cpu_second", "samples/CPU s"),
        ("samples_per_second", "samples/s"),
        ("seconds", "s"),
        ("cpu_seconds", "CPU s"),
    ):
        if name in row:
            line += f" {row[name]:>10,.{1 if name.endswith('seconds') else 0}f} {unit}"
    if "ratio" in row:
        line += f"  {row['ratio']:6.2f} x {row['peer']}"
    if "goal" in row:
        line += f"  (at least {row['goal']:g}: {'met' if row['met'] else 'MISSED'})"
    return line


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under a minute, and rough")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by a comma")
    given = parser.parse_args()
    wanted = given.only.split(",")
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        parser.error(f"no part called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    torch.set_num_threads(1)
    for name in wanted:
        for row in PARTS[name](given.quick):
            print(json.dumps(row) if given.json else text(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
