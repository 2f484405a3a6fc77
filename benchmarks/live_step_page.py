"""The part of docs/benchmarks.md on what a bar costs live."""

from collections.abc import Sequence
from typing import Any

from goals import Goal


def goals(rows: Sequence[dict[str, Any]]) -> list[Goal]:
    """What a step was asked to cost, beside what it does."""
    wanted = (("tradewind_numpy", 1, 15.0), ("tradewind", 1, 8.0), ("tradewind", 500, 400.0))
    found = []
    for engine, n, most in wanted:
        key = ("step", engine, n, 1)
        names = ("workload", "engine", "symbols", "layers")
        row = next(row for row in rows if tuple(row[name] for name in names) == key)
        what = f"{engine}, {n} symbol{'s' * (n > 1)}: under {most:g} us"
        found.append(Goal("step", what, f"{row['median_us']:.1f} us", row["median_us"] < most))
    return found


def section(rows: list[dict[str, Any]]) -> str:
    """The page's part."""
    lines = [
        "## One bar, live\n",
        "`python benchmarks/live_step.py`. An LSTM of 64 units on 8 features and windows of 60 "
        "bars, on one thread, after features: from a bar to mean and deviation of every symbol. "
        "*step* carries a state, *window* reads 60 bars; the two are different networks. *ratio* "
        "is the time over that of torch in `inference_mode`, measured in turn with it.\n",
        "| | engine | symbols | layers | median | p99 | ratio |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        ratio = f"{row['ratio']:.3f}" if "ratio" in row else ""
        lines.append(
            f"| {row['workload']} | {row['engine']} | {row['symbols']} | {row['layers']} "
            f"| {row['median_us']:,.1f} us | {row['p99_us']:,.1f} us | {ratio} |"
        )
    lines += ["", "| goal | found | |", "|---|--:|---|"]
    lines += [
        f"| {one.wanted} | {one.found} | {'met' if one.met else '**missed**'} |"
        for one in goals(rows)
    ]
    return "\n".join(lines)
