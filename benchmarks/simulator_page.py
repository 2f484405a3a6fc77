"""The simulators' part of docs/benchmarks.md: goals, a table for each workload, what differs."""

from typing import Any

from goals import Goal, goals
from workloads import FAST, FEE_BPS, SLOW, SPREAD_BPS, STOP, TARGET, WORKLOADS

WORDS = {
    "bare_loop": "bare numba loop, written for this one job",
    "tradewind": "**tradewind**",
    "tradewind_2_threads": "**tradewind**, two threads",
    "raptorbt": "RaptorBT (Rust)",
    "raptorbt_2_threads": "RaptorBT, two threads",
    "vectorbt_rust": "vectorbt, Rust engine",
    "vectorbt_numba": "vectorbt, numba engine",
    "bt": "bt",
    "nautilus_trader": "NautilusTrader",
    "backtrader": "backtrader",
}
TITLES = {name: workload.what for name, workload in WORKLOADS.items()}
TITLES["F"] = "from the start of a process to its first result"
HEAD = f"""## The simulator

`python benchmarks/engine.py`, peers installed by `make peers`. Everybody starts from the same
seeded bars in memory and ends with fills, an equity curve, a Sharpe ratio and a drawdown. SMA
crosses are {FAST}/{SLOW}, all in; the spread is {SPREAD_BPS:g} bps and the fee {FEE_BPS:g} bps;
brackets are a trailing stop at {STOP:.0%} and a target at {TARGET:.0%}. Every engine has a process
of its own; calls are made in turn, short ones again and again for a tenth of a second, and times
are medians over the turns, per bar, symbol and setting. *First call* begins with the import.
*Memory* is what one call adds at its peak. An equity with = is the bare loop's to the cent, on the
same bars. Slow engines were given fewer bars.
"""


def section(rows: list[dict[str, Any]]) -> str:
    """Everything about the simulators."""
    parts = [HEAD, goal_table(goals(rows))]
    for name in TITLES:
        found = [row for row in rows if row["workload"] == name]
        if found:
            parts.append(f"### {name}: {TITLES[name]}\n\n{table(found)}")
    return "\n\n".join(part.strip() for part in parts)


def goal_table(found: list[Goal]) -> str:
    """What was wanted beside what was measured."""
    lines = ["| | goal | measured | |", "|---|---|--:|---|"]
    for goal in found:
        verdict = "met" if goal.met else "**missed**"
        measured = goal.found or "not measured"
        lines.append(
            f"| {goal.workload} | {goal.wanted} | {measured} | {verdict if goal.found else ''} |"
        )
    return "\n".join(lines)


def table(rows: list[dict[str, Any]]) -> str:
    """One workload, and why some end with other money."""
    lines = [
        "| engine | bars x symbols x settings | time | first call | memory | final equity "
        "| ratio |",
        "|---|--:|--:|--:|--:|--:|---|",
        *(line(row) for row in rows),
    ]
    grouped: dict[str, list[str]] = {}
    for row in rows:
        if "differs" in row:
            grouped.setdefault(row["differs"], []).append(WORDS[row["engine"]])
    lines += [f"\n{', '.join(names)}: {why}." for why, names in grouped.items()]
    return "\n".join(lines)


def line(row: dict[str, Any]) -> str:
    """One row."""
    name = WORDS[row["engine"]]
    if "absent" in row:
        return f"| {name} | absent: {row['absent']} | | | | | |"
    shape = f"{row['bars']:,} x {row['symbols']} x {row['configs']:,}"
    whole = row["workload"] == "F"
    took = f"{row['seconds']:.2f} s" if whole else f"{row['ns_per_bar']:,.1f} ns"
    memory = f"{row['peak_mb']:,.0f} MB" if "peak_mb" in row else ""
    equal = " =" if row.get("equals_bare_loop") else ""
    ratio = f"{row['ratio']:,.2f}x {row['peer']}" if "ratio" in row else ""
    return (
        f"| {name} | {shape} | {took} | {row['first_call_seconds']:.2f} s | {memory} "
        f"| {row.get('final_equity', float('nan')):,.2f}{equal} | {ratio} |"
    )
