"""The simulator beside a bare compiled loop and other backtesters, on the same seeded bars.

``python benchmarks/engine.py [--quick] [--json] [--only A,B] [--engines tradewind,raptorbt]``.
Every engine runs in a process of its own for each workload, peers in their own environments (``make
peers``). Calls are made in turn, round after round, so that a busy machine slows all of them alike;
short ones are repeated for a tenth of a second and count with their mean; times are medians over
the rounds. ``ratio`` is the median over the rounds of this row's time per bar, symbol and
setting over that of ``peer``: what is ours over the bare loop, others over tradewind. Slow engines
are given fewer bars. ``cpu_seconds`` tells how much of a time was waiting for a busy machine. Where
the semantics are equal, final equities must be, to the cent.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from engines import ENGINES, Engine, environment_of, size_for
from startup import startup_rows
from table import text
from workloads import WORKLOADS, market, save

CHILD = Path(__file__).with_name("child.py")
GROUPS = (("A", "A-brackets", "A-orders"), ("B",), ("C",), ("D",), ("E",))  # measured in turn
LEFT_OUT = ("vectorbt_numba", "bt", "nautilus_trader")  # of --quick: slow to begin, never fastest
NEAREST = "market orders in brackets, the nearest it can say in one call"
PATIENCE_S = 10.0  # an engine sits out the other rounds once it has used this much of our time


class Runner:
    """A child process and what it has answered."""

    def __init__(self, engine: Engine, workload: str, size: tuple[int, int], file: Path) -> None:
        self.engine, self.workload = engine, workload
        self.n_bars, self.n_settings = size
        self.rounds: dict[int, float] = {}
        self.worked: list[float] = []  # processor seconds of the same calls
        self.peak_mb = float("nan")
        command = [engine.python, CHILD, engine.module, workload, *map(str, size), file]
        self.process: subprocess.Popen[str] | None = None
        self.first: dict[str, Any] = {"absent": "not installed; make peers"}
        if not engine.python.exists():
            return
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment_of(engine),
        )

    def begin(self) -> "Runner":
        """Wait for the first call."""
        if self.process is not None:
            self.first = self.answer()
        return self

    def answer(self) -> dict[str, Any]:
        """Read one line; a process that died says why."""
        process = self.process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        if line:
            return dict(json.loads(line))
        lines = process.stderr.read().strip().splitlines()
        process.wait()
        return {"absent": lines[-1][-200:] if lines else "it ended without a word"}

    def ask(self, what: str) -> dict[str, Any]:
        """Have one more call made."""
        process = self.process
        assert process is not None
        assert process.stdin is not None
        process.stdin.write(what + "\n")
        process.stdin.flush()
        return self.answer()

    @property
    def absent(self) -> bool:
        """Whether there is nothing to measure."""
        return "absent" in self.first

    @property
    def units(self) -> int:
        """Bars x symbols x settings."""
        n_symbols: int = WORKLOADS[self.workload].n_symbols
        return self.n_bars * n_symbols * self.n_settings

    def close(self) -> None:
        """Let the process end."""
        if self.process is not None:
            self.process.communicate()


def measure(names: tuple[str, ...], engines: list[Engine], quick: bool) -> list[Runner]:
    """Measure workloads that share a market, all engines in turn."""
    with tempfile.TemporaryDirectory() as folder:
        runners = []
        for name in names:
            file = Path(folder) / f"{name}.npz"
            save(file, market(WORKLOADS[name], size_for(ENGINES[0], name, quick)[0]))
            for engine in engines:
                if name in engine.workloads:
                    runner = Runner(engine, name, size_for(engine, name, quick), file)
                    # One after another, or they would slow each other's first calls; in a hurry
                    # only ours, or it would compile the same parts side by side.
                    hurry = quick and engine.module != "ours"
                    runners.append(runner if hurry else runner.begin())
        for runner in runners:
            if quick and runner.engine.module != "ours":
                runner.begin()
        live = [runner for runner in runners if not runner.absent]
        for number in range(5 if quick else 11):
            for runner in live:
                patience = PATIENCE_S / (10 if quick else 1)
                if sum(runner.rounds.values()) < patience:
                    answer = runner.ask("call")
                    runner.rounds[number] = answer["seconds"]
                    runner.worked.append(answer["cpu_seconds"])
        for runner in live:
            runner.peak_mb = runner.ask("peak")["peak_mb"]
            runner.close()
    return runners


def row(runner: Runner, others: list[Runner]) -> dict[str, Any]:
    """One row, set against its peer."""
    engine, workload = runner.engine, WORKLOADS[runner.workload]
    found: dict[str, Any] = {"engine": engine.name, "workload": workload.name}
    if runner.absent:
        return {**found, "absent": runner.first["absent"]}
    took = median(runner.rounds.values())
    found |= {
        "bars": runner.n_bars,
        "symbols": workload.n_symbols,
        "configs": runner.n_settings,
        "seconds": took,
        "cpu_seconds": median(runner.worked),
        "ns_per_bar": took / runner.units * 1e9,
        "peak_mb": runner.peak_mb,
        **runner.first,
        "calls": len(runner.rounds),
    }
    wanted = "bare_loop" if engine.name.startswith("tradewind") else "tradewind"
    peers = [p for p in others if (p.engine.name, p.workload) == (wanted, workload.name)]
    if peers and not peers[0].absent and engine.name != "bare_loop":
        found |= {"peer": wanted, "ratio": ratio(runner, peers[0])}
    return found


def ratio(runner: Runner, peer: Runner) -> float:
    """Median, over rounds both took part in, of one time per unit over the other."""
    both = runner.rounds.keys() & peer.rounds.keys()
    return median(runner.rounds[i] / runner.units / (peer.rounds[i] / peer.units) for i in both)


def expected(row: dict[str, Any], quick: bool) -> float:
    """Final equity of the bare loop on the bars and settings of a row."""
    name, size = row["workload"], (row["bars"], row["configs"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bars.npz"
        save(file, market(WORKLOADS[name], size_for(ENGINES[0], name, quick)[0]))
        runner = Runner(ENGINES[0], name, size, file).begin()
        runner.close()
    return float(runner.first["final_equity"])


def check(rows: list[dict[str, Any]], quick: bool) -> list[str]:
    """Mark what is equal to the bare loop and say what should be and is not."""
    known: dict[tuple[str, int, int], float] = {}
    wrong = []
    for found in rows:
        if "absent" in found:
            continue
        if found["workload"] == "A-orders":  # no bare loop does this
            if not found["engine"].startswith("tradewind"):
                found["differs"] = NEAREST
            continue
        key = (found["workload"], found["bars"], found["configs"])
        if key not in known:
            known[key] = expected(found, quick)
        engine = next(e for e in ENGINES if e.name == found["engine"])
        found["equals_bare_loop"] = abs(found["final_equity"] - known[key]) < 0.005
        if found["workload"] in engine.equal.split():
            if not found["equals_bare_loop"]:
                wrong.append(
                    f"{engine.name} ends {found['workload']} with {found['final_equity']:.4f}, "
                    f"the bare loop with {known[key]:.4f}"
                )
        elif not found["equals_bare_loop"] and engine.differs:
            found["differs"] = engine.differs
    return wrong


def main() -> int:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer bars, within a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--only", help="workloads, by their letters")
    parser.add_argument("--engines", help="names of engines; the bare loop always runs")
    given = parser.parse_args()
    asked = given.engines.split(",") if given.engines else [e.name for e in ENGINES]
    engines = [e for e in ENGINES if e.name in asked or e.name == "bare_loop"]
    if given.quick and not given.engines:
        engines = [e for e in engines if e.name not in LEFT_OUT]
    wrong: list[str] = []
    for group in GROUPS:
        names = tuple(n for n in group if not given.only or n in given.only.split(","))
        runners = measure(names, engines, given.quick) if names else []
        rows = [row(runner, runners) for runner in runners]
        wrong += check(rows, given.quick)
        show(rows, given.json)
    if not given.only or "F" in given.only.split(","):
        show(startup_rows(engines, given.quick), given.json)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print what has been measured so far."""
    for found in rows:
        print(json.dumps(found) if as_json else text(found), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
