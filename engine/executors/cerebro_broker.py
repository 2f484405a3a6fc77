"""backtrader's broker walking a bar in the phases of docs/broker-rules.md.

Order objects, the queue of what is pending, position arithmetic, cash and account value are
backtrader's own; what it has no rule for is added here and in the modules beside this one.
"""

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.executors import cerebro_account as account
from tradewind.engine.executors import cerebro_protection as protection
from tradewind.engine.executors.cerebro_feed import Valuation
from tradewind.engine.executors.cerebro_fill import Till
from tradewind.engine.executors.cerebro_orders import (
    AGAINST,
    CLOSING,
    FAVOUR,
    OPENING,
    Ticket,
    is_noise,
)
from tradewind.engine.executors.cerebro_quotes import Quotes, Touch
from tradewind.engine.executors.state import (
    BY_BRACKET,
    BY_OCO,
    EXPIRED,
    FILLED,
    OVER,
    REST,
    Market,
    Terms,
    day_of,
)
from tradewind.engine.intents import (
    BARS,
    DAY,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
)
from tradewind.engine.sizing import MIN_QTY

EXECTYPES = {
    MARKET: bt.Order.Market,
    LIMIT: bt.Order.Limit,
    STOP: bt.Order.Stop,
    STOP_LIMIT: bt.Order.StopLimit,
    TRAILING_STOP: bt.Order.StopTrail,
    MARKET_ON_CLOSE: bt.Order.Close,
}


class RuleBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """backtrader's broker with the rules it has no setting for."""

    params = (("checksubmit", False),)  # a rejected order would poison its whole batch

    def equip(self, market: Market, terms: Terms) -> None:
        """Hand over the market and the terms; called once before the run."""
        self.market, self.terms = market, terms
        self.quotes = Quotes(market, terms)
        self.n_bars, self.n_symbols = market.close.shape
        self.set_cash(terms.account.cash)
        self.valuations = [Valuation() for _ in range(self.n_symbols)]
        self.comminfo.update({str(k): each for k, each in enumerate(self.valuations)})
        self.allowed = 0.0  # units the next fill may have, asked for by backtrader's own hook
        self.p.filler = lambda order, price, ago: self.allowed
        self.till = Till(self)
        self.tickets: list[Ticket] = []
        self.fills: list[tuple[Any, ...]] = []
        self.events: list[tuple[int, int, int, float]] = []
        self.alive: list[Ticket] = []  # oldest first, sleeping children included
        self.adds = np.zeros(self.n_symbols, np.int64)
        self.holding: set[int] = set()  # columns with a position
        self.touched: set[int] = set()  # columns that ever had one
        self.entered: list[Ticket] = []  # entries that opened something on this bar, as they filled
        self.called = False  # a margin call stands
        self.changed: Callable[[Ticket], None] = lambda ticket: None
        self.due: list[list[tuple[float, float]]] = [[] for _ in range(self.n_symbols)]

    def start_feeds(self, owner: Any, feeds: Sequence[Any]) -> None:
        """Learn whose orders these are, and which feed is which column; the last is the clock."""
        self.owner = owner
        self.clock, self.feeds = feeds[-1], list(feeds[:-1])

    @property
    def row(self) -> int:
        """Row of the market the run has come to."""
        return int(self.clock.bar[0])

    def units(self, k: int) -> float:
        """Signed units held of column ``k``."""
        return float(self.positions[self.feeds[k]].size)

    def entry_price(self, k: int) -> float:
        """Average price of what is held, the column's currency."""
        return float(self.positions[self.feeds[k]].price)

    def held(self) -> list[int]:
        """Columns with a position, in order."""
        return sorted(self.holding)

    def happen(self, k: int, kind: int, amount: float) -> None:
        """Write an event of this bar down."""
        self.events.append((self.row, k, kind, amount))

    # -- a bar ---------------------------------------------------------------------------------

    def next(self) -> None:
        """One bar, in the order of the page; the decision is the strategy's."""
        t = self.row
        self.till.new_bar(t)
        self.entered.clear()
        account.carry(self, t)
        account.corporate_actions(self, t)
        self._expire(t)
        account.recalls(self, t)
        account.margin_call(self, t)
        plan = self._at_open(t)
        for phase in (AGAINST, FAVOUR):
            self._phase(plan, phase, t)
        protection.children(self, t)
        self.till.room = nan  # counted anew at the close
        self._phase(plan, CLOSING, t)
        protection.children(self, t)
        self._end_of_bar(t)
        account.leave(self, t)
        self._get_value()
        self._move_trails(t)
        account.margin_check(self, t)

    def _get_value(self, datas: Any = None, lever: bool = False) -> Any:
        """Backtrader's sum over positions, at this bar's rates of exchange."""
        if hasattr(self, "clock"):
            for k in self.touched:
                self.valuations[k].rate = self.quotes.fx(self.row, k, at_close=True)
        return super()._get_value(datas, lever)

    def _expire(self, t: int) -> None:
        market = self.market
        for ticket in list(self.alive):
            age = t - ticket.bar
            if ticket.tif == DAY:
                over = age > 1 and day_of(market, t) > day_of(market, ticket.bar + 1)
            elif ticket.tif == BARS:
                over = age > ticket.until
            else:
                over = ticket.tif == GTD and int(market.ts[t]) > ticket.until
            if over and ticket.works:
                self.end(ticket, EXPIRED)

    def _at_open(self, t: int) -> list[tuple[Ticket, Touch]]:
        """Fill what the open satisfies; returns what meets the bar later, oldest first.

        Children that wake on this bar are not among them: they have a phase of their own.
        """
        plan = []
        for ticket in [other for other in self.alive if other.awake]:
            if not ticket.works or not self.quotes.trades(t, ticket.column):
                continue
            touch = self.quotes.meet(ticket, t)
            if touch is not None and touch.phase == OPENING:
                self.till.fill(ticket, touch)
            elif touch is not None:
                plan.append((ticket, touch))
        return plan

    def _phase(self, plan: list[tuple[Ticket, Touch]], phase: int, t: int) -> None:
        deferred = []
        for ticket, touch in plan:
            if not ticket.works or touch.phase != phase:
                continue
            if phase == AGAINST and protection.yields(self, plan, ticket, touch, t):
                deferred.append((ticket, touch))
                continue
            self.till.fill(ticket, touch)
        for ticket, touch in deferred:
            plan.append((ticket, touch._replace(phase=FAVOUR)))  # after the targets it let pass

    def _end_of_bar(self, t: int) -> None:
        for ticket in list(self.alive):
            first_look = ticket.tif == IOC and self.quotes.trades(t, ticket.column)
            if first_look and ticket.works and ticket.awake:
                self.end(ticket, REST)

    def _move_trails(self, t: int) -> None:
        for ticket in self.alive:
            k = ticket.column
            if ticket.kind == TRAILING_STOP and ticket.awake and self.quotes.trades(t, k):
                ticket.follow(self.quotes.bar(t, k, ticket.side).close)
                self.changed(ticket)

    # -- orders --------------------------------------------------------------------------------

    def note(self, ticket: Ticket) -> Ticket:
        """Write a ticket down as it is; its number is its place."""
        ticket.number = len(self.tickets)
        self.tickets.append(ticket)
        self.changed(ticket)
        return ticket

    def accept(self, ticket: Ticket) -> Ticket:
        """Write a ticket down and let it work; a child that sleeps is sent when it wakes."""
        self.alive.append(self.note(ticket))
        if ticket.awake:
            self.send(ticket)
        return ticket

    def send(self, ticket: Ticket) -> None:
        """Give a ticket its order at backtrader."""
        send = self.owner.buy if ticket.side > 0.0 else self.owner.sell
        ticket.sent = send(
            data=self.feeds[ticket.column],
            size=ticket.left,
            exectype=EXECTYPES[ticket.kind],
            price=None if np.isnan(ticket.stop) else ticket.stop,
            plimit=None if np.isnan(ticket.limit) else ticket.limit,
        )

    def end(self, ticket: Ticket, reason: int) -> None:
        """End an order; what sleeps, waiting for it to open something, ends with it."""
        ticket.reason = reason
        self.alive = [other for other in self.alive if other is not ticket]
        if ticket.sent is not None and ticket.sent.alive():
            self.cancel(ticket.sent)
        self.changed(ticket)
        for child in ticket.children:
            if child.works and not child.awake:
                self.end(child, BY_BRACKET)

    def end_all(self, k: int, reason: int) -> None:
        """End everything that is on the market for column ``k``."""
        for ticket in [other for other in self.alive if other.column == k and other.awake]:
            self.end(ticket, reason)

    def finish(self) -> None:
        """No bar follows."""
        for ticket in [other for other in self.alive if other.awake]:
            self.end(ticket, OVER)

    def _ococheck(self, order: Any) -> None:
        """Groups are ended by :meth:`settle_groups`, on fills alone."""

    def settle_groups(self, ticket: Ticket, done: float, was: float) -> None:
        """After ``done`` signed units of a ticket were filled: its group, bracket and position.

        ``was`` is what was held before.
        """
        for other in list(self.alive):
            if ticket.oco > 0 and other.oco == ticket.oco and other is not ticket and other.works:
                self.end(other, BY_OCO)
        if was != 0.0 and was * self.units(ticket.column) <= 0.0:
            for other in [o for o in self.alive if o.column == ticket.column]:
                if other.protects and other.awake and other.works and other is not ticket:
                    self.end(other, BY_BRACKET)
        if ticket.protects:
            self._settle_bracket(ticket, abs(done))

    def _settle_bracket(self, child: Ticket, units: float) -> None:
        entry = self.tickets[child.parent]
        if entry.works and not entry.protects:
            self.end(entry, BY_BRACKET)
        sibling = child.sibling
        if sibling is not None and sibling.works:
            sibling.left -= units
            sibling.asked = sibling.filled + sibling.side * sibling.left
            self.changed(sibling)
            if sibling.left < MIN_QTY:
                self.end(sibling, BY_BRACKET)

    def wake(self, entry: Ticket, units: float) -> None:
        """Let the children of an entry protect ``units`` more of what it has opened."""
        sleeping = [child for child in entry.children if child.works and not child.awake]
        if sleeping:
            self.entered.append(entry)
        for child in [child for child in entry.children if child.works]:
            child.left = units if child in sleeping else child.left + units
            child.asked = child.filled + child.side * child.left
            if child in sleeping:
                child.awake, child.woken = True, self.row
                self.send(child)
            self.changed(child)

    def complete(self, ticket: Ticket) -> None:
        """End an order as filled of which nothing is left, or nothing that it could reduce."""
        gone = ticket.reduce_only and self.units(ticket.column) == 0.0
        if ticket.works and (gone or is_noise(ticket.left, ticket.asked)):
            self.end(ticket, FILLED)
