"""The simulator beside a bare compiled loop and backtrader, on the same seeded bars, in one run.

``python benchmarks/engine.py [--quick] [--json]``. Each engine runs in a process of its own, so
that peak memory is its own. Time is the median of several calls after a first one, which is given
apart because it compiles or reads what an earlier process compiled. ``ratio`` is this row's time
per bar over that of ``peer``. backtrader is measured on fewer bars where the full number would
take minutes; its time per bar does not fall with their number.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from simulators import RUNNERS, Outcome, market, run_bare

PAIRS = 15


@dataclass(frozen=True)
class Workload:
    """Shape of the market an engine is given."""

    name: str
    n_bars: int
    n_symbols: int
    calls: int


WORKLOADS = {
    "one_symbol": Workload("one_symbol", 1_000_000, 1, 7),
    "many_symbols": Workload("many_symbols", 5_000, 500, 7),
}
BACKTRADER_BARS = {"one_symbol": 20_000, "many_symbols": 200}
ENGINES = ("bare_loop", "tradewind_kernel", "tradewind", "tradewind_cerebro", "backtrader")
PEER = dict.fromkeys(("tradewind_kernel", "tradewind"), "bare_loop")
PEER["tradewind_cerebro"] = "backtrader"


def memory_kb(field: str) -> int:
    """One line of this process's memory account."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def one(engine: str, workload: Workload, n_bars: int, calls: int) -> dict[str, Any]:
    """Measure one engine in this process."""
    RUNNERS[engine](market(200, workload.n_symbols))()  # imports and, once ever, compiling
    before_kb = memory_kb("VmRSS")
    panel = market(n_bars, workload.n_symbols)
    # The market is made from temporaries; only what an engine adds to the panel itself counts.
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    call = RUNNERS[engine](panel)
    begun = perf_counter()
    outcome = call()
    first = perf_counter() - begun
    seconds = []
    for _ in range(calls):
        begun = perf_counter()
        call()
        seconds.append(perf_counter() - begun)
    took = median(seconds) if seconds else first
    peak_mb = (memory_kb("VmHWM") - before_kb) / 1024
    side_by_side = beside(call, run_bare(panel)) if PEER.get(engine) == "bare_loop" else {}
    return {
        "engine": engine,
        "workload": workload.name,
        "bars": n_bars,
        "symbols": workload.n_symbols,
        "configs": 1,
        "seconds": took,
        "first_call_seconds": first,
        "ns_per_bar": took / (n_bars * workload.n_symbols) * 1e9,
        "peak_mb": peak_mb,
        "panel_mb": panel.nbytes / 2**20,
        "peak_over_panel": peak_mb * 2**20 / panel.nbytes,
        "final_equity": outcome.final_equity,
        "fills": outcome.n_fills,
        **side_by_side,
    }


def beside(call: Callable[[], Outcome], other: Callable[[], Outcome]) -> dict[str, Any]:
    """Median ratio of two calls made in turn, so that a busy machine slows both alike."""
    other()
    ratios = []
    for _ in range(PAIRS):
        begun = perf_counter()
        other()
        between = perf_counter()
        call()
        ratios.append((perf_counter() - between) / (between - begun))
    return {"peer": "bare_loop", "ratio": median(ratios)}


def plan(quick: bool) -> list[tuple[str, str, int, int]]:
    """(engine, workload, bars, calls) of every row."""
    rows = []
    for workload in WORKLOADS.values():
        for engine in ENGINES:
            slow = engine in ("backtrader", "tradewind_cerebro")
            bars = BACKTRADER_BARS[workload.name] if slow else workload.n_bars
            calls = (0 if quick else 3) if slow else workload.calls
            rows.append((engine, workload.name, bars, calls))
        # The compiled engines on backtrader's bars too: the same bars must end in the same cents.
        rows.append(("tradewind", workload.name, BACKTRADER_BARS[workload.name], workload.calls))
    return rows


def measure(engine: str, workload: str, bars: int, calls: int) -> dict[str, Any]:
    """Measure one engine in a process of its own."""
    asked = [engine, workload, str(bars), str(calls)]
    done = subprocess.run(
        [sys.executable, __file__, "--one", *asked], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"engine": engine, "workload": workload, "absent": done.stderr.strip()[-300:]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Set every row against its peer on the same workload."""
    for row in rows:
        peer = PEER.get(row["engine"])
        for other in rows:
            if other["workload"] != row["workload"] or "absent" in {**row, **other}:
                continue
            if peer == other["engine"] and "ratio" not in row:
                row["peer"] = peer
                row["ratio"] = row["ns_per_bar"] / other["ns_per_bar"]
            if other["engine"] == "backtrader" and row["engine"] != "backtrader":
                row["times_backtrader"] = other["ns_per_bar"] / row["ns_per_bar"]
    return rows


def agreement(rows: list[dict[str, Any]]) -> list[str]:
    """Say where engines that traded the same bars ended with different money."""
    found = []
    done = [row for row in rows if "absent" not in row]
    for row in done:
        base = next(r for r in done if (r["workload"], r["bars"]) == (row["workload"], row["bars"]))
        # backtrader has no cash cap at the fill: it refuses where the others scale.
        if row["engine"] != "backtrader" and abs(row["final_equity"] - base["final_equity"]) > 0.01:
            found.append(f"{row['engine']} and {base['engine']} differ on {row['workload']}")
    return found


def main() -> int:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=4, metavar=("ENGINE", "WORKLOAD", "BARS", "CALLS"))
    given = parser.parse_args()
    if given.one:
        engine, workload, bars, calls = given.one
        print(json.dumps(one(engine, WORKLOADS[workload], int(bars), int(calls))))
        return 0
    rows = with_ratios([measure(*row) for row in plan(given.quick)])
    for row in rows:
        print(json.dumps(row) if given.json else text(row))
    differences = agreement(rows)
    for line in differences:
        print(line, file=sys.stderr)
    return 1 if differences else 0


def text(row: dict[str, Any]) -> str:
    """One row as a person reads it."""
    if "absent" in row:
        return f"{row['workload']:13} {row['engine']:18} absent: {row['absent']}"
    ratio = f"{row['ratio']:6.2f} x {row['peer']}" if "ratio" in row else ""
    times = f"{row['times_backtrader']:8,.0f} times backtrader" if "times_backtrader" in row else ""
    return (
        f"{row['workload']:13} {row['engine']:18} {row['bars']:9,} x {row['symbols']:3} "
        f"{row['ns_per_bar']:10,.1f} ns/bar  first {row['first_call_seconds']:6.2f} s  "
        f"peak {row['peak_over_panel']:5.2f} x panel  {row['final_equity']:14,.2f} "
        f"{row['fills']:7,} fills  {ratio} {times}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
