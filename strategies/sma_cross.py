"""The well-known baseline: long while the fast moving average is above the slow one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.compiling import compiled
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.state import last_price
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
        total = inputs.total[bar + 1, k]
        # averages multiplied by both windows: a division costs as much as the rest of the rule
        fast = (total - inputs.total[bar + 1 - params.fast, k]) * params.slow
        slow = (total - inputs.total[bar + 1 - params.slow, k]) * params.fast
        held = book.qty[k]
        want = 1.0 if fast > slow else params.below
        stays = held > 0.0 if want > 0.0 else held <= 0.0 and (want < 0.0) == (held < 0.0)
        if stays:  # on most bars; what is left is looked at only where it matters
            continue
        close = inputs.close[bar, k]
        if bar + 1 - inputs.first[k] >= params.slow and close == close:
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
        first = np.empty(panel.n_symbols, np.int64)
        compiled(running_sums)(panel.close, total, first)
        return SmaInputs(total, first, panel.close)

    @property
    def row_by_row(self) -> tuple[str, ...]:
        """Sums and closes; which bar was a symbol's first is settled in ``prepare``."""
        return ("total", "close")

    def prepare_next(
        self, inputs: SmaInputs, panel: Panel, signals: Signals
    ) -> Mapping[str, Floats]:
        """One close more in the sums."""
        panel = forward_adjusted(panel)
        close, t = panel.close[-1], panel.n_bars - 1
        gaps, never = np.isnan(close), inputs.total[-1] == 0.0
        inputs.first[never] = np.where(gaps[never], t + 1, t)
        if gaps.any():
            close = np.array([last_price(panel.close, t, k) for k in range(panel.n_symbols)])
            np.nan_to_num(close, copy=False)
        return {"total": inputs.total[-1] + close, "close": panel.close[-1]}

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)


def running_sums(close: Any, total: Any, first: Any) -> None:
    """Sum closes up to each bar, a gap counting as the last close before it.

    In the subset numba compiles.

    Parameters
    ----------
    close : ndarray of float64, shape (n_bars, n_symbols)
        NaN where there is no bar.
    total : ndarray of float64, shape (n_bars + 1, n_symbols)
        Filled in; row t holds the sum of the bars before t.
    first : ndarray of int64, shape (n_symbols,)
        Filled in: each symbol's first bar, n_bars where it has none.
    """
    n_bars, n_symbols = close.shape
    if n_symbols == 1:
        running_sum(close[:, 0], total[:, 0], first)
        return
    last = np.zeros(n_symbols)
    for k in range(n_symbols):
        total[0, k] = 0.0
        first[k] = n_bars
    for t in range(n_bars):
        for k in range(n_symbols):
            price = close[t, k]
            if price == price:
                last[k] = price
                if first[k] > t:
                    first[k] = t
            total[t + 1, k] = total[t, k] + last[k]


def running_sum(close: Any, total: Any, first: Any) -> None:
    """Sum one column, the sum kept in a register: it takes a third of the time."""
    whole = last = 0.0
    begun = len(close)
    total[0] = 0.0
    for t in range(len(close)):
        price = close[t]
        if price == price:
            last = price
            begun = min(begun, t)
        whole += last
        total[t + 1] = whole
    first[0] = begun
