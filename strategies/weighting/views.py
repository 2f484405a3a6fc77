"""Black and Litterman: what the market seems to expect, corrected by views."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats


class Posterior(NamedTuple):
    """Expected returns after the views, and their own covariance."""

    mean: Floats  # (n,)
    doubt: Floats  # (n, n), to be added to the covariance of returns


def equilibrium(covariance: Floats, weights: Floats, risk_aversion: float) -> Floats:
    """Returns at which somebody of that risk aversion holds these weights."""
    return np.asarray(risk_aversion * (covariance @ weights))


def posterior(
    prior: Floats,
    covariance: Floats,
    picks: Floats,
    views: Floats,
    doubt: Floats,
    *,
    tau: float = 0.05,
) -> Posterior:
    """Returns by Bayes' rule: a prior about all names, views about some portfolios of them.

    Parameters
    ----------
    prior : ndarray of float64, shape (n,)
    covariance : ndarray of float64, shape (n, n)
        Of returns; ``tau`` times it is the prior's own.
    picks : ndarray of float64, shape (k, n)
        Portfolios that there are views about.
    views : ndarray of float64, shape (k,)
        Their expected returns.
    doubt : ndarray of float64, shape (k,)
        Variances of the views, > 0.
    tau : float

    Raises
    ------
    StrategyError
        If a view is held without any doubt.

    References
    ----------
    Black and Litterman (1992); He and Litterman (1999), appendix B.
    """
    if not (doubt > 0.0).all():
        raise StrategyError("black_litterman: a view needs a variance above zero")
    spread = tau * covariance
    seen = picks @ spread
    gain = np.linalg.solve(seen @ picks.T + np.diag(doubt), seen).T  # (n, k)
    mean = prior + gain @ (views - picks @ prior)
    return Posterior(np.asarray(mean), np.asarray(spread - gain @ seen))
