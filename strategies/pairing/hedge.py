"""Units of one leg per unit of the other: fitted once, over a rolling window, or filtered."""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.records import Floats

LEAST_SHARE = 0.75  # of a window's bars that must have both prices
LEAST_PAIRS = 3  # bars with both prices, whatever the window
FLAT = 1e-20  # variance of x relative to its mean square at or below which it does not move


class Line(NamedTuple):
    """``y = intercept + slope * x``; NaN where it is not known."""

    slope: Floats
    intercept: Floats


class Filtered(NamedTuple):
    """What a Kalman filter knows at each close; arrays of shape (n_bars, n_pairs)."""

    slope: Floats  # after the bar
    intercept: Floats
    innovation: Floats  # y less what the bar before made of x
    deviation: Floats  # standard deviation that the filter gave the innovation beforehand


def fitted(y: Floats, x: Floats, *, total: bool = False) -> Line:
    """One line for the whole of each column, shape (n_pairs,).

    Parameters
    ----------
    y, x : ndarray of float64, shape (n_bars, n_pairs)
        Bars at which either is NaN are left out.
    total : bool
        Total least squares: distances at right angles to the line; x on y gives its inverse.
    """
    n_bars, n_pairs = y.shape
    line = Line(np.full((1, n_pairs), np.nan), np.full((1, n_pairs), np.nan))
    last = np.zeros(1, np.int64) + n_bars - 1
    compiled(fit_windows)(
        np.ascontiguousarray(y), np.ascontiguousarray(x), n_bars, 0.0, total, last, *line
    )
    return Line(line.slope[0], line.intercept[0])


def rolling(y: Floats, x: Floats, window: int, *, total: bool = False) -> Line:
    """Line of the last ``window`` bars at each bar, shape (n_bars, n_pairs).

    Parameters
    ----------
    y, x : ndarray of float64, shape (n_bars, n_pairs)
    window : int
        Bars; NaN before the first whole one, where less than LEAST_SHARE of it has both prices, and
        where ``x`` does not move.
    total : bool
        Total least squares.

    Notes
    -----
    Every window is summed anew around its own mean: sums carried along would lose the digits that
    a spread of two large prices is made of.
    """
    line = Line(np.full(y.shape, np.nan), np.full(y.shape, np.nan))
    ends = np.arange(len(y))
    compiled(fit_windows)(
        np.ascontiguousarray(y), np.ascontiguousarray(x), window, LEAST_SHARE, total, ends, *line
    )
    return line


def fit_windows(
    y: Any, x: Any, window: int, share: float, total: bool, ends: Any, slope: Any, intercept: Any
) -> None:
    """Fit the line of the window up to each of ``ends``; in the subset numba compiles."""
    for j in range(y.shape[1]):
        for row in range(len(ends)):
            first = ends[row] - window + 1
            if first < 0:
                continue
            n, mean_y, mean_x = 0, 0.0, 0.0
            for t in range(first, first + window):
                if y[t, j] == y[t, j] and x[t, j] == x[t, j]:
                    n += 1
                    mean_y += y[t, j]
                    mean_x += x[t, j]
            if n < LEAST_PAIRS or n < share * window:
                continue
            mean_y /= n
            mean_x /= n
            xx = xy = yy = 0.0
            for t in range(first, first + window):
                if y[t, j] == y[t, j] and x[t, j] == x[t, j]:
                    dy, dx = y[t, j] - mean_y, x[t, j] - mean_x
                    xx += dx * dx
                    xy += dx * dy
                    yy += dy * dy
            if xx <= FLAT * (xx + n * mean_x * mean_x) or (total and xy == 0.0):
                continue
            found = xy / xx
            if total:
                # of two equal fractions the one whose terms do not cancel: slopes far from one
                # are those of legs whose prices lie orders of magnitude apart
                wide = yy - xx
                root = np.sqrt(wide * wide + 4.0 * xy * xy)
                found = (wide + root) / (2.0 * xy) if wide > 0.0 else 2.0 * xy / (root - wide)
            slope[row, j] = found
            intercept[row, j] = mean_y - found * mean_x


def kalman(
    y: Floats, x: Floats, *, delta: float = 1e-4, noise: float = 1e-3, prior: float = 1.0
) -> Filtered:
    """Slope and intercept as a random walk, followed bar by bar.

    Parameters
    ----------
    y, x : ndarray of float64, shape (n_bars, n_pairs)
        A bar at which either is NaN leaves the estimate as it is; its uncertainty grows.
    delta : float
        In (0, 1): variance of a step of the state is delta / (1 - delta).
    noise : float
        > 0: variance of y around the line.
    prior : float
        >= 0: variance of slope and intercept before the first bar, both around zero.

    Notes
    -----
    What is known of the state is updated in a form without differences, so that it stays a
    covariance for any prices: a leg at 1e5 against a ``noise`` of 1e-3 keeps eight digits.

    References
    ----------
    Kalman (1960); the setting for pairs is that of Chan (2013), chapter 3.
    """
    made = Filtered(*(np.full(y.shape, np.nan) for _ in range(4)))
    compiled(follow)(
        np.ascontiguousarray(y), np.ascontiguousarray(x), delta / (1.0 - delta), noise, prior, *made
    )
    return made


def follow(
    y: Any,
    x: Any,
    step: float,
    noise: float,
    prior: float,
    slope: Any,
    intercept: Any,
    innovation: Any,
    deviation: Any,
) -> None:
    """Run the filter over every column; in the subset numba compiles."""
    for j in range(y.shape[1]):
        b = a = 0.0
        bb, ab, aa = prior, 0.0, prior
        det = prior * prior  # bb * aa - ab * ab, which would cancel: carried as sums of positives
        begun = False
        for t in range(y.shape[0]):
            if begun:
                det += step * (bb + aa + step)
                bb += step
                aa += step
            known = y[t, j] == y[t, j] and x[t, j] == x[t, j]
            if known:
                begun = True
                row_b, row_a = bb * x[t, j] + ab, ab * x[t, j] + aa
                variance = x[t, j] * row_b + row_a + noise
                error = y[t, j] - b * x[t, j] - a
                gain_b, gain_a = row_b / variance, row_a / variance
                b += gain_b * error
                a += gain_a * error
                bb = (bb * noise + det) / variance
                ab = (ab * noise - x[t, j] * det) / variance
                aa = (aa * noise + x[t, j] * x[t, j] * det) / variance
                det *= noise / variance
                innovation[t, j] = error
                deviation[t, j] = np.sqrt(variance)
            if begun:
                slope[t, j] = b
                intercept[t, j] = a
