"""backtrader's Cerebro as the second executor; the only file that imports backtrader.

Orders, matching queue, position arithmetic, cash and account value are backtrader's own. Where its
broker has no rule for something tradewind promises, :class:`RuleBroker` adds that one thing:
the spread on the side traded, slippage that a narrow bar does not hide, the leverage cap at the
fill, borrow, and symbols that stop trading. Sizing is shared with the reference simulator; how
orders are made from it and how they are filled is not, so that each checks the other.
"""

from collections.abc import Sequence
from math import isfinite, isnan, nan
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.costs import affordable_qty, quote_price, slipped_price
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.entry import asked_qty
from tradewind.engine.executors.state import EPS, MIN_PART, Market, Terms, calendar_days, market_of
from tradewind.engine.ledger import fold
from tradewind.engine.protocols import Book, Strategy, View
from tradewind.engine.records import FIELDS, FILL, ORDER, Panel, Simulation
from tradewind.engine.sizing import MIN_QTY, whole_lots
from tradewind.engine.types import Intent, Reason

FIRST_DAY = 730_000.0  # of the run's own calendar: any day number backtrader can turn into a date
CLOCK = -1  # the feed that ticks at every row, so that no row is skipped


class PanelFeed(bt.feed.DataBase):  # type: ignore[misc]
    """One column of a panel; rows without a bar are left out, as an exchange would."""

    lines = ("bar",)  # row of the panel, so that a bar is found again without its time
    params = (("panel", None), ("column", CLOCK))

    def start(self) -> None:
        """Find the rows that have a bar."""
        super().start()
        panel, k = self.p.panel, self.p.column
        alive = np.ones(panel.n_bars, bool) if k == CLOCK else ~np.isnan(panel.close[:, k])
        self.rows = iter(np.flatnonzero(alive))

    def _load(self) -> bool:
        t = next(self.rows, None)
        if t is None:
            return False
        panel, k = self.p.panel, self.p.column
        lines: Any = self.lines
        # Only the order of times matters here; bars are told apart by their row.
        lines.datetime[0] = FIRST_DAY + float(t)
        lines.bar[0] = float(t)
        for name in FIELDS:
            getattr(lines, name)[0] = 1.0 if k == CLOCK else getattr(panel, name)[t, k]
        lines.openinterest[0] = 0.0
        return True


class RuleBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """backtrader's broker with the rules of docs/broker-rules.md it has no setting for."""

    params = (("checksubmit", False),)  # a rejected order would poison its whole batch (7.3)

    def equip(self, panel: Panel, market: Market, terms: Terms) -> None:
        """Hand over the market and the terms; called once before the run."""
        self.panel, self.market, self.terms = panel, market, terms
        self.set_cash(terms.account.cash)
        self.addcommissioninfo(
            bt.CommInfoBase(
                commission=terms.costs.fee,
                commtype=bt.CommInfoBase.COMM_PERC,
                percabs=True,
                stocklike=True,
            )
        )
        self.allowed = 0.0  # units the next fill may have, asked for by backtrader's own hook
        self.p.filler = lambda order, price, ago: self.allowed
        self.borrow = np.zeros(panel.n_bars)
        self.orders: list[list[Any]] = []
        self.fills: list[tuple[Any, ...]] = []
        self.made: dict[int, int] = {}

    def start_feeds(self, feeds: Sequence[Any]) -> None:
        """Learn which feed is which column; the last one is the clock."""
        self.clock, self.feeds = feeds[-1], list(feeds[:-1])
        self.columns = {id(feed): k for k, feed in enumerate(self.feeds)}

    @property
    def row(self) -> int:
        """Row of the panel the run has come to."""
        return int(self.clock.bar[0])

    def units(self, k: int) -> float:
        """Signed units held of column ``k``."""
        position = self.positions.get(self.feeds[k])
        return float(position.size) if position else 0.0

    def next(self) -> None:
        """One bar: borrow, then backtrader's own walk over the orders, then who leaves."""
        self.room = nan
        self._charge_borrow()
        super().next()
        self._leave()

    def _charge_borrow(self) -> None:
        t = self.row
        if t == 0:
            return
        short = 0.0
        for k, feed in enumerate(self.feeds):
            if self.units(k) < 0.0:
                fresh = int(feed.bar[0]) == t
                short -= self.units(k) * (feed.close[-1] if fresh else feed.close[0])
        days = calendar_days(self.market, t)
        self.borrow[t] = short * self.terms.costs.borrow_daily * days
        self.cash -= self.borrow[t]

    def _try_exec_market(self, order: Any, popen: float, phigh: float, plow: float) -> None:
        feed = order.data
        k = self.columns[id(feed)]
        if int(feed.bar[0]) != self.row or feed.volume[0] == 0.0:
            return
        side = 1.0 if order.isbuy() else -1.0
        quote = quote_price(popen, side, self.terms.costs.half_spread)
        price = slipped_price(quote, side, self.terms.costs.slippage)
        wanted = abs(order.executed.remsize)
        self.allowed = wanted
        adds = self.units(k) * side >= 0.0
        if adds:
            self.allowed = self._affordable(wanted, popen, price)
        if self.allowed > MIN_QTY:
            self._fill(order, k, price, (popen, quote))
        if isfinite(self.room):
            cap, size = self.terms.account.max_leverage, abs(order.executed.size)
            self.room -= cap * (size * abs(price - popen) + order.executed.comm)
            self.room -= size * popen if adds else -size * popen
        if order.alive():
            short = Reason.REJECTED_LEVERAGE
            if self.terms.account.max_leverage <= 1.0:
                short = Reason.REJECTED_CASH
            partly = order.executed.size != 0.0
            self.end(order, Reason.PARTLY_FILLED if partly else short)
            order.cancel()

    def _affordable(self, wanted: float, mid: float, price: float) -> float:
        """Units of ``wanted`` that the leverage cap leaves room for."""
        cap, costs = self.terms.account.max_leverage, self.terms.costs
        if not isfinite(self.room):
            self.room = cap * self.cash
            for k, feed in enumerate(self.feeds):
                if self.units(k) != 0.0:
                    opened = int(feed.bar[0]) == self.row
                    units, mark = self.units(k), feed.open[0] if opened else feed.close[0]
                    self.room += cap * units * mark - abs(units) * mark
        most = affordable_qty(self.room, cap, mid, price, costs.fee)
        if wanted <= most * (1.0 + EPS):
            return wanted
        part = 0.0 if self.terms.account.reject else whole_lots(most, self.terms.sizing.lot)
        return part if part > MIN_PART * wanted else 0.0

    def _fill(self, order: Any, k: int, price: float, quotes: tuple[float, float]) -> None:
        # backtrader refuses to open a position that takes cash below zero; the cap above is the
        # rule here, so it is lent what it may miss for the length of this one fill. Not more than
        # the fill needs: beside a large credit the cents of a small account are rounded away.
        credit = abs(self.cash) + 2.0 * self.allowed * price
        self.cash += credit
        self._execute(order, ago=0, price=price)
        self.cash -= credit
        done = order.executed.exbits[-1]
        rest = self.units(k)
        if abs(rest) < MIN_QTY:  # noise of the subtraction, which backtrader would go on holding
            self.positions[order.data].update(-rest, price)
        fee = done.closedcomm + done.openedcomm
        number = self.made[order.ref]
        self.fills.append((number, k, self.row, done.size, done.price, *quotes, fee))
        self.orders[number][-1] = done.size
        self.end(order, Reason.FILLED)

    def _leave(self) -> None:
        t = self.row
        leaving = [k for k in range(len(self.feeds)) if self.market.ends[k] == t]
        for order in [o for o in self.pending if self.columns[id(o.data)] in leaving]:
            self.end(order, Reason.DELISTED)
            self.cancel(order)
        for k in leaving:
            units = self.units(k)
            if units == 0.0:
                continue
            feed = self.feeds[k]
            price = feed.close[0] * (1.0 + self.terms.account.delisting_return)
            number = self.note(k, t, -units, Reason.DELISTED)
            self.cash += units * price
            self.positions[feed].update(-units, price)
            self.orders[number][-1] = -units
            self.fills.append((number, k, t, -units, price, price, price, 0.0))
        if leaving:
            self._get_value()  # backtrader keeps the value it found before they left

    def note(self, k: int, t: int, qty: float, reason: Reason) -> int:
        """Write an order down; returns its number."""
        number = len(self.orders)
        self.orders.append([number, k, t, qty, 0, int(reason), 0.0])
        return number

    def end(self, order: Any, reason: Reason) -> None:
        """Say why an order ended."""
        self.orders[self.made[order.ref]][-2] = int(reason)


