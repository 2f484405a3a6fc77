"""Plain, unmodified backtrader as the second executor of ``rules: backtrader``.

Stock ``Cerebro`` and stock ``BackBroker``, nothing overridden. The strategy in it does what a
user's own would: it asks tradewind's for wishes and calls ``buy``, ``sell``, ``cancel`` and
``order_target_percent``. What comes back is read from backtrader's own orders.
"""

from math import nan
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.asking import wishes_of
from tradewind.engine.executors.backtrader_options import Options
from tradewind.engine.executors.backtrader_profile import Outcome, memory_of
from tradewind.engine.executors.plain_orders import (
    Kind,
    follow,
    new_row,
    protections,
    row_of,
    terms_of,
)
from tradewind.engine.executors.plain_parts import (
    PlainFeed,
    broker_of,
    session_end_of,
    sizer_of,
)
from tradewind.engine.protocols import Book, Strategy, View
from tradewind.engine.records import EVENT, FILL, ORDER, Panel, Records, Simulation
from tradewind.engine.types import Action, Happening, Intent, Reason


class Caller(bt.Strategy):  # type: ignore[misc]
    """Asks a tradewind strategy at every bar and makes the calls that its wishes stand for."""

    params = (("decision", None), ("inputs", None), ("start", 0), ("panel", None), ("given", None))

    def start(self) -> None:
        """Prepare what is recorded."""
        panel = self.p.panel
        self.made: list[Any] = []  # backtrader's order, or None where none could be made
        self.rows: list[dict[str, Any]] = []  # ORDER, beside ``made``
        self.table = np.zeros(64, ORDER)  # the same, as a rule reads them
        self.open: list[int] = []  # numbers of orders that may still change
        self.numbers: dict[int, int] = {}  # by backtrader's ref
        self.leaders: dict[int, Any] = {}  # by OCO number
        self.fills: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.columns = {id(data): k for k, data in enumerate(self.datas)}
        self.owed = np.zeros(panel.n_symbols)
        self.units = np.zeros(panel.n_symbols)
        self.curves = np.full((4, panel.n_bars), nan)
        self.memory = np.zeros((panel.n_symbols, memory_of(self.p.decision)))
        self.last = -1
        self.asked = False

    @property
    def row(self) -> int:
        """Row of the panel the run has come to."""
        return int(max(data.row[0] for data in self.datas if len(data)))

    def notify_order(self, order: Any) -> None:
        """Write down what was filled since the last bar."""
        scheme = self.broker.getcommissioninfo(order.data)
        k, number = self.columns[id(order.data)], self.numbers[order.ref]
        for bit in order.executed.iterpending():
            for qty in filter(None, (bit.closed, bit.opened)):
                fee = scheme.getcommission(qty, bit.price)
                prices = (bit.price, bit.price, bit.price)
                self.fills.append((number, k, self.row, qty, *prices, fee, scheme.p.mult))
            if bit.closed and self.broker.p.int2pnl:
                fee = scheme.getcommission(bit.closed, bit.price)
                self._interest(k, bit.closedcomm - fee - self.owed[k])
                self.owed[k] = 0.0

    def _interest(self, k: int, due: float) -> None:
        if due <= 1e-12 * abs(self.owed[k]):
            return
        kind = Happening.INTEREST if self.units[k] > 0.0 else Happening.BORROW
        self.events.append((self.row, k, int(kind), -due))

    def prenext(self) -> None:
        """Do not wait for symbols that are listed later."""
        self.next()

    def next(self) -> None:
        """Record the account, then decide."""
        t = self.row
        for k, data in enumerate(self.datas):
            carried = self.broker.d_credit.get(data, 0.0)
            self._interest(k, carried - self.owed[k])
            self.owed[k] = carried
        due = -sum(event[3] for event in self.events if event[0] == t)
        self.curves[:, t] = self.broker.getvalue(), self.broker.getcash(), self._gross(), due
        self.units[:] = [p.size if p else 0.0 for p in map(self._held, self.datas)]
        self.last = t
        if not self.broker.p.coo and t >= self.p.start:
            self._decide(t)

    def prenext_open(self) -> None:
        """Do not wait for symbols that are listed later."""
        self.next_open()

    def next_open(self) -> None:
        """With cheat-on-open: act on the last close while this bar's orders can still be sent."""
        if self.broker.p.coo and self.last >= self.p.start:
            self._decide(self.last)

    def _gross(self) -> float:
        total = 0.0
        for data, held in self.broker.positions.items():
            if held.size:
                mult = self.broker.getcommissioninfo(data).p.mult
                total += abs(held.size * data.close[0] * mult)
        return total

    def _held(self, data: Any) -> Any:
        """Position, without entering it in the broker's list as ``getposition`` does."""
        return self.broker.positions.get(data)

    def _decide(self, t: int) -> None:
        if not self.asked and self.p.given.broker.value_order == "columns":
            for data in self.datas:
                self.getposition(data)
        self.asked = True
        held = [self._held(data) for data in self.datas]
        self._sync()
        # an order that waits for its cash check is not in the queue that is matched
        working = [self.numbers[order.ref] for order in self.broker.pending]
        book = Book(
            np.array([float(p.size) if p else 0.0 for p in held]),
            np.array([self.broker.getvalue()]),
            np.array([float(p.price) if p else 0.0 for p in held]),
            self.table[: len(self.rows)],
            np.array(working, np.int64),
            np.array([len(working)]),
            self.memory,
        )
        for wish in wishes_of(self.p.decision, View(t, self.p.inputs, book)):
            self._heed(t, wish)

    def _sync(self) -> None:
        """Bring the records of orders up to date."""
        if len(self.rows) > len(self.table):
            self.table = np.resize(self.table, 2 * len(self.rows))
        for number in self.open:
            order, row = self.made[number], self.rows[number]
            if order is not None:
                follow(order, row)
            self.table[number] = tuple(row.values())
        self.open = [n for n in self.open if self.made[n] is not None and self.made[n].alive()]

    def _heed(self, t: int, wish: Intent) -> None:
        if not 0 <= wish.symbol < len(self.datas):
            raise self._wrong(t, wish, "no such column")
        if wish.action == Action.CANCEL:
            self._cancel(wish)
        elif wish.action == Action.ORDER:
            self._order(t, wish)
        elif wish.action == Action.TARGET:
            self._target(t, wish)
        else:
            raise self._wrong(t, wish, "backtrader cannot replace an order; cancel and send anew")

    def _wrong(self, t: int, wish: Intent, why: str) -> StrategyError:
        return StrategyError(f"{type(self.p.decision).__name__}: at bar {t}: {wish}: {why}")

    def _cancel(self, wish: Intent) -> None:
        if wish.order >= 0:
            asked = self.made[wish.order : wish.order + 1]
        else:
            asked = [o for o in self.broker.pending if self.columns[id(o.data)] == wish.symbol]
        for order in asked:
            if order is not None:
                self.cancel(order)

    def _terms(self, t: int, wish: Intent) -> dict[str, Any]:
        try:
            terms = terms_of(wish, self.p.panel)
        except ValueError as error:
            raise self._wrong(t, wish, str(error)) from None
        if wish.oco > 0:
            terms["oco"] = self.leaders.get(wish.oco)
        return terms

    def _order(self, t: int, wish: Intent) -> None:
        terms = self._terms(t, wish)
        data = self.datas[wish.symbol]
        if not len(data):
            qty = 0.0 if np.isnan(wish.qty) else wish.qty
            if np.isnan(wish.qty) or qty:
                self._refused(t, wish, qty)
            return
        side = wish.weight if np.isnan(wish.qty) else wish.qty
        send = self.buy if side > 0 else self.sell
        size = None if np.isnan(wish.qty) else abs(wish.qty)
        children = protections(wish)
        entry = send(data=data, size=size, transmit=not children, **terms)
        if entry is None:
            return
        number = self._note(t, wish, entry, -1)
        other = self.sell if side > 0 else self.buy
        for i, child in enumerate(children, 1):
            last = i == len(children)
            made = other(
                data=data, size=abs(entry.size), parent=entry, transmit=last,
                valid=terms.get("valid"), **child,
            )  # fmt: skip
            self._note(t, wish, made, number)

    def _target(self, t: int, wish: Intent) -> None:
        terms = self._terms(t, wish)
        data = self.datas[wish.symbol]
        if not len(data):
            if wish.weight:
                self._refused(t, wish, 0.0)
            return
        target = wish.weight * self.p.given.full
        made = self.order_target_percent(data=data, target=target, **terms)
        if made is not None:
            self._note(t, wish, made, -1)

    def _note(self, t: int, wish: Intent, order: Any, parent: int) -> int:
        number = len(self.made)
        self.numbers[order.ref] = number
        if wish.oco > 0 and parent < 0:
            self.leaders.setdefault(wish.oco, order)
        self._write(order, row_of(number, wish, t, order, parent))
        return number

    def _refused(self, t: int, wish: Intent, qty: float) -> None:
        """Write down an order for a symbol without a bar: backtrader would read its last one."""
        row = new_row(len(self.made), wish, t, qty)
        row["reason"] = int(Reason.REJECTED_SIZING)
        self._write(None, row)

    def _write(self, order: Any, row: dict[str, Any]) -> None:
        self.open.append(len(self.made))
        self.made.append(order)
        self.rows.append(row)


