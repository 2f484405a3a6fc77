"""How a rule says what it wants: rows of an ``INTENT`` array, written with :func:`target`.

Everything here is in the subset numba compiles, and runs as plain Python as well.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

INTENT = np.dtype(
    [
        ("symbol", np.int64),
        ("weight", np.float64),
        ("order_type", np.int64),
        ("limit", np.float64),
        ("stop", np.float64),
        ("trail", np.float64),
        ("take_profit", np.float64),
        ("expiry_bars", np.int64),
    ]
)
"""One wish of a strategy; a row and a :class:`tradewind.engine.types.Intent` say the same thing."""

IntentRows = npt.NDArray[np.void]


def target(intents: Any, n: int, symbol: int, weight: float) -> int:
    """Write "hold ``weight`` of ``symbol``, at market" as row ``n`` and return ``n + 1``.

    Parameters
    ----------
    intents : ndarray of INTENT
        The buffer a rule was handed; it has room for one row per symbol.
    n : int
        Rows written so far.
    symbol : int
        Column of the panel.
    weight : float
        Signed strength, 1 = the full position the sizing allows.
    """
    if n >= len(intents):  # compiled code would write into memory that is not ours
        return n + 1  # which the executor refuses
    row = intents[n]
    row["symbol"] = symbol
    row["weight"] = weight
    row["order_type"] = 0
    row["limit"] = np.nan
    row["stop"] = np.nan
    row["trail"] = np.nan
    row["take_profit"] = np.nan
    row["expiry_bars"] = 0
    return n + 1
