"""backtrader's Cerebro as the second executor of docs/broker-rules.md.

Only this module, :mod:`cerebro_feed` and :mod:`cerebro_broker` import backtrader. What is shared
with the compiled simulator is what neither can get wrong alone: formulas of costs and sizing. How
orders are made, matched, paid and ended is written twice, so that each checks the other.
"""

from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.books.fill_checks import Rules
from tradewind.engine.books.ledger import fold
from tradewind.engine.executors.asking import wishes_of
from tradewind.engine.executors.cerebro_broker import RuleBroker
from tradewind.engine.executors.cerebro_entry import Entry
from tradewind.engine.executors.cerebro_feed import CLOCK, MarketFeed
from tradewind.engine.executors.cerebro_orders import Ticket
from tradewind.engine.executors.state import Market, Terms, market_of
from tradewind.engine.protocols import Book, Strategy, View
from tradewind.engine.records import EVENT, FILL, ORDER, Panel, Simulation


class BookPages:
    """What a strategy may read of the account, kept as the arrays of :class:`Book`."""

    def __init__(self, broker: RuleBroker, n_memory: int) -> None:
        self.broker = broker
        self.rows = np.zeros(64, ORDER)
        n = broker.n_symbols
        self.book = Book(
            np.zeros(n),
            np.zeros(1),
            np.zeros(n),
            self.rows,
            np.zeros(64, np.int64),
            np.zeros(1, np.int64),
            np.zeros((n, n_memory)),
        )
        broker.changed = self.write

    def write(self, ticket: Ticket) -> None:
        """Enter what an order has become."""
        if ticket.number >= len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[ticket.number] = ticket.row()

    def turn(self, equity: float) -> Book:
        """Bring the book up to the close of the bar."""
        broker, book = self.broker, self.book
        for k in broker.touched:
            book.qty[k] = broker.units(k)
            book.entry[k] = broker.entry_price(k)
        book.equity[0] = equity
        working = np.array([o.number for o in broker.alive if o.awake], np.int64)
        room = np.zeros(max(64, 2 * len(working)), np.int64)
        room[: len(working)] = working
        book.n_working[0] = len(working)
        self.book = book._replace(orders=self.rows, working=room)
        return self.book


class Decider(bt.Strategy):  # type: ignore[misc]
    """Asks a tradewind strategy at every bar and sends what it wishes."""

    params = (("decision", None), ("inputs", None), ("start", 0), ("memory", 0))

    def start(self) -> None:
        """Prepare what is recorded."""
        broker = self.broker
        broker.start_feeds(self, self.datas)
        self.pages = BookPages(broker, self.p.memory)
        self.entry = Entry(broker, type(self.p.decision).__name__)
        self.worth = np.zeros(broker.n_bars)

    def prenext(self) -> None:
        """Do not wait for symbols that are listed later."""
        self.next()

    def next(self) -> None:
        """Mark, decide, send."""
        broker = self.broker
        t, equity = broker.row, float(broker.getvalue())
        self.worth[t] = equity
        if t >= self.p.start:
            self.entry.desk.peak = max(self.entry.desk.peak, equity)
            view = View(t, self.p.inputs, self.pages.turn(equity))
            self.entry.heed(t, equity, wishes_of(self.p.decision, view))


def simulate(
    strategy: Strategy,
    inputs: Any,
    panel: Panel,
    terms: Terms,
    *,
    start: int,
    market: Market | None = None,
) -> Simulation:
    """Run one strategy in Cerebro; arguments and result as in the reference simulator.

    Raises
    ------
    StrategyError
        If the strategy asks for something impossible.
    InvariantError
        If backtrader's account value is not what its fills and events come to, or a fill lies
        where it may not.
    """
    market = market_of(panel) if market is None else market
    cerebro = bt.Cerebro(stdstats=False, runonce=False, preload=True)
    broker = RuleBroker()
    broker.equip(market, terms)
    cerebro.setbroker(broker)
    for k in (*range(panel.n_symbols), CLOCK):
        cerebro.adddata(MarketFeed(market=market, column=k), name=str(k))
    memory = int(getattr(strategy, "memory", 0))
    cerebro.addstrategy(Decider, decision=strategy, inputs=inputs, start=start, memory=memory)
    (decider,) = cerebro.run()
    broker.finish()
    return fold(
        panel,
        terms.account.cash,
        decider.worth,
        np.array([ticket.row() for ticket in broker.tickets], ORDER),
        np.array(broker.fills, FILL),
        np.array(broker.events, EVENT),
        fx=market.fx_close if market.foreign else None,
        rules=Rules(terms.costs, terms.execution.tick, terms.account.cash_only),
    )
