"""Engle-Granger over all pairs at once: statistics of a quarter of a million pairs in seconds."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from math import ceil
from typing import NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats, Ints
from tradewind.strategies.pairing.dickey_fuller import (
    FAULT,
    INTERCEPT,
    LAG,
    SLOPE,
    STATISTIC,
    fill_statistics,
)
from tradewind.strategies.pairing.mackinnon import p_value

LEAST_BARS = 30  # below it a lag regression has fewer rows than it needs to say anything
CHUNKS = 8  # for each thread
STILL = 64.0 * np.finfo(np.float64).eps  # of its size that a series moves by rounding alone


class Fault(IntEnum):
    """Why a pair has no statistic."""

    NONE = 0
    CONSTANT = 1  # a series does not move, but for the rounding of its numbers
    COLLINEAR = 2  # one series is the other, shifted and stretched
    TOO_SHORT = 3  # fewer bars than LEAST_BARS
    GAPS = 4  # a bar is missing in one of the two
    FORETOLD = 5  # each step of the spread follows from those before: no chance, nothing to test


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


def all_pairs(n_symbols: int, *, ordered: bool = True) -> Ints:
    """Columns (y, x) of all pairs, shape (n_pairs, 2); ``ordered``: both ways round."""
    y, x = np.divmod(np.arange(n_symbols * n_symbols), max(n_symbols, 1))
    kept = y != x if ordered else y < x
    return np.stack([y[kept], x[kept]], axis=1)


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
    _refuse(wanted, n_symbols, threads)
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
        fault = _faults(prices.T)
        centred, means, power = _standardised(prices.T, fault)
        _shared_out(centred, means, fault, wanted, most, lags is None, found, threads)
        with np.errstate(over="ignore", under="ignore"):
            found[:, SLOPE] = np.ldexp(found[:, SLOPE], power[wanted[:, 0]] - power[wanted[:, 1]])
            found[:, INTERCEPT] = np.ldexp(found[:, INTERCEPT], power[wanted[:, 0]])
    statistic = found[:, STATISTIC].copy()
    return EngleGranger(
        wanted[:, 0].copy(), wanted[:, 1].copy(), found[:, SLOPE].copy(),
        found[:, INTERCEPT].copy(), statistic, p_value(statistic),
        found[:, LAG].astype(np.int64), found[:, FAULT].astype(np.int64),
    )  # fmt: skip


def _refuse(pairs: Ints, n_symbols: int, threads: int) -> None:
    if threads < 1:
        raise StrategyError(f"engle_granger: {threads} threads; wanted at least 1")
    outside = pairs[((pairs < 0) | (pairs >= n_symbols)).any(axis=1)]
    if len(outside):
        y, x = outside[0].tolist()
        raise StrategyError(
            f"engle_granger: pair ({y}, {x}) of {n_symbols} symbols; wanted columns from 0 to "
            f"{n_symbols - 1}"
        )


def _faults(series: Floats) -> Ints:
    """Fault of each series by itself, shape (n_symbols,)."""
    gaps: Bools = np.asarray(~np.isfinite(series).all(axis=1))
    known = np.where(gaps[:, None], 0.0, series)
    size = np.maximum(np.abs(known).max(axis=1), np.finfo(np.float64).tiny)
    still = known.max(axis=1) / size - known.min(axis=1) / size <= STILL
    return np.where(gaps, Fault.GAPS, np.where(still, Fault.CONSTANT, Fault.NONE)).astype(np.int64)


def _standardised(series: Floats, fault: Ints) -> tuple[Floats, Floats, Ints]:
    """Series less their means, the means, and the power of two by which both were divided.

    Without it the squares of very small or large numbers would vanish or overflow; a power of two
    changes no digit.
    """
    sound = np.where(fault[:, None] > 0, 0.0, series)
    power = np.frexp(np.abs(sound).max(axis=1))[1].astype(np.int64)
    scaled = np.ldexp(sound, -power[:, None])
    means = scaled.mean(axis=1)
    moved = scaled - means[:, None]
    rest = moved.mean(axis=1)  # far from zero a mean is rounded by more than the series moves
    moved -= rest[:, None]
    more = np.frexp(np.abs(moved).max(axis=1))[1].astype(np.int64)
    return (
        np.ascontiguousarray(np.ldexp(moved, -more[:, None])),
        np.ldexp(means + rest, -more),
        power + more,
    )


def _shared_out(
    centred: Floats,
    means: Floats,
    fault: Ints,
    pairs: Ints,
    most: int,
    choose: bool,
    found: Floats,
    threads: int,
) -> None:
    """Let threads take the pairs chunk by chunk."""
    test = compiled(fill_statistics)
    test(centred, means, fault, pairs, 0, 0, most, choose, found)  # compiles, before threads meet
    edges = np.linspace(0, len(pairs), min(len(pairs), CHUNKS * threads) + 1).astype(int)

    def run(span: tuple[int, int]) -> None:
        test(centred, means, fault, pairs, *span, most, choose, found)

    spans = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    if threads == 1:
        for span in spans:
            run(span)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, spans))
