"""Hold everything, each month anew in inverse proportion to its volatility."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.bars.formation import month_begins
from tradewind.engine.intents import target
from tradewind.engine.protocols import Book, Rule, Signals, View
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by


class InverseVolatilityInputs(NamedTuple):
    """Closes, and the bars at which the weights are made anew."""

    close: Floats  # (n_bars, n_symbols)
    due: Bools  # (n_bars,)


class InverseVolatilityParams(NamedTuple):
    """Returns that a volatility is estimated from."""

    lookback: int


def rule(
    bar: int,
    inputs: InverseVolatilityInputs,
    params: InverseVolatilityParams,
    book: Book,
    intents: Any,
) -> int:
    """On a month's first bar ask for weights that add up to 1; otherwise do nothing."""
    if not inputs.due[bar]:
        return 0
    close = inputs.close
    n_symbols = close.shape[1]
    last = close[bar - params.lookback].copy()
    total, squares, seen = np.zeros(n_symbols), np.zeros(n_symbols), np.zeros(n_symbols)
    for t in range(bar - params.lookback + 1, bar + 1):
        for k in range(n_symbols):
            step = close[t, k] / last[k] - 1.0
            if step == step:
                total[k] += step
                squares[k] += step * step
                seen[k] += 1.0
            if close[t, k] == close[t, k]:
                last[k] = close[t, k]
    whole = 0.0
    for k in range(n_symbols):
        weight = 0.0
        if close[bar, k] == close[bar, k] and 2.0 * seen[k] > params.lookback:
            variance = (squares[k] - total[k] * total[k] / seen[k]) / (seen[k] - 1.0)
            weight = 1.0 / np.sqrt(variance) if variance > 1e-12 * squares[k] else 0.0  # rounding
        total[k] = weight
        whole += weight
    n = 0
    for k in range(n_symbols):
        if total[k] > 0.0:
            n = target(intents, n, k, total[k] / whole)
        elif book.qty[k] != 0.0:
            n = target(intents, n, k, 0.0)
    return n


class InverseVolatility:
    """Every symbol with a weight in inverse proportion to its volatility, monthly.

    Parameters
    ----------
    lookback : int
        Returns that a volatility is estimated from.

    Notes
    -----
    What risk parity comes to where all correlations are equal. The strengths add up to 1, so the
    sizing's full position is the whole portfolio: ``target_weight`` with ``weight: 1``. The
    volatility is the sample standard deviation of one bar's return; a return after a gap spans it.
    Not held is what has no bar now, lacks half of the lookback's returns, or never moved. Weights
    are made at the first close of a month and traded at the next open.
    """

    def __init__(self, *, lookback: Annotated[int, Ge(3)] = 63) -> None:
        self.params = InverseVolatilityParams(lookback)

    @property
    def warmup(self) -> int:
        """Closed bars needed: one more than returns."""
        return self.params.lookback + 1

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> InverseVolatilityInputs:
        """Mark the months; volatilities are made only where they are asked for."""
        del signals
        return InverseVolatilityInputs(forward_adjusted(panel).close, month_begins(panel))

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)
