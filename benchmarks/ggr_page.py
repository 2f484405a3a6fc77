"""The table of Gatev, Goetzmann and Rouwenhorst beside ours, for ``docs/pairs.md``."""

from collections.abc import Sequence
from typing import Any

# Mean excess return per month with a wait of one day, US stocks 1962 to 2002; second-hand.
PAPER = {
    (5, "employed"): 0.00745,
    (20, "employed"): 0.00895,
    (5, "committed"): 0.00463,
    (20, "committed"): 0.00520,
}
WORDS = {"embedded": "120 embedded US stocks", "long": "650 US stocks that still trade"}


def section(rows: Sequence[dict[str, Any]]) -> str:
    """Tables and what to make of them."""
    parts = []
    for data in dict.fromkeys(row["data"] for row in rows):
        parts.append(_table([row for row in rows if row["data"] == data]))
    return "\n\n".join(parts)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    first = rows[0]
    lines = [
        f"### {WORDS[first['data']]}, {first['first']} to {first['last']}\n",
        f"{first['n_months']} months in which six portfolios overlap. Excess return per month "
        "before costs, orders at the next close; t by Newey and West over six months at least.\n",
        "| pairs | capital | paper | ours | t | negative months | "
        + " | ".join(first["periods"]) + " |",
        "|--:|---|--:|--:|--:|--:|" + "--:|" * len(first["periods"]),
    ]  # fmt: skip
    for row in rows:
        paper = PAPER[(row["pairs"], row["capital"])]
        decades = " | ".join(f"{mean:.2%}" for mean in row["periods"].values())
        lines.append(
            f"| {row['pairs']} | {row['capital']} | {paper:.2%} | {row['mean']:.2%} "
            f"| {row['t']:.2f} | {row['negative']:.0%} | {decades} |"
        )
    nets = {row["pairs"]: row["net_annual"] for row in rows}
    said = " and ".join(f"{net:.1%} with {pairs} pairs" for pairs, net in nets.items())
    lines.append(f"\nAfter the preset's costs the account earned {said} a year.")
    return "\n".join(lines)
