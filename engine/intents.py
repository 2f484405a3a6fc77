"""How a rule says what it wants: rows of an ``INTENT`` array.

Everything here is in the subset numba compiles, and runs as plain Python as well. A function writes
row ``n`` and returns ``n + 1``; what a wish has beyond its defaults is set on the row afterwards::

    n = order(intents, n, symbol, 100.0)
    intents[n - 1]["order_type"] = LIMIT
    intents[n - 1]["limit"] = 99.5
"""

from typing import Any

import numpy as np
import numpy.typing as npt

# tradewind.engine.types, as plain numbers: numba compiles no enum members into records
MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP, MARKET_ON_CLOSE = range(6)
TARGET, ORDER, CANCEL, REPLACE = range(4)
GTC, DAY, GTD, BARS, IOC = range(5)

INTENT = np.dtype(
    [
        ("symbol", np.int64),
        ("weight", np.float64),
        ("action", np.int64),
        ("qty", np.float64),
        ("order_type", np.int64),
        ("limit", np.float64),
        ("stop", np.float64),
        ("trail", np.float64),
        ("trail_fraction", np.float64),
        ("stop_loss", np.float64),
        ("take_profit", np.float64),
        ("stop_trail", np.float64),
        ("stop_trail_fraction", np.float64),
        ("tif", np.int64),
        ("until", np.int64),
        ("oco", np.int64),
        ("reduce_only", np.int64),
        ("order", np.int64),
    ]
)
"""One wish of a strategy; a row and a :class:`tradewind.engine.types.Intent` say the same thing."""

IntentRows = npt.NDArray[np.void]


def room_for_intents(n_symbols: int) -> int:
    """Rows that a rule may write at one bar."""
    return 4 * n_symbols + 12


def _blank(row: Any, symbol: int, action: int) -> None:
    """Everything a wish can have, at its default."""
    row["symbol"] = symbol
    row["weight"] = 0.0
    row["action"] = action
    row["qty"] = np.nan
    row["order_type"] = MARKET
    row["limit"] = np.nan
    row["stop"] = np.nan
    row["trail"] = np.nan
    row["trail_fraction"] = np.nan
    row["stop_loss"] = np.nan
    row["take_profit"] = np.nan
    row["stop_trail"] = np.nan
    row["stop_trail_fraction"] = np.nan
    row["tif"] = GTC
    row["until"] = 0
    row["oco"] = 0
    row["reduce_only"] = 0
    row["order"] = -1


def target(intents: Any, n: int, symbol: int, weight: float) -> int:
    """Write "hold ``weight`` of ``symbol``, at market" as row ``n`` and return ``n + 1``.

    Parameters
    ----------
    intents : ndarray of INTENT
        The buffer a rule was handed.
    n : int
        Rows written so far.
    symbol : int
        Column of the panel.
    weight : float
        Signed strength, 1 = the full position the sizing allows.
    """
    if n < len(intents):  # compiled code would write into memory that is not ours
        _blank(intents[n], symbol, TARGET)
        intents[n]["weight"] = weight
    return n + 1  # beyond the buffer, which the executor refuses


def order(intents: Any, n: int, symbol: int, qty: float) -> int:
    """Write "send an order for ``qty`` signed units, at market" as row ``n``; return ``n + 1``."""
    if n < len(intents):
        _blank(intents[n], symbol, ORDER)
        intents[n]["qty"] = qty
    return n + 1


def cancel(intents: Any, n: int, symbol: int, number: int) -> int:
    """Write "withdraw order ``number``", or all of ``symbol`` with -1; return ``n + 1``."""
    if n < len(intents):
        _blank(intents[n], symbol, CANCEL)
        intents[n]["order"] = number
    return n + 1


def replace(intents: Any, n: int, symbol: int, number: int) -> int:
    """Write "send order ``number`` again", with what is set on the row changed; return ``n + 1``.

    ``qty`` (remaining units), ``limit``, ``stop``, ``trail`` and ``trail_fraction`` stay as they
    are where the row has NaN.
    """
    if n < len(intents):
        _blank(intents[n], symbol, REPLACE)
        intents[n]["order"] = number
    return n + 1
