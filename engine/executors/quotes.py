"""What a buyer and a seller see of a bar: section 2 of docs/broker-rules.md, compiled."""

from math import sqrt
from typing import Any

from tradewind.engine.compiling import inlined
from tradewind.engine.costs import against_us
from tradewind.engine.executors.state import Market, Terms, last_price
from tradewind.engine.series import at


@inlined
def half_spread(market: Market, terms: Terms, t: int, k: int) -> Any:
    """Half the quoted spread as a fraction of mid; of bid and ask bars that at the open."""
    if market.quoted:
        ask, bid = market.ask.open[t, k], market.bid.open[t, k]
        return (ask - bid) / (ask + bid)
    return at(terms.costs.half_spread, t, k) * terms.costs.spread_scale


@inlined
def open_of(market: Market, terms: Terms, t: int, k: int, side: float) -> Any:
    """Open of the ask for ``side`` +1, of the bid for -1."""
    if market.quoted:
        return market.ask.open[t, k] if side > 0.0 else market.bid.open[t, k]
    return market.open[t, k] * (1.0 + side * half_spread(market, terms, t, k))


@inlined
def high_of(market: Market, terms: Terms, t: int, k: int, side: float) -> Any:
    """High of the side's bar."""
    if market.quoted:
        return market.ask.high[t, k] if side > 0.0 else market.bid.high[t, k]
    return market.high[t, k] * (1.0 + side * half_spread(market, terms, t, k))


@inlined
def low_of(market: Market, terms: Terms, t: int, k: int, side: float) -> Any:
    """Low of the side's bar."""
    if market.quoted:
        return market.ask.low[t, k] if side > 0.0 else market.bid.low[t, k]
    return market.low[t, k] * (1.0 + side * half_spread(market, terms, t, k))


def close_of(market: Market, terms: Terms, t: int, k: int, side: float) -> Any:
    """Close of the side's bar; the last one known where the symbol has no bar."""
    if market.quoted:
        return last_price(market.ask.close if side > 0.0 else market.bid.close, t, k)
    back = t
    while back > 0 and market.close[back, k] != market.close[back, k]:
        back -= 1
    return market.close[back, k] * (1.0 + side * half_spread(market, terms, back, k))


def tradable(market: Market, t: int, k: int) -> Any:
    """Whether the symbol has a bar in which somebody traded; an unknown volume does not bar."""
    return market.open[t, k] == market.open[t, k] and market.volume[t, k] != 0.0


def slipped(
    market: Market, terms: Terms, t: int, k: int, quote: float, side: float, units: float
) -> Any:
    """Price of ``units`` (unsigned) after slippage against us, on the symbol's tick."""
    costs = terms.costs
    rate = costs.slippage
    volume = market.volume[t, k]
    if costs.impact > 0.0 and volume > 0.0:
        rate += costs.impact * sqrt(units / volume)
    price = quote * (1.0 + side * rate) + side * at(costs.slippage_fixed, t, k)
    return against_us(price, side, at(terms.execution.tick, t, k))


@inlined
def rate_of(market: Market, t: int, k: int, at_close: bool) -> Any:
    """Account currency per unit of the symbol's."""
    if market.foreign == 0:
        return 1.0
    return at(market.fx_close, t, k) if at_close else at(market.fx_open, t, k)
