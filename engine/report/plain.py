"""Python values to JSON and back, so that a number comes back as the number it was.

JSON knows neither NaN nor infinity: NaN is written as ``null``, an infinity as the text ``"inf"``
or ``"-inf"``. Where numbers are read back, :func:`numbers` undoes this.
"""

import json
from collections.abc import Mapping
from datetime import date
from enum import Enum
from math import inf, isfinite, isnan, nan
from pathlib import PurePath
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Builtins that ``json`` writes the same way on every machine.

    Raises
    ------
    TypeError
        For a value of a type that has no plain form.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, float):
        return _finite(float(value))
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    if isinstance(value, date | PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no plain form: {value!r}")


def _finite(value: float) -> float | str | None:
    if isfinite(value):
        return value
    return None if isnan(value) else ("inf" if value > 0 else "-inf")


def numbers(value: Any) -> Any:
    """Undo what :func:`plain` did to NaN and infinities, at any depth."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    if value is None:
        return nan
    return {"inf": inf, "-inf": -inf}.get(value, value) if isinstance(value, str) else value


def dumps(value: Any, *, indent: int | None = 2) -> str:
    """JSON text of ``value``, keys in the order given, one line where ``indent`` is None."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(
        plain(value), indent=indent, separators=separators, ensure_ascii=False, allow_nan=False
    )
