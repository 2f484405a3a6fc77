"""A process that writes a journal until it is killed, and says after each turn how far it is.

``python journal_writer.py PATH SYNC [LIMIT]``; ``LIMIT`` is the most bytes a file may have.
"""

import random
import resource
import sys
from pathlib import Path

from tradewind.engine.errors import JournalError
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal


def event(seq: int) -> Event:
    """What stands under a number in a journal of these tests."""
    kind = ("bar", "order", "fill", "equity")[seq % 4]
    return Event(seq, 1_000 - seq, kind, {"n": seq, "x": seq / 7}, bytes([seq % 256]) * (seq % 300))


def new_events(first: int, last: int) -> list[Event]:
    """Those events as they are before they are written."""
    return [event(seq)._replace(seq=0) for seq in range(first, last + 1)]


def opened(path: Path, sync: str) -> Journal:
    """Journal that is gone on with, or begun."""
    if path.exists():
        return Journal.open(path, sync=sync)
    return Journal.create(path, about={"run": "killed"}, sync=sync)


def write_on(journal: Journal) -> None:
    """Write turns of random length for ever."""
    turns = random.Random(journal.count)
    while True:
        seq = journal.count
        upto = journal.append(new_events(seq + 1, seq + turns.randint(1, 40)))
        print(upto, flush=True)
        if turns.random() < 0.1:
            journal.keep_snapshot(upto, str(upto).encode() * 1000)


def main() -> None:
    """Write until killed, or until the disk is full; then, with room again, one turn more."""
    path, sync, *limit = sys.argv[1:]
    journal = opened(Path(path), sync)
    print(journal.count, flush=True)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit[0]), hard))
    try:
        write_on(journal)
    except JournalError as error:
        print(f"refused: {error}", flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    seq = journal.count
    print(journal.append(new_events(seq + 1, seq + 5)), flush=True)
    journal.close()


if __name__ == "__main__":
    main()
