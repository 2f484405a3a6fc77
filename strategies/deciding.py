"""How a compiled rule answers ``decide``: the same function, run as plain Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.intents import INTENT, room_for_intents
from tradewind.engine.protocols import Rule, View
from tradewind.engine.types import Action, Intent, OrderType, TimeInForce


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
        If the rule writes more rows than there is room for.
    """
    rows = np.zeros(room_for_intents(len(view.book.qty)), INTENT)
    n = rule(view.bar, view.inputs, params, view.book, rows)
    if n > len(rows):
        raise StrategyError(
            f"{rule.__qualname__}: at bar {view.bar} the rule wrote {n} intents, there is room for "
            f"{len(rows)}; send fewer orders at one bar"
        )
    return [fact_of(row) for row in rows[:n]]


def fact_of(row: Any) -> Intent:
    """Return one row of INTENT as a fact."""
    given = {name: row[name].item() for name in INTENT.names or ()}
    given["action"] = Action(given["action"])
    given["order_type"] = OrderType(given["order_type"])
    given["tif"] = TimeInForce(given["tif"])
    given["reduce_only"] = bool(given["reduce_only"])
    return Intent(**given)
