"""Files of monthly returns of portfolios sorted by a signal, as published beside a paper."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.dated import read_dated
from tradewind.engine.records import Floats, Ints

MOST = 100  # portfolios of one sort
PERCENT = 0.5  # a median month beyond this is no fraction


@dataclass(frozen=True, slots=True)
class Portfolios:
    """Returns of portfolios, lowest first.

    Attributes
    ----------
    name : str
        Of the file, without its ending.
    month : ndarray of int64, shape (n_months,)
        Months since January 1970, increasing.
    returns : ndarray of float64, shape (n_months, n_portfolios)
        Simple returns of the month; NaN where one is unknown.
    """

    name: str
    month: Ints
    returns: Floats

    def of(self, months: Ints) -> Floats:
        """Returns of some months, shape (n, n_portfolios); NaN where the file has none."""
        found = np.full((len(months), self.returns.shape[1]), np.nan)
        at = np.searchsorted(self.month, months).clip(max=len(self.month) - 1)
        known = self.month[at] == months
        found[known] = self.returns[at[known]]
        return found


def read_portfolios(path: Path, *, key: str) -> Portfolios:
    """Read a CSV or Parquet file of ``date, d1, d2 ...``, one row a month, the lowest in ``d1``.

    Parameters
    ----------
    path : Path
    key : str
        Key of the config that names the file, for messages.

    Raises
    ------
    DataError
        If it cannot be read, lacks a portfolio, names a month twice, or holds what is no return:
        percent, or a code for a missing one.
    """
    names = [f"d{k}" for k in range(1, MOST + 1)]
    file = read_dated(path, names[:2], key=key, optional=names[2:], zone="UTC")
    n = len(file.values)
    if list(file.values) != names[:n]:
        lacking = next(name for name in names if name not in file.values)
        raise DataError(f"{key}: {path}: no column {lacking!r}; wanted d1, d2 ... without a gap")
    month = file.ts.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    twice = np.flatnonzero(np.diff(month) == 0)
    if twice.size:
        row = int(twice[0]) + 1
        raise file.error(row, "is of the same month as the row before; wanted one row a month")
    returns = np.column_stack([file.values[name] for name in names[:n]])
    if np.nanmedian(np.abs(returns)) > PERCENT:
        raise DataError(
            f"{key}: {path}: the median month moves by {np.nanmedian(np.abs(returns)):.3g}: those "
            "are percent; divide by 100, so that 0.012 stands for 1.2 %"
        )
    bad = (returns <= -1.0) | np.isinf(returns)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise file.error(
            row,
            f"{returns[row, column]:g} for {names[column]} is no return; leave the cell empty "
            "where it is unknown",
        )
    return Portfolios(path.name.partition(".")[0], month, returns)
