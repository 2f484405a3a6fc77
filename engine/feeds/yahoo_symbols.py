"""Names and intervals as Yahoo writes them."""

import re

from tradewind.engine.errors import DataError, UnknownSymbolError

BAR_S = {
    "1m": 60,
    "2m": 120,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "90m": 5400,
    "1d": 86_400,
}
"""Seconds of a bar of each interval that is fetched."""

REACH_DAYS = {"1m": 29, "2m": 59, "5m": 59, "15m": 59, "30m": 59, "90m": 59, "1h": 729}
"""Days that Yahoo looks back; daily bars reach to the listing."""

_OTHER_NAMES = {"60m": "1h", "24h": "1d"}
_LONGER = ("1wk", "1mo", "3mo")
# What stands in an address: no slash, no question mark, nothing that leads elsewhere.
_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=_&-]{0,31}")
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


def checked_symbol(symbol: str) -> str:
    """Return a symbol in capitals; raises UnknownSymbolError where it cannot be one of Yahoo's."""
    name = symbol.strip().upper()
    if _ISIN.fullmatch(name):
        raise UnknownSymbolError(
            f"{symbol!r} is an ISIN; Yahoo wants its own name of the listing, for example MSFT"
        )
    if not _SYMBOL.fullmatch(name):
        raise UnknownSymbolError(
            f"{symbol!r} cannot be a Yahoo symbol; wanted up to 32 letters, digits and . ^ = _ & -"
            ", for example MSFT, ^GSPC, BTC-USD, EURUSD=X"
        )
    return name


def base_interval(interval: str) -> str:
    """Return the interval that is fetched for the one asked; weeks and months are made from days.

    Raises
    ------
    DataError
        If Yahoo has no such bars.
    """
    name = interval.removesuffix("in") if interval.endswith("min") else interval
    name = _OTHER_NAMES.get(name, name)
    if name in _LONGER:
        return "1d"
    if name not in BAR_S:
        raise DataError(
            f"data.interval: Yahoo has no bars of {interval!r}; wanted one of "
            f"{', '.join((*BAR_S, *_LONGER))}"
        )
    return name
