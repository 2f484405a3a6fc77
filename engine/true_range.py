"""Wilder's average true range: how far a symbol moves in one bar, gaps included."""

from math import nan
from typing import Any

import numpy as np


def average_true_range(high: Any, low: Any, close: Any, lookback: int) -> Any:
    """Average true range after Wilder, causal, in the subset numba compiles.

    Parameters
    ----------
    high, low, close : ndarray of float64, shape (n_bars, n_symbols)
        NaN where there is no bar; the true range of the next bar then spans the gap.
    lookback : int
        Bars of the first average; later bars come in with a weight of ``1 / lookback``.

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols)
        Price units. Row t uses bars up to t; NaN until ``lookback`` bars have been seen. A row
        without a bar repeats the last value.

    References
    ----------
    Wilder (1978), New Concepts in Technical Trading Systems. The first bar of a symbol has no
    close before it; its true range is high less low.
    """
    n_bars, n_symbols = close.shape
    out = np.full((n_bars, n_symbols), np.nan)
    for k in range(n_symbols):
        before = average = nan
        total = 0.0
        seen = 0
        for t in range(n_bars):
            if close[t, k] > 0.0:
                reach = high[t, k] - low[t, k]
                if seen > 0:
                    reach = max(reach, abs(high[t, k] - before), abs(low[t, k] - before))
                before = close[t, k]
                seen += 1
                if seen <= lookback:
                    total += reach
                    if seen == lookback:
                        average = total / lookback
                else:
                    average += (reach - average) / lookback
            out[t, k] = average
    return out


def last_known(prices: Any) -> Any:
    """Each price, or the last one before it where there is none.

    Parameters
    ----------
    prices : ndarray of float64, shape (n_bars, n_symbols)

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols)
        NaN before the first.
    """
    rows = np.where(np.isnan(prices), 0, np.arange(len(prices))[:, np.newaxis])
    return np.take_along_axis(prices, np.maximum.accumulate(rows, axis=0), axis=0)
