"""A strategy to edit: buy what has risen, with a stop below and a target above.

It has three parts, and so has every compiled strategy:

- ``prepare`` looks at whole price arrays once and returns what the rule needs. Row t of an array
  may depend on rows up to t only: anything else is looking ahead.
- ``rule`` decides at the close of one bar, for every symbol. It is a plain function on numbers and
  arrays, so that numba compiles it into the simulator's loop; write loops, not lists or dicts.
- The class ties them together. Its keyword arguments are the keys a config may set, and their
  annotations are the limits that are checked.

The clock: what is decided at the close of bar t is traded at the open of bar t + 1, and stop and
target protect from that fill on. How many units a full position is, the ``sizing`` of the config
says: with ``atr_risk`` as many as lose one percent of the account at the stop given here.
"""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Lt

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.intents import target
from tradewind.engine.protocols import Book, Rule, Signals, View
from tradewind.engine.records import Floats, Panel
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by

BOUGHT = 0  # place in the memory of a symbol: 1 from a purchase until the momentum has faded


class Inputs(NamedTuple):
    """What the rule reads; arrays of shape (n_bars, n_symbols)."""

    close: Floats
    momentum: Floats  # log return over the last `lookback` bars, NaN where not known


class Params(NamedTuple):
    """Numbers the rule is given besides; a parameter sweep varies these."""

    buffer: float
    stop: float
    profit: float


def rule(bar: int, inputs: Inputs, params: Params, book: Book, intents: Any) -> int:
    """Buy once per rise, with a bracket; let go of what has fallen.

    ``bar`` is the bar that has just closed, ``book.qty`` what is held of each symbol and
    ``book.memory`` what this rule remembers of it. Each wish is a row of ``intents``; the number of
    rows is returned. A symbol without a wish stays as it is, and so does its bracket.
    """
    n = 0
    for k in range(len(book.qty)):
        close, momentum = inputs.close[bar, k], inputs.momentum[bar, k]
        held = book.qty[k] > 0.0
        if momentum <= params.buffer:
            book.memory[k, BOUGHT] = 0.0  # the next rise is a new one
        if momentum > params.buffer and not held and book.memory[k, BOUGHT] == 0.0:
            n = target(intents, n, k, 1.0)  # 1 = the full position the sizing allows
            intents[n - 1]["stop_loss"] = close * (1.0 - params.stop)
            intents[n - 1]["take_profit"] = close * (1.0 + params.profit)
            book.memory[k, BOUGHT] = 1.0
        elif momentum < -params.buffer and held:
            n = target(intents, n, k, 0.0)  # the bracket goes with the position
    return n


class Momentum:
    """Long when a symbol has risen, until its stop, its target, or a fall.

    Parameters
    ----------
    lookback : int
        Bars over which the return is measured.
    buffer : float
        Log return that it must exceed to be bought, and fall below the negative of to be sold.
    stop, profit : float
        Distances of stop and target from the close of the decision, as fractions of it.
    """

    memory = 1  # numbers that the rule remembers of each symbol

    def __init__(
        self,
        *,
        lookback: Annotated[int, Ge(1)] = 60,
        buffer: Annotated[float, Ge(0)] = 0.0,
        stop: Annotated[float, Gt(0), Lt(1)] = 0.05,
        profit: Annotated[float, Gt(0)] = 0.15,
    ) -> None:
        self.lookback = lookback
        self.params = Params(buffer, stop, profit)

    @property
    def warmup(self) -> int:
        """Closed bars needed before the first decision."""
        return self.lookback + 1

    @property
    def rule(self) -> Rule:
        """The decision that is compiled."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> Inputs:
        """Compute what the rule reads; ``signals`` hold the forecasts, if the config has any."""
        del signals
        momentum = np.full(panel.shape, np.nan)
        log_close = np.log(forward_adjusted(panel).close)  # a split of raw prices is no fall
        momentum[self.lookback :] = log_close[self.lookback :] - log_close[: -self.lookback]
        return Inputs(panel.close, momentum)

    def decide(self, view: View) -> Sequence[Intent]:
        """Decide one bar without compiling: the same rule, for other executors and for tests."""
        return decide_by(rule, self.params, view)
