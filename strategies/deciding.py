"""How a compiled rule answers ``decide``: the same function, run as plain Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.intents import INTENT
from tradewind.engine.protocols import Rule, View
from tradewind.engine.types import Intent, OrderType


def decide_by(rule: Rule, params: Any, view: View) -> Sequence[Intent]:
    """Run ``rule`` once, uncompiled, and return its rows as facts.

    Parameters
    ----------
    rule : function
        ``rule(bar, inputs, params, book, intents) -> rows written``.
    params : NamedTuple
    view : View

    Raises
    ------
    StrategyError
        If the rule writes more rows than there are symbols.
    """
    rows = np.empty(len(view.book.qty), INTENT)
    n = rule(view.bar, view.inputs, params, view.book, rows)
    if n > len(rows):
        raise StrategyError(
            f"{rule.__qualname__}: at bar {view.bar} the rule wrote {n} intents for {len(rows)} "
            "symbols; write at most one for each"
        )
    return [
        Intent(
            symbol=int(row["symbol"]),
            weight=float(row["weight"]),
            order_type=OrderType(int(row["order_type"])),
            limit=float(row["limit"]),
            stop=float(row["stop"]),
            trail=float(row["trail"]),
            take_profit=float(row["take_profit"]),
            expiry_bars=int(row["expiry_bars"]),
        )
        for row in rows[:n]
    ]
