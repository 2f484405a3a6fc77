"""Equal risk contributions: each asset adds to volatility in proportion to its budget."""

from math import sqrt
from typing import Any

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.weighting.covariance import refuse_singular

MOST_SWEEPS = 10_000


def risk_parity(
    covariance: Floats, budget: Floats | None = None, *, tolerance: float = 1e-10
) -> Floats:
    """Long-only weights whose risk contributions are in proportion to ``budget``.

    Parameters
    ----------
    covariance : ndarray of float64, shape (n_assets, n_assets)
        Positive definite.
    budget : ndarray of float64, shape (n_assets,), or None
        > 0; None: equal.
    tolerance : float
        Largest relative error of a contribution.

    Returns
    -------
    ndarray of float64, shape (n_assets,)
        Sum 1.

    Raises
    ------
    StrategyError
        If the covariance is not positive definite, a budget is not positive, or the descent does
        not end.

    References
    ----------
    Griveau-Billion, Richard and Roncalli (2013): cyclical coordinate descent on
    x'Cx / 2 - sum of budget * log x, whose minimum has these contributions.
    """
    n_assets = len(covariance)
    share = np.full(n_assets, 1.0 / n_assets) if budget is None else budget / budget.sum()
    if not (share > 0).all():
        raise StrategyError("risk_parity: a budget is not positive; leave its asset out instead")
    refuse_singular(covariance, "risk_parity")
    x = np.sqrt(share / np.diag(covariance))
    error = compiled(descend)(np.ascontiguousarray(covariance), share, x, tolerance, MOST_SWEEPS)
    if not error <= tolerance:
        raise StrategyError(
            f"risk_parity: after {MOST_SWEEPS} sweeps a contribution is still off by {error:.1e} "
            f"of its budget, wanted {tolerance:g}; shrink the covariance (ledoit_wolf)"
        )
    return np.asarray(x / x.sum())


def descend(covariance: Any, share: Any, x: Any, tolerance: float, most: int) -> float:
    """Minimise over one coordinate after the other; gives the largest relative error left.

    In the subset numba compiles; ``x`` changes in place.
    """
    n = len(x)
    pull = np.empty(n)  # covariance @ x, kept up to date
    error = 1.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += covariance[i, j] * x[j]
        pull[i] = total
    for _ in range(most):
        error = 0.0
        for i in range(n):
            error = max(error, abs(x[i] * pull[i] / share[i] - 1.0))
        if error <= tolerance:
            break
        for i in range(n):
            own = covariance[i, i]
            others = pull[i] - own * x[i]
            best = (sqrt(others * others + 4.0 * own * share[i]) - others) / (2.0 * own)
            step = best - x[i]
            if step != 0.0:
                x[i] = best
                for j in range(n):
                    pull[j] += step * covariance[i, j]
    return error
