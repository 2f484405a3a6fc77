"""Hierarchical risk parity: split a tree of correlations, and share risk at each fork."""

import numpy as np

from tradewind.engine.records import Floats, Ints
from tradewind.strategies.weighting.covariance import refuse_singular


def hierarchical(covariance: Floats) -> Floats:
    """Long weights that add up to 1.

    Parameters
    ----------
    covariance : ndarray of float64, shape (n, n)
        No name may lack variance; it need not be invertible.

    References
    ----------
    Lopez de Prado (2016), "Building diversified portfolios that outperform out of sample":
    single linkage on sqrt((1 - correlation) / 2), order of the tree's leaves, recursive bisection
    with inverse variances inside a half.
    """
    n = len(covariance)
    if n == 1:
        return np.ones(1)
    if (np.diag(covariance) <= 0.0).any():
        refuse_singular(covariance, "hrp")
    weights = np.ones(n)
    parts = [_leaves(covariance)]
    while parts:
        part = parts.pop()
        if len(part) < 2:
            continue
        left, right = part[: len(part) // 2], part[len(part) // 2 :]
        risk = [_cluster_variance(covariance, side) for side in (left, right)]
        share = 1.0 - risk[0] / (risk[0] + risk[1])
        weights[left] *= share
        weights[right] *= 1.0 - share
        parts += [left, right]
    return weights


def _leaves(covariance: Floats) -> Ints:
    """Names in the order of the tree."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    deviation = np.sqrt(np.diag(covariance))
    correlation = np.clip(covariance / np.outer(deviation, deviation), -1.0, 1.0)
    apart = np.sqrt(np.maximum((1.0 - correlation) / 2.0, 0.0))
    # The distance between two names is that of their whole columns, as in the paper.
    far = np.sqrt(np.maximum(((apart[:, :, None] - apart[:, None, :]) ** 2).sum(axis=0), 0.0))
    np.fill_diagonal(far, 0.0)
    return np.asarray(leaves_list(linkage(squareform(far, checks=False), "single")), np.int64)


def _cluster_variance(covariance: Floats, names: Ints) -> float:
    """Variance of a cluster held in proportion to inverse variances."""
    own = covariance[np.ix_(names, names)]
    share = 1.0 / np.diag(own)
    share /= share.sum()
    return float(share @ own @ share)
