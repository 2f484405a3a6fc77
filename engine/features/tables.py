"""Features of a whole panel."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.causality import first_leak
from tradewind.engine.features.feature import Feature, Table
from tradewind.engine.features.names import feature
from tradewind.engine.features.sharing import Shared, shared_with
from tradewind.engine.features.tape import Tape, lay
from tradewind.engine.records import Floats, Panel


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
    wanted = [feature(name) for name in names]
    held = shared_with(panel)
    tape = lay(panel)
    values = np.empty((tape.n_rows, len(names)))
    for k, one in enumerate(wanted):
        values[:, k] = _column(one, tape, held)
    return Table(tape, tuple(names), values)


def column(tape: Tape, name: str) -> Floats:
    """One feature of every bar of a tape, shape (n_rows,); made or shared as in a table."""
    return _column(feature(name), tape, shared_with(tape.panel))


def _column(wanted: Feature, tape: Tape, held: Shared | None) -> Floats:
    kept = None if held is None else held.column(wanted, tape.panel)
    return wanted.compute(tape) if kept is None else kept


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
