"""Engle-Granger over all pairs at once: statistics of a quarter of a million pairs in seconds."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats, Ints
from tradewind.strategies.pairing.dickey_fuller import (
    FAULT,
    INTERCEPT,
    LAG,
    SLOPE,
    STATISTIC,
    fill_statistics,
)
from tradewind.strategies.pairing.mackinnon import p_value
from tradewind.strategies.pairing.scanning import (
    Fault,
    all_pairs,
    faults,
    in_chunks,
    refuse,
    standardised,
)

LEAST_BARS = 30  # below it a lag regression has fewer rows than it needs to say anything


class EngleGranger(NamedTuple):
    """One entry for each pair, shape (n_pairs,)."""

    y: Ints  # column of the dependent series
    x: Ints
    slope: Floats  # of y on x; NaN where there is a fault
    intercept: Floats
    statistic: Floats  # of the augmented Dickey-Fuller regression; NaN likewise
    p_value: Floats
    lag: Ints  # lagged differences used, -1 where there is a fault
    fault: Ints  # Fault


def longest_lag(n_bars: int) -> int:
    """Lagged differences tried at most: 12 (n / 100)^(1/4), Schwert (1989)."""
    most: int = ceil(12.0 * (n_bars / 100.0) ** 0.25)
    return min(n_bars // 2 - 1, most)


def engle_granger(
    prices: Floats,
    pairs: Ints | Sequence[tuple[int, int]] | None = None,
    *,
    lags: int | None = None,
    most_lags: int | None = None,
    threads: int = 1,
) -> EngleGranger:
    """Test pairs of series for cointegration.

    Parameters
    ----------
    prices : ndarray of float64, shape (n_bars, n_symbols)
        Logarithms or prices as they are, oldest first.
    pairs : array of int, shape (n_pairs, 2), optional
        Columns (y, x); by default all ordered pairs.
    lags : int, optional
        Lagged differences; by default as many as Akaike's criterion prefers.
    most_lags : int, optional
        Most of them that are tried; by default :func:`longest_lag`.
    threads : int
        That share the pairs; no number depends on it.

    Returns
    -------
    EngleGranger
        What cannot be tested has NaN and says why in ``fault``.

    Raises
    ------
    StrategyError
        If more lags are asked for than the history has room for, a column is not there, or nobody
        is to do the work.

    Notes
    -----
    Equal to ``statsmodels.tsa.stattools.coint(y, x, trend="c")``: least squares with a constant,
    then a Dickey-Fuller regression of the residual without one; its number of lagged differences is
    chosen on the rows that all candidates share, and the regression then repeated on all rows that
    the chosen one has. Where the steps of the residual are explained to 1e-10 of their squares, as
    by a cycle or a curve without noise, there is no statistic.

    References
    ----------
    Engle and Granger (1987).
    """
    n_bars, n_symbols = prices.shape
    wanted = all_pairs(n_symbols) if pairs is None else np.asarray(pairs, np.int64).reshape(-1, 2)
    refuse(wanted, n_symbols, threads, "engle_granger")
    most = longest_lag(n_bars) if most_lags is None else most_lags
    most = lags if lags is not None else most
    short = n_bars < LEAST_BARS
    if not short and (most < 0 or n_bars - 1 - most < most + 3):
        raise StrategyError(
            f"engle_granger: {most} lags of {n_bars} bars; wanted 0 to {(n_bars - 4) // 2}"
        )
    found = np.full((len(wanted), 5), np.nan)
    found[:, LAG], found[:, FAULT] = -1.0, Fault.TOO_SHORT
    if not short and len(wanted):
        fault = faults(prices.T)
        centred, means, power = standardised(prices.T, fault)
        fill = compiled(fill_statistics)

        def work(first: int, stop: int) -> None:
            fill(centred, means, fault, wanted, first, stop, most, lags is None, found)

        in_chunks(work, len(wanted), threads)
        with np.errstate(over="ignore", under="ignore"):
            found[:, SLOPE] = np.ldexp(found[:, SLOPE], power[wanted[:, 0]] - power[wanted[:, 1]])
            found[:, INTERCEPT] = np.ldexp(found[:, INTERCEPT], power[wanted[:, 0]])
    statistic = found[:, STATISTIC].copy()
    return EngleGranger(
        wanted[:, 0].copy(), wanted[:, 1].copy(), found[:, SLOPE].copy(),
        found[:, INTERCEPT].copy(), statistic, p_value(statistic),
        found[:, LAG].astype(np.int64), found[:, FAULT].astype(np.int64),
    )  # fmt: skip
