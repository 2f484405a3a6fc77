"""The section on paper trading of ``docs/benchmarks.md``."""

from typing import Any


def section(rows: list[dict[str, Any]]) -> str:
    """What an open market costs, and how many killed runs came back."""
    by_case = {case: [row for row in rows if row.get("case") == case] for case in
               ("latency", "ingest", "soak")}  # fmt: skip
    lines = ["## Paper trading\n", "`python benchmarks/paper.py`.\n"]
    for row in by_case["latency"]:
        lines.append(
            f"From the last tick of a bar until everything decided on it is in the journal, "
            f"{row['symbols']} symbols, {row['ticks_per_second']:,} ticks a second, a stateful LSTM "
            f"on each symbol, {row['closes']} closes with {row['orders']:,} changes of orders: median "
            f"**{row['median_ms']:.1f} ms** (goal 2: {_met(row['median_ms'], 2.0)}), 99 % within "
            f"**{row['p99_ms']:.1f} ms** (goal 10: {_met(row['p99_ms'], 10.0)}). A transaction of "
            f"that size that is durable against a power cut adds {row['sync_median_ms']:.1f} ms, 99 % "
            f"within {row['sync_p99_ms']:.1f} ms.\n"
        )
    lines += ["| ingest | ticks | ticks a second | lost | goal |", "|---|--:|--:|--:|---|"]
    for row in by_case["ingest"]:
        goal = "met" if row["ticks_per_second"] >= 20_000 and not row["lost"] else "**missed**"
        lines.append(
            f"| {row['workload']} | {row['ticks']:,} | {row['ticks_per_second']:,} | {row['lost']} "
            f"| 20,000 without loss: {goal} |"
        )
    for row in by_case["soak"]:
        lines.append(
            f"\nA replay of {row['bars']:,} minute bars of {row['symbols']} symbols through the "
            f"whole process took {row['seconds']:,.0f} s, {row['ms_per_bar']:.2f} ms a bar, with "
            f"{row['fills']:,} fills and {row['exceptions']} exceptions; the journal grew by "
            f"{row['journal_bytes_per_bar']:,} bytes a bar. Memory after a fifth "
            f"{row['rss_mb_after_a_fifth']:,.0f} MB, at the end "
            f"{row['rss_mb_at_the_end']:,.0f} MB: {row['growth']:+.1%} (goal within 5 %: {_met(abs(row['growth']), 0.05)}). The bars "
            f"themselves, which a run keeps, are {row['history_mb']:,.0f} MB of that."
        )
    return "\n".join(lines)


def crash_section(rows: list[dict[str, Any]]) -> str:
    """Runs that were killed."""
    trials, same = sum(r["trials"] for r in rows), sum(r["identical"] for r in rows)
    lines = [
        "## Paper runs killed with -9\n",
        "`python benchmarks/crash.py`. Killed one to three times at the step named, gone on with "
        "from the folder each time, and compared with a run that nobody killed: every bar, decision, "
        "order, fill, refusal and equity, byte by byte; outside, the broker's own list of orders "
        f"as well. **{same:,} of {trials:,}** ended with the same books.\n",
        "| orders filled by | killed | trials | identical |",
        "|---|---|--:|--:|",
    ]
    whose = {"own": "our rule book", "outside": "a broker that fails one call in five"}
    for row in rows:
        lines.append(
            f"| {whose[row['venue']]} | {row['step'].replace('_', ' ')} | {row['trials']:,} "
            f"| {row['identical']:,} |"
        )
    return "\n".join(lines)


def _met(found: float, goal: float) -> str:
    return "met" if found <= goal else "**missed**"
