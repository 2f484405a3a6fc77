"""Write ``docs/benchmarks.md`` from what the benchmarks print; ``make bench`` calls it.

``python benchmarks/document.py [--quick] [--out FILE] [--only NAMES]``; with ``--only`` the
sections of these benchmarks take the place of those on the page; the others stay as they are.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evolving_page import section as evolving_section
from live_step_page import section as live_step_section
from luck_page import section as luck_section
from pairs_page import section as pairs_section
from paper_page import crash_section, journal_section, reconnect_section
from paper_page import section as paper_section
from portfolios_page import section as portfolios_section
from published_page import section as published_section
from rbm_page import section as rbm_section
from simulator_page import section as simulator_section
from sweeps_page import section as sweeps_section
from ticks_page import section as ticks_section
from training_page import section as training_section

HERE = Path(__file__).resolve().parent
NAMES = (
    "engine",
    "memory",
    "commands",
    "live_step",
    "ticks",
    "paper",
    "crash",
    "reconnect",
    "journal",
    "training",
    "evolving",
    "sweeps",
    "luck",
    "rbm",
    "portfolios",
    "pairs",
    "published",
)


def rows_of(name: str, quick: bool) -> list[dict[str, Any]]:
    """Run one benchmark and return its rows."""
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", *(["--quick"] if quick else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def memory_section(rows: list[dict[str, Any]]) -> str:
    """Table of what loading takes."""
    lines = [
        "## Loading a year of minutes\n",
        "`python benchmarks/memory.py`. From Parquet to a checked panel; *peak* is that of the "
        "whole process.\n",
        "| file | bars | symbols | seconds | panel | peak | peak / panel | goal |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        goal = ""
        if "goal" in row:
            goal = f"under {row['goal']:g}: {'met' if row['met'] else '**missed**'}"
        lines.append(
            f"| {row['case']} | {row['bars']:,} | {row['symbols']} | {row['seconds']:.0f} "
            f"| {row['panel_mb']:,.0f} MB | {row['peak_mb']:,.0f} MB | {row['ratio']:.2f} "
            f"| {goal} |"
        )
    return "\n".join(lines)


def commands_section(rows: list[dict[str, Any]]) -> str:
    """Table of whole commands."""
    lines = [
        "## What a user waits for\n",
        "`python benchmarks/commands.py`. Whole processes; *first ever* starts with no compiled "
        "code and no forecasts kept.\n",
        "| command | median | fastest | slowest | runs | goal |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        goal = ""
        if "goal_seconds" in row:
            goal = f"under {row['goal_seconds']:g} s: {'met' if row['met'] else '**missed**'}"
        lines.append(
            f"| {row['command']} | {row['seconds']:.2f} s | {row['fastest']:.2f} s "
            f"| {row['slowest']:.2f} s | {row['runs']} | {goal} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "torch"))
    return (
        f"Measured on {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, {packages}, backtrader {version('backtrader')}. Other "
        "machines give other times; the ratios are what to compare."
    )


def put(page: str, section: str) -> str:
    """Page with a section in the place of the one under the same heading, or at its end."""
    heading = section.splitlines()[0]
    begin = f"{page}\n".find(f"\n{heading}\n")
    if begin < 0:
        return f"{page.rstrip()}\n\n{section.rstrip()}\n"
    end = page.find("\n## ", begin + 1)
    rest = "" if end < 0 else page[end:]
    return f"{page[: begin + 1]}{section.rstrip()}\n{rest}"


def main() -> int:
    """Run every benchmark and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "benchmarks.md")
    parser.add_argument("--only", default="", help="benchmarks by name, with commas")
    given = parser.parse_args()
    only = [name for name in given.only.split(",") if name]
    if unknown := sorted(set(only) - set(NAMES)):
        parser.error(f"no benchmark called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    sections = {
        "engine": simulator_section,
        "memory": memory_section,
        "commands": commands_section,
        "live_step": live_step_section,
        "ticks": ticks_section,
        "paper": paper_section,
        "crash": crash_section,
        "reconnect": reconnect_section,
        "journal": journal_section,
        "training": training_section,
        "evolving": evolving_section,
        "sweeps": sweeps_section,
        "luck": luck_section,
        "rbm": rbm_section,
        "portfolios": portfolios_section,
        "pairs": pairs_section,
        "published": published_section,
    }
    if only:
        page = given.out.read_text("utf-8")
        for name in only:
            page = put(page, sections[name](rows_of(name, given.quick)))
        given.out.write_text(page, "utf-8")
        print(f"wrote {', '.join(only)} into {given.out}")
        return 0
    parts = [sections[name](rows_of(name, given.quick)) for name in NAMES]
    head = "# Benchmarks\n\nWritten by `make bench`; no figure here is typed.\n\n" + machine()
    given.out.write_text("\n\n".join([head, *parts]) + "\n", "utf-8")
    print(f"wrote {given.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
