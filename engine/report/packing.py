"""Arrays inside a page: base64 of little-endian numbers, a third of the bytes of JSON text.

``assets/report.js`` unpacks them to typed arrays; the two must say the same.
"""

import json
from base64 import b64encode
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats

STEPS = 65_534  # of a price range; 65,535 stands for "no bar"


def floats(values: npt.NDArray[Any]) -> dict[str, str]:
    """Single precision: seven digits, enough for any picture; NaN stays NaN."""
    return {"f4": _text(values, "<f4")}


def ints(values: npt.NDArray[Any]) -> dict[str, str]:
    """Whole numbers of 32 bits."""
    return {"i4": _text(values, "<i4")}


def times(ts: npt.NDArray[np.int64]) -> dict[str, str]:
    """UTC nanoseconds as the milliseconds a browser counts in."""
    return {"f8": _text(ts // 1_000_000, "<f8")}


def quantised(values: Floats, low: float, high: float) -> dict[str, Any]:
    """Two bytes a value between ``low`` and ``high``; in the logarithm where both are positive.

    The error is below ``log(high / low) / 131,068`` of the value: 0.001 % for a price that
    doubles.
    """
    log = low > 0.0
    bounds = np.array([low, high])
    scale, edges = (np.log(values), np.log(bounds)) if log else (values, bounds)
    width = edges[1] - edges[0]
    with np.errstate(invalid="ignore"):
        at = np.rint((scale - edges[0]) / (width if width > 0 else 1.0) * STEPS)
    steps = np.where(np.isnan(at), STEPS + 1, np.clip(np.nan_to_num(at), 0, STEPS))
    return {"u2": _text(steps, "<u2"), "low": float(low), "high": float(high), "log": log}


def _text(values: npt.NDArray[Any], dtype: str) -> str:
    return b64encode(np.ascontiguousarray(values).astype(dtype).tobytes()).decode("ascii")


def script_json(value: Any) -> str:
    """JSON that may stand inside a ``<script>`` element, whatever text it holds.

    ``<``, ``>`` and ``&`` are written as escapes: no text can close the element, open a comment or
    be taken for an entity.
    """
    text = json.dumps(jsonable(value), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
