"""p-values and critical values of the Engle-Granger test, from MacKinnon's response surfaces."""

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats

MOST_SERIES = 6
# Rows: number of series, from 1. Constant in the first step. MacKinnon (1994), tables 3 and 4.
HIGHEST = (2.74, 0.92, 0.55, 0.61, 0.79, 1.0)  # above: p = 1
LOWEST = (-18.83, -18.86, -23.48, -28.07, -25.96, -23.27)  # below: p = 0
BORDER = (-1.61, -2.62, -3.13, -3.47, -3.78, -3.93)  # up to it the left polynomial, then the right
LEFT = (
    (2.1659, 1.4412, 0.038269),
    (2.92, 1.5012, 0.039796),
    (3.4699, 1.4856, 0.03164),
    (3.9673, 1.4777, 0.026315),
    (4.5509, 1.5338, 0.029545),
    (5.1399, 1.6036, 0.034445),
)
RIGHT = (
    (1.7339, 0.93202, -0.12745, -0.010368),
    (2.1945, 0.64695, -0.29198, -0.042377),
    (2.5893, 0.45168, -0.36529, -0.050074),
    (3.0387, 0.45452, -0.33666, -0.041921),
    (3.5049, 0.52098, -0.29158, -0.033468),
    (3.9489, 0.58933, -0.25359, -0.02721),
)
# 1 %, 5 %, 10 % for two series: limit, and coefficients of 1/n, 1/n^2, 1/n^3. MacKinnon (2010).
CRITICAL_OF_TWO = (
    (-3.89644, -10.9519, -33.527, 0.0),
    (-3.33613, -6.1101, -6.823, 0.0),
    (-3.04445, -4.2412, -2.720, 0.0),
)


def p_value(statistic: Floats, n_series: int = 2) -> Floats:
    """Probability of a statistic as low as this where the series are not cointegrated.

    Parameters
    ----------
    statistic : ndarray of float64, any shape
        Engle-Granger, constant in the first step; NaN stays NaN.
    n_series : int
        1 (a plain unit root test with constant) to 6.

    Raises
    ------
    StrategyError
        For more series than the surface was fitted to.

    References
    ----------
    MacKinnon (1994), Approximate asymptotic distribution functions for unit-root and cointegration
    tests.
    """
    from scipy.special import ndtr

    if not 1 <= n_series <= MOST_SERIES:
        raise StrategyError(f"mackinnon: {n_series} series; p-values are known for 1 to 6")
    i = n_series - 1
    value = np.asarray(statistic, np.float64)
    tail = np.where(
        value <= BORDER[i],
        np.polyval(LEFT[i][::-1], value),
        np.polyval(RIGHT[i][::-1], value),
    )
    with np.errstate(invalid="ignore"):
        p = np.where(value > HIGHEST[i], 1.0, np.where(value < LOWEST[i], 0.0, ndtr(tail)))
    return np.where(np.isnan(value), np.nan, p)


def critical_values(n_bars: int) -> tuple[float, float, float]:
    """Values below which a pair of series counts as cointegrated at 1 %, 5 % and 10 %.

    Parameters
    ----------
    n_bars : int
        Length of the series less one, as the test counts it.
    """
    powers = (1.0, 1.0 / n_bars, 1.0 / n_bars**2, 1.0 / n_bars**3)
    one, five, ten = (
        sum(c * p for c, p in zip(row, powers, strict=True)) for row in CRITICAL_OF_TWO
    )
    return one, five, ten
