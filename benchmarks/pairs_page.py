"""The section on pairs of ``docs/benchmarks.md``."""

from typing import Any


def section(rows: list[dict[str, Any]]) -> str:
    """Table of the scan, the walk-forward and the thresholds."""
    lines = [
        "## Pairs\n",
        "`python benchmarks/pairs.py`. Seeded walks of 20 sectors; the peer in turn with ours, in "
        "one run.\n",
        "| what | seconds | beside | ratio | greatest difference | goal |",
        "|---|--:|---|--:|--:|---|",
    ]
    for row in rows:
        beside = ""
        if "peer" in row:
            beside = f"{row['peer']}: {row['peer_seconds']:,.2f} s"
        ratio = f"{row['ratio']:,.1f}x" if "ratio" in row else ""
        off = f"{row['greatest_difference']:.0e}" if "greatest_difference" in row else ""
        goal = ""
        if "met" in row:
            goal = f"{_goal(row)}: {'met' if row['met'] else '**missed**'}"
        lines.append(
            f"| {_what(row)} | {row['seconds']:,.2f} | {beside} | {ratio} | {off} | {goal} |"
        )
    return "\n".join(lines)


def _what(row: dict[str, Any]) -> str:
    if row["case"] == "all ordered pairs":
        return (
            f"Engle-Granger with p-values, {row['pairs']:,} ordered pairs of {row['symbols']} "
            f"symbols, {row['bars']} bars"
        )
    if row["case"] == "all pairs by Johansen":
        return (
            f"Johansen's test, {row['pairs']:,} pairs of {row['symbols']} symbols, "
            f"{row['bars']} bars"
        )
    if row["case"] == "walk-forward":
        return (
            f"pairs of {row['symbols']} symbols formed {row['formations']} times over "
            f"{row['bars']:,} bars"
        )
    return (
        f"{row['settings']:,} settings of {row['pairs']} pairs over {row['bars']:,} bars in one "
        f"call, {row['fills']:,} fills"
    )


def _goal(row: dict[str, Any]) -> str:
    if row["case"] == "all ordered pairs":
        return "under 2 s, at least 1,000x, equal to 1e-8"
    return "under 60 s" if row["case"] == "walk-forward" else "within 3x"
