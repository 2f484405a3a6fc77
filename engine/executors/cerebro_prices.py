"""The prices of orders when they are sent: sections 2 and 11 of docs/broker-rules.md."""

from math import copysign, floor, isfinite
from typing import Any

from tradewind.engine.costs import ON_TICK
from tradewind.engine.executors.cerebro_orders import Ticket, is_noise
from tradewind.engine.executors.state import BAD_PRICE, TOO_SMALL
from tradewind.engine.intents import LIMIT, STOP, STOP_LIMIT, TRAILING_STOP

WITH_LIMIT = (LIMIT, STOP_LIMIT)
WITH_STOP = (STOP, STOP_LIMIT)


class Prices:
    """Rounds and checks the prices of what is sent at the bar the run has come to."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker

    def close(self, k: int, side: float) -> float:
        """Last close of the ask for ``side`` > 0, else of the bid."""
        quotes = self.broker.quotes
        last = quotes.last_bar(self.broker.row, k)
        return float(quotes.bar(last, k, copysign(1.0, side)).close)

    def on_tick(self, k: int, side: float, price: float, *, up: bool) -> float:
        """Round an order's price: ``up`` for a buy stop, down for a buy limit; sells mirror."""
        tick = self.broker.quotes.tick(self.broker.row, k)
        if tick <= 0.0 or not isfinite(price):
            return price
        if up == (side > 0.0):
            return float(-floor(-price / tick + ON_TICK) * tick)
        return float(floor(price / tick + ON_TICK) * tick)

    def start_trail(self, ticket: Ticket) -> None:
        """Let a trail start from its side's close."""
        if ticket.kind == TRAILING_STOP:
            close = self.close(ticket.column, ticket.side)
            there = close + ticket.side * ticket.distance(close)
            ticket.stop = self.on_tick(ticket.column, ticket.side, there, up=True)

    def refusal(self, ticket: Ticket, *, adds: bool = False) -> int:
        """Reason why an order is refused when it is sent, 0 where it is not."""
        if not self._priced(ticket):
            return BAD_PRICE
        k, units = ticket.column, ticket.asked
        held = self.broker.units(k)
        closes = not adds and held != 0.0 and is_noise(abs(held + units), held)
        quotes = self.broker.quotes
        close = float(self.broker.market.close[quotes.last_bar(self.broker.row, k), k])
        value = abs(units) * close * quotes.fx(self.broker.row, k, at_close=True)
        return TOO_SMALL if value < self.broker.terms.sizing.min_notional and not closes else 0

    def _priced(self, ticket: Ticket) -> bool:
        """Whether an order has the prices its type needs, and they make sense."""
        side, close = ticket.side, self.close(ticket.column, ticket.side)
        if ticket.kind in WITH_LIMIT and not _is_price(ticket.limit):
            return False
        if ticket.kind in WITH_STOP and not ticket.triggered:
            return _is_price(ticket.stop) and not side * ticket.stop <= side * close
        return ticket.kind != TRAILING_STOP or _is_distance(ticket)

    def wrong_side(self, child: Ticket, entry: float) -> bool:
        """Whether protection does not lie where it protects, seen from the entry's price."""
        if child.kind == TRAILING_STOP:
            return not _is_distance(child)
        price = child.limit if child.kind == LIMIT else child.stop
        beyond = child.side * (price - entry)  # a stop of a long lies below: a sale, price < entry
        return not _is_price(price) or not (beyond < 0.0 if child.kind == LIMIT else beyond > 0.0)


def _is_price(price: float) -> bool:
    return isfinite(price) and price > 0.0


def _is_distance(ticket: Ticket) -> bool:
    if ticket.trail == ticket.trail:
        return _is_price(ticket.trail)
    return _is_price(ticket.trail_fraction) and ticket.trail_fraction < 1.0
