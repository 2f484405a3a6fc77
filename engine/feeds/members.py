"""What a config says about symbols, as columns beside their bars: universe, groups, known ahead."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds.history import History
from tradewind.engine.records import GROUP, Floats, Panel


def with_members(config: DataConfig, history: History) -> History:
    """History that says who is a member when, who belongs together, and what is known ahead.

    Raises
    ------
    DataError
        If a file of memberships or a filter cannot be used, or a column that is named is not there.
    UnknownSymbolError
        If a group names a symbol that the data does not have.
    """
    panel, survivorship, notes = history.panel, history.survivorship, history.notes
    columns = {**_groups(config, panel), **_ahead(config.known_ahead, panel)}
    if config.universe is not None:
        from tradewind.engine.feeds.universe import universe

        found = universe(config, panel)
        columns, notes = {**columns, **found.columns}, (*notes, *found.notes)
        survivorship = found.sentence or survivorship
    if not columns:
        return history
    panel = replace(panel, columns={**panel.columns, **columns})
    return replace(history, panel=panel, survivorship=survivorship, notes=notes)


def _groups(config: DataConfig, panel: Panel) -> dict[str, Floats]:
    """Number of each symbol's group as a column."""
    if not config.groups:
        return {}
    if GROUP in panel.columns:
        raise DataError(
            f"data.groups: the data has a column {GROUP!r} of its own; leave groups out, or rename "
            "the column with data.columns"
        )
    number = np.full(panel.n_symbols, np.nan)
    for k, (name, symbols) in enumerate(config.groups.items()):
        for symbol in symbols:
            if symbol not in panel.symbols:
                near = get_close_matches(symbol, panel.symbols, 1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise UnknownSymbolError(
                    f"data.groups.{name}: the data has no symbol {symbol!r}{hint}; remove it from "
                    "the group, or add it to data.symbols"
                )
            number[panel.column(symbol)] = k
    return {GROUP: np.where(np.isnan(panel.close), np.nan, number)}


def _ahead(declared: Mapping[str, tuple[int, ...]], panel: Panel) -> dict[str, Floats]:
    """Columns as they stand some bars later, for bars at which that is known already."""
    made = {}
    for name, leads in declared.items():
        if name not in panel.columns:
            held = ", ".join(panel.columns) or "none"
            raise DataError(f"data.known_ahead: the data has no column {name!r}; it has {held}")
        for n in leads:
            later = np.full(panel.shape, np.nan)
            later[: max(panel.n_bars - n, 0)] = panel.columns[name][n:]
            made[f"ahead_{n}.{name}"] = later
    return made
