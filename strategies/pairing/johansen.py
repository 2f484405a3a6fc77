"""Johansen's test: how many combinations of several series are stationary, and which."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing.scanning import Fault, faults, standardised

MOST_SERIES = 12
SINGULAR = 1e6  # condition of series of length one beyond which they count as collinear
EXACT = 1e-10  # share of the steps left unexplained below which what is left is mostly rounding
FORETOLD = "johansen: each step follows from those before, without chance; there is nothing to test"
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
        If there are too many or too few series or bars, bars are missing, a series is constant,
        they are collinear, or their steps leave nothing to chance.

    References
    ----------
    Johansen (1991); critical values MacKinnon, Haug and Michelis (1999). Equal to
    ``coint_johansen`` of statsmodels with ``det_order=0``. The critical values are those of series
    that drift: of independent pairs without drift 11 % pass the trace test at 5 %, and 5 % are
    found to have one combination and no more.
    """
    from scipy.linalg import solve_triangular

    n_series = prices.shape[1]
    _refuse(prices, lags)
    series, _, power = standardised(prices.T, np.zeros(n_series, np.int64))
    now, level = _residuals(series.T, lags)
    rows = len(level)
    of_now, _ = _basis(now)
    of_level, corner = _basis(level)
    left, root, _ = np.linalg.svd(of_level.T @ of_now)
    values = root * root
    if 1.0 - values[0] <= EXACT:
        raise StrategyError(FORETOLD)
    width = np.sqrt((level * level).sum(axis=0) / rows)
    vectors = solve_triangular(corner, left) / width[:, None]
    logs = np.log1p(-values)
    order = np.arange(n_series)[::-1]
    return Johansen(
        np.asarray(-rows * np.cumsum(logs[::-1])[::-1]),  # audit: ok, ranks are no bars
        np.asarray(-rows * logs),
        np.array(TRACE)[order],
        np.array(LARGEST)[order],
        values,
        np.ldexp(vectors, -power[:, None]),
    )


def _residuals(series: Floats, lags: int) -> tuple[Floats, Floats]:
    """Steps and levels less their means and what the lagged steps explain, (rows, n_series).

    Raises
    ------
    StrategyError
        If that is all of them.
    """
    n_bars = len(series)
    step = np.diff(series, axis=0)
    before = [centred(step[lags - j : len(step) - j]) for j in range(1, lags + 1)]
    now, level = centred(step[lags:]), centred(series[1 : n_bars - lags])
    whole = (step * step).sum(axis=0), (level * level).sum(axis=0)
    if lags:
        both, others = np.hstack([now, level]), np.hstack(before)
        both = both - others @ np.linalg.lstsq(others, both, rcond=None)[0]
        now, level = both[:, : now.shape[1]], both[:, now.shape[1] :]
    for part, all_of_it in zip((now, level), whole, strict=True):
        if ((part * part).sum(axis=0) <= EXACT * all_of_it).any():
            raise StrategyError(FORETOLD)
    return now, level


def centred(values: Floats) -> Floats:
    """Less their mean, twice: far from zero a mean is rounded by more than a series moves."""
    once = values - values.mean(axis=0)
    return np.asarray(once - once.mean(axis=0))


def _basis(values: Floats) -> tuple[Floats, Floats]:
    """Orthonormal columns that span ``values``, each of length one, and the triangle between.

    An eigenvalue is then a cosine squared, which keeps the digits that moments would lose.
    """
    unit = values / np.sqrt((values * values).sum(axis=0))
    columns, corner = np.linalg.qr(unit)
    if np.linalg.cond(corner) > SINGULAR:
        raise StrategyError(
            "johansen: the series are collinear: one is a combination of the others; leave it out"
        )
    return columns, corner


def least_bars(n_series: int, lags: int) -> int:
    """Bars below which the regressions have too few rows to say anything."""
    return (lags + 3) * n_series + 10


def _refuse(prices: Floats, lags: int) -> None:
    n_bars, n_series = prices.shape
    if not 2 <= n_series <= MOST_SERIES:
        raise StrategyError(f"johansen: {n_series} series; critical values are known for 2 to 12")
    if lags < 0 or n_bars < least_bars(n_series, lags):
        raise StrategyError(
            f"johansen: {n_bars} bars are too few for {n_series} series and {lags} lags; "
            f"wanted at least {least_bars(n_series, max(lags, 0))}"
        )
    if not np.isfinite(prices).all():
        raise StrategyError("johansen: bars are missing; take a span in which every series has all")
    if (faults(prices.T) == Fault.CONSTANT).any():
        raise StrategyError("johansen: a series is constant; leave it out")
