"""The well-known baseline: long while the fast moving average is above the slow one."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge

from tradewind.engine.adjusting import forward_adjusted
from tradewind.engine.errors import StrategyError
from tradewind.engine.intents import target
from tradewind.engine.protocols import Book, Rule, Signals, View
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by


class SmaInputs(NamedTuple):
    """Sums of closes up to each bar, so that an average of any window costs one subtraction."""

    total: Floats  # (n_bars + 1, n_symbols)
    first: Ints  # (n_symbols,) first bar
    close: Floats  # (n_bars, n_symbols)


class SmaParams(NamedTuple):
    """Windows in bars; strength below the cross."""

    fast: int
    slow: int
    below: float


def rule(bar: int, inputs: SmaInputs, params: SmaParams, book: Book, intents: Any) -> int:
    """Ask for +1 above the cross and for ``below`` under it, whenever the side changes."""
    n = 0
    for k in range(len(book.qty)):
        close = inputs.close[bar, k]
        if bar + 1 - inputs.first[k] < params.slow or close != close:
            continue
        total = inputs.total[bar + 1, k]
        fast = (total - inputs.total[bar + 1 - params.fast, k]) / params.fast
        slow = (total - inputs.total[bar + 1 - params.slow, k]) / params.slow
        want = 1.0 if fast > slow else params.below
        held = book.qty[k]
        if (want > 0.0) != (held > 0.0) or (want < 0.0) != (held < 0.0):
            n = target(intents, n, k, want)
    return n


class SmaCross:
    """Cross of two simple moving averages of the close.

    Parameters
    ----------
    fast, slow : int
        Windows in bars, ``fast`` < ``slow``.
    short : bool
        Short below the cross instead of flat.
    """

    def __init__(
        self,
        *,
        fast: Annotated[int, Ge(1)] = 20,
        slow: Annotated[int, Ge(2)] = 100,
        short: bool = False,
    ) -> None:
        if fast >= slow:
            raise StrategyError(f"sma_cross: fast {fast} must be shorter than slow {slow}")
        self.params = SmaParams(fast, slow, -1.0 if short else 0.0)

    @property
    def warmup(self) -> int:
        """Closed bars needed: the slow window."""
        return self.params.slow

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> SmaInputs:
        """Sum the closes; a gap keeps the last close, as the average of a halted symbol does."""
        del signals
        panel = forward_adjusted(panel)  # an average of raw prices would cross at a split
        total = np.empty((panel.n_bars + 1, panel.n_symbols))
        total[0] = 0.0
        np.cumsum(panel.close, axis=0, out=total[1:])
        first = np.zeros(panel.n_symbols, np.int64)
        if np.isnan(total[-1]).any():  # a sum tells of every gap at once, and most data has none
            alive = ~np.isnan(panel.close)
            np.cumsum(carried_forward(panel.close), axis=0, out=total[1:])
            first[:] = np.where(alive.any(axis=0), np.argmax(alive, axis=0), panel.n_bars)
        return SmaInputs(total, first, panel.close)

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)


def carried_forward(prices: Floats) -> Floats:
    """Last known price of each symbol at each bar, 0 before the first.

    Parameters
    ----------
    prices : ndarray of float64, shape (n_bars, n_symbols)
        NaN where there is no bar.
    """
    alive = ~np.isnan(prices)
    if alive.all():
        return prices
    rows = np.where(alive, np.arange(len(prices))[:, None], -1)
    np.maximum.accumulate(rows, axis=0, out=rows)
    carried = np.take_along_axis(prices, np.maximum(rows, 0), axis=0)
    return np.where(rows >= 0, carried, 0.0)
