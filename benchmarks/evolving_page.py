"""The section on breeding portfolios of ``docs/benchmarks.md``."""

from typing import Any


def section(rows: list[dict[str, Any]]) -> str:
    """Tables of speed and of the quality of fronts."""
    speed = [row for row in rows if row["case"] == "speed"]
    quality = [row for row in rows if row["case"] == "hypervolume"]
    ours = speed[-1]
    lines = [
        "## Breeding portfolios\n",
        f"`python benchmarks/evolving.py`. {ours['symbols']} stocks, {ours['bars']:,} days, "
        f"rebalanced monthly after costs, generations of {ours['population']}; loops take turns on "
        "one thread.\n",
        "| loop | generations a second | tradewind is faster by | goal |",
        "|---|--:|--:|---|",
    ]
    for row in speed:
        factor = ours["generations_per_second"] / row["generations_per_second"]
        goal = ""
        if "goal" in row:
            goal = f"{row['goal']:g} x one at a time: {'met' if row['met'] else '**missed**'}"
        told = "" if row is ours else f"{factor:.2f} x"
        lines.append(f"| {row['loop']} | {row['generations_per_second']:.1f} | {told} | {goal} |")
    lines += [
        "\nHypervolume at equal evaluations, mean over seeds, beside pymoo's default moves "
        "with the same repair and evaluator; *p smaller* is a one-sided Wilcoxon test that ours is "
        "smaller. *Matched* is the generation, at the median, with the hypervolume that the "
        "default ends with.\n",
        "| limits | seeds | generations | tradewind | pymoo's default | ratio | larger in "
        "| p smaller | matched | goal |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in quality:
        matched = row["generations_to_match"]
        lines.append(
            f"| {row['problem']} | {row['seeds']} | {row['generations']} "
            f"| {row['hypervolume']:.4f} | {row['hypervolume_of_peer']:.4f} | {row['ratio']:.3f} "
            f"| {row['wins']} of {row['seeds']} | {row['p_smaller']:.3f} "
            f"| {'' if matched is None else f'{matched:g}'} "
            f"| not below: {'met' if row['met'] else '**missed**'} |"
        )
    return "\n".join(lines)
