"""The section on luck of ``docs/benchmarks.md``."""

from typing import Any


def section(rows: list[dict[str, Any]]) -> str:
    """Table of times beside the peers, and of how often noise is rejected."""
    lines = [
        "## Luck among many trials\n",
        "`python benchmarks/luck.py`. Returns are seeded noise; *rejected* counts rounds of "
        "noise in which a test at 5 % found skill.\n",
        "| what | seconds | beside | ratio | greatest difference | rejected | goal |",
        "|---|--:|---|--:|--:|--:|---|",
    ]
    for row in rows:
        cells = _size(row) if row["case"] == "size" else _timed(row)
        goal = f"{row['goal']}: {'met' if row['met'] else '**missed**'}" if "met" in row else ""
        lines.append(f"| {' | '.join(cells)} | {goal} |")
    return "\n".join(lines)


def _timed(row: dict[str, Any]) -> list[str]:
    if row["case"] == "overfitting":
        what = f"probability of overfitting, {row['splits']:,} splits of {row['trials']:,} trials"
    else:
        what = f"SPA, {row['trials']:,} rules, {row['resamples']:,} resamples"
    off = f"{row['greatest_difference']:.0e}" if "greatest_difference" in row else ""
    beside = f"{row['peer']}: {row['peer_seconds']:,.1f} s"
    return [what, f"{row['seconds']:.2f}", beside, f"{row['ratio']:,.0f}x", off, ""]


def _size(row: dict[str, Any]) -> list[str]:
    return [f"{row['test']}, {row['rounds']} rounds", "", "", "", "", f"{row['rejected']:.1%}"]
