"""How fast a spread comes back, and which of many tests to believe."""

import numpy as np

from tradewind.engine.records import Floats

LEAST_BARS = 10
HURST_LAGS = 20  # of differences, in bars, from 1


def autoregression(spread: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares of each value on the one before, column by column.

    Parameters
    ----------
    spread : ndarray of float64, shape (n_bars, n_spreads)

    Returns
    -------
    intercept, slope, noise : ndarray of float64, shape (n_spreads,)
        ``noise``: standard deviation of what is left. NaN for a column with a gap, one that does
        not move, and fewer than LEAST_BARS bars.
    """
    n_bars, n_spreads = spread.shape
    if n_bars < LEAST_BARS:
        blank = np.full(n_spreads, np.nan)
        return blank, blank.copy(), blank.copy()
    before, after = spread[:-1], spread[1:]
    centre, target = before.mean(axis=0), after.mean(axis=0)
    moved = before - centre
    square = (moved * moved).sum(axis=0)
    still = ~(square > 1e-24 * np.maximum(1.0, (spread * spread).sum(axis=0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(still, np.nan, (moved * (after - target)).sum(axis=0) / square)
        left = after - target - slope * moved
        noise = np.sqrt((left * left).sum(axis=0) / (n_bars - 3))
    return target - slope * centre, slope, noise


def half_life(spread: Floats) -> Floats:
    """Bars in which a spread is expected to come back half the way, shape (n_spreads,).

    Parameters
    ----------
    spread : ndarray of float64, shape (n_bars, n_spreads)

    Returns
    -------
    ndarray of float64
        From the slope b of the spread on the one a bar before: ln 2 / -ln b. Infinite where b is 1
        or more (it does not come back), 0 where b is 0 or less (back within the bar), NaN where
        b is not known.
    """
    slope = autoregression(spread)[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        bars = np.log(2.0) / -np.log(np.clip(slope, 0.0, 1.0))
    return np.asarray(np.where(slope >= 1.0, np.inf, np.where(slope <= 0.0, 0.0, bars)))


def hurst(spread: Floats, lags: int = HURST_LAGS) -> Floats:
    """Hurst exponent of each spread, shape (n_spreads,): below one half it comes back.

    Parameters
    ----------
    spread : ndarray of float64, shape (n_bars, n_spreads)
    lags : int
        Longest difference, bars; at most a quarter of the history is used.

    Returns
    -------
    ndarray of float64
        Half the slope of the log of the mean squared difference over 1 ... ``lags`` bars on the log
        of their number. NaN for a gap, a spread that does not move, and fewer than LEAST_BARS bars.
    """
    n_bars, n_spreads = spread.shape
    most = min(lags, n_bars // 4)
    if n_bars < LEAST_BARS or most < 2:
        return np.full(n_spreads, np.nan)
    length = np.arange(1, most + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log([((spread[k:] - spread[:-k]) ** 2).mean(axis=0) for k in length])
        logs = np.where(np.isfinite(logs), logs, np.nan)
    x = np.log(length) - np.log(length).mean()
    return np.asarray(0.5 * (x @ logs) / (x @ x))


def benjamini_hochberg(p: Floats) -> Floats:
    """Share of false discoveries among all tests with a p-value up to each, same shape.

    Parameters
    ----------
    p : ndarray of float64, shape (n_tests,)
        NaN: no test, not counted.

    References
    ----------
    Benjamini and Hochberg (1995).
    """
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if not known.size:
        return q
    order = known[np.argsort(p[known], kind="stable")]
    n = len(order)
    raised = p[order] * n / np.arange(1, n + 1)
    least = np.minimum.accumulate(raised[::-1])[::-1]  # audit: ok, tests are no bars
    q[order] = np.minimum(least, 1.0)
    return q
