"""Rows compared bit by bit."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.features.stream import Row
from tradewind.engine.records import FIELDS


def same(some: Sequence[Row], others: Sequence[Row]) -> bool:
    """Whether rows are equal in every bit."""
    return len(some) == len(others) and all(
        one.ts == other.ts and not differing(one, other)
        for one, other in zip(some, others, strict=True)
    )


def differing(one: Row, other: Row) -> list[int]:
    """Columns in which two rows differ in any bit; every NaN is alike."""
    unequal = np.zeros(len(one.close), np.bool_)
    for name in FIELDS:
        a, b = getattr(one, name), getattr(other, name)
        unequal |= ~((a == b) | (np.isnan(a) & np.isnan(b)))
    return [int(k) for k in np.flatnonzero(unequal)]