def simulate(
    strategy: Strategy, inputs: Any, panel: Panel, options: Options, *, start: int
) -> Simulation:
    """Run one strategy in plain backtrader; arguments and result as in the compiled profile."""
    return outcome(strategy, inputs, panel, options, start=start).simulation


def outcome(
    strategy: Strategy, inputs: Any, panel: Panel, options: Options, *, start: int
) -> Outcome:
    """Run as :func:`simulate` does, and give backtrader's own states and prices of orders too.

    Raises
    ------
    StrategyError
        If the strategy asks for what backtrader could not be asked for.
    """
    cerebro = bt.Cerebro(stdstats=False, cheat_on_open=options.broker.coo)
    cerebro.setbroker(broker_of(options, panel.symbols))
    stamps = panel.dates.astype("datetime64[us]").astype(np.int64)
    for k, symbol in enumerate(panel.symbols):
        feed = PlainFeed(panel=panel, column=k, stamps=stamps, sessionend=session_end_of(options))
        cerebro.adddata(feed, name=symbol)
    sizer, named = sizer_of(options)
    cerebro.addsizer(sizer, **named)
    cerebro.addstrategy(
        Caller, decision=strategy, inputs=inputs, start=start, panel=panel, given=options
    )
    (caller,) = cerebro.run()
    return _told(caller, panel, options)


def _told(caller: Caller, panel: Panel, options: Options) -> Outcome:
    """Read the records of a finished run."""
    caller._sync()
    rows = caller.table[: len(caller.rows)]
    statuses = np.array([Kind.Rejected if o is None else o.status for o in caller.made], np.int64)
    rows["reason"][statuses < Kind.Completed] = Reason.END_OF_DATA
    prices = np.array([0.0 if o is None else o.executed.price for o in caller.made], float)
    curves = caller.curves
    curves[:2, 0] = np.where(np.isnan(curves[:2, 0]), options.cash, curves[:2, 0])
    curves[2:, 0] = np.nan_to_num(curves[2:, 0])
    for t in np.flatnonzero(np.isnan(curves[0])):  # no bar of any symbol: nothing happened
        curves[:, t] = curves[:, t - 1]
        curves[3, t] = 0.0
    fills: Records = np.array(caller.fills, FILL)
    events: Records = np.array(caller.events, EVENT)
    found = Simulation.with_curves(curves[0], curves[1], curves[2], curves[3], rows, fills, events)
    return Outcome(found, statuses, prices, -1)
