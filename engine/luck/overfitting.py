"""Probability of backtest overfitting: how often the best of one half is poor in the other."""

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.records import Bools, Floats, Ints

BLOCKS = 16
AT_ONCE = 512  # splits whose ratios are held at a time
FLAT = 1e-28  # variance relative to the mean square, below which returns are one number


class Overfitting(NamedTuple):
    """What every way to halve the blocks says; arrays of shape (n_splits,)."""

    probability: float
    logits: Floats  # of the rank that the best in sample has out of sample; below 0: worse half
    inside: Floats  # Sharpe ratio of one bar of the best, in sample
    outside: Floats  # its ratio out of sample
    slope: float  # of outside on inside; NaN where inside does not vary
    loss: float  # share of splits whose best loses out of sample


class BlockSums(NamedTuple):
    """Returns by block of time, (n_blocks, n_trials)."""

    n: Ints  # (n_blocks,)
    total: Floats
    squares: Floats


def block_sums(returns: Floats, blocks: int = BLOCKS) -> BlockSums:
    """Sums of the blocks, whose sizes differ by one at most.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_trials, n_bars)
    blocks : int
        Even.

    Raises
    ------
    DataError
        If there are fewer bars than two for each block, or a return is not finite.
    """
    n_bars = returns.shape[1]
    if blocks < 2 or blocks % 2 or n_bars < 2 * blocks:
        raise DataError(
            f"overfitting: {n_bars} bars in {blocks} blocks; wanted an even number of blocks with "
            "two bars or more in each"
        )
    if not np.isfinite(returns).all():
        raise DataError("overfitting: a return is not finite; leave trials out that were ruined")
    size, more = divmod(n_bars, blocks)
    lengths = np.full(blocks, size)
    lengths[:more] += 1
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return BlockSums(
        lengths,
        np.add.reduceat(returns, starts, axis=1).T.copy(),
        np.add.reduceat(returns * returns, starts, axis=1).T.copy(),
    )


def overfitting(sums: BlockSums) -> Overfitting:
    """Combinatorially symmetric cross-validation of the choice by Sharpe ratio.

    Parameters
    ----------
    sums : BlockSums
        Of two trials or more; sums say all that a Sharpe ratio needs.

    Raises
    ------
    DataError
        If there are fewer than two trials.

    References
    ----------
    Bailey, Borwein, Lopez de Prado and Zhu (2017), The probability of backtest overfitting. Ranks
    of equal ratios are averaged; a trial that does not vary has ratio 0.
    """
    n_blocks, n_trials = sums.total.shape
    if n_trials < 2:
        raise DataError(f"overfitting: {n_trials} trials; wanted at least two to choose from")
    logits, inside, outside = (np.empty(comb(n_blocks, n_blocks // 2)) for _ in range(3))
    at = 0
    for held_out in _halves(n_blocks):
        rows = slice(at, at + len(held_out))
        theirs = _ratios(held_out, sums)
        ours = _ratios(~held_out, sums)
        best = ours.argmax(axis=1)
        take = np.arange(len(best))
        inside[rows], outside[rows] = ours[take, best], theirs[take, best]
        own = outside[rows][:, None]
        below, same = (theirs < own).sum(axis=1), (theirs == own).sum(axis=1)
        share = (below + 0.5 * (same + 1)) / (n_trials + 1.0)
        logits[rows] = np.log(share / (1.0 - share))
        at += len(held_out)
    spread = inside - inside.mean()
    square = float(spread @ spread)
    slope = float(spread @ (outside - outside.mean())) / square if square > 0.0 else float("nan")
    return Overfitting(
        float((logits < 0.0).mean()), logits, inside, outside, slope, float((outside < 0.0).mean())
    )


def _halves(n_blocks: int) -> Iterator[Bools]:
    """Which blocks are held out, (n, n_blocks), some splits at a time."""
    rows: list[tuple[int, ...]] = []
    for one in combinations(range(n_blocks), n_blocks // 2):
        rows.append(one)
        if len(rows) == AT_ONCE:
            yield _marked(rows, n_blocks)
            rows = []
    if rows:
        yield _marked(rows, n_blocks)


def _marked(rows: list[tuple[int, ...]], n_blocks: int) -> Bools:
    marked = np.zeros((len(rows), n_blocks), np.bool_)
    np.put_along_axis(marked, np.array(rows), True, axis=1)
    return marked


def _ratios(chosen: Bools, sums: BlockSums) -> Floats:
    """Sharpe ratio of every trial over the chosen blocks, (n_splits, n_trials)."""
    weights = chosen.astype(np.float64)
    n = (weights @ sums.n)[:, None]
    mean = weights @ sums.total
    mean /= n
    mean_square = weights @ sums.squares
    mean_square /= n
    variance = mean_square - mean * mean
    flat = ~(variance > FLAT * mean_square)
    variance *= n / (n - 1.0)
    variance[flat] = 1.0
    mean /= np.sqrt(variance)
    mean[flat] = 0.0
    return np.asarray(mean)
