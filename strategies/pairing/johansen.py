"""Johansen's test: how many combinations of several series are stationary, and which."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats

MOST_SERIES = 12
SINGULAR = 1e12  # condition beyond which nothing of a solution is left
LEVELS = (0.90, 0.95, 0.99)
# Rows: series less rank, from 1; columns: LEVELS. Constant in the model.
# MacKinnon, Haug and Michelis (1999).
TRACE = (
    (2.7055, 3.8415, 6.6349),
    (13.4294, 15.4943, 19.9349),
    (27.0669, 29.7961, 35.4628),
    (44.4929, 47.8545, 54.6815),
    (65.8202, 69.8189, 77.8202),
    (91.1090, 95.7542, 104.9637),
    (120.3673, 125.6185, 135.9825),
    (153.6341, 159.5290, 171.0905),
    (190.8714, 197.3772, 210.0366),
    (232.1030, 239.2468, 253.2526),
    (277.3740, 285.1402, 300.2821),
    (326.5354, 334.9795, 351.2150),
)
LARGEST = (
    (2.7055, 3.8415, 6.6349),
    (12.2971, 14.2639, 18.5200),
    (18.8928, 21.1314, 25.8650),
    (25.1236, 27.5858, 32.7172),
    (31.2379, 33.8777, 39.3693),
    (37.2786, 40.0763, 45.8662),
    (43.2947, 46.2299, 52.3069),
    (49.2855, 52.3622, 58.6634),
    (55.2412, 58.4332, 64.9960),
    (61.2041, 64.5040, 71.2525),
    (67.1307, 70.5392, 77.4877),
    (73.0563, 76.5734, 83.7105),
)


class Johansen(NamedTuple):
    """Row r: the hypothesis that there are at most r stationary combinations."""

    trace: Floats  # (n_series,)
    largest: Floats  # (n_series,) maximal eigenvalue statistic
    trace_critical: Floats  # (n_series, 3) at LEVELS
    largest_critical: Floats
    eigenvalues: Floats  # (n_series,) descending
    vectors: Floats  # (n_series, n_series) a column each, most stationary first

    def stationary(self, level: float = 0.95) -> int:
        """Stationary combinations by the trace test; ``level`` is one of LEVELS."""
        below = self.trace <= self.trace_critical[:, LEVELS.index(level)]
        return int(np.argmax(below)) if below.any() else len(self.trace)

    @property
    def hedge(self) -> Floats:
        """Most stationary combination, units of each series per unit of the first."""
        vector = self.vectors[:, 0]
        return np.asarray(vector / vector[0])


def johansen(prices: Floats, lags: int = 1) -> Johansen:
    """Test a basket for cointegration.

    Parameters
    ----------
    prices : ndarray of float64, shape (n_bars, n_series)
        2 to 12 series, logarithms or prices as they are.
    lags : int
        Lagged differences, >= 0.

    Raises
    ------
    StrategyError
        If there are too many or too few series or bars, bars are missing, or the series are
        collinear.

    References
    ----------
    Johansen (1991); critical values MacKinnon, Haug and Michelis (1999). Equal to
    ``coint_johansen`` of statsmodels with ``det_order=0``.
    """
    from scipy.linalg import eigh, solve

    n_bars, n_series = prices.shape
    _refuse(prices, lags)
    step = np.diff(prices, axis=0)
    before = np.hstack(
        [step[lags - j : len(step) - j] for j in range(1, lags + 1)] or [step[:, :0]]
    )
    now = step[lags:] - step[lags:].mean(axis=0)
    level = prices[1 : n_bars - lags] - prices[1 : n_bars - lags].mean(axis=0)
    before = before - before.mean(axis=0) if lags else before[: len(now)]
    now, level = _without(now, before), _without(level, before)
    rows = len(level)
    s00, s10, s11 = now.T @ now / rows, level.T @ now / rows, level.T @ level / rows
    if max(_condition(s00), _condition(s11)) > SINGULAR:
        raise StrategyError(
            "johansen: the series are collinear: one is a combination of the others; leave it out"
        )
    values, vectors = eigh(s10 @ solve(s00, s10.T, assume_a="pos"), s11)
    values, vectors = values[::-1], vectors[:, ::-1]
    logs = np.log1p(-values)
    order = np.arange(n_series)[::-1]
    return Johansen(
        np.asarray(-rows * np.cumsum(logs[::-1])[::-1]),  # audit: ok, ranks are no bars
        np.asarray(-rows * logs),
        np.array(TRACE)[order],
        np.array(LARGEST)[order],
        values.copy(),
        vectors.copy(),
    )


def _refuse(prices: Floats, lags: int) -> None:
    n_bars, n_series = prices.shape
    if not 2 <= n_series <= MOST_SERIES:
        raise StrategyError(f"johansen: {n_series} series; critical values are known for 2 to 12")
    if lags < 0 or n_bars < (lags + 3) * n_series + 10:
        raise StrategyError(
            f"johansen: {n_bars} bars are too few for {n_series} series and {lags} lags; "
            f"wanted at least {(max(lags, 0) + 3) * n_series + 10}"
        )
    if not np.isfinite(prices).all():
        raise StrategyError("johansen: bars are missing; take a span in which every series has all")
    if (prices.max(axis=0) == prices.min(axis=0)).any():
        raise StrategyError("johansen: a series is constant; leave it out")


def _condition(covariance: Floats) -> float:
    """Condition of the correlation matrix: units do not make series collinear."""
    width = np.sqrt(np.diag(covariance))
    return float(np.linalg.cond(covariance / np.outer(width, width)))


def _without(values: Floats, others: Floats) -> Floats:
    """Return what least squares on ``others`` leaves."""
    if not others.shape[1]:
        return values
    return np.asarray(values - others @ np.linalg.lstsq(others, values, rcond=None)[0])
