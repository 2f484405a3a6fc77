"""Raw prices with splits and dividends: what one unit becomes, without looking ahead.

Adjusting backward, as vendors do, moves the past whenever a dividend comes. Adjusting forward
multiplies by what has happened so far, so a number never changes once its bar has closed.
"""

from dataclasses import replace

import numpy as np

from tradewind.engine.records import FIELDS, Floats, Panel

SPLIT, DIVIDEND = "action.split", "action.dividend"
"""Columns of a panel of raw prices: new units per old (1 = none) and the symbol's currency per new
unit (0 = none), on the first bar at or after the ex-date; NaN where there is no bar."""

QUOTES = tuple(f"{side}_{name}" for side in ("ask", "bid") for name in FIELDS[:4])


def has_actions(panel: Panel) -> bool:
    """Whether the panel's prices are raw and it says what splits and dividends there were."""
    return SPLIT in panel.columns


def units_grown(panel: Panel) -> Floats:
    """Units that one unit held from the first bar on has become by splits, (n_bars, n_symbols)."""
    split = panel.columns[SPLIT]
    return np.asarray(np.cumprod(np.where(np.isnan(split), 1.0, split), axis=0))


def total_return_factor(panel: Panel) -> Floats:
    """Factor on a raw price that makes it the value of one unit with all dividends reinvested.

    Parameters
    ----------
    panel : Panel
        With :data:`SPLIT` and :data:`DIVIDEND`.

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols)
        1 until the first action; row t uses bars up to t. A dividend buys at the close of its
        ex-date.
    """
    paid = panel.columns[DIVIDEND] / panel.close
    return units_grown(panel) * np.cumprod(1.0 + np.where(np.isnan(paid), 0.0, paid), axis=0)


def factor_between(panel: Panel, t: int, last: int, k: int) -> float:
    """By how much the factor of :func:`total_return_factor` grows behind bar ``t`` up to ``last``.

    Parameters
    ----------
    panel : Panel
        One without actions has 1.
    t, last : int
        Rows.
    k : int
        Column.
    """
    if not has_actions(panel):
        return 1.0
    rows = slice(t + 1, last + 1)
    split = panel.columns[SPLIT][rows, k]
    paid = panel.columns[DIVIDEND][rows, k] / panel.close[rows, k]
    grown = np.where(np.isnan(split), 1.0, split) * (1.0 + np.where(np.isnan(paid), 0.0, paid))
    return float(np.prod(grown))


def forward_adjusted(panel: Panel) -> Panel:
    """Panel for signals, volatilities and forecasts: no jump where a split or dividend was.

    Its prices are not those at which orders are filled. A panel without actions comes back as it
    is.
    """
    if not has_actions(panel):
        return panel
    factor, units = total_return_factor(panel), units_grown(panel)
    columns = {name: c for name, c in panel.columns.items() if name not in (SPLIT, DIVIDEND)}
    columns |= {name: columns[name] * factor for name in QUOTES if name in columns}
    prices = {name: getattr(panel, name) * factor for name in FIELDS[:4]}
    return replace(panel, columns=columns, volume=panel.volume / units, **prices)
