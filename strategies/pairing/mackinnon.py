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
# Rows: number of series, from 1; each 1 %, 5 %, 10 %: limit, and coefficients of 1/n, 1/n^2, 1/n^3.
# MacKinnon (2010).
CRITICAL = (
    (
        (-3.43035, -6.5393, -16.786, -79.433),
        (-2.86154, -2.8903, -4.234, -40.04),
        (-2.56677, -1.5384, -2.809, 0.0),
    ),
    (
        (-3.89644, -10.9519, -33.527, 0.0),
        (-3.33613, -6.1101, -6.823, 0.0),
        (-3.04445, -4.2412, -2.72, 0.0),
    ),
    (
        (-4.29374, -14.4354, -33.195, 47.433),
        (-3.74066, -8.5632, -10.852, 27.982),
        (-3.45218, -6.2143, -3.718, 0.0),
    ),
    (
        (-4.64332, -18.1031, -37.972, 0.0),
        (-4.096, -11.2349, -11.175, 0.0),
        (-3.8102, -8.3931, -4.137, 0.0),
    ),
    (
        (-4.95756, -21.8883, -45.142, 0.0),
        (-4.41519, -14.0405, -12.575, 0.0),
        (-4.13157, -10.7417, -3.784, 0.0),
    ),
    (
        (-5.24568, -25.6688, -57.737, 88.639),
        (-4.70693, -16.9178, -17.492, 60.007),
        (-4.42501, -13.1875, -5.104, 27.877),
    ),
    (
        (-5.51233, -29.576, -69.398, 164.295),
        (-4.97684, -19.9021, -22.045, 110.761),
        (-4.69648, -15.7315, -5.104, 27.877),
    ),
    (
        (-5.76202, -33.5258, -82.189, 256.289),
        (-5.22924, -23.0023, -24.646, 144.479),
        (-4.95007, -18.3959, -7.344, 94.872),
    ),
    (
        (-5.99742, -37.6572, -87.365, 248.316),
        (-5.46697, -26.2057, -26.627, 176.382),
        (-5.18897, -21.1377, -9.484, 172.704),
    ),
    (
        (-6.22103, -41.7154, -102.68, 389.33),
        (-5.69244, -29.4521, -30.994, 251.016),
        (-5.41533, -24.0006, -7.514, 163.049),
    ),
    (
        (-6.43377, -46.0084, -106.809, 352.752),
        (-5.90714, -32.8336, -30.275, 249.994),
        (-5.63086, -26.9693, -4.083, 151.427),
    ),
    (
        (-6.6379, -50.2095, -124.156, 579.622),
        (-6.11279, -36.2681, -32.505, 314.802),
        (-5.83724, -29.9864, -2.686, 184.116),
    ),
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


def critical_values(n_bars: int, n_series: int = 2) -> tuple[float, float, float]:
    """Values below which series count as cointegrated at 1 %, 5 % and 10 %.

    Parameters
    ----------
    n_bars : int
        Length of the series less one, as the test counts it.
    n_series : int
        1 (a plain unit root test with constant) to 12.

    Raises
    ------
    StrategyError
        For more series than the surface was fitted to.

    References
    ----------
    MacKinnon (2010), Critical values for cointegration tests.
    """
    if not 1 <= n_series <= len(CRITICAL):
        raise StrategyError(f"mackinnon: {n_series} series; critical values are known for 1 to 12")
    powers = (1.0, 1.0 / n_bars, 1.0 / n_bars**2, 1.0 / n_bars**3)
    one, five, ten = (
        sum(c * p for c, p in zip(row, powers, strict=True)) for row in CRITICAL[n_series - 1]
    )
    return one, five, ten
