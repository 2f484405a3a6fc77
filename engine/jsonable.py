"""Numbers as JSON has them: plain, finite, or nothing."""

from collections.abc import Mapping
from math import isfinite
from typing import Any


def jsonable(value: Any) -> Any:
    """Return ``value`` with numpy scalars made plain and what is not a finite number made None.

    JSON has neither NaN nor infinity; a reader that met one would refuse the whole file.
    """
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(part) for part in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
