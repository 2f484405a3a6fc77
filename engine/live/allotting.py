"""Which orders may be at a broker at once that holds units for what works.

It takes no two orders that would close the same units, but for a stop and a target that it is sent
as one. What finds no units is kept here until they are free: it is looked at again at each close
and with each answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.live.account import Account
from tradewind.engine.sizing import MIN_QTY
from tradewind.engine.types import OrderType, TimeInForce
from tradewind.engine.venues.facts import VenueOrder
from tradewind.engine.venues.ids import client_id

STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
PAIRED = (OrderType.STOP, OrderType.STOP_LIMIT)
CLOSING, REACHED, PROTECTING, WAITING = range(4)  # who gets units first
ALONE = -1


class Part(NamedTuple):
    """An order, or two as one, that is to close units."""

    rank: int
    numbers: tuple[int, ...]
    units: float


def shapes(account: Account, apart: Iterable[frozenset[int]]) -> dict[int, int]:
    """Order that may be at the broker -> the one it is sent beside, ALONE for none.

    Parameters
    ----------
    account : Account
    apart : iterable of frozenset of int
        Pairs that the broker cannot have as one.
    """
    by_symbol, found = defaultdict(list), dict[int, int]()
    for number in account.book.working:
        if left_of(account, int(number)):
            by_symbol[int(account.book.orders[number]["symbol"])].append(int(number))
    for k, numbers in by_symbol.items():
        held = float(account.book.state.qty[k])
        room = abs(held) * (1.0 + 1e-9) + MIN_QTY
        closing = [n for n in numbers if closes(account, n)]
        found |= {n: ALONE for n in numbers if n not in closing}
        for part in sorted(_parts(account, closing, set(apart))):
            if part.units > room:
                continue
            room -= part.units
            first, last = part.numbers[0], part.numbers[-1]
            found |= {first: last, last: first} if first != last else {first: ALONE}
    return found


def closes(account: Account, number: int) -> bool:
    """Whether an order takes of what is held, and no more than that."""
    held = float(account.book.state.qty[account.book.orders[number]["symbol"]])
    left = left_of(account, number)
    return held * left < 0.0 and abs(left) <= abs(held) * (1.0 + 1e-9) + MIN_QTY


def protects(account: Account, number: int) -> bool:
    """Whether an order is a stop of what is held."""
    kind = OrderType(int(account.book.orders[number]["order_type"]))
    return kind in STOPS and closes(account, number)


def _parts(account: Account, numbers: list[int], apart: set[frozenset[int]]) -> Iterator[Part]:
    """Orders of one symbol that close, those that belong together as one."""
    groups = defaultdict(list)
    for number in numbers:
        order = account.book.orders[number]
        alone = order["parent"] < 0 and order["oco"] == 0
        groups[(number,) if alone else (int(order["parent"]), int(order["oco"]))].append(number)
    for group in groups.values():
        pair = _pair(account, group)
        if pair and frozenset(pair) not in apart:
            yield Part(PROTECTING, pair, abs(left_of(account, pair[0])))
            continue
        for number in group:
            yield Part(_rank(account, number), (number,), abs(left_of(account, number)))


def _pair(account: Account, group: list[int]) -> tuple[int, ...]:
    """(target, stop) where a group is just that, for the same units."""
    types = {n: OrderType(int(account.book.orders[n]["order_type"])) for n in group}
    targets = [n for n in group if types[n] is OrderType.LIMIT]
    stops = [n for n in group if types[n] in PAIRED]
    if len(group) != 2 or len(targets) != 1 or len(stops) != 1:
        return ()
    target, stop = targets[0], stops[0]
    same = abs(left_of(account, target) - left_of(account, stop)) <= MIN_QTY
    return (target, stop) if same else ()


def _rank(account: Account, number: int) -> int:
    order = account.book.orders[number]
    kind = OrderType(int(order["order_type"]))
    if kind in STOPS:
        return PROTECTING
    if kind is not OrderType.LIMIT:
        return CLOSING
    return REACHED if _reached(account, order) else WAITING


def _reached(account: Account, order: Any) -> bool:
    """Whether the last close is as good as the limit, or better."""
    book, k = account.book, int(order["symbol"])
    last = book.quotes()[k] if book.market is not None else book.panel.close[-1, k]
    return bool(np.sign(order["qty"]) * (order["limit"] - last) >= 0.0)


def left_of(account: Account, number: int) -> float:
    """Signed units of an order that a broker is still to fill."""
    order = account.book.orders[number]
    left = float(order["qty"] - order["filled_qty"])
    if order["reduce_only"] or order["parent"] >= 0:  # a broker does not know what it may take
        held = float(account.book.state.qty[order["symbol"]])
        left = 0.0 if held * left >= 0.0 else max(min(left, abs(held)), -abs(held))
    return left


def order_of(account: Account, number: int, name: str = "") -> VenueOrder:
    """Order of a number, as a broker gets it under a name."""
    order = account.book.orders[number]
    return VenueOrder(
        client_id=name or client_id(account.run, number),
        symbol=account.book.panel.symbols[order["symbol"]],
        qty=left_of(account, number),
        order_type=OrderType(int(order["order_type"])),
        limit=float(order["limit"]), stop=float(order["stop"]), trail=float(order["trail"]),
        trail_fraction=float(order["trail_fraction"]), tif=TimeInForce(int(order["tif"])),
    )  # fmt: skip
