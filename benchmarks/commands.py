"""What a user waits for: the demo's run, the second run from the cache, and ``--help``.

``python benchmarks/commands.py [--quick] [--json]``. Every row is a whole process, started with an
empty cache of forecasts and, for the first row, of compiled code. ``--quick`` measures the demo
once instead of three times.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

TRADEWIND = str(Path(sys.executable).with_name("tradewind"))
GOALS_S = {"demo, first ever": 90.0, "tradewind --help": 0.25}


def seconds(command: list[str], cache: Path) -> float:
    """Run a command to its end and time it; its own caches are below ``cache``."""
    environment = {
        **os.environ,
        "TRADEWIND_CACHE": str(cache / "forecasts"),
        "TRADEWIND_KERNELS": str(cache / "kernels"),
    }
    begun = perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=cache)
    return perf_counter() - begun


def demo_rows(times: int) -> list[dict[str, Any]]:
    """Time the demo with nothing cached, with compiled code only, and with its forecasts."""
    took: dict[str, list[float]] = {"demo, first ever": [], "demo, fitted again": []}
    took["demo, from the cache"] = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder)
            command = [TRADEWIND, "backtest", "--out", str(cache / "results")]
            took["demo, first ever"].append(seconds(command, cache))
            shutil.rmtree(cache / "forecasts")
            took["demo, fitted again"].append(seconds(command, cache))
            took["demo, from the cache"].append(seconds(command, cache))
    return [row(name, values) for name, values in took.items()]


def help_rows() -> list[dict[str, Any]]:
    """Time the help pages from a warm disk."""
    rows = []
    for arguments in (["--help"], ["backtest", "--help"], ["--version"]):
        with tempfile.TemporaryDirectory() as folder:
            command = [TRADEWIND, *arguments]
            seconds(command, Path(folder))
            took = [seconds(command, Path(folder)) for _ in range(11)]
        rows.append(row(f"tradewind {' '.join(arguments)}", took))
    return rows


def row(command: str, took: list[float]) -> dict[str, Any]:
    """Median and extremes of one command."""
    found: dict[str, Any] = {
        "command": command,
        "seconds": median(took),
        "fastest": min(took),
        "slowest": max(took),
        "runs": len(took),
    }
    if command in GOALS_S:
        found |= {"goal_seconds": GOALS_S[command], "met": median(took) < GOALS_S[command]}
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for found in [*help_rows(), *demo_rows(1 if given.quick else 3)]:
        if given.json:
            print(json.dumps(found), flush=True)
            continue
        goal = f"  goal {found['goal_seconds']:g} s" if "goal_seconds" in found else ""
        print(
            f"{found['command']:26} {found['seconds']:7.2f} s  ({found['fastest']:.2f} to "
            f"{found['slowest']:.2f}, {found['runs']} runs){goal}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
