"""What tests over all pairs share: the pairs, what cannot be tested, numbers near one, threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats, Ints

CHUNKS = 8  # for each thread, so that none waits long for the others
STILL = 64.0 * np.finfo(np.float64).eps  # of its size that a series moves by rounding alone


class Fault(IntEnum):
    """Why a pair has no statistic."""

    NONE = 0
    CONSTANT = 1  # a series does not move, but for the rounding of its numbers
    COLLINEAR = 2  # one series is the other, shifted and stretched
    TOO_SHORT = 3  # too few bars for the test
    GAPS = 4  # a bar is missing in one of the two
    FORETOLD = 5  # each step of the spread follows from those before: no chance, nothing to test


# Of these, as numba writes them into an array of floats.
SOUND = float(Fault.NONE)
SAME_LINE = float(Fault.COLLINEAR)
FORETOLD = float(Fault.FORETOLD)


def all_pairs(n_symbols: int, *, ordered: bool = True) -> Ints:
    """Columns (y, x) of all pairs, shape (n_pairs, 2); ``ordered``: both ways round."""
    y, x = np.divmod(np.arange(n_symbols * n_symbols), max(n_symbols, 1))
    kept = y != x if ordered else y < x
    return np.stack([y[kept], x[kept]], axis=1)


def refuse(pairs: Ints, n_symbols: int, threads: int, what: str) -> None:
    """Raise StrategyError for columns that are not there, and where nobody is to do the work."""
    if threads < 1:
        raise StrategyError(f"{what}: {threads} threads; wanted at least 1")
    outside = pairs[((pairs < 0) | (pairs >= n_symbols)).any(axis=1)]
    if len(outside):
        y, x = outside[0].tolist()
        raise StrategyError(
            f"{what}: pair ({y}, {x}) of {n_symbols} symbols; wanted columns from 0 to "
            f"{n_symbols - 1}"
        )


def faults(series: Floats) -> Ints:
    """Fault of each series by itself, shape (n_symbols,)."""
    gaps: Bools = np.asarray(~np.isfinite(series).all(axis=1))
    known = np.where(gaps[:, None], 0.0, series)
    size = np.maximum(np.abs(known).max(axis=1), np.finfo(np.float64).tiny)
    still = known.max(axis=1) / size - known.min(axis=1) / size <= STILL
    return np.where(gaps, Fault.GAPS, np.where(still, Fault.CONSTANT, Fault.NONE)).astype(np.int64)


def standardised(series: Floats, fault: Ints) -> tuple[Floats, Floats, Ints]:
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


def in_chunks(work: Callable[[int, int], None], count: int, threads: int) -> None:
    """Let threads do ``work(first, stop)`` on all of ``count`` rows, each row once."""
    work(0, 0)  # compiles, before threads meet
    edges = np.linspace(0, count, min(count, CHUNKS * threads) + 1).astype(int).tolist()
    if threads == 1:
        work(0, count)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
