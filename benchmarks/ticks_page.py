"""The part of docs/benchmarks.md on what a tick costs."""

from typing import Any

SAID = {
    "bare_loop": "a bare loop that groups",
    "tradewind": "judged and made into bars",
    "tradewind_storm": "the same, one fault to four good ticks",
    "tradewind_yahoo": "from Yahoo's messages on",
}


def section(rows: list[dict[str, Any]]) -> str:
    """The page's part."""
    lines = [
        "## Ticks into bars\n",
        "`python benchmarks/ticks.py`. Trades and quotes of 500 symbols into bars of a minute, on "
        "one thread, in time of the processor. *loss*: share of the good ticks' volume that is in "
        "no bar. *ratio* is the time of a tick over that of the bare loop, measured in turn with "
        "it. The goal is 20,000 ticks a second, none lost.\n",
        "| | symbols | ticks | ns per tick | ticks per second | loss | ratio | goal |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        ratio = f"{row['ratio']:.1f}" if "ratio" in row else ""
        goal = "" if "met" not in row else "met" if row["met"] else "**missed**"
        lines.append(
            f"| {SAID[row['engine']]} | {row['symbols']} | {row['ticks']:,} "
            f"| {row['ns_per_tick']:,.0f} | {row['ticks_per_s']:,.0f} | {row['loss']:g} "
            f"| {ratio} | {goal} |"
        )
    return "\n".join(lines)
