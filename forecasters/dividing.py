"""Forecasters that fit each symbol by itself, cut into parts that processes can share."""

from collections.abc import Sequence

from tradewind.engine.errors import ForecastError
from tradewind.engine.records import Panel


def checked_part(names: Sequence[str], *, pooled: bool, who: str) -> tuple[str, ...]:
    """Symbols of a part.

    Parameters
    ----------
    names : sequence of str
    pooled : bool
        Whether one fit serves all symbols.
    who : str
        For messages.

    Raises
    ------
    ForecastError
        If one fit serves all symbols, or no symbol is named.
    """
    if pooled:
        raise ForecastError(
            f"{who}: one fit serves all symbols, so they cannot be fitted one by one; set pooled: "
            "false"
        )
    if not names:
        raise ForecastError(f"{who}: no symbol was named; name at least one")
    return tuple(names)


def fitted_alone(only: tuple[str, ...] | None, past: Panel, who: str) -> tuple[str, ...]:
    """Symbols that get a fit of their own.

    Parameters
    ----------
    only : tuple of str or None
        From :func:`checked_part`; None: all of them.
    past : Panel
    who : str

    Raises
    ------
    ForecastError
        If the panel does not have one of them.
    """
    strangers = set(only or ()) - set(past.symbols)
    if strangers:
        raise ForecastError(
            f"{who}: asked for {', '.join(sorted(strangers))}, which the panel of "
            f"{past.n_symbols} symbols does not have"
        )
    return past.symbols if only is None else only
