"""The effective spread of a market that publishes no quotes, estimated from its bars.

Three estimators, each a full spread as a fraction of mid. All are the root of an average that may
come out below zero where the spread is small beside the noise; the root then keeps the sign, so
that whoever averages estimates can average without bias.

References
----------
Ardia, Guidotti and Kroencke (2024), Efficient estimation of bid-ask spreads from open, high, low,
and close prices, Journal of Financial Economics 161. By the authors' package ``bidask``.
Corwin and Schultz (2012), A simple way to estimate bid-ask spreads from daily high and low prices,
Journal of Finance 67.
Abdi and Ranaldo (2017), A simple estimation of bid-ask spreads from daily close, high, and low
prices, Review of Financial Studies 30.
"""

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from tradewind.engine.records import Floats, Ints, Panel

ESTIMATORS = ("edge", "corwin_schultz", "abdi_ranaldo")
_ROOT_OF_TWO = np.sqrt(2.0)


def known_before(panel: Panel, estimator: str, window: int) -> Floats:
    """Spread of every bar as the bars before it give it.

    Parameters
    ----------
    panel : Panel
    estimator : str
        One of :data:`ESTIMATORS`.
    window : int
        Bars that a symbol traded, >= 3; halts and missing sessions do not count.

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols)
        Full spread as a signed fraction of mid. Row t knows bars up to t - 1. NaN where the symbol
        has no bar, has had fewer than ``window``, or its bars do not move.
    """
    rolling = _ROLLING[estimator]
    found = np.full(panel.shape, np.nan)
    for k in range(panel.n_symbols):
        rows = np.flatnonzero(~np.isnan(panel.close[:, k]))
        if len(rows) > window:
            bars = (panel.open, panel.high, panel.low, panel.close)
            open_, high, low, close = (prices[rows, k] for prices in bars)
            found[rows[window:], k] = rolling(open_, high, low, close, window)[window - 1 : -1]
    return found


def known_at(panel: Panel, estimator: str, window: int, bars: Ints, columns: Ints) -> Floats:
    """Spread of single bars as the bars before each give it, for a look back at a run.

    All symbols go through the estimator as one series, several times as fast where they are many.
    Running sums then carry rounding from symbol to symbol, so that the last digits of
    :func:`known_before` may differ.

    Parameters
    ----------
    panel : Panel
    estimator : str
    window : int
    bars, columns : ndarray of int64, shape (n,)
        Rows and columns of the panel.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    symbols, at = np.unique(columns, return_inverse=True)
    traded = ~np.isnan(panel.close[:, symbols])
    before = (np.cumsum(traded, axis=0) - traded)[bars, at]  # bars its symbol had traded
    starts = np.concatenate([[0], np.cumsum(traded.sum(axis=0))])
    known = before >= window
    if not known.any():
        return np.full(len(bars), np.nan)
    prices = (panel.open, panel.high, panel.low, panel.close)
    open_, high, low, close = (side[:, symbols].T[traded.T] for side in prices)
    rolling = _ROLLING[estimator](open_, high, low, close, window)
    return np.where(known, rolling[starts[at] + np.maximum(before, 1) - 1], np.nan)


def edge(open_: Floats, high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """EDGE over the ``window`` bars up to each one, shape (n_bars,); NaN for the first ones."""
    import pandas as pd
    from bidask import edge_rolling

    bars = pd.DataFrame({"open": open_, "high": high, "low": low, "close": close})
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # bidask 2.1.0 names a keyword that pandas 3.1 calls outdated; its meaning is the default.
        warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning)
        found = edge_rolling(bars, window, sign=True).to_numpy(np.float64)
    return np.asarray(found)


def corwin_schultz(open_: Floats, high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """Corwin and Schultz over the ``window`` bars up to each one; never below zero.

    The mean of the two-bar estimates, those below zero counted as zero, after moving a bar that
    lies wholly above or below the close before it by the gap (their section I.C).
    """
    del open_
    pairs = two_bar_spreads(high, low, close)
    return _means(np.maximum(pairs, 0.0), window)


def two_bar_spreads(high: Floats, low: Floats, close: Floats) -> Floats:
    """Corwin and Schultz's estimate from each bar and the one before it, shape (n_bars - 1,).

    Their (14) and (18): ``3 - 2 sqrt 2`` is the square of ``sqrt 2 - 1``, so that ``alpha`` is
    ``(sqrt beta - sqrt gamma) / (sqrt 2 - 1)``.
    """
    up = np.maximum(low[1:] - close[:-1], 0.0)
    down = np.maximum(close[:-1] - high[1:], 0.0)
    high_2, low_2 = high[1:] - up + down, low[1:] - up + down
    high_1, low_1 = high[:-1], low[:-1]
    beta = np.log(high_1 / low_1) ** 2 + np.log(high_2 / low_2) ** 2
    gamma = np.log(np.maximum(high_1, high_2) / np.minimum(low_1, low_2)) ** 2
    alpha = (np.sqrt(beta) - np.sqrt(gamma)) / (_ROOT_OF_TWO - 1.0)
    return np.asarray(2.0 * np.tanh(alpha / 2.0))  # 2 (e^a - 1) / (1 + e^a)


def abdi_ranaldo(open_: Floats, high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """Abdi and Ranaldo over the ``window`` bars up to each one, one average for all of them.

    Four times the mean of ``(c_t - m_t)(c_t - m_{t+1})``, c the log close and m the middle of log
    high and low; their version that corrects once a window, not each pair of bars.
    """
    del open_
    middle, last = (np.log(high) + np.log(low)) / 2.0, np.log(close)
    products = (last[:-1] - middle[:-1]) * (last[:-1] - middle[1:])
    return signed_root(4.0 * _means(products, window))


def signed_root(square: Floats) -> Floats:
    """Root of the size, with the sign."""
    return np.asarray(np.copysign(np.sqrt(np.abs(square)), square))


def _means(of_pairs: Floats, window: int) -> Floats:
    """Mean over the pairs inside each window of bars; NaN for the first ``window - 1`` bars."""
    import pandas as pd

    means = pd.Series(of_pairs).rolling(window - 1).mean().to_numpy(np.float64)
    return np.concatenate([[np.nan], means])


_ROLLING: Mapping[str, Callable[[Floats, Floats, Floats, Floats, int], Floats]] = {
    "edge": edge,
    "corwin_schultz": corwin_schultz,
    "abdi_ranaldo": abdi_ranaldo,
}
