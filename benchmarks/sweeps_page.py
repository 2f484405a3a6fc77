"""The section on sweeps of ``docs/benchmarks.md``."""

from typing import Any


def section(rows: list[dict[str, Any]]) -> str:
    """Tables of studies and of whole grids."""
    study = [row for row in rows if row["case"] == "study"]
    ours = study[0]
    lines = [
        "## Sweeps\n",
        f"`python benchmarks/sweeps.py`. A cross of averages with three parameters on "
        f"{ours['bars']:,} made-up days, TPE in batches, five test blocks; of {ours['trials']:,} "
        f"trials {ours['distinct']:,} are distinct. Of {ours['seconds']:.1f} s the sampler took "
        f"{ours['sampler_seconds']:.1f} s. Peers run one trial after another; their time is that "
        "of a sample of the same settings, times the number of trials, without a sampler.\n",
        "| engine | seconds | of a sample of | tradewind is faster by | goal |",
        "|---|--:|--:|--:|---|",
        f"| tradewind, {ours['threads']} threads | {ours['seconds']:.1f} |  |  |  |",
    ]
    for row in study[1:]:
        if "absent" in row:
            lines.append(f"| {row['engine']} | absent: {row['absent']} |  |  |  |")
            continue
        lines.append(
            f"| {row['engine']} | {row['seconds']:,.0f}, extrapolated | {row['sample']} "
            f"| {row['ratio']:,.0f} x | {row['goal']:g} x: "
            f"{'met' if row['met'] else '**missed**'} |"
        )
    for row in (row for row in rows if row["case"] == "grid"):
        lines.append(
            f"\nA grid of {row['settings']:,} settings on {row['bars']:,} bars takes "
            f"{row['seconds']:.2f} s on {row['threads']} threads, scores on five test blocks "
            f"included; the bare loop of this one job takes {row['bare_seconds']:.2f} s on one. "
            f"Ratio {row['ratio']:.2f}, goal below {row['goal']:g}: "
            f"{'met' if row['met'] else '**missed**'}. Memory of the whole process at most "
            f"{row['peak_mb']:,.0f} MB, goal below {row['goal_mb']:,.0f}: "
            f"{'met' if row['met_mb'] else '**missed**'}."
        )
    return "\n".join(lines)
