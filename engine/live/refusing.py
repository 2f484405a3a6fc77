"""What a refusal by the gate leaves behind: what was to be replaced works on.

The loop has withdrawn an order by the time the gate looks at the one that is to replace it. Where
that one may not be sent, nothing has happened to the first: it stands again, before anything is
written or sent. So no refusal takes protection from a position.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from tradewind.engine.executors import state as states
from tradewind.engine.executors.paper import PaperBook
from tradewind.engine.executors.state import REBALANCED
from tradewind.engine.journal.event import Event
from tradewind.engine.records import Ints
from tradewind.engine.risk.facts import Asked, Refusal, Situation
from tradewind.engine.risk.gate import Gate
from tradewind.engine.types import OrderType

ASKED = ("id", "symbol", "order_type", "limit", "stop", "reduce_only", "parent", "oco")
TYPES = tuple(OrderType)  # by their value


def asked_of(book: PaperBook, run: str, numbers: Ints) -> list[Asked]:
    """Orders of these numbers as the gate sees them."""
    some = book.orders[numbers]
    left = (some["qty"] - some["filled_qty"]).tolist()
    parts = [some[name].tolist() for name in ASKED]
    return [
        Asked(number, k, qty, TYPES[kind], limit, stop, bool(takes), parent, f"{run}-{number}", oco)
        for qty, number, k, kind, limit, stop, takes, parent, oco in zip(left, *parts, strict=True)
    ]


def judged(
    book: PaperBook, gate: Gate, run: str, numbers: Ints, changed: Ints, seen: Situation
) -> list[Event]:
    """End what the gate does not let through, let stand again what it was to replace, say why.

    Parameters
    ----------
    book : PaperBook
    gate : Gate
    run : str
    numbers : ndarray of int64
        Orders just decided.
    changed : ndarray of int64
        Orders of which anything changed with this bar, the new ones among them.
    seen : Situation
    """
    if not len(numbers):
        return []
    before = book.replaced(changed)
    instead = {
        new: asked_of(book, run, np.array([old]))[0] for new, old in before.items()
    }  # fmt: skip
    refusals = gate.check(asked_of(book, run, numbers), seen._replace(instead=instead))
    if not refusals:
        return []
    book.refuse([refusal.number for refusal in refusals])
    again = {new: old for new, old in before.items() if new in {no.number for no in refusals}}
    for old in (*again.values(), *_bared(book, numbers, changed, refusals)):
        book.stand_again(old)
    return [_event(book, refusal, again) for refusal in refusals]


def _bared(
    book: PaperBook, numbers: Ints, changed: Ints, refusals: Iterable[Refusal]
) -> list[int]:  # fmt: skip
    """Orders that protected a position until a target withdrew them of which nothing came through.

    What protects, or closes, and came through takes their place.
    """
    orders, held = book.orders, book.state.qty
    refused = {refusal.number for refusal in refusals}
    touched = {int(orders[number]["symbol"]) for number in refused}
    for number in numbers:
        k = int(orders[number]["symbol"])
        if int(number) not in refused and orders[number]["qty"] * held[k] < 0.0:
            touched.discard(k)
    return [
        int(number)
        for number in changed
        if orders[number]["reason"] == REBALANCED
        and int(orders[number]["symbol"]) in touched
        and orders[number]["triggered"] != states.ASLEEP
        and (orders[number]["parent"] >= 0 or orders[number]["reduce_only"])
        and orders[number]["qty"] * held[orders[number]["symbol"]] < 0.0
    ]


def withdrawn(book: PaperBook, gate: Gate, run: str, seen: Situation) -> tuple[Ints, list[Event]]:
    """(numbers, events) of what works and would add, where nothing that adds may be sent."""
    stray: list[Refusal] = []
    if gate.killed or gate.frozen:
        stray = gate.strays(seen._replace(working=asked_of(book, run, book.working)))
    if stray:
        book.refuse([refusal.number for refusal in stray])
    ended = np.array([refusal.number for refusal in stray], np.int64)
    return ended, [_event(book, refusal, {}) for refusal in stray]


def _event(book: PaperBook, refusal: Refusal, again: Mapping[int, int]) -> Event:
    order = book.orders[refusal.number]
    facts = {
        "number": refusal.number,
        "symbol": book.panel.symbols[order["symbol"]],
        "qty": float(order["qty"]),
        "rule": refusal.rule,
        "reason": refusal.reason,
    }
    if refusal.number in again:
        facts["instead"] = again[refusal.number]
        facts["reason"] += f"; order {again[refusal.number]}, which it was to replace, works on"
    return Event(0, int(book.panel.ts[-1]), "refused", facts)
