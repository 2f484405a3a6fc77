"""The section on Boltzmann machines of ``docs/benchmarks.md``."""

from typing import Any


def section(rows: list[dict[str, Any]]) -> str:
    """Table of the layer, and a sentence on the whole training."""
    lines = [
        "## Boltzmann machines\n",
        "`python benchmarks/rbm.py`. A layer of 33 visible and 40 hidden units, batches of 1,000 "
        "rows, one thread; rows per processor second, in turn with scikit-learn's machine.\n",
        "| machine | rows a second | beside scikit-learn | goal |",
        "|---|--:|--:|---|",
    ]
    for row in rows:
        if row["case"] != "layer 33-40":
            continue
        ratio = f"{row['ratio']:.1f}x" if "ratio" in row else ""
        goal = ""
        if "goal" in row:
            goal = f"at least {row['goal']:g}x: {'met' if row['met'] else '**missed**'}"
        lines.append(f"| {row['engine']} | {row['rows_per_second']:,.0f} | {ratio} | {goal} |")
    (whole,) = (row for row in rows if row["case"] == "whole training")
    stages = ", ".join(f"{name} {n}" for name, n in whole["epochs"].items())
    goal = ""
    if "goal_seconds" in whole:
        met = "met" if whole["met"] else "**missed**"
        goal = f"; goal under {whole['goal_seconds']:,.0f} s: {met}"
    lines.append(
        f"\nAll stages of 33-40-4-50-2 on {whole['rows']:,} rows: {whole['seconds']:,.0f} s on one "
        f"thread (epochs: {stages}){goal}."
    )
    return "\n".join(lines)
