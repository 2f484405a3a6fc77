"""``docs/planted.md`` from the rows of the planted-signal benchmark."""

from typing import Any

Row = dict[str, Any]

TOP = """# Planted signals

What a learner finds in prices nobody knows; what it finds in made-up prices is known. Here is
whether each learner finds a signal that was put there, and none where there is none. The page is
written by `python benchmarks/planted.py --out docs/planted.md`; panels come from
`tradewind.contracts.planted`, which your own forecaster can use as well.

In every panel the direction of the next bar follows a rule {accuracy:.0%} of the time; sizes of
moves are drawn apart from directions. So the best anybody can be is {accuracy:.0%} right, and the
edge over a coin is {edge:.0f} points.
"""

SIGNAL = """
## A signal that is there

The rule: up after a large move, down after a small one, whatever its direction (`size`). A line
sees nothing of it. For learners that are linear there is a second panel, where the next move goes
the way of the last (`trend`). Trained on {bars:,} bars of all symbols in one pool, window 4, one
feature, seed 0; the share of the edge is counted on unseen bars by what the rule says, not by how
the coin fell. Goal: {goal:.0%} of the edge. Training parameters stand in the benchmark; they are
alike but for what a family needs, and for the learning rate of the GRU.

| learner | rule | share of the edge | right | goal | CPU seconds |
|---|---|--:|--:|---|--:|
"""

NULL = """
## No signal

The same returns in a random order with random signs. Each of {runs} runs has a panel of its own (3
symbols, 200 bars to learn from, 60 to be tested on, networks of 8 units, 4 epochs). Hits are then
those of a coin, and may leave the exact binomial 95 % band: {expected:.1f} runs are expected
outside (hits are whole numbers, so the band holds a little more than 95 %). Goal: at most
{allowed} runs outside, 5 %. An honest learner misses that goal by chance now and then; more than
{beyond} runs would happen to it once in a thousand. *Not constant* counts the runs in which the
learner said both up and down; in the others it kept to a constant, having found nothing on its
validation part.

| learner | outside | not constant | goal | honest | CPU seconds |
|---|--:|--:|---|---|--:|
"""

POSITION = """
## Positions

The rule: a small move goes on, a large one turns (`swing`, trend and reversal). An LSTM with the
position head is trained on the net Sharpe ratio with 2 bps of cost; the oracle holds one unit the
way the rule says. Both are traded on the same unseen bars, costs included. Goal: {goal:.0%} of the
oracle's net Sharpe ratio (per bar).

| panel | learned | oracle | share | goal | CPU seconds |
|---|--:|--:|--:|---|--:|
"""

MET = {True: "met", False: "**missed**", None: "no line can"}


def page(rows: list[Row], accuracy: float) -> str:
    """Whole page."""
    text = TOP.format(accuracy=accuracy, edge=100 * (accuracy - 0.5))
    parts = {
        name: [r for r in rows if r["part"] == name] for name in ("signal", "null", "position")
    }
    if parts["signal"]:
        text += SIGNAL.format(bars=parts["signal"][0]["bars"], goal=0.9)
        text += "".join(_signal(row) for row in parts["signal"])
    if parts["null"]:
        first = parts["null"][0]
        text += NULL.format(
            runs=first["runs"], expected=first["expected"], allowed=first["allowed"],
            beyond=first["beyond_chance"],
        )  # fmt: skip
        text += "".join(_null(row) for row in parts["null"])
    if parts["position"]:
        text += POSITION.format(goal=parts["position"][0]["goal"])
        text += "".join(_position(row) for row in parts["position"])
    return text


def _signal(row: Row) -> str:
    return (
        f"| `{row['learner']}` | {row['rule']} | {row['share_of_edge']:.1%} "
        f"| {row['accuracy']:.2%} | {MET[row['met']]} | {row['cpu_seconds']:.1f} |\n"
    )


def _null(row: Row) -> str:
    return (
        f"| `{row['learner']}` | {row['outside']} of {row['runs']} | {row['not_constant']} "
        f"| {MET[row['met']]} | {'yes' if row['honest'] else '**no**'} "
        f"| {row['cpu_seconds']:.0f} |\n"
    )


def _position(row: Row) -> str:
    return (
        f"| seed {row['seed']} | {row['net_sharpe']:.3f} | {row['oracle']:.3f} "
        f"| {row['share']:.1%} | {MET[row['met']]} | {row['cpu_seconds']:.0f} |\n"
    )
