"""What is done to the orders of a live account between two bars."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewind.engine.executors import entry, kernel
from tradewind.engine.executors import state as states
from tradewind.engine.executors.callback import FIELDS
from tradewind.engine.executors.ending import consequences, finish
from tradewind.engine.executors.fills import settle
from tradewind.engine.executors.placing import put_to_work
from tradewind.engine.executors.quotes import rate_of
from tradewind.engine.intents import INTENT, MARKET, REPLACE
from tradewind.engine.records import Ints, Panel, Records
from tradewind.engine.shelf import Shelf
from tradewind.engine.sizing import MIN_QTY
from tradewind.engine.types import Intent

KEPT = ("symbol", "order_type", "tif", "until", "parent", "oco", "reduce_only", "triggered")
COUNTS = {"orders": states.ORDERS, "fills": states.FILLS, "events": states.EVENTS}


class PaperOrders:
    """Orders of an account as arrays, changed by the functions that the loop changes them with."""

    _shelves: dict[str, Shelf]
    state: states.State
    log: states.Log
    market: Any
    terms: Any

    @property
    def panel(self) -> Panel:
        """Everything known so far."""
        raise NotImplementedError

    @property
    def orders(self) -> Records:
        """Every order so far."""
        return np.asarray(self.log.orders[: self.state.count[states.ORDERS]])

    @property
    def working(self) -> Ints:
        """Numbers of the orders on the market, oldest first."""
        return np.asarray(self.log.working[: self.state.count[states.OPEN]])

    def make_room(self, room: int) -> None:
        """Make place for at least so many records more of each kind."""
        made = {}
        for name, records in self.log._asdict().items():
            if name in COUNTS:
                rows = 2 * len(records) + room if room else len(records)
                self._shelves[name] = Shelf(rows, records[: self.state.count[COUNTS[name]]])
                made[name] = self._shelves[name].array
            elif room:
                made[name] = kernel.grown(records, room)
        self.log = self.log._replace(**made)

    def give_back(self, *, now: bool = False) -> None:
        """Let the system have the memory of records that are not looked at any more."""
        for name, shelf in self._shelves.items():
            shelf.written(int(self.state.count[COUNTS[name]]), now=now)

    def refuse(self, numbers: Sequence[int], reason: int = states.BY_RISK) -> None:
        """End orders that have just been decided, as if they had never come to the market."""
        wanted = set(numbers)
        kept = [number for number in self.working if number not in wanted]
        for number in numbers:
            finish(self.state, self.log, number, reason)
        self.log.working[: len(kept)] = kept
        self.state.count[states.OPEN] = len(kept)

    def fill(self, number: int, qty: float, price: float, fee: float) -> None:
        """Book what a broker outside filled of an order, and what follows from it.

        Parameters
        ----------
        number : int
        qty : float
            Signed units of this execution.
        price : float
            The symbol's currency.
        fee : float
            Account currency.
        """
        t, state = self.panel.n_bars - 1, self.state
        placed = self.log.orders[number]
        k = int(placed["symbol"])
        rate = states_rate(self.market, t, k) if self.market.foreign else 1.0
        while state.count[states.FILLS] + 2 > len(self.log.fills):
            self.make_room(2)
        placed = self.log.orders[number]
        was = float(state.qty[k])
        closing = min(abs(qty), abs(was)) if was * qty < 0.0 else 0.0
        side = 1.0 if qty > 0.0 else -1.0
        for part in filter(None, (side * closing, qty - side * closing)):
            own = fee * abs(part / qty)
            settle(state, self.log, number, t, part, (price, price, price), own, rate)
        placed["fee"] += fee
        placed["value"] += abs(qty) * price * rate
        left = placed["qty"] - placed["filled_qty"]
        if left * placed["qty"] <= 0.0 or abs(left) <= states.EPS * abs(placed["qty"]):
            self.end(number, states.FILLED)
        elif placed["reduce_only"] and state.qty[k] == 0.0:
            self.end(number, states.NOTHING_TO_REDUCE)
        consequences(state, self.log, number, was, qty)
        self._drop_ended()

    def end(self, number: int, reason: int) -> None:
        """End an order as a broker outside said; what it filled wakes what protects it."""
        placed = self.log.orders[number]
        if placed["filled_qty"] != 0.0:
            reason = reason if reason == states.FILLED else states.PARTLY
            child = number + 1
            while child < len(self.orders) and self.log.orders[child]["parent"] == number:
                if self.log.orders[child]["triggered"] == states.ASLEEP:
                    self.log.orders[child]["qty"] = -placed["filled_qty"]
                    self.log.orders[child]["triggered"] = states.PLAIN
                    put_to_work(self.state, self.log, child)
                child += 1
        finish(self.state, self.log, number, reason)
        self._drop_ended()

    def _drop_ended(self) -> None:
        kept = [n for n in self.working if self.log.orders[n]["reason"] == states.WORKING]
        self.log.working[: len(kept)] = kept
        self.state.count[states.OPEN] = len(kept)

    def replaced(self, changed: Ints) -> dict[int, int]:
        """Order that works -> the one that it has replaced at this close.

        Parameters
        ----------
        changed : ndarray of int64
            Numbers of all orders of which anything changed with this bar.
        """
        orders, found = self.orders, dict[int, int]()
        ended = changed[orders["reason"][changed] == states.REPLACED]
        ended = ended[orders["triggered"][ended] != states.ASLEEP]
        if not len(ended):
            return found
        wishes = self.state.intents
        named = [int(n) for n in wishes["order"][wishes["action"] == REPLACE]]
        news = [int(n) for n in changed if orders[n]["bar"] == self.panel.n_bars - 1]
        for old in sorted({int(n) for n in ended}, key=lambda n: (named.index(n), n)):
            new = next(n for n in news if n > old and n not in found and self._follows(n, old))
            found[new] = old
        for new, old in list(found.items()):  # one that was replaced at once again never worked
            if old in found:
                found[new] = found.pop(old)
        return found

    def _follows(self, new: int, old: int) -> bool:
        """Whether an order says what the one that it replaces said, but for prices and units."""
        one, other = self.orders[new], self.orders[old]
        sent = one["reason"] != states.BAD_PRICE
        return bool(sent and all(one[name] == other[name] for name in KEPT))

    def stand_again(self, number: int) -> None:
        """Let an order work on that was withdrawn at this close, with what sleeps behind it."""
        orders = self.log.orders
        orders[number]["reason"] = states.WORKING
        child = number + 1
        while child < len(self.orders) and orders[child]["parent"] == number:
            if orders[child]["triggered"] == states.ASLEEP and orders[child]["filled_qty"] == 0.0:
                orders[child]["reason"] = states.WORKING
            child += 1
        works = self.working.tolist()
        place = next((i for i, other in enumerate(works) if other > number), len(works))
        works.insert(place, number)  # it has lost no time
        self.state.count[states.OPEN] = len(works)
        self.log.working[: len(works)] = works

    def unclosed(self) -> Ints:
        """Columns with a position that no market order is about to close."""
        left = self.state.qty.copy()
        for number in self.working:
            order = self.log.orders[number]
            if order["order_type"] == MARKET:
                left[order["symbol"]] += order["qty"] - order["filled_qty"]
        held = np.abs(self.state.qty)
        return np.flatnonzero((held > 0.0) & (np.abs(left) > MIN_QTY + states.EPS * held))

    def flatten(self, columns: Ints | None = None) -> Ints:
        """Ask for everything to be closed from the next bar on; numbers of the new orders.

        What works is withdrawn first.

        Parameters
        ----------
        columns : ndarray of int64, optional
            These alone.
        """
        before = int(self.state.count[states.ORDERS])
        if before + len(self.state.qty) > len(self.log.orders):
            self.make_room(len(self.state.qty))
        rows = self.state.intents
        n, t = 0, self.panel.n_bars - 1
        at_work = set(self.orders["symbol"][self.working].tolist())
        for k in range(len(self.state.qty)) if columns is None else columns:
            if self.state.qty[k] != 0.0 or k in at_work:
                rows[n] = blank_wish()
                rows[n]["symbol"] = k
                self.state.named[k] = -1  # the strategy may have named it at this very close
                n += 1
        entry.heed(self.market, self.terms, self.state, self.log, n, t)
        new = np.arange(before, self.state.count[states.ORDERS])
        self.log.orders["reduce_only"][new] = 1  # what a stop still fills is not sold twice
        return new


def states_rate(market: states.Market, t: int, k: int) -> float:
    """Account currency per unit of the symbol's at the close of bar ``t``."""
    return float(rate_of(market, t, k, True))


def blank_wish() -> Any:
    """Target of nothing, every other field at its default."""
    wish = Intent(0)
    return np.array(tuple(getattr(wish, name) for name in FIELDS), INTENT)
