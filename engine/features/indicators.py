"""Indicators of the ``ta`` library that may be used, and those that may not, with the reason.

Names are the columns that ``ta.add_all_ta_features`` writes, at that function's periods. Each one
passes :func:`gate` before its first use in a process: some of ``ta``'s columns look ahead, and an
upgrade may change which. ``ta`` works on pandas, so both are imported only when asked for.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np

from tradewind.engine.causality import first_leak, probe
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.features.ta_columns import INDICATORS, REFUSED, REFUSED_FILLED, Indicator
from tradewind.engine.features.tape import Tape, lay
from tradewind.engine.records import Floats, Panel


def indicator(name: str, *, fillna: bool = False) -> Indicator:
    """Look up the recipe of a ``ta`` column.

    Parameters
    ----------
    name : str
        Column as ``ta.add_all_ta_features`` calls it: ``momentum_rsi``.
    fillna : bool
        Whether ``ta``'s own filling of missing values was asked for; always refused.

    Raises
    ------
    ConfigError
        If there is no such column, or it may not be used; the message says why.
    """
    if name in REFUSED:
        raise ConfigError(f"features: ta.{name} {REFUSED[name]}")
    if name not in INDICATORS:
        near = get_close_matches(name, INDICATORS, 1)
        hint = f" (did you mean 'ta.{near[0]}'?)" if near else ""
        raise ConfigError(
            f"features: ta has no column {name!r}{hint}; they are listed in docs/forecasting.md"
        )
    if fillna:
        why = REFUSED_FILLED.get(
            name, "with fillna replaces history that is missing by made-up numbers"
        )
        raise ConfigError(f"features: ta.{name} {why}; write 'ta.{name}'")
    return INDICATORS[name]


def compute(name: str, tape: Tape) -> Floats:
    """Values of one indicator for every bar.

    Parameters
    ----------
    name : str
        See :func:`indicator`.
    tape : Tape

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        Without unit (see ``Indicator.unit``); NaN during the warm-up and where ``ta`` has none.

    Raises
    ------
    ConfigError
        If the indicator may not be used.
    ForecastError
        If the installed ``ta`` lets it look ahead.
    """
    recipe = indicator(name)
    own = tape.indicator(name)
    if own is not None:
        return _without_unit(own, recipe, tape)
    gate(name)
    return _compute(recipe, tape)


@cache
def gate(name: str) -> None:
    """Try an indicator on made-up history, once per process; raises ForecastError on a leak."""
    recipe = indicator(name)

    def on_panel(panel: Panel) -> Floats:
        tape = lay(panel)
        return tape.spread(_compute(recipe, tape))

    leak = first_leak(on_panel, probe(), cuts=(recipe.warmup + 5, 203, 399))
    if leak is not None:
        raise ForecastError(
            f"features: ta.{name} looks ahead in the installed version of ta: {leak}; leave it out"
        )


def _compute(recipe: Indicator, tape: Tape) -> Floats:
    return _without_unit(_raw(recipe, tape), recipe, tape)


def raw(name: str, tape: Tape) -> Floats:
    """Values as ``ta`` has them, of an indicator that has passed :func:`gate`; (n_rows,)."""
    gate(name)
    return _raw(indicator(name), tape)


def _raw(recipe: Indicator, tape: Tape) -> Floats:
    import ta  # by its name, so that what depends on its version can be told
    from pandas import Series

    module, name = recipe.path.split(".")
    make: Callable[..., Any] = getattr(getattr(ta, module), name)
    needs = [k for k in ("open", "high", "low", "close", "volume") if k in _arguments(make)]
    out = np.full(tape.n_rows, np.nan)
    for start, stop in zip(tape.lives[:-1], tape.lives[1:], strict=True):
        if stop - start < recipe.warmup:
            continue
        columns = {field: Series(getattr(tape, field)[start:stop]) for field in needs}
        with np.errstate(all="ignore"):  # ta divides by ranges and volumes that may be zero
            values = getattr(make(**columns, **recipe.params), recipe.method)()
        out[start:stop] = values.to_numpy(np.float64)
    return out


def _without_unit(out: Floats, recipe: Indicator, tape: Tape) -> Floats:
    """Prices in units of the close; nothing during the warm-up."""
    if recipe.unit != "pure":
        out = out / tape.close - (recipe.unit == "level")
    np.copyto(out, np.nan, where=~np.isfinite(out) | (tape.age < recipe.warmup - 1))
    return out


@cache
def _arguments(make: Callable[..., Any]) -> frozenset[str]:
    from inspect import signature

    return frozenset(signature(make).parameters)
