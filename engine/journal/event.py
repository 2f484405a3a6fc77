"""What stands in a journal: one thing that happened, in plain values and bytes."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One thing that happened.

    Attributes
    ----------
    seq : int
        1, 2, 3 ... in the order of writing; 0 before it is written.
    at : int
        When, UTC nanoseconds: the close of a bar, a broker's clock or ours. It may go back; ``seq``
        alone orders.
    kind : str
        One of :data:`tradewind.engine.journal.kinds.KINDS`.
    facts : mapping
        Plain JSON values.
    blob : bytes
        Arrays: float64 rows or records, little endian.
    """

    seq: int
    at: int
    kind: str
    facts: Mapping[str, Any] = {}
    blob: bytes = b""
