"""Fixed weights, restored on a calendar: what the strategy ``allocation`` does with given weights.

One rule serves a whole population: which row of weights is meant is the one parameter, and each
setting of a batch writes its equity into a row of its own, which is what the batch does not keep.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.intents import INTENT, target
from tradewind.engine.protocols import Rule, Signals, View
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.types import Intent


class Held(NamedTuple):
    """What the rule reads, and the curves it writes."""

    forms: Bools  # (n_bars,) whether weights are restored at the close of a bar
    close: Floats  # (n_bars, n_symbols) NaN where there is no bar
    weights: Floats  # (n_portfolios, n_symbols) fractions of equity
    equity: Floats  # (n_portfolios, n_bars) account currency at each close, written by the rule


class Number(NamedTuple):
    """The parameter: which portfolio."""

    portfolio: int


def rule(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """Restore the weights of one portfolio where its calendar says so; 0 where there is no bar."""
    row = params.portfolio
    inputs.equity[row, bar] = book.equity[0]
    n = 0
    if inputs.forms[bar]:
        for k in range(len(book.qty)):
            there = inputs.close[bar, k] == inputs.close[bar, k]
            weight = inputs.weights[row, k] if there else 0.0
            if weight != 0.0 or book.qty[k] != 0.0:
                n = target(intents, n, k, weight)
    return n


class Holding:
    """One portfolio of a population."""

    rule: Rule = staticmethod(rule)

    def __init__(self, held: Held, portfolio: int) -> None:
        self._held = held
        self.params = Number(portfolio)

    @property
    def warmup(self) -> int:
        """Nothing is estimated: the first close is enough."""
        return 1

    def prepare(self, panel: Panel, signals: Signals) -> Held:
        """What the population was given."""
        del panel, signals
        return self._held

    def decide(self, view: View) -> Sequence[Intent]:
        """Return what :func:`rule` wishes."""
        intents = np.zeros(len(view.book.qty), INTENT)
        n = rule(view.bar, view.inputs, self.params, view.book, intents)
        return [Intent(int(row["symbol"]), float(row["weight"])) for row in intents[:n]]
