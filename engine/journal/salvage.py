"""What is good in a damaged journal, taken out into a new one."""

from itertools import islice
from pathlib import Path

from tradewind.engine.journal.journal import Journal
from tradewind.engine.journal.reader import TolerantReader

BATCH = 1000  # events of one transaction
NO_LIMIT = 2**63 - 1  # the largest that islice takes


def salvage(path: Path, into: Path, *, upto: int = NO_LIMIT) -> int:
    """Copy the events before the first that is not what was written, and the snapshots of them.

    Parameters
    ----------
    path : Path
        Of the damaged journal, which is only read. Keep its ``-wal`` file beside it.
    into : Path
        Of the new journal; nothing may be there.
    upto : int
        Number of the last event that is wanted.

    Returns
    -------
    int
        How many events are in the new one.

    Raises
    ------
    JournalError
        If not even what the journal is about can be read, or the new one cannot be written.
    """
    with TolerantReader(path) as damaged, Journal.create(into, about=damaged.about) as new:
        good, taken = islice(damaged.good(), upto), 0
        while batch := [event._replace(seq=0) for event in islice(good, BATCH)]:
            taken = new.append(batch)
        for seq, _, blob in damaged.kept(taken):
            new.keep_snapshot(seq, blob)
    return taken
