"""Johansen's test over all pairs at once; of a basket see ``johansen.py``."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled, unlocked
from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats, Ints
from tradewind.strategies.pairing.dickey_fuller import dot
from tradewind.strategies.pairing.johansen import (
    EXACT,
    LEVELS,
    SINGULAR,
    TRACE,
    centred,
    least_bars,
)
from tradewind.strategies.pairing.scanning import (
    FORETOLD,
    SAME_LINE,
    SOUND,
    Fault,
    all_pairs,
    faults,
    in_chunks,
    refuse,
    standardised,
)

DEPENDENT = 1e-24  # square left of a lagged step that the others explain
FIRST, SECOND, HEDGE, FAULT = range(4)  # columns: greater and lesser eigenvalue


class JohansenPairs(NamedTuple):
    """A row for each pair; NaN where there is a fault."""

    y: Ints  # (n_pairs,) column of the first series
    x: Ints
    trace: Floats  # (n_pairs, 2) of no, and of at most one, stationary combination
    largest: Floats  # (n_pairs, 2) maximal eigenvalue statistic likewise
    hedge: Floats  # (n_pairs,) units of x per unit of y in the most stationary combination
    fault: Ints  # (n_pairs,) Fault

    def one_stationary(self, level: float = 0.95) -> Bools:
        """Whether the trace test finds one combination and no more; ``level`` is one of LEVELS."""
        at = LEVELS.index(level)
        return (self.trace[:, 0] > TRACE[1][at]) & (self.trace[:, 1] <= TRACE[0][at])


def johansen_pairs(
    prices: Floats,
    pairs: Ints | Sequence[tuple[int, int]] | None = None,
    *,
    lags: int = 1,
    threads: int = 1,
) -> JohansenPairs:
    """Test pairs of series for cointegration, whichever of the two comes first.

    Parameters
    ----------
    prices : ndarray of float64, shape (n_bars, n_symbols)
        Logarithms or prices as they are, oldest first.
    pairs : array of int, shape (n_pairs, 2), optional
        Columns (y, x); by default all pairs, one way round.
    lags : int
        Lagged differences, >= 0.
    threads : int
        That share the pairs; no number depends on it.

    Returns
    -------
    JohansenPairs
        What cannot be tested has NaN and says why in ``fault``.

    Raises
    ------
    StrategyError
        If lags are negative, a column is not there, or nobody is to do the work.

    Notes
    -----
    Steps and levels of a pair are made orthonormal to its lagged steps and each among themselves;
    eigenvalues are then squared cosines between the two planes.

    References
    ----------
    Johansen (1991).
    """
    n_bars, n_symbols = prices.shape
    wanted = (
        all_pairs(n_symbols, ordered=False)
        if pairs is None
        else np.asarray(pairs, np.int64).reshape(-1, 2)
    )
    refuse(wanted, n_symbols, threads, "johansen_pairs")
    if lags < 0:
        raise StrategyError(f"johansen_pairs: {lags} lags; wanted 0 or more")
    found = np.full((len(wanted), 4), np.nan)
    found[:, FAULT] = Fault.TOO_SHORT
    rows = n_bars - 1 - lags
    if n_bars >= least_bars(2, lags) and len(wanted):
        fault = faults(prices.T)
        series, _, power = standardised(prices.T, fault)
        columns, whole = _columns(series, lags)
        fill = compiled(fill_eigenvalues)

        def work(first: int, stop: int) -> None:
            fill(columns, whole, fault, wanted, first, stop, found)

        in_chunks(work, len(wanted), threads)
        with np.errstate(over="ignore", under="ignore"):
            found[:, HEDGE] = np.ldexp(found[:, HEDGE], power[wanted[:, 0]] - power[wanted[:, 1]])
    largest = -rows * np.log1p(-found[:, [FIRST, SECOND]])
    trace = np.column_stack([largest.sum(axis=1), largest[:, 1]])
    fault_of = found[:, FAULT].astype(np.int64)
    return JohansenPairs(
        wanted[:, 0].copy(), wanted[:, 1].copy(), trace, largest, found[:, HEDGE].copy(), fault_of
    )


def _columns(series: Floats, lags: int) -> tuple[Floats, Floats]:
    """Regressors of each series less their means, and the squares a step and a level began with.

    Shapes (n_symbols, lags + 2, rows), (n_symbols, 2): lagged steps, the level, the step.
    """
    n_symbols, n_bars = series.shape
    step, rows = np.diff(series, axis=1), n_bars - 1 - lags
    columns = np.empty((n_symbols, lags + 2, rows))
    for j in range(1, lags + 1):
        columns[:, j - 1] = centred(step[:, lags - j : n_bars - 1 - j].T).T
    columns[:, lags] = centred(series[:, 1 : n_bars - lags].T).T
    columns[:, lags + 1] = centred(step[:, lags:].T).T
    level = columns[:, lags]
    return columns, np.column_stack([(level * level).sum(axis=1), (step * step).sum(axis=1)])


@unlocked
def fill_eigenvalues(
    columns: Any, whole: Any, fault: Any, pairs: Any, first: int, stop: int, found: Any
) -> None:
    """Fill rows ``first`` to ``stop - 1`` of ``found``; in the subset numba compiles.

    Parameters
    ----------
    columns : ndarray of float64, shape (n_symbols, lags + 2, rows)
        Lagged steps, level, step; each less its mean.
    whole : ndarray of float64, shape (n_symbols, 2)
        Sum of squares of level and step before anything was explained.
    fault : ndarray of int64, shape (n_symbols,)
    pairs : ndarray of int64, shape (n_pairs, 2)
    first, stop : int
    found : ndarray of float64, shape (n_pairs, 4)
        Filled in.
    """
    lags, rows = columns.shape[1] - 2, columns.shape[2]
    basis = np.empty((2 * lags + 1, rows))
    plane = np.empty((4, rows))  # levels of y and x, steps of y and x
    size, shared, left = np.empty(4), np.empty(2), np.empty(2)
    for i in range(first, stop):
        if fault[pairs[i, 0]] > 0 or fault[pairs[i, 1]] > 0:
            found[i, FAULT] = max(fault[pairs[i, 0]], fault[pairs[i, 1]])
            continue
        held = 0
        for j in range(2 * lags):
            basis[held] = columns[pairs[i, j % 2], j // 2]
            before = dot(basis[held], basis[held])
            without(basis[held], basis, held)
            after = dot(basis[held], basis[held])
            if after > DEPENDENT * before:
                shrink(basis[held], np.sqrt(after))
                held += 1
        why = SOUND
        for j in range(4):
            symbol = pairs[i, j % 2]
            plane[j] = columns[symbol, lags + j // 2]
            without(plane[j], basis, held)
            size[j] = np.sqrt(dot(plane[j], plane[j]))
            if size[j] * size[j] <= EXACT * whole[symbol, j // 2]:
                why = FORETOLD
        for k in range(2):
            if why == SOUND:
                a, b = plane[2 * k], plane[2 * k + 1]
                shrink(a, size[2 * k])
                shrink(b, size[2 * k + 1])
                shared[k] = dot(a, b)
                lessen(b, a, shared[k])
                lessen(b, a, dot(a, b))  # again: what two near lines differ by keeps its digits
                left[k] = np.sqrt(dot(b, b))
                if 1.0 + abs(shared[k]) >= SINGULAR * left[k]:
                    why = SAME_LINE
                else:
                    shrink(b, left[k])
        if why == SOUND:
            greater, lesser, u, v = cosines(plane)
            if 1.0 - greater <= EXACT:
                why = FORETOLD
            else:
                found[i, FIRST], found[i, SECOND] = greater, lesser
                v = v / left[0]
                found[i, HEDGE] = v / size[1] * size[0] / (u - shared[0] * v)
        found[i, FAULT] = why


def lessen(values: Any, other: Any, share: float) -> None:
    """Take ``share`` of another column off."""
    for t in range(len(values)):
        values[t] -= share * other[t]


def shrink(values: Any, size: float) -> None:
    """Divide a column by its length."""
    for t in range(len(values)):
        values[t] /= size


def without(values: Any, basis: Any, held: int) -> None:
    """Take off what the first ``held`` orthonormal columns explain."""
    for k in range(held):
        lessen(values, basis[k], dot(basis[k], values))


def cosines(plane: Any) -> tuple[float, float, float, float]:
    """Squared cosines between two planes, and the direction in the first that is nearest."""
    a, b = dot(plane[0], plane[2]), dot(plane[0], plane[3])
    c, d = dot(plane[1], plane[2]), dot(plane[1], plane[3])
    first, second, both = a * a + b * b, c * c + d * d, a * c + b * d
    half = 0.5 * (first - second)
    root = np.sqrt(half * half + both * both)
    greater = 0.5 * (first + second) + root
    lesser = (a * d - b * c) ** 2 / greater if greater > 0.0 else 0.0
    if root == 0.0:
        return greater, lesser, 1.0, 0.0
    if half >= 0.0:
        return greater, lesser, half + root, both
    return greater, lesser, both, root - half
