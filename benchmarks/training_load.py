"""Training while both cores are busy with something else, against the share that is fair.

``python training_load.py train THREADS`` trains for two seconds at a time, ``spin`` only counts;
each answers a line read with what it did and the processor seconds it got.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

OURS = "tradewind, one thread"
TURN_S = 1.0
BUSY = "while True: pass"
FILE = Path(__file__).resolve()
PASSIVE = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}  # as our workers are started


def spin() -> dict[str, float]:
    """What the system gives to one process that wants a whole core."""
    begun, worked = perf_counter(), process_time()
    while perf_counter() - begun < TURN_S:
        pass
    return {"seconds": perf_counter() - begun, "cpu_seconds": process_time() - worked}


def train_for_a_while(epoch: Any, n: int) -> dict[str, float]:
    """Samples of whole epochs, and the time they took."""
    begun, worked, samples = perf_counter(), process_time(), 0
    while perf_counter() - begun < TURN_S:
        epoch()
        samples += n
    seconds = perf_counter() - begun
    return {"seconds": seconds, "cpu_seconds": process_time() - worked, "samples": samples}


def main() -> int:
    """Answer each line with a turn."""
    what = sys.argv[1]
    if what == "train":
        import torch
        from training_loops import Workload, bare, ours

        threads = int(sys.argv[2])
        torch.set_num_threads(threads)
        work = Workload.of(512)
        epoch = ours(work, "lstm", 64, 128) if threads == 1 else bare(work, torch.nn.LSTM, 64, 128)
        epoch()
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        found = spin() if what == "spin" else train_for_a_while(epoch, len(work.target))
        print(json.dumps(found), flush=True)
    return 0


class Child:
    """A process that answers lines."""

    def __init__(self, *command: str, **environment: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMP", "MKL"))}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=clean | environment,
        )
        self.answer()

    def answer(self) -> dict[str, Any]:
        """Next line that is one of its answers; libraries print others."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                return dict(json.loads(line))
        raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")

    def ask(self) -> dict[str, Any]:
        """Have one turn made."""
        assert self.process.stdin is not None
        self.process.stdin.write("turn\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def busy(n: int) -> Iterator[None]:
    """So many processes that want a core each."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(n)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def rows(quick: bool) -> list[dict[str, Any]]:
    """Ours on one waiting thread, and a bare loop on torch's default threads, under load."""
    cores = len(os.sched_getaffinity(0))
    python, file = sys.executable, str(FILE)
    spinner = Child(python, file, "spin")
    trainers = {
        OURS: Child(python, file, "train", "1", **PASSIVE),
        "nn.LSTM loop, default threads": Child(python, file, "train", str(cores)),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in trainers}
    try:
        for _ in range(3 if quick else 9):
            alone = trainers[OURS].ask()
            for name, child in trainers.items():
                with busy(cores):
                    fair, loaded = spinner.ask(), child.ask()
                found[name].append(_share(alone, fair, loaded))
    finally:
        for child in (spinner, *trainers.values()):
            child.close()
    return [_row(name, turns) for name, turns in found.items()]


def _share(
    alone: dict[str, float], fair: dict[str, float], loaded: dict[str, float]
) -> dict[str, float]:
    """Rate under load, of what one thread of ours learns in a core's fair share.

    The fair share is what a process is given that does nothing but count, just before.
    """
    rate = alone["samples"] / alone["cpu_seconds"]
    share = fair["cpu_seconds"] / fair["seconds"]
    got = loaded["samples"] / loaded["seconds"]
    return {
        "rate": rate,
        "share": share,
        "samples_per_second": got,
        "ratio": got / (rate * share),
        "work_ratio": loaded["samples"] / loaded["cpu_seconds"] / rate,
    }


def _row(name: str, turns: list[dict[str, float]]) -> dict[str, Any]:
    found = {key: median(turn[key] for turn in turns) for key in turns[0]}
    row: dict[str, Any] = {"case": "lstm under load", "engine": name, "peer": "its fair share"}
    if name == OURS:
        row |= {"goal": 0.9, "met": found["ratio"] >= 0.9}
    return row | found


if __name__ == "__main__":
    raise SystemExit(main())
