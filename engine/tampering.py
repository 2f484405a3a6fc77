"""Another future: the bars from a cut on replaced, for whoever asks whether the past moves."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tradewind.engine.records import FIELDS, Floats, Panel

TAMPERINGS = ("noise", "scaled", "reversed", "gone", "some", "dropped")
"""What can be done to the future; ``dropped`` ends the panel, which makes it a truncation."""

Change = Callable[[Floats], Floats]


def tampered(panel: Panel, cut: int, how: str) -> Panel:
    """The same past, another future from bar ``cut`` on.

    Parameters
    ----------
    panel : Panel
    cut : int
        First bar that is changed.
    how : str
        ``noise`` draws other prices, ``scaled`` moves their level, ``reversed`` turns time round,
        ``gone`` leaves every symbol without bars, ``some`` every other symbol, ``dropped`` ends
        the panel.

    Returns
    -------
    Panel
        Further columns change with the prices; who has left is told from the new bars.
    """
    if how == "dropped":
        return panel.past(cut)
    change = _changes(panel, cut)[how]
    fields: dict[str, Any] = {name: _with(getattr(panel, name), cut, change) for name in FIELDS}
    columns = {name: _with(array, cut, change) for name, array in panel.columns.items()}
    return replace(panel, **fields, columns=columns, ends=np.empty(0, np.int64))


def _changes(panel: Panel, cut: int) -> dict[str, Change]:
    draw = np.random.default_rng(1)
    factor = np.exp(draw.normal(0, 0.2, (panel.n_bars - cut, panel.n_symbols)))
    leaving = np.where(np.arange(panel.n_symbols) % 2 == 0, np.nan, 1.0)
    return {
        "noise": lambda late: late * factor,
        "scaled": lambda late: late * 100.0,
        "reversed": lambda late: late[::-1],
        "gone": lambda late: np.full_like(late, np.nan),
        "some": lambda late: late * leaving,
    }


def _with(array: Floats, cut: int, change: Change) -> Floats:
    changed = array.copy()
    changed[cut:] = change(changed[cut:])
    return changed


def readjusted(panel: Panel, cut: int, factor: float = 0.5) -> Panel:
    """The prices as a provider would restate them after a split or dividend at bar ``cut``.

    Every price before the cut is multiplied by ``factor``, volumes stay; a power of two leaves
    the ratios of prices as they were to the last bit.
    """
    changed = {}
    for name in FIELDS[:4]:
        changed[name] = getattr(panel, name).copy()
        changed[name][:cut] *= factor
    return replace(panel, **changed)
