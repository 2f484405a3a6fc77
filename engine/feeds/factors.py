"""Daily returns of factors from a file, and what they come to over spans of days."""

import numpy as np

from tradewind.engine.config.factors import FactorsConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.dated import Dated, read_dated
from tradewind.engine.records import DAY_NS, Floats, Ints

WEEK = 7  # days; a file may begin with the first session of a span


def read_factors(given: FactorsConfig) -> Dated:
    """Daily returns of factors as their file has them; raises DataError."""
    file = read_dated(given.path, given.names, key="factors.path", zone="UTC")
    for name in given.names:
        wrong = np.isinf(file.values[name]) | (np.abs(file.values[name]) >= 1.0)
        if wrong.any():
            row = int(wrong.argmax())
            raise file.error(
                row,
                f"{file.values[name][row]:g} for {name} is no daily return as a fraction; divide "
                "percent by 100, and leave the cell empty where it is unknown",
            )
    return file


def factor_returns(given: FactorsConfig, begin: Ints, end: Ints) -> Floats:
    """Return of each factor over spans of days, shape (n_spans, n_factors).

    Parameters
    ----------
    given : FactorsConfig
    begin, end : ndarray of int64, shape (n_spans,)
        Days since 1970: the day before the first of a span, and its last.

    Returns
    -------
    ndarray of float64
        NaN where the file does not reach over a span or lacks a number inside it.
    """
    file = read_factors(given)
    values = np.column_stack([file.values[name] for name in given.names])
    days = np.asarray(file.ts // DAY_NS, np.int64)
    known = np.isfinite(values).all(axis=1, keepdims=True)
    growth = _cumulated(np.where(known, np.log1p(values), 0.0))
    gaps = _cumulated(np.where(known, 0.0, 1.0))[:, 0]
    first, last = np.searchsorted(days, begin, "right"), np.searchsorted(days, end, "right")
    found: Floats = np.expm1(growth[last] - growth[first])
    outside = np.asarray(days[-1] < end) | (days[0] > begin + WEEK) | (first >= last)
    found[np.asarray(outside | (gaps[last] > gaps[first]), np.bool_)] = np.nan
    if not np.isfinite(found).any():
        raise DataError(
            f"factors.path: {given.path}: has {', '.join(given.names)} for none of the "
            f"{len(begin)} formations ({_day(begin[0])} to {_day(end[-1])}); take a file that "
            "reaches over them, or fewer factors with factors.names"
        )
    return np.asarray(found)


def _cumulated(values: Floats) -> Floats:
    """Sum before each row, and after the last, shape (n_rows + 1, k)."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _day(days: np.int64) -> str:
    return str(np.datetime64(int(days), "D"))
