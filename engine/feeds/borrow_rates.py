"""What it costs to borrow a symbol, and how many units can be had, on a panel's clock."""

from collections.abc import Iterable
from difflib import get_close_matches

import numpy as np

from tradewind.engine.config.costs import BorrowConfig
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds.bar_times import bar_days
from tradewind.engine.feeds.dated import Dated, known_rows, read_dated
from tradewind.engine.records import Floats, Ints, Panel

RATE, AVAILABLE = "borrow.rate", "borrow.available"
"""Columns of a panel: rate a year as a fraction, and units; inf where there is no limit."""

MOST = 10.0  # 1,000 percent a year; above that a file is in percent, not in fractions


def borrow_columns(given: BorrowConfig, data: DataConfig, panel: Panel) -> dict[str, Floats]:
    """Rates and units from ``costs.borrow.path``; empty where no file is named.

    A row holds from its day (or time) on until the next one of its symbol; a list of a day is known
    before its trading begins, so a day's row counts on the bars of that day. Before the first row,
    and for a symbol without one, what ``costs.borrow`` says otherwise holds.

    Parameters
    ----------
    given : BorrowConfig
    data : DataConfig
    panel : Panel

    Returns
    -------
    dict
        :data:`RATE` and :data:`AVAILABLE`, those that the file has, each of shape
        (n_bars, n_symbols).

    Raises
    ------
    UnknownSymbolError
        If ``costs.borrow`` names a symbol that the panel does not have.
    DataError
        If the file cannot be read, or holds a rate or a number of units that cannot be.
    """
    check_symbols(given.symbols, panel, "costs.borrow.symbols")
    check_symbols(given.available, panel, "costs.borrow.available")
    if given.path is None:
        return {}
    file = read_dated(
        given.path,
        [],
        key="costs.borrow.path",
        named=("symbol", "ticker"),
        optional=("rate", "available"),
        zone=data.timezone,
    )
    _check(file)
    when = bar_days(panel, data.timezone) if file.whole_days else panel.ts
    columns = {}
    if "rate" in file.values:
        columns[RATE] = _held(file, "rate", when, panel, given.symbols, given.annual)
    if "available" in file.values:
        columns[AVAILABLE] = _held(file, "available", when, panel, given.available, np.inf)
    return columns


def check_symbols(named: Iterable[str], panel: Panel, key: str) -> None:
    """Refuse a symbol of a config that the panel does not have."""
    for symbol in named:
        if symbol not in panel.symbols:
            near = get_close_matches(symbol, panel.symbols, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            more = " ..." if panel.n_symbols > 12 else ""
            raise UnknownSymbolError(
                f"{key}: no symbol {symbol!r} in the data{hint}; it has "
                f"{', '.join(panel.symbols[:12])}{more}"
            )


def _check(file: Dated) -> None:
    for name, most in (("rate", MOST), ("available", np.inf)):
        values = file.values.get(name, np.empty(0))
        bad = ~np.isnan(values) & ~((values >= 0) & (values <= most))
        if bad.any():
            row = int(bad.argmax())
            wanted = "a fraction a year, 0 to 10" if name == "rate" else "units, 0 or more"
            raise DataError(
                f"costs.borrow.path: {file.error(row, f'{name} {values[row]:g}; wanted {wanted}')}"
            )


def _held(
    file: Dated, name: str, when: Ints, panel: Panel, own: dict[str, float], other: float
) -> Floats:
    """Values of every symbol at each bar, forward from their rows."""
    columns = np.empty(panel.shape)
    for k, symbol in enumerate(panel.symbols):
        rows = file.of(symbol)
        rows = rows.take(~np.isnan(rows.values[name]))
        at = known_rows(rows.ts, when)
        before = own.get(symbol, other)
        columns[:, k] = np.append(rows.values[name], before)[at]
    return columns
