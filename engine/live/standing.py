"""What a run holds and what works on the market: its newest summary, and the events behind it.

A summary stands in the journal every few thousand events, in the transaction of its bar, so that
nobody who only wants to know has to read a month.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.executors import state as states
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.reader import JournalReader
from tradewind.engine.live.facts import FLOAT, latest_orders, records_of
from tradewind.engine.records import Floats, Records
from tradewind.engine.types import Happening

EVERY = 2_000  # events between two summaries, more or less
KIND = "standing"
FLAT = 1e-9  # units; less than this is rounding


class Standing(NamedTuple):
    """Where a run stands.

    Attributes
    ----------
    qty : ndarray of float64, shape (n_symbols,)
    working, fills, refused : int
        Orders on the market; fills and refusals so far.
    """

    qty: Floats
    working: int
    fills: int
    refused: int

    @property
    def positions(self) -> int:
        """How many symbols are held."""
        return int((np.abs(self.qty) > FLAT).sum())


def standing_event(book: Any, at: int) -> Event:
    """Summary of a book after a bar."""
    working = book.working[_works(book.orders[book.working])]
    facts = {"working": working.tolist(), "fills": len(book.fills)}
    return Event(0, at, KIND, facts, np.ascontiguousarray(book.state.qty, FLOAT).tobytes())


def standing(reader: JournalReader, n_symbols: int, *, whole: bool = False) -> Standing:
    """Read where a run stands.

    Parameters
    ----------
    reader : JournalReader
    n_symbols : int
    whole : bool
        Read every event that says so, from the first, and so find any that is not what was written;
        otherwise the newest summary stands for those before it.

    Raises
    ------
    JournalError
        If an event that is read is not what was written.
    """
    summary = None if whole else reader.last(KIND)
    after, qty, working, n_fills = 0, np.zeros(n_symbols), set[int](), 0
    if summary is not None:
        after, qty = summary.seq, np.frombuffer(summary.blob, FLOAT).copy()
        working, n_fills = set(summary.facts["working"]), summary.facts["fills"]
    latest = latest_orders(list(reader.events(after=after, kinds=("order",))))
    working -= set(latest["id"].tolist())
    fills = records_of(list(reader.events(after=after, kinds=("fill",))), "fill")
    happenings = records_of(list(reader.events(after=after, kinds=("happening",))), "happening")
    _book(qty, fills, happenings[happenings["kind"] == Happening.SPLIT])
    refused = (
        sum(1 for _ in reader.events(kinds=("refused",))) if whole else reader.count_of("refused")
    )
    works = len(working) + int(_works(latest).sum())
    return Standing(qty, works, n_fills + len(fills), refused)


def _works(orders: Records) -> Any:
    return (orders["reason"] == states.WORKING) & (orders["triggered"] != states.ASLEEP)


def _book(qty: Floats, fills: Records, splits: Records) -> None:
    """Bring quantities up to date; a split comes before the fills of its bar."""
    done = 0
    for split in splits:
        upto = int(np.searchsorted(fills["bar"], split["bar"], "left"))
        np.add.at(qty, fills["symbol"][done:upto], fills["qty"][done:upto])
        qty[split["symbol"]] *= split["amount"]
        done = upto
    np.add.at(qty, fills["symbol"][done:], fills["qty"][done:])
