"""Scores of forecasts against what happened, pair by pair of bar and symbol."""

import numpy as np

from tradewind.engine.records import Floats, Panel


def realised(panel: Panel, horizon: int) -> Floats:
    """Log return over the next ``horizon`` bars, shape (n_bars, n_symbols); NaN where unknown."""
    truth = np.full(panel.shape, np.nan)
    if panel.n_bars > horizon:
        log_close = np.log(panel.close)
        truth[:-horizon] = log_close[horizon:] - log_close[:-horizon]
    return truth


def crps_gaussian(error: Floats, std: Floats) -> Floats:
    """Continuous ranked probability score of a Gaussian forecast, in units of the outcome.

    Parameters
    ----------
    error : ndarray of float64
        Outcome minus mean.
    std : ndarray of float64
        > 0.

    References
    ----------
    Gneiting and Raftery (2007), equation 21, with the sign turned: smaller is better.
    """
    from scipy.special import ndtr

    z = error / std
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    value: Floats = std * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
    return value


def spearman(x: Floats, y: Floats) -> float:
    """Rank correlation; NaN where either side is all alike."""
    a, b = ranks(x), ranks(y)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


def ranks(x: Floats) -> Floats:
    """Ranks from 1, equal values sharing their average rank."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    average: Floats = (last - (counts - 1) / 2.0)[inverse]
    return average
