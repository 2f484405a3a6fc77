"""What a strategy is measured against: the market it traded, or a symbol of it, without costs."""

from difflib import get_close_matches

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.errors import ConfigError
from tradewind.engine.feeds.exchange_rates import CLOSE as RATE
from tradewind.engine.records import Floats, Panel

BENCHMARKS = ("equal_weight", "cash")


def benchmark_returns(
    panel: Panel, kind: str, *, first_bar: int, delisting_return: float = 0.0
) -> Floats:
    """Return of a benchmark on each bar in the account's currency, without costs.

    On raw prices splits and dividends count, each dividend reinvested at the close of its ex-date.

    Parameters
    ----------
    panel : Panel
    kind : str
        ``equal_weight``: every living name in equal parts, rebalanced at each close. ``cash``:
        nothing. Else a symbol of the panel, bought and held; cash before it begins and after its
        end.
    first_bar : int
        Returns up to it are zero.
    delisting_return : float
        What happens to a name between its last close and its sale, as in the simulation.

    Returns
    -------
    ndarray of float64, shape (n_bars,)
        Simple returns. A halted name keeps its last close: it earns nothing until it trades again,
        and then all at once.

    Raises
    ------
    ConfigError
        For a name that is none of these.
    """
    if kind not in (*BENCHMARKS, *panel.symbols):
        near = get_close_matches(kind, (*BENCHMARKS, *panel.symbols), 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ConfigError(
            f"benchmark: unknown {kind!r}{hint}; wanted equal_weight, cash or one of the run's "
            f"{panel.n_symbols} symbols"
        )
    result = np.zeros(panel.n_bars)
    if kind == "cash" or panel.n_bars < 2:
        return result
    names = panel if kind == "equal_weight" else panel.select([kind])
    returns = _held_returns(names, delisting_return)
    alive = np.isfinite(returns)
    total = np.where(alive, returns, 0.0).sum(axis=1)
    result[1:] = total / np.maximum(alive.sum(axis=1), 1)
    result[: first_bar + 1] = 0.0
    return result


def _held_returns(panel: Panel, delisting_return: float) -> Floats:
    """Close-to-close returns, shape (n_bars - 1, n_symbols); NaN outside a name's life."""
    panel = forward_adjusted(panel)
    bars = np.arange(panel.n_bars)[:, None]
    traded = ~np.isnan(panel.close)
    last = np.maximum.accumulate(np.where(traded, bars, -1), axis=0)
    held = np.take_along_axis(panel.close, np.maximum(last, 0), axis=0)
    if RATE in panel.columns:
        held = held * panel.columns[RATE]
    held[last < 0] = np.nan
    ended = panel.ends >= 0
    held[(bars > panel.ends) & ended] = np.nan
    final = held.copy()
    columns = np.flatnonzero(ended)
    final[panel.ends[columns], columns] *= 1.0 + delisting_return
    returns: Floats = final[1:] / held[:-1] - 1.0
    return returns