class Decider(bt.Strategy):  # type: ignore[misc]
    """Asks a tradewind strategy at every bar and turns what it wants into backtrader orders."""

    params = (("decision", None), ("inputs", None), ("start", 0))

    def start(self) -> None:
        """Prepare what is recorded."""
        self.broker.start_feeds(self.datas)
        self.worth = np.empty(self.broker.panel.n_bars)
        self.qty = np.zeros(self.broker.panel.n_symbols)

    def prenext(self) -> None:
        """Do not wait for symbols that are listed later."""
        self.next()

    def next(self) -> None:
        """Mark, decide, send."""
        t = self.broker.row
        self.worth[t] = self.broker.getvalue()
        if t < self.p.start:
            return
        for k in range(len(self.qty)):
            self.qty[k] = self.broker.units(k)
        book = Book(self.qty, self.worth[t : t + 1])
        self._send(t, list(self.p.decision.decide(View(t, self.p.inputs, book))))

    def _send(self, t: int, wishes: list[Intent]) -> None:
        aims = [(wish.symbol, self._aim(t, wish, wishes)) for wish in wishes]
        for k, aim in aims:  # what lowers exposure first: it frees cash
            now = self.qty[k]
            if now != 0.0 and now * aim <= 0.0:
                self._order(t, k, -now, closes=True)
            elif now != 0.0:
                self._order(t, k, min(0.0, abs(aim) - abs(now)) * np.sign(now))
        for k, aim in aims:
            now = self.qty[k]
            crosses = now * aim <= 0.0
            self._order(t, k, aim if crosses else max(0.0, abs(aim) - abs(now)) * np.sign(now))

    def _aim(self, t: int, wish: Intent, wishes: list[Intent]) -> float:
        """Units wished for; an intent nobody can act on leaves a rejected order and no change."""
        k, broker = wish.symbol, self.broker
        twice = sum(other.symbol == k for other in wishes) > 1
        if twice or not (0 <= k < len(self.qty)) or not isfinite(wish.weight):
            raise StrategyError(
                f"{type(self.p.decision).__name__}: at bar {t} the strategy asked for "
                f"{wish.weight} of column {k}{' twice' if twice else ''}; wanted one finite weight "
                f"for each of the columns 0 to {len(self.qty) - 1}"
            )
        prices = (wish.limit, wish.stop, wish.trail, wish.take_profit)
        if wish.order_type or wish.expiry_bars or not all(isnan(price) for price in prices):
            raise StrategyError(
                f"{type(self.p.decision).__name__}: at bar {t} the strategy asked for more than a "
                f"market order of column {k}; limit, stop, trail, take_profit and expiry_bars are "
                "not filled yet: leave them out, or they would be ignored"
            )
        for order in [o for o in broker.pending if broker.columns[id(o.data)] == k]:
            broker.end(order, Reason.CANCELLED_REBALANCE)
            broker.cancel(order)
        gone = 0 <= broker.market.ends[k] <= t
        aim = asked_qty(broker.market, broker.terms, float(self.worth[t]), t, k, wish.weight)
        if wish.weight != 0.0 and (gone or not isfinite(aim)):
            broker.note(k, t, 0.0, Reason.DELISTED if gone else Reason.REJECTED_SIZING)
            return float(self.qty[k])
        return float(aim)

    def _order(self, t: int, k: int, size: float, *, closes: bool = False) -> None:
        if abs(size) < max(MIN_QTY, EPS * abs(self.qty[k])):
            return
        broker, feed = self.broker, self.datas[k]
        small = abs(size) * feed.close[0] < broker.terms.sizing.min_notional
        if small and not closes:
            broker.note(k, t, size, Reason.REJECTED_MINIMUM)
            return
        number = broker.note(k, t, size, Reason.WORKING)
        send = self.buy if size > 0 else self.sell
        broker.made[send(data=feed, size=abs(size)).ref] = number


def simulate(
    strategy: Strategy, inputs: Any, panel: Panel, terms: Terms, *, start: int
) -> Simulation:
    """Run one strategy in Cerebro; arguments and result as in the reference simulator.

    Raises
    ------
    StrategyError
        If the strategy asks for something impossible.
    InvariantError
        If backtrader's account value is not what its fills come to.
    """
    cerebro = bt.Cerebro(stdstats=False, runonce=False, preload=True)
    broker = RuleBroker()
    broker.equip(panel, market_of(panel), terms)
    cerebro.setbroker(broker)
    for k in (*range(panel.n_symbols), CLOCK):
        cerebro.adddata(PanelFeed(panel=panel, column=k))
    cerebro.addstrategy(Decider, decision=strategy, inputs=inputs, start=start)
    (decider,) = cerebro.run()
    for order in broker.pending:
        broker.end(order, Reason.END_OF_DATA)
    orders = np.array([tuple(row) for row in broker.orders], ORDER)
    fills = np.array(broker.fills, FILL)
    return fold(panel, terms.account.cash, decider.worth, broker.borrow, orders, fills)
