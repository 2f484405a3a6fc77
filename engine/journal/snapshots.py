"""Snapshots in a journal: states that spare the events before them."""

import sqlite3
import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from tradewind.engine.journal.faults import is_damage
from tradewind.engine.journal.layout import KEPT

SAMPLE, PAYS = 1 << 16, 0.9  # compressed only where the beginning shrinks to this share
SEQS = "SELECT seq FROM snapshots ORDER BY seq DESC"
ONE = "SELECT seq, crc, packed, seal, blob FROM snapshots WHERE seq = ?"
PUT = "INSERT OR REPLACE INTO snapshots (seq, crc, packed, seal, blob) VALUES (?, ?, ?, ?, ?)"
DROP = f"DELETE FROM snapshots WHERE seq NOT IN ({SEQS} LIMIT {KEPT})"


class Snapshot(NamedTuple):
    """State after event ``seq``, whose checksum is ``crc``."""

    seq: int
    crc: int
    blob: bytes


def put(file: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Write a snapshot and drop all but the newest; inside a transaction of the caller."""
    seq, crc, blob = snapshot
    packed = len(zlib.compress(blob[:SAMPLE], 1)) < PAYS * len(blob[:SAMPLE])
    kept = zlib.compress(blob, 1) if packed else bytes(blob)
    file.execute(PUT, (seq, crc, int(packed), _seal(seq, crc, int(packed), kept), kept))
    file.execute(DROP)


def whole(file: sqlite3.Connection) -> Iterator[Snapshot]:
    """Snapshots that are what was written, newest first; damaged ones are passed over."""
    try:
        seqs = [seq for (seq,) in file.execute(SEQS)]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return
    for seq in seqs:
        snapshot = _one(file, seq)
        if snapshot is not None:
            yield snapshot


def _one(file: sqlite3.Connection, seq: int) -> Snapshot | None:
    try:
        row = file.execute(ONE, (seq,)).fetchone()
        if row is None or not all(map(isinstance, row, (int, int, int, str, bytes))):
            return None
        seq, crc, packed, seal, blob = row
        if _seal(seq, crc, packed, blob) != seal:
            return None
        return Snapshot(seq, crc, zlib.decompress(blob) if packed else blob)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return None


def _seal(seq: int, crc: int, packed: int, blob: bytes) -> str:
    seal = sha256(f"{seq}|{crc}|{packed}|".encode())
    seal.update(blob)
    return seal.hexdigest()
