"""The prices of orders when they are sent: sections 2 and 11 of docs/broker-rules.md."""

from math import floor, isfinite, isnan
from typing import Any

from tradewind.engine.costs import ON_TICK
from tradewind.engine.executors.cerebro_orders import Ticket
from tradewind.engine.intents import LIMIT, STOP, STOP_LIMIT, TRAILING_STOP
from tradewind.engine.types import Intent

WITH_LIMIT = (LIMIT, STOP_LIMIT)
WITH_STOP = (STOP, STOP_LIMIT)


class Prices:
    """Rounds and checks the prices of what is sent at the bar the run has come to."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker

    def close(self, k: int, side: float) -> float:
        """Last close of the ask for ``side`` > 0, else of the bid."""
        quotes = self.broker.quotes
        sign = 1.0 if side > 0.0 else -1.0
        return float(quotes.bar(quotes.last_bar(self.broker.row, k), k, sign).close)

    def _on_tick(self, k: int, side: float, price: float, *, up: bool) -> float:
        """Round an order's price: ``up`` for a buy stop, down for a buy limit; sells mirror."""
        tick = self.broker.quotes.tick(self.broker.row, k)
        if tick <= 0.0 or not isfinite(price):
            return price
        if up == (side > 0.0):
            return float(-floor(-price / tick + ON_TICK) * tick)
        return float(floor(price / tick + ON_TICK) * tick)

    def snap(self, ticket: Ticket) -> None:
        """Put the prices of an order on the tick."""
        k, side = ticket.column, ticket.side
        ticket.limit = self._on_tick(k, side, ticket.limit, up=False)
        ticket.stop = self._on_tick(k, side, ticket.stop, up=True)

    def start_trail(self, ticket: Ticket) -> None:
        """Let a trail start from its side's close."""
        if ticket.kind == TRAILING_STOP:
            close = self.close(ticket.column, ticket.side)
            ticket.stop = close + ticket.side * ticket.distance(close)

    def too_small(self, k: int, units: float) -> bool:
        """Whether units are worth less than the account's minimum."""
        t, quotes = self.broker.row, self.broker.quotes
        close = float(self.broker.market.close[quotes.last_bar(t, k), k])
        value = abs(units) * close * quotes.fx(t, k, at_close=True)
        return bool(value < self.broker.terms.sizing.min_notional)

    def good(self, ticket: Ticket) -> bool:
        """Whether an order has the prices its type needs, no others, and none already passed."""
        kind, side = ticket.kind, ticket.side
        for price, wanted in ((ticket.limit, kind in WITH_LIMIT), (ticket.stop, kind in WITH_STOP)):
            if isnan(price) == wanted or (wanted and not _is_price(price)):
                return False
        if (kind == TRAILING_STOP) != _is_distance(ticket.trail, ticket.trail_fraction):
            return False
        if kind != TRAILING_STOP and not (isnan(ticket.trail) and isnan(ticket.trail_fraction)):
            return False
        close = self.close(ticket.column, side)
        return kind not in WITH_STOP or side * ticket.stop > side * close

    def protects(self, wish: Intent, side: float) -> bool:
        """Whether stop and target of a wish lie on their sides of the entry."""
        stop, trail, fraction = wish.stop_loss, wish.stop_trail, wish.stop_trail_fraction
        own = [price for price in (wish.stop, wish.limit) if not isnan(price)]
        entry = own[0] if own else self.close(wish.symbol, side)
        if not (isnan(trail) and isnan(fraction)):
            if not (isnan(stop) and _is_distance(trail, fraction)):
                return False
        elif not isnan(stop) and not (_is_price(stop) and side * stop < side * entry):
            return False
        goal = wish.take_profit
        return isnan(goal) or (_is_price(goal) and side * goal > side * entry)


def _is_price(price: float) -> bool:
    return isfinite(price) and price > 0.0


def _is_distance(trail: float, fraction: float) -> bool:
    """Whether exactly one of the two is given, and can be followed."""
    if isnan(trail) == isnan(fraction):
        return False
    return _is_price(trail) or (_is_price(fraction) and fraction < 1.0)
