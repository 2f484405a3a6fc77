"""What the bars whose path nobody knows could have changed: the run at its worst and its best."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tradewind.engine.ambiguity import Bounds
from tradewind.engine.report import packing
from tradewind.engine.report.section import Chart, Context, Section, render
from tradewind.engine.report.series import thin
from tradewind.engine.report.words import money, plural

MAX_ROWS = 2_600  # of a line: two to a pixel of a wide screen
HOW = {
    "worst": "this run took each of them the worst way",
    "best": "this run took each of them the best way",
    "path": "finer bars had decided others before; this run took what they left open the worst way",
}


def ambiguity(context: Context) -> Section | None:
    """Sentence, table and both curves; None where no order could have met an ambiguous bar."""
    block, run = context.block("ambiguity"), context.run
    if not block or (block["bars"] == 0 and not _could(context)):
        return None
    html = render(
        "ambiguity.html",
        sentence=sentence(block, run.config.execution.intrabar),
        rows=[
            {"name": name, **block[name]}
            for name in ("worst", "best")
            if block["bars"] and block[name]
        ],
        chart=None
        if run.bounds is None or not len(context.dates)
        else _curves(context, run.bounds),
    )
    return Section("ambiguity", "Bars that could have gone either way", html, "Ambiguity")


def _could(context: Context) -> bool:
    """Whether orders stood beside each other of which a bar can touch both."""
    orders = context.run.simulation.orders
    return bool(((orders["parent"] >= 0) | (orders["oco"] > 0)).any())


def sentence(block: Mapping[str, Any], intrabar: str) -> str:
    """How often the path inside a bar mattered."""
    if block["bars"] == 0:
        return "In no bar did the path between its prices decide what was filled."
    many = block["bars"] > 1
    bars = f"In {plural(block['bars'], 'bar')} the path between the prices decides what is filled"
    if block["worst"] is None:
        return (
            f"{bars}, and {HOW[intrabar]}. There are no bounds, because the strategy did something "
            "else when it was asked again: it remembers in attributes of its own what belongs into "
            "its memory, or failed."
        )
    decided, changed = block["trades_decided"], block["trades_changed"]
    after = changed - decided
    then = f", and {plural(after, 'further one')} came out otherwise for it" if after else ""
    return (
        f"{bars}; {HOW[intrabar] if many else HOW[intrabar].replace('each of them', 'it')}. "
        f"{plural(decided, 'closed trade')} "
        f"{'begin' if decided != 1 else 'begins'} alike and {'end' if decided != 1 else 'ends'} "
        f"otherwise at worst and at best{then}."
    )


def _curves(context: Context, bounds: Bounds) -> Chart:
    first = context.run.first_bar
    worst, best = bounds.worst[first:], bounds.best[first:]
    rows = thin([worst, best], MAX_ROWS)
    clock = context.dates.astype("datetime64[ns]").astype(np.int64)
    own = "best" if context.run.config.execution.intrabar == "best" else "worst"
    lines = [
        {
            "name": f"At {name}",
            "role": "strategy" if name == own else "benchmark",
            "values": packing.floats(values[rows]),
        }
        for name, values in (("worst", worst), ("best", best))
    ]
    return Chart(
        "ambiguity-equity",
        "lines",
        {"time": packing.times(clock[rows]), "lines": lines, "format": "money"},
        "Account value over time with every ambiguous bar gone the worst and the best way; at the "
        f"end {money(worst[-1])} and {money(best[-1])}.",
        260,
    )
