"""How returns move together: estimates from a window of past returns.

Each takes ``returns`` of shape (n_obs, n_assets) without gaps, oldest first, and gives a symmetric
matrix (n_assets, n_assets) per bar, in squared return.
"""

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats


def sample(returns: Floats) -> Floats:
    """Sample covariance about the mean, divided by ``n_obs``."""
    away = returns - returns.mean(axis=0)
    made: Floats = away.T @ away / len(returns)
    return made


def exponential(returns: Floats, *, halflife: float) -> Floats:
    """Weights that halve every ``halflife`` bars, about a mean of zero (RiskMetrics 1996)."""
    age = np.arange(len(returns) - 1, -1, -1.0)
    weight = 0.5 ** (age / halflife)
    made: Floats = (returns * (weight / weight.sum())[:, None]).T @ returns
    return made


def ledoit_wolf(returns: Floats) -> Floats:
    """Sample covariance drawn towards a multiple of the identity, by as much as pays on average.

    References
    ----------
    Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    matrices", section 3.3.
    """
    away = returns - returns.mean(axis=0)
    n_obs, n_assets = away.shape
    raw = away.T @ away / n_obs
    level = float(np.trace(raw)) / n_assets
    centred = raw - level * np.eye(n_assets)
    distance = float((centred**2).sum())
    if distance == 0.0:
        return np.asarray(raw)
    lengths = (away**2).sum(axis=1)
    noise = (float((lengths**2).sum()) / n_obs - float((raw**2).sum())) / n_obs
    share = min(max(noise / distance, 0.0), 1.0)
    return np.asarray((1.0 - share) * raw + share * level * np.eye(n_assets))


def factor(returns: Floats, *, n_factors: int) -> Floats:
    """The largest principal components, and what each asset does beside them on its own.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_obs, n_assets)
    n_factors : int
        Components kept, below the number of assets and of observations.
    """
    n_obs, n_assets = returns.shape
    if not 1 <= n_factors < min(n_obs, n_assets):
        raise StrategyError(
            f"covariance: {n_factors} factors of {n_assets} assets over {n_obs} bars; wanted 1 to "
            f"{min(n_obs, n_assets) - 1}"
        )
    away = returns - returns.mean(axis=0)
    _, lengths, axes = np.linalg.svd(away, full_matrices=False)
    loading = axes[:n_factors] * (lengths[:n_factors, None] / np.sqrt(n_obs))
    common = loading.T @ loading
    own = (away**2).mean(axis=0) - np.diag(common)
    return np.asarray(common + np.diag(np.maximum(own, 0.0)))


def refuse_singular(covariance: Floats, where: str) -> None:
    """Raise StrategyError, naming what is wrong, unless a matrix is a positive definite one."""
    if not np.isfinite(covariance).all():
        raise StrategyError(f"{where}: the covariance holds values that are not numbers")
    flat = np.flatnonzero(np.diag(covariance) <= 0.0)
    if flat.size:
        raise StrategyError(
            f"{where}: asset {int(flat[0])} does not vary, so no weight balances it; leave it out"
        )
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(covariance)[0])
        raise StrategyError(
            f"{where}: the covariance is not positive definite (smallest eigenvalue {least:.2e}); "
            "look back over more bars than there are assets, or use 'ledoit_wolf' or 'factor'"
        ) from None
