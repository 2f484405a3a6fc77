"""Bars of one symbol as a source gave them: nothing checked, nothing repaired."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tradewind.engine.records import Floats, Ints


@dataclass(frozen=True, slots=True)
class RawBars:
    """What every reader hands to the checks.

    Attributes
    ----------
    symbol : str
    ts : ndarray of int64, shape (n_rows,)
        UTC nanoseconds in the source's order. Daily and longer bars: midnight UTC of their day
        (the session's close is looked up later). Shorter bars: their close.
    open, high, low, close, volume : ndarray of float64, shape (n_rows,)
    origin : str
        File or provider, for messages.
    row : ndarray of int64, shape (n_rows,)
        Line or row in ``origin``, for messages.
    columns : mapping of str to ndarray of float64, shape (n_rows,)
        Further numeric columns.
    """

    symbol: str
    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    origin: str
    row: Ints
    columns: Mapping[str, Floats] = field(default_factory=dict)
