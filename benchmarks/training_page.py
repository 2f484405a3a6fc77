"""The section on training of ``docs/benchmarks.md``."""

from typing import Any

HEAD = """## Training

`python benchmarks/training.py`. Windows of 60 bars by 8 columns; *rate* is samples per processor
second of one thread (per second of the clock where it says so), *ratio* that over the one beside
it. `nn.LSTM loop` is the shortest loop of torch's own parts; ours gathers windows, draws dropout,
takes a likelihood and clips gradients on top. *Fair share*: what a process is given that only
counts, while one more process per core does the same.

| case | who | rate | ratio | beside | goal |
|---|---|--:|--:|---|---|"""


def section(rows: list[dict[str, Any]]) -> str:
    """Table of all rows."""
    return "\n".join([HEAD, *map(_line, rows)])


def _line(row: dict[str, Any]) -> str:
    cells = [row["case"], row["engine"]]
    if "absent" in row:
        return f"| {' | '.join(cells)} | absent: {row['absent']} | | | |"
    goal = ""
    if "goal" in row:
        goal = f"at least {row['goal']:g}: {'met' if row['met'] else '**missed**'}"
    ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
    return f"| {' | '.join([*cells, _rate(row), ratio, row.get('peer', ''), goal])} |"


def _rate(row: dict[str, Any]) -> str:
    if "samples_per_cpu_second" in row:
        return f"{row['samples_per_cpu_second']:,.0f}"
    if "samples_per_second" in row:
        return f"{row['samples_per_second']:,.0f} per second"
    return f"{row['seconds']:,.0f} s ({row['cpu_seconds']:,.0f} s of processors)"
