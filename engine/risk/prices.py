"""Whether the prices of an order can be meant."""

from math import inf

from tradewind.engine.risk.facts import Asked
from tradewind.engine.types import OrderType

EPS = 1e-9
WITH_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT)
WITH_STOP = (OrderType.STOP, OrderType.STOP_LIMIT)


def malformed(order: Asked, n_symbols: int) -> str:
    """What no order can have, in a few words; empty where everything is there."""
    if not 0 <= order.symbol < n_symbols:
        return f"column {order.symbol} is none of the {n_symbols} symbols"
    if not 0.0 < abs(order.qty) < inf:
        return f"{order.qty:g} units cannot be traded"
    for what, price, wanted in (
        ("limit", order.limit, order.order_type in WITH_LIMIT),
        ("stop", order.stop, order.order_type in WITH_STOP),
    ):
        if (wanted or price == price) and not 0.0 < price < inf:
            return f"its {what} is {price:g}, and a price above 0 is wanted"
    return ""


def beyond(order: Asked, quote: float, collar: float, *, rests: bool) -> str:
    """Which price of an order lies too far from the market, in a few words; empty: none.

    Of an order that only takes, a price is refused on the one side where it would trade at once:
    a stop or a target far away may rest there.

    Parameters
    ----------
    order : Asked
    quote : float
        Last price, or for the child of an entry the entry's own price.
    collar : float
        Fraction of ``quote``.
    rests : bool
        Whether it only takes, and so may rest where it does not trade at once.
    """
    if not 0.0 < quote < inf:
        return ""
    buys, stop, limit = order.qty > 0.0, order.stop, order.limit
    if stop == stop:
        far = stop / quote - 1.0
        at_once = far < 0.0 if buys else far > 0.0
        if abs(far) > collar * (1.0 + EPS) and (at_once or not rests):
            return _said("stop", stop, far, quote, collar)
        if rests and order.order_type == OrderType.STOP_LIMIT:
            quote = stop  # it comes to the market there
    if limit == limit:
        far = limit / quote - 1.0
        at_once = far > 0.0 if buys else far < 0.0
        if abs(far) > collar * (1.0 + EPS) and (at_once or not rests):
            return _said("limit", limit, far, quote, collar)
    return ""


def _said(what: str, price: float, far: float, quote: float, collar: float) -> str:
    side = "above" if far > 0.0 else "below"
    return f"its {what} {price:g} lies {abs(far):.1%} {side} {quote:g}, {collar:.1%} is allowed"


def entry_price(entry: Asked, quote: float) -> float:
    """Where an entry comes to the market, from which its children are measured."""
    if entry.stop == entry.stop:
        return entry.stop
    return entry.limit if entry.limit == entry.limit else quote
