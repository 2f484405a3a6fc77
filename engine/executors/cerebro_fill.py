"""One fill of the second executor: what may be filled, at which price, for which fee."""

from math import inf, isnan, nan
from typing import Any

import numpy as np

from tradewind.engine.costs import affordable_qty, order_fee, raw_fee, tier
from tradewind.engine.executors.cerebro_orders import CLOSING, Ticket
from tradewind.engine.executors.cerebro_quotes import Touch
from tradewind.engine.executors.state import (
    EPS,
    MIN_PART,
    NO_BORROW,
    NO_CASH,
    NO_LEVERAGE,
    NOT_SHORTABLE,
    NOTHING_TO_REDUCE,
    PARTLY,
    REST,
    day_of,
    month_of,
)
from tradewind.engine.series import at
from tradewind.engine.sizing import MIN_QTY, whole_lots


class Till:
    """Where fills are paid: room under the cap, volume used, fees by month."""

    def __init__(self, broker: Any) -> None:
        self.broker, self.terms = broker, broker.terms
        self.used = np.zeros(broker.n_symbols)  # units filled on this bar
        self.month, self.month_value = -1, 0.0
        self.room = nan  # gross exposure that may still be added; NaN until an order adds

    def new_bar(self, t: int) -> None:
        """Nothing is filled yet; a new month begins at the first tier of the fees."""
        self.used[:] = 0.0
        self.room = nan
        month = int(month_of(int(day_of(self.broker.market, t))))
        if month != self.month:
            self.month, self.month_value = month, 0.0

    def exposure(self, *, at_close: bool) -> tuple[float, float]:
        """(equity, gross exposure) at this bar's open or close, the last close without a bar."""
        broker, t = self.broker, self.broker.row
        equity, gross = broker.cash, 0.0
        for k in broker.held():
            value = broker.units(k) * self.mark(t, k, at_close=at_close)
            equity += value
            gross += abs(value)
        return equity, gross

    def mark(self, t: int, k: int, *, at_close: bool) -> float:
        """Price at which column ``k`` counts, account currency."""
        market, quotes = self.broker.market, self.broker.quotes
        price = float((market.close if at_close else market.open)[t, k])
        if isnan(price):
            price = float(market.close[quotes.last_bar(t, k), k])
        return price * quotes.fx(t, k, at_close=at_close)  # type: ignore[no-any-return]

    def count_room(self, *, at_close: bool) -> None:
        """Count the room under the leverage cap anew."""
        equity, gross = self.exposure(at_close=at_close)
        self.room = self.terms.account.max_leverage * equity - gross

    def fill(self, ticket: Ticket, touch: Touch, *, forced: bool = False) -> None:
        """Fill of a ticket what this bar, the position, the cash and the lenders allow."""
        broker, k, side = self.broker, ticket.column, ticket.side
        was = broker.units(k)
        against = max(0.0, -was * side)  # what it can reduce
        wanted = min(ticket.left, against) if ticket.reduce_only else ticket.left
        if ticket.reduce_only and against == 0.0:
            broker.end(ticket, NOTHING_TO_REDUCE)
            return
        units = wanted if forced else self._within_volume(k, wanted)
        closing = min(units, against)
        opening, opened, short = units - closing, 0.0, 0
        if closing > 0.0:
            self._execute(ticket, touch, closing, adds=False)
        if opening >= MIN_QTY:
            opened, short = self._may_open(ticket, touch, opening)
            if opened > 0.0:
                self._execute(ticket, touch, opened, adds=True)
        self.used[k] += closing + opened
        if closing + opened > 0.0:
            broker.settle_groups(ticket, (closing + opened) * side, was)
        if opened > 0.0:
            broker.wake(ticket, opened)
        if short:
            broker.end(ticket, PARTLY if ticket.filled != 0.0 else short)
        broker.complete(ticket)
        if ticket.works and units < wanted and not self.terms.execution.carry:
            broker.end(ticket, REST)

    def _within_volume(self, k: int, units: float) -> float:
        """What participation leaves of ``units``."""
        execution = self.terms.execution
        volume = float(self.broker.market.volume[self.broker.row, k])
        if execution.participation == inf or isnan(volume):
            return units
        most = execution.participation * volume - float(self.used[k])
        if units <= most * (1.0 + EPS):
            return units
        part = float(whole_lots(most, self._lot(k)))
        return part if part >= MIN_QTY else 0.0

    def _lot(self, k: int) -> float:
        return float(at(self.terms.sizing.lot, self.broker.row, k))

    def _may_open(self, ticket: Ticket, touch: Touch, units: float) -> tuple[float, int]:
        """(units of ``units`` that may add exposure, the reason why not all or 0)."""
        broker, terms, k, t = self.broker, self.terms, ticket.column, self.broker.row
        part, short, lot = units, 0, self._lot(k)
        if ticket.side < 0.0:
            if terms.account.cash_only or not terms.account.shortable[k]:
                return 0.0, NOT_SHORTABLE
            lent = float(at(terms.costs.borrowable, t, k)) - max(0.0, -broker.units(k))
            if part > lent * (1.0 + EPS):
                part, short = whole_lots(max(0.0, lent), lot), NO_BORROW
                if part < MIN_QTY:
                    return 0.0, short
        most = self._affordable(ticket, touch, part)
        if part > most * (1.0 + EPS):
            short = NO_LEVERAGE if terms.account.max_leverage > 1.0 else NO_CASH
            fits = 0.0 if terms.account.reject else whole_lots(most, lot)
            part = fits if fits > max(MIN_QTY, MIN_PART * part) else 0.0
        return part, short

    def _affordable(self, ticket: Ticket, touch: Touch, units: float) -> float:
        broker, terms, k, t = self.broker, self.terms, ticket.column, self.broker.row
        fees, fx = terms.costs.fees, broker.quotes.fx(t, k, at_close=touch.phase == CLOSING)
        price = self.price(ticket, touch, units)
        row = tier(fees, self.month_value)
        rate = fees.maker[row] if touch.maker else fees.taker[row]
        if isnan(self.room):
            self.count_room(at_close=touch.phase == CLOSING)
        once = max(max(ticket.raw_fee, fees.minimum) - ticket.fee, 0.0)
        return affordable_qty(
            self.room,
            terms.account.max_leverage,
            touch.mid * fx,
            price * fx,
            rate * price * fx + fees.per_unit[row],
            once,
        )

    def price(self, ticket: Ticket, touch: Touch, units: float) -> float:
        """Price of ``units``, after slippage where the order slips."""
        if not touch.slips:
            return touch.quote
        quotes, t, side = self.broker.quotes, self.broker.row, ticket.side
        price: float = quotes.slipped(t, ticket.column, touch.quote, side, units)
        if side * price > side * touch.worst:
            return touch.worst
        return price

    def _execute(self, ticket: Ticket, touch: Touch, units: float, *, adds: bool) -> None:
        """Fill ``units`` on one side of flat."""
        broker, k, t = self.broker, ticket.column, self.broker.row
        at_close = touch.phase == CLOSING
        fx = broker.quotes.fx(t, k, at_close=at_close)
        price = self.price(ticket, touch, units)
        fee = self._charge(ticket, units, units * price * fx, maker=touch.maker)
        if adds:
            broker.adds[k] += broker.units(k) != 0.0
        self.book(ticket, units, price, fx, fee)
        exposure = units * touch.mid * fx
        costs = units * abs(price - touch.mid) * fx + fee
        self.room -= self.terms.account.max_leverage * costs + (exposure if adds else -exposure)
        ticket.fill_bar, ticket.fill_phase, ticket.fill_price = t, touch.phase, price
        ticket.fill_quote, ticket.came_back = touch.quote, touch.came_back
        prices = (price, touch.mid, touch.quote)
        broker.fills.append((ticket.number, k, t, ticket.side * units, *prices, fee, fx))

    def _charge(self, ticket: Ticket, units: float, value: float, *, maker: bool) -> float:
        """What the fee of the whole order grows by."""
        fees = self.terms.costs.fees
        ticket.raw_fee += float(raw_fee(fees, units, value, maker, self.month_value))
        ticket.value += value
        total = float(order_fee(fees, ticket.raw_fee, ticket.value))
        fee, ticket.fee = total - ticket.fee, total
        self.month_value += value
        return fee

    def book(self, ticket: Ticket, units: float, price: float, fx: float, fee: float) -> None:
        """Have backtrader change cash and position."""
        broker, k, order = self.broker, ticket.column, ticket.sent
        ticket.filled += ticket.side * units
        ticket.left -= units
        broker.allowed = units
        broker.valuations[k].rate, broker.valuations[k].fee = fx, fee
        order.executed.remsize = ticket.side * (units + max(ticket.left, 0.0))
        # backtrader refuses to open a position that takes cash below zero; the cap on exposure is
        # the rule here, so it is lent what it may miss for the length of this one fill. Not more
        # than the fill needs: beside a large credit the cents of a small account are rounded away.
        credit = abs(broker.cash) + 2.0 * units * price * fx + fee
        broker.cash += credit
        broker._execute(order, ago=0, price=price)
        broker.cash -= credit
        rest = broker.units(k)
        if abs(rest) < MIN_QTY:  # noise of the subtraction, which backtrader would go on holding
            broker.positions[order.data].update(-rest, price)
            broker.adds[k] = 0
            broker.holding.discard(k)
        else:
            broker.holding.add(k)
        broker.touched.add(k)
        broker.changed(ticket)
