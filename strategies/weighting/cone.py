"""Quadratic problems under all limits, solved by Clarabel."""

from typing import Any

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.weighting.limits import Limits

CLOSE = 1e-9


def least(quadratic: Floats, linear: Floats, limits: Limits) -> Floats:
    """Weights of least w'Qw / 2 + q'w that keep the limits.

    Parameters
    ----------
    quadratic : ndarray of float64, shape (n, n)
        Positive semidefinite.
    linear : ndarray of float64, shape (n,)
    limits : Limits

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    StrategyError
        If no weights keep the limits, or the solver does not find them.

    Notes
    -----
    Where weights may be short, w = u - v with u, v >= 0, and the gross weight is the sum of both.

    References
    ----------
    Goulart and Chen (2024), "Clarabel: an interior-point solver for conic programs".
    """
    n = len(linear)
    if limits.long_only:
        rows, most = _rows(np.eye(n), limits)
        found = solve(quadratic, linear, np.ones((1, n)), np.array([limits.net]), rows, most)
        return np.clip(found, limits.low, limits.high)
    both = np.hstack([np.eye(n), -np.eye(n)])
    whole = both.T @ quadratic @ both
    rows, most = _rows(both, limits)
    absolute = np.hstack([np.eye(n), np.eye(n)])
    rows = np.vstack([rows, np.ones((1, 2 * n)), -np.eye(2 * n)])
    most = np.concatenate([most, [limits.gross], np.zeros(2 * n)])
    for number in limits.sectors:
        rows = np.vstack([rows, absolute[limits.group == number].sum(axis=0)])
        most = np.append(most, limits.sector_most)
    found = solve(
        whole, both.T @ linear, both.sum(axis=0, keepdims=True), np.array([limits.net]), rows, most
    )
    return np.clip(both @ found, limits.low, limits.high)


def _rows(weights: Floats, limits: Limits) -> tuple[Floats, Floats]:
    """Bounds of the weights, and of long portfolios' sectors, as ``rows @ x <= most``."""
    rows, most = np.vstack([weights, -weights]), np.concatenate([limits.high, -limits.low])
    for number in limits.sectors if limits.long_only else ():
        rows = np.vstack([rows, weights[limits.group == number].sum(axis=0)])
        most = np.append(most, limits.sector_most)
    return rows, most


def solve(
    quadratic: Floats, linear: Floats, equal: Floats, value: Floats, rows: Floats, most: Floats
) -> Floats:
    """Least x'Qx / 2 + q'x with ``equal @ x = value`` and ``rows @ x <= most``."""
    import clarabel
    from scipy.sparse import csc_matrix, triu

    scale = float(np.abs(quadratic).max(initial=0.0)) or 1.0  # variances of a day are tiny
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = CLOSE
    settings.max_threads = 1
    cones: list[Any] = [clarabel.ZeroConeT(len(value)), clarabel.NonnegativeConeT(len(most))]
    answer = clarabel.DefaultSolver(
        csc_matrix(triu(csc_matrix(quadratic / scale))), linear / scale,
        csc_matrix(np.vstack([equal, rows])), np.concatenate([value, most]), cones, settings,
    ).solve()  # fmt: skip
    if answer.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
        raise StrategyError(f"no weights keep the limits, or none were found ({answer.status})")
    return np.asarray(answer.x, np.float64)
