"""Cross-sectional momentum: each month hold the symbols that rose most over the past year."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.bars.formation import month_begins
from tradewind.engine.errors import StrategyError
from tradewind.engine.intents import target
from tradewind.engine.protocols import Book, Rule, Signals, View
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by


class MomentumInputs(NamedTuple):
    """Closes, and the bars at which the portfolio is chosen anew."""

    close: Floats  # (n_bars, n_symbols)
    due: Bools  # (n_bars,)


class MomentumParams(NamedTuple):
    """Bars to look back over and to leave out; fraction of the symbols held."""

    lookback: int
    skip: int
    top: float


def rule(bar: int, inputs: MomentumInputs, params: MomentumParams, book: Book, intents: Any) -> int:
    """On a month's first bar hold the best equally, and nothing else; otherwise do nothing."""
    if not inputs.due[bar]:
        return 0
    close = inputs.close
    n_symbols = close.shape[1]
    gain = np.full(n_symbols, np.nan)
    known = np.empty(n_symbols)
    n_known = 0
    for k in range(n_symbols):
        if close[bar, k] != close[bar, k]:  # what does not trade now cannot be chosen
            continue
        late, early = bar - params.skip, bar - params.lookback
        while late > early and close[late, k] != close[late, k]:
            late -= 1  # the last close known then
        gain[k] = close[late, k] / close[early, k] - 1.0
        if gain[k] == gain[k]:
            known[n_known] = gain[k]
            n_known += 1
    if n_known == 0:
        return 0
    n_top = max(1, int(n_known * params.top))
    least = np.partition(known[:n_known], n_known - n_top)[n_known - n_top]
    ties = n_top  # places left for symbols that are exactly at the border, first come
    for k in range(n_symbols):
        if gain[k] > least:
            ties -= 1
    n = 0
    for k in range(n_symbols):
        held = gain[k] > least
        if gain[k] == least and ties > 0:
            held = True
            ties -= 1
        if held:
            n = target(intents, n, k, 1.0 / n_top)
        elif book.qty[k] != 0.0:
            n = target(intents, n, k, 0.0)
    return n


class Momentum:
    """Equal weights in the symbols with the highest past return, chosen anew each month.

    Parameters
    ----------
    lookback : int
        Bars back to where the return begins.
    skip : int
        Newest bars left out of it, ``skip`` < ``lookback``: over a month returns reverse.
    top : float
        Fraction of the eligible symbols held, at least one; in (0, 1].

    Notes
    -----
    Jegadeesh and Titman (1993); twelve months but the last one is the usual form. The strengths add
    up to 1, so the sizing's full position is the whole portfolio: ``target_weight`` with
    ``weight: 1``. Eligible is what has a bar now and had one at the lookback; a gap at the skipped
    end takes the close before it. The choice is made at the first close of a month and traded at
    the next open.
    """

    def __init__(
        self,
        *,
        lookback: Annotated[int, Ge(2)] = 252,
        skip: Annotated[int, Ge(0)] = 21,
        top: Annotated[float, Gt(0), Le(1)] = 0.1,
    ) -> None:
        if skip >= lookback:
            raise StrategyError(
                f"momentum: skip {skip} leaves nothing of lookback {lookback}; make it shorter"
            )
        self.params = MomentumParams(lookback, skip, float(top))

    @property
    def warmup(self) -> int:
        """Closed bars needed: the lookback and the bar it is counted from."""
        return self.params.lookback + 1

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> MomentumInputs:
        """Mark the months; returns are made only where they are asked for."""
        del signals
        return MomentumInputs(forward_adjusted(panel).close, month_begins(panel))

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)
