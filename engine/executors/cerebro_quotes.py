"""What the second executor reads off a bar: each side's prices, and where an order meets them."""

from math import isnan, sqrt
from typing import NamedTuple

from tradewind.engine.costs import against_us, quote_price
from tradewind.engine.executors.cerebro_orders import (
    AGAINST,
    CLOSING,
    FAVOUR,
    OPENING,
    Ticket,
)
from tradewind.engine.executors.state import Market, Terms
from tradewind.engine.intents import LIMIT, MARKET, MARKET_ON_CLOSE, STOP_LIMIT
from tradewind.engine.series import at


class Side(NamedTuple):
    """A bar as one side sees it."""

    open: float
    high: float
    low: float
    close: float


class Touch(NamedTuple):
    """Where a bar meets an order."""

    phase: int
    quote: float  # the side's price before slippage
    mid: float  # without spread
    slips: bool = True
    maker: bool = False
    worst: float = float("nan")  # price that slippage may not pass
    came_back: bool = False


class Quotes:
    """Prices of a market on the terms given."""

    def __init__(self, market: Market, terms: Terms) -> None:
        self.market, self.terms = market, terms

    def trades(self, t: int, k: int) -> bool:
        """Whether anything can fill: a bar in which somebody traded, as far as one knows."""
        return not isnan(self.market.close[t, k]) and self.market.volume[t, k] != 0.0

    def last_bar(self, t: int, k: int) -> int:
        """Row of the last bar up to ``t``; 0 where there was none."""
        while t > 0 and isnan(self.market.close[t, k]):
            t -= 1
        return t

    def half(self, t: int, k: int) -> float:
        """Half the quoted spread, fraction of mid."""
        market = self.market
        if market.quoted:
            ask, bid = float(market.ask.open[t, k]), float(market.bid.open[t, k])
            return (ask - bid) / (ask + bid)
        return float(at(self.terms.costs.half_spread, t, k)) * self.terms.costs.spread_scale

    def bar(self, t: int, k: int, side: float) -> Side:
        """Bar of the ask for a buyer (``side`` 1), of the bid for a seller (-1)."""
        market = self.market
        if market.quoted:
            bars = market.ask if side > 0.0 else market.bid
            return Side(*(float(prices[t, k]) for prices in bars))
        half = self.half(t, k)
        mids = (market.open, market.high, market.low, market.close)
        return Side(*(quote_price(float(prices[t, k]), side, half) for prices in mids))

    def fine(self, row: int, t: int, k: int, side: float) -> Side:
        """Bar ``row`` of the finer ones inside bar ``t``, as one side sees it."""
        path, half = self.market.path, self.half(t, k)
        mids = (path.open, path.high, path.low, path.close)
        return Side(*(quote_price(float(prices[row, k]), side, half) for prices in mids))

    def tick(self, t: int, k: int) -> float:
        """Price grid; 0 = none."""
        return float(at(self.terms.execution.tick, t, k))

    def through(self, t: int, k: int) -> float:
        """Price units by which a limit inside the bar must be passed."""
        return self.terms.execution.through_ticks * self.tick(t, k)

    def slipped(self, t: int, k: int, quote: float, side: float, units: float) -> float:
        """Price after slippage against us, on the tick."""
        costs, volume = self.terms.costs, float(self.market.volume[t, k])
        rate = costs.slippage
        if costs.impact > 0.0 and volume > 0.0:
            rate += costs.impact * sqrt(units / volume)
        price = quote * (1.0 + side * rate) + side * float(at(costs.slippage_fixed, t, k))
        return against_us(price, side, self.tick(t, k))

    def fx(self, t: int, k: int, *, at_close: bool) -> float:
        """Account currency per unit of the column's."""
        if not self.market.foreign:
            return 1.0
        return float(at(self.market.fx_close if at_close else self.market.fx_open, t, k))

    def at_own_price(self, t: int, k: int, side: float, price: float) -> float:
        """Mid of a fill at an order's own price."""
        return price / (1.0 + side * self.half(t, k))

    def at_open(self, t: int, k: int, side: float, *, slips: bool) -> Touch:
        """A fill at the open of bar ``t``."""
        mid = float(self.market.open[t, k])
        return Touch(OPENING, self.bar(t, k, side).open, mid, slips=slips)

    def meet(self, ticket: Ticket, t: int) -> Touch | None:
        """Where bar ``t`` meets an order, None where it does not; marks a stop-limit triggered."""
        k, side = ticket.column, ticket.side
        bar = self.bar(t, k, side)
        if ticket.kind == MARKET:
            return self.at_open(t, k, side, slips=True)
        if ticket.kind == MARKET_ON_CLOSE:
            return Touch(CLOSING, bar.close, float(self.market.close[t, k]))
        if ticket.kind == LIMIT or ticket.triggered:
            return self._limit(ticket, t, bar)
        if side * bar.open >= side * ticket.stop:
            if ticket.kind == STOP_LIMIT:
                ticket.triggered = True
                return self._limit(ticket, t, bar)
            return self.at_open(t, k, side, slips=True)
        if not self.reached(ticket.stop, side, bar):
            return None
        if ticket.kind == STOP_LIMIT:
            ticket.triggered = True
            return self._triggered(ticket, t, bar)
        return Touch(AGAINST, ticket.stop, self.at_own_price(t, k, side, ticket.stop))

    def reached(self, stop: float, side: float, bar: Side) -> bool:
        """Whether a stop's price lies inside the bar, or behind it."""
        return bar.high >= stop if side > 0.0 else bar.low <= stop

    def passed(self, limit: float, side: float, bar: Side, through: float) -> bool:
        """Whether the bar trades far enough through a limit."""
        return bar.low <= limit - through if side > 0.0 else bar.high >= limit + through

    def _limit(self, ticket: Ticket, t: int, bar: Side) -> Touch | None:
        k, side, limit = ticket.column, ticket.side, ticket.limit
        if side * bar.open <= side * limit:
            return self.at_open(t, k, side, slips=False)
        if not self.passed(limit, side, bar, self.through(t, k)):
            return None
        mid = self.at_own_price(t, k, side, limit)
        return Touch(FAVOUR, limit, mid, slips=False, maker=True)

    def _triggered(self, ticket: Ticket, t: int, bar: Side) -> Touch | None:
        """A stop-limit triggered inside its bar."""
        k, side, limit = ticket.column, ticket.side, ticket.limit
        if side * limit >= side * ticket.stop:
            mid = self.at_own_price(t, k, side, ticket.stop)
            return Touch(AGAINST, ticket.stop, mid, worst=limit)
        if side * bar.close > side * limit:
            return None
        mid = self.at_own_price(t, k, side, limit)
        return Touch(AGAINST, limit, mid, slips=False, maker=True, came_back=True)
