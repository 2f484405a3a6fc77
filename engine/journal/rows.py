"""Events as rows of a table, each with a checksum over itself and the row before it."""

import json
from collections.abc import Mapping, MutableMapping, Sequence
from operator import index
from typing import Any
from zlib import crc32

from tradewind.engine.errors import InvariantError
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.kinds import KINDS

Row = tuple[int, int, int, int, str, str, bytes]  # seq, prior, crc, at, kind, facts, blob
AT_MOST = 2**63
encoded = json.JSONEncoder(
    allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=True
).encode
decoded = json.JSONDecoder().raw_decode


def checksum(before: int, seq: int, prior: int, at: int, kind: str, facts: str, blob: bytes) -> int:
    """CRC-32 of a row and, through the checksum before it, of all rows up to it."""
    return crc32(blob, crc32(f"{before}|{seq}|{prior}|{at}|{kind}|{facts}|".encode()))


def event_of(row: Sequence[Any]) -> Event:
    """Event of a row."""
    return Event(row[0], row[3], row[4], decoded(row[5])[0], row[6])


def rows_of(
    events: Sequence[Event], seq: int, crc: int, priors: MutableMapping[str, int]
) -> list[Row]:
    """Rows of events that go behind number ``seq``.

    Parameters
    ----------
    events : sequence of Event
    seq, crc : int
        Number and checksum of the last event there is.
    priors : mutable mapping of str to int
        Number of the last event of each kind; it is brought up to date.

    Raises
    ------
    InvariantError
        If an event is of an unknown kind, says that it is another one, or is not made of plain
        finite values.
    """
    rows = []
    for event in events:
        if event.seq and event.seq != seq + 1:
            raise InvariantError(
                f"journal: event {seq + 1} ({event.kind}) comes with the number {event.seq}; a new "
                "event has 0"
            )
        seq += 1
        at, facts, blob = _plain(event, seq)
        prior = priors.get(event.kind, 0)
        crc = checksum(crc, seq, prior, at, event.kind, facts, blob)
        priors[event.kind] = seq
        rows.append((seq, prior, crc, at, event.kind, facts, blob))
    return rows


def _plain(event: Event, seq: int) -> tuple[int, str, bytes]:
    if event.kind not in KINDS:
        raise InvariantError(
            f"journal: event {seq} has the unknown kind {event.kind!r}; kinds.py lists them"
        )
    what = f"event {seq} ({event.kind})"
    try:
        at = index(event.at)
        blob = event.blob if type(event.blob) is bytes else bytes(memoryview(event.blob))
    except TypeError as error:
        raise InvariantError(f"journal: {what}: time or blob: {error}") from None
    if not -AT_MOST <= at < AT_MOST:
        raise InvariantError(f"journal: {what}: time {at} does not fit 64 bits; wanted UTC ns")
    return at, text_of(event.facts, what), blob


def text_of(facts: Mapping[str, Any], what: str) -> str:
    """Compact JSON with sorted keys.

    Raises
    ------
    InvariantError
        If the facts are not plain finite values under text keys, named with ``what``.
    """
    try:
        _only_text_keys(facts)
        return encoded(facts if type(facts) is dict else dict(facts))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvariantError(
            f"journal: {what}: facts are not plain finite values: {error}; found {facts!r:.200}"
        ) from None


def _only_text_keys(value: Any) -> None:
    """Refuse keys that JSON would turn into text on the way."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is no text")
            if isinstance(part, dict | list | tuple):
                _only_text_keys(part)
    else:
        for part in value:
            if isinstance(part, dict | list | tuple):
                _only_text_keys(part)
