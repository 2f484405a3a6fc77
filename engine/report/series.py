"""What a page draws that no table of a run holds: pure functions of arrays."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tradewind.engine.records import Floats, Ints

Dates = npt.NDArray[np.datetime64]


def growth(returns: Floats) -> Floats:
    """What 1 becomes after each return, shape (n_bars,)."""
    return np.asarray(np.cumprod(1.0 + returns), np.float64)


def drawdown(value: Floats) -> Floats:
    """Fraction below the highest value so far, <= 0, shape (n_bars,)."""
    peak = np.maximum.accumulate(value)
    with np.errstate(invalid="ignore", divide="ignore"):
        fall: Floats = np.where(peak > 0, value / peak - 1.0, 0.0)
    return fall


def steps(value: Floats) -> Floats:
    """Simple return on each bar, 0 on the first and where there was nothing left."""
    out = np.zeros(len(value))
    before = value[:-1]
    np.divide(value[1:] - before, before, out=out[1:], where=before > 0)
    return out


def rolling_sharpe(returns: Floats, window: int, bars_per_year: float) -> Floats:
    """Annualised Sharpe ratio over the last ``window`` bars; NaN before, and where nothing moved.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_bars,)
        Simple returns, over cash at no interest.
    window : int
        Bars, >= 2.
    bars_per_year : float
    """
    out = np.full(len(returns), np.nan)
    if len(returns) < window:
        return out
    centre = returns.mean()
    sums = _window_sums(returns - centre, window)
    squares = _window_sums((returns - centre) ** 2, window)
    variance = (squares - sums**2 / window) / (window - 1)
    # Where no return differs from the one before, what the sums leave over is rounding.
    moves = _window_sums(np.diff(returns) != 0, window - 1)
    varies = (moves > 0) & (variance > 0)
    ratio = np.full(len(sums), np.nan)
    np.divide(centre + sums / window, np.sqrt(np.abs(variance)), out=ratio, where=varies)
    out[window - 1 :] = ratio * np.sqrt(bars_per_year)
    return out


def _window_sums(values: npt.NDArray[Any], window: int) -> Floats:
    """Sum of each ``window`` values that follow each other, in time that does not depend on it."""
    total = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    return np.asarray(total[window:] - total[:-window], np.float64)


class MonthTable(NamedTuple):
    """Returns by month and year; NaN where there was no bar."""

    years: tuple[int, ...]
    months: Floats  # (n_years, 12)
    totals: Floats  # (n_years,)


def month_table(returns: Floats, dates: Dates) -> MonthTable:
    """Compound returns within calendar months and years.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_bars,)
    dates : ndarray of datetime64, shape (n_bars,)
    """
    month = dates.astype("datetime64[M]").astype(np.int64)
    years = np.arange(month[0] // 12, month[-1] // 12 + 1)
    logs = np.full((len(years), 12), np.nan)
    with np.errstate(divide="ignore"):
        gains = np.log1p(np.maximum(returns, -1.0))
    for number in np.unique(month):
        logs[number // 12 - years[0], number % 12] = gains[month == number].sum()
    seen = ~np.isnan(logs)
    totals = np.where(seen.any(axis=1), np.nansum(logs, axis=1), np.nan)
    return MonthTable(tuple(int(y) + 1970 for y in years), np.expm1(logs), np.expm1(totals))


def thin(columns: Sequence[Floats], limit: int) -> Ints:
    """Rows that draw the same lines as all rows: of each stretch the first, last, least and most.

    Parameters
    ----------
    columns : sequence of ndarray of float64, shape (n_rows,)
        Lines that share their rows; extremes of each are kept.
    limit : int
        About how many rows to keep; all of them where there are no more.

    References
    ----------
    Jugel et al. (2014), M4: exact for a line drawn on as many pixels as there are stretches.
    """
    n_rows = len(columns[0])
    if n_rows <= limit:
        return np.arange(n_rows)
    n_stretches = max(limit // (2 + 2 * len(columns)), 1)
    edges = np.linspace(0, n_rows, n_stretches + 1).astype(np.int64)
    kept = [edges[:-1], edges[1:] - 1]
    for values in columns:
        low = np.where(np.isnan(values), np.inf, values)
        high = np.where(np.isnan(values), -np.inf, values)
        spans = list(pairwise(edges.tolist()))
        kept.append(np.array([a + int(np.argmin(low[a:b])) for a, b in spans]))
        kept.append(np.array([a + int(np.argmax(high[a:b])) for a, b in spans]))
    return np.unique(np.concatenate(kept)).astype(np.int64)


class Candles(NamedTuple):
    """Bars of one symbol, each of shape (n_bars,); several are one where a screen has no room."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


def candles(bars: Candles, per: int) -> Candles:
    """Put ``per`` >= 1 bars into each candle; NaN where none of them exists."""
    if per == 1:
        return bars
    n_bars, close = len(bars.close), bars.close
    starts = np.arange(0, n_bars, per)
    alive = ~np.isnan(close)
    rows = np.arange(n_bars)
    first = np.minimum.reduceat(np.where(alive, rows, n_bars), starts)
    last = np.maximum.reduceat(np.where(alive, rows, -1), starts)
    some = last >= 0
    return Candles(
        np.where(some, bars.open[np.minimum(first, n_bars - 1)], np.nan),
        np.where(some, np.fmax.reduceat(bars.high, starts), np.nan),
        np.where(some, np.fmin.reduceat(bars.low, starts), np.nan),
        np.where(some, close[np.maximum(last, 0)], np.nan),
    )
