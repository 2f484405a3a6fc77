"""Trades with a spread that is known, put into bars."""

import numpy as np

from tradewind.engine.records import DAY_NS, Floats, Panel

Bars = tuple[Floats, Floats, Floats, Floats]  # open, high, low, close


def bars_of_trades(
    rng: np.random.Generator, n_bars: int, spread: float, *, vol: float = 0.01, n_trades: int = 100
) -> Bars:
    """Each trade at the bid or the ask, by a coin, around a mid that is a random walk.

    Parameters
    ----------
    rng : Generator
    n_bars : int
    spread : float
        Full, fraction of mid.
    vol : float
        Standard deviation of the mid's log return over a bar.
    n_trades : int
        A bar.
    """
    steps = rng.normal(0.0, vol / np.sqrt(n_trades), (n_bars, n_trades))
    mid = np.exp(np.cumsum(steps.ravel())).reshape(n_bars, n_trades)
    price = mid * (1.0 + rng.choice([-0.5, 0.5], (n_bars, n_trades)) * spread)
    return price[:, 0], price.max(axis=1), price.min(axis=1), price[:, -1]


def panel_of(*symbols: Bars) -> Panel:
    """Daily panel of symbols A, B, C ..."""
    open_, high, low, close = (np.stack(side, axis=1) for side in zip(*symbols, strict=True))
    ts = np.arange(1, len(close) + 1, dtype=np.int64) * DAY_NS
    return Panel(tuple("ABCDEFGH"[: len(symbols)]), ts, open_, high, low, close, 0.0 * close + 1e6)
