"""Pairs by how near their prices ran, or how alike their returns were: one product of matrices."""

import numpy as np

from tradewind.engine.records import Floats, Ints

NEAR = 1e-6  # of both squares: below it their difference is mostly rounding, and is summed directly


def indices(close: Floats) -> Floats:
    """Value of one unit of money put into each symbol at the first bar, shape of ``close``.

    The first bar itself is where the money goes in, so row 0 is 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(close / close[0])


def squared_distances(close: Floats) -> Floats:
    """Sum of squared differences of normalised prices, shape (n_symbols, n_symbols).

    Parameters
    ----------
    close : ndarray of float64, shape (n_bars, n_symbols)
        Over the formation, dividends reinvested; a symbol with a gap has NaN throughout.

    References
    ----------
    Gatev, Goetzmann and Rouwenhorst (2006), section 2.1.
    """
    index = indices(close)
    gap = ~np.isfinite(index).all(axis=0)
    index = np.where(gap, 0.0, index - 1.0)  # near 1 the product of large numbers would round
    own = (index * index).sum(axis=0)
    both = own[:, None] + own[None, :]
    distance = both - 2.0 * (index.T @ index)
    near = distance <= NEAR * both
    for k in np.flatnonzero(near.any(axis=1)):
        others = np.flatnonzero(near[k])
        distance[k, others] = ((index[:, others] - index[:, [k]]) ** 2).sum(axis=0)
    distance[gap, :] = distance[:, gap] = np.nan
    return np.asarray(distance)


def correlations(close: Floats) -> Floats:
    """Correlation of log returns, shape (n_symbols, n_symbols); NaN for gaps and still series."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.diff(np.log(close), axis=0)
        gap = ~np.isfinite(steps).all(axis=0)
        steps = np.where(gap, 0.0, steps - steps.mean(axis=0))
        length = np.sqrt((steps * steps).sum(axis=0))
        found = (steps / length).T @ (steps / length)
    found[gap, :] = found[:, gap] = np.nan
    return np.asarray(np.clip(found, -1.0, 1.0))


def best(score: Floats, pairs: Ints, count: int, *, per_name: int = 0) -> Ints:
    """Rows of the pairs with the lowest scores.

    Parameters
    ----------
    score : ndarray of float64, shape (n_pairs,)
        NaN = not eligible.
    pairs : ndarray of int64, shape (n_pairs, 2)
        Columns of the two names.
    count : int
        How many pairs at most.
    per_name : int
        In how many of them a name may be, 0 = any number.

    Returns
    -------
    ndarray of int64
        Best first; of equal scores the earlier row.
    """
    eligible = np.flatnonzero(~np.isnan(score))
    order = eligible[np.argsort(score[eligible], kind="stable")]
    if not per_name:
        return np.asarray(order[:count])
    used: dict[int, int] = {}
    kept: list[int] = []
    for row in order:
        if len(kept) == count:
            break
        y, x = int(pairs[row, 0]), int(pairs[row, 1])
        if used.get(y, 0) < per_name and used.get(x, 0) < per_name:
            used[y], used[x] = used.get(y, 0) + 1, used.get(x, 0) + 1
            kept.append(int(row))
    return np.array(kept, np.int64)
