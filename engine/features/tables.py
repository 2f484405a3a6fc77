"""Features of a whole panel."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.causality import first_leak
from tradewind.engine.features.feature import Table
from tradewind.engine.features.names import feature
from tradewind.engine.records import Floats, Panel
from tradewind.engine.tape import lay


def warmup(names: Sequence[str]) -> int:
    """Bars a symbol needs before all of these features have a value."""
    return max((feature(name).warmup for name in names), default=1)


def table(panel: Panel, names: Sequence[str]) -> Table:
    """Features of every bar a panel has, without its holes.

    Parameters
    ----------
    panel : Panel
    names : sequence of str

    Returns
    -------
    Table
        Values of shape (n_rows, n_features).

    Raises
    ------
    ConfigError
        For a feature that is unknown or may not be used.
    DataError
        For one that the data does not have what it takes for.
    """
    tape = lay(panel)
    values = np.empty((tape.n_rows, len(names)))
    for k, name in enumerate(names):
        values[:, k] = feature(name).compute(tape)
    return Table(tape, tuple(names), values)


def compute(panel: Panel, names: Sequence[str]) -> Floats:
    """Features on the panel's own clock.

    Parameters
    ----------
    panel : Panel
    names : sequence of str

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols, n_features)
        NaN where a symbol has no bar or too little history.
    """
    made = table(panel, names)
    return made.tape.spread(made.values)


def is_causal(name: str, panel: Panel, *, cuts: Sequence[int] | None = None) -> bool:
    """Whether no value of a feature changes when later bars become known, bit by bit.

    Parameters
    ----------
    name : str
    panel : Panel
        History to try it on.
    cuts : sequence of int, optional
        See :func:`tradewind.engine.causality.first_leak`.
    """
    return first_leak(lambda p: compute(p, (name,))[:, :, 0], panel, cuts=cuts) is None
