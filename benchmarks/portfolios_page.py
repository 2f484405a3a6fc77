"""The section on portfolios of ``docs/benchmarks.md``."""

from typing import Any


def section(rows: list[dict[str, Any]]) -> str:
    """Table of methods beside skfolio."""
    first = rows[0]
    lines = [
        "## Weighing portfolios\n",
        f"`python benchmarks/portfolios.py`. {first['names']} names, {first['months']} months, "
        "covariance of two years of days shrunk by Ledoit and Wolf; one thread. skfolio solves "
        f"{first['peer_solved']} of the same windows, in turn.\n",
        "| method | tradewind, a portfolio | all of them | skfolio, a portfolio | ratio "
        "| weights apart | goal |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        goal = ""
        if "goal" in row:
            met = "met" if row["met"] else "**missed**"
            goal = f"at least {row['goal']:g}x, within 1e-5: {met}"
        lines.append(
            f"| {row['method']} | {row['ms']:.1f} ms | {row['seconds']:.1f} s "
            f"| {row['peer_ms']:,.0f} ms | {row['ratio']:.1f}x | {row['apart']:.0e} | {goal} |"
        )
    return "\n".join(lines)
