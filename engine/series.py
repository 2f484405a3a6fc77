"""A number that may differ by bar, by symbol, by both or not at all, read alike in each case.

In the subset numba compiles. One type for all four cases: compiled code does not have to be made
again when a constant becomes a column of the data, and a constant costs one number of memory.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import inlined
from tradewind.engine.errors import DataError


class Series(NamedTuple):
    """Values on a panel's clock and columns."""

    values: Any  # (n_bars or 1, n_symbols or 1) float64, C order
    by_bar: int  # 1 where there is a row for each bar, 0 where one row serves all
    by_symbol: int  # likewise for columns


@inlined
def at(series: Series, t: int, k: int) -> Any:
    """Value at bar ``t`` of column ``k``."""
    return series.values[t * series.by_bar, k * series.by_symbol]


def series(values: Any, n_bars: int, n_symbols: int, what: str) -> Series:
    """Make a series of a number, one number a symbol, or a whole array.

    Parameters
    ----------
    values : float or array-like
        Shape () for a constant, (n_symbols,) by symbol, (n_bars, 1) by bar, or
        (n_bars, n_symbols).
    n_bars, n_symbols : int
        Shape of the panel.
    what : str
        For the message.

    Raises
    ------
    DataError
        If the shape fits none of these.
    """
    array = np.array(values, np.float64, order="C", ndmin=2)
    rows, columns = array.shape
    if array.ndim != 2 or rows not in (1, n_bars) or columns not in (1, n_symbols):
        raise DataError(
            f"{what}: shape {np.shape(values)} does not fit {n_bars} bars of {n_symbols} symbols; "
            "wanted one number, one for each symbol, one row a bar, or both"
        )
    return Series(array, int(rows > 1), int(columns > 1))


def constant(value: float) -> Series:
    """Return the series that is ``value`` everywhere."""
    return Series(np.array([[float(value)]]), 0, 0)
