"""What happens to the second executor's account without the strategy's doing."""

from typing import Any

import numpy as np

from tradewind.engine.executors.cerebro_orders import Ticket
from tradewind.engine.executors.state import (
    BORROW,
    BY_LIQUIDATION,
    DELISTED,
    DIVIDEND,
    INTEREST,
    LIQUIDATED,
    MARGIN_CALL,
    RECALLED,
    SPLIT,
    calendar_days,
)
from tradewind.engine.series import at
from tradewind.engine.sizing import MIN_QTY


def carry(broker: Any, t: int) -> None:
    """Borrow on what is short at the last close, interest on the cash of the last close."""
    if t == 0:
        return
    costs, days = broker.terms.costs, float(calendar_days(broker.market, t))
    cash = broker.cash
    owed = 0.0
    for k in broker.held():
        short = -broker.units(k)
        if short > 0.0:
            value = short * broker.till.mark(t - 1, k, at_close=True)
            owed += value * float(at(costs.borrow_daily, t, k)) * days
    if owed != 0.0:
        broker.cash -= owed
        broker.happen(-1, BORROW, -owed)
    earned = cash * (costs.debit_daily if cash < 0.0 else costs.credit_daily) * days
    if earned != 0.0:
        broker.cash += earned
        broker.happen(-1, INTEREST, earned)


def corporate_actions(broker: Any, t: int) -> None:
    """Splits and dividends whose ex-date has come, once the symbol has a bar."""
    market, actions = broker.market, broker.market.actions
    if not actions.by_bar:
        return
    for k in range(broker.n_symbols):
        if actions.any[t]:
            ratio, paid = float(at(actions.split, t, k)), float(at(actions.dividend, t, k))
            if ratio != 1.0 or paid != 0.0:
                broker.due[k].append((ratio, paid))
        if broker.due[k] and market.close[t, k] == market.close[t, k]:
            for ratio, paid in broker.due[k]:
                _split(broker, k, ratio)
                _pay(broker, t, k, paid)
            broker.due[k].clear()


def _split(broker: Any, k: int, ratio: float) -> None:
    if ratio == 1.0:
        return
    for ticket in broker.alive:
        if ticket.column == k:
            ticket.split(ratio)
            broker.changed(ticket)
    position = broker.positions[broker.feeds[k]]
    if position.size:
        position.fix(position.size * ratio, position.price / ratio)
        broker.happen(k, SPLIT, ratio)


def _pay(broker: Any, t: int, k: int, per_unit: float) -> None:
    units = broker.units(k)
    if per_unit != 0.0 and units != 0.0:
        amount = units * per_unit * broker.quotes.fx(t, k, at_close=False)
        broker.cash += amount
        broker.happen(k, DIVIDEND, amount)


def recalls(broker: Any, t: int) -> None:
    """Buy back what is short beyond what can be borrowed on this bar."""
    for k in broker.held():
        short = -broker.units(k)
        over = short - float(at(broker.terms.costs.borrowable, t, k))
        if short > 0.0 and over > MIN_QTY and broker.quotes.trades(t, k):
            _force(broker, t, k, min(over, short), RECALLED)


def _force(broker: Any, t: int, k: int, units: float, reason: int) -> None:
    """Trade signed ``units`` at the open, whatever the volume."""
    ticket = broker.accept(Ticket(0, k, t, units, left=abs(units)))
    broker.till.fill(ticket, broker.quotes.at_open(t, k, ticket.side, slips=True), forced=True)
    ticket.reason = reason
    broker.changed(ticket)


def margin_call(broker: Any, t: int) -> None:
    """Close the largest loser, as long as the account is below maintenance at this open."""
    while broker.called and _too_thin(broker, *broker.till.exposure(at_close=False)):
        losses = []
        for k in broker.held():
            if broker.quotes.trades(t, k):
                open_, fx = broker.market.open[t, k], broker.quotes.fx(t, k, at_close=False)
                gain = broker.units(k) * (open_ - broker.entry_price(k)) * fx
                losses.append((float(gain), k))
        if not losses:
            return
        _, worst = min(losses)
        broker.end_all(worst, BY_LIQUIDATION)
        _force(broker, t, worst, -broker.units(worst), LIQUIDATED)
    broker.called = False


def _too_thin(broker: Any, equity: float, gross: float) -> bool:
    return gross > 0.0 and (equity <= 0.0 or equity < broker.terms.account.maintenance * gross)


def margin_check(broker: Any, t: int) -> None:
    """At the close: whether the account is below maintenance."""
    equity, gross = broker.till.exposure(at_close=True)
    if _too_thin(broker, equity, gross):
        broker.called = True
        broker.happen(-1, MARGIN_CALL, equity / gross)


def leave(broker: Any, t: int) -> None:
    """Close what is held of symbols that trade for the last time, without spread or fee."""
    if not broker.market.leaves[t]:
        return
    for k in np.flatnonzero(broker.market.ends == t).tolist():
        broker.end_all(k, DELISTED)
        units = broker.units(k)
        if abs(units) < MIN_QTY:
            continue
        price = float(broker.market.close[t, k]) * (1.0 + broker.terms.account.delisting_return)
        ticket = broker.accept(Ticket(0, k, t, -units, left=abs(units)))
        fx = broker.quotes.fx(t, k, at_close=True)
        broker.till.book(ticket, abs(units), price, fx, 0.0)
        broker.fills.append((ticket.number, k, t, -units, price, price, price, 0.0, fx))
        broker.complete(ticket)
        ticket.reason = DELISTED
        broker.changed(ticket)
