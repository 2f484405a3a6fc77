"""Orders as Alpaca writes them, in both directions, and which of ours it cannot have.

A target and its stop are one order of class ``oco`` there: the target bears our id, and the stop,
a leg of it, one that the server makes up. Here each has our own name for it.
"""

from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from math import isnan, nan
from typing import Any

from tradewind.engine.streams.alpaca_client import named
from tradewind.engine.types import OrderType, TimeInForce
from tradewind.engine.venues.facts import ReportKind, VenueOrder, VenueReport, VenueState
from tradewind.engine.venues.ids import other_of

Found = dict[str, Any]  # an order as it came over the wire
DIGITS = 9  # of a quantity
WHOLE = 1e-9
LONGEST_ID = 128
TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
    OrderType.MARKET_ON_CLOSE: "market",
}
OURS = {name: kind for kind, name in TYPES.items() if kind is not OrderType.MARKET_ON_CLOSE}
TIFS = {TimeInForce.GTC: "gtc", TimeInForce.DAY: "day", TimeInForce.IOC: "ioc"}
OUR_TIFS = {name: tif for tif, name in TIFS.items()}
COIN_TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT)
ENDED = {
    "canceled": ReportKind.CANCELLED,
    "replaced": ReportKind.CANCELLED,
    "expired": ReportKind.EXPIRED,
    "rejected": ReportKind.REJECTED,
}
OVER = {*ENDED, "filled"}
# What it says where other orders hold the units, or are on the other side and not yet gone.
HOLDING = ("insufficient qty available", "wash trade")
OCO_TIFS = (TimeInForce.GTC, TimeInForce.DAY)
CENT = 0.01


def refusal(order: VenueOrder, *, fractionable: bool) -> str:
    """Why Alpaca cannot have an order; empty where it can."""
    coin = "/" in named(order.symbol)
    whole = abs(order.qty - round(order.qty)) < WHOLE
    if len(order.client_id) > LONGEST_ID:
        return f"its id is longer than {LONGEST_ID} characters; give the run a shorter name"
    if not order.qty or isnan(order.qty):
        return f"its quantity is {order.qty}"
    if order.tif not in TIFS:
        return f"alpaca has no time in force like {order.tif.name}; it has GTC, DAY and IOC"
    if coin:
        if order.order_type not in COIN_TYPES:
            return f"alpaca has no {order.order_type.name} orders for coins"
        if order.tif is TimeInForce.DAY:
            return "alpaca has no DAY orders for coins; it has GTC and IOC"
    elif not whole and not fractionable:
        return f"{order.symbol} is traded in whole units, and it asks for {order.qty:g}"
    elif not whole and order.order_type is not OrderType.MARKET:
        return f"alpaca takes {order.qty:g} units, which is no whole number, only at the market"
    elif not whole and order.tif is TimeInForce.IOC:
        return f"alpaca takes {order.qty:g} units, which is no whole number, only for the day"
    return _without_price(order)


def _without_price(order: VenueOrder) -> str:
    wanted = {
        OrderType.LIMIT: ("limit",),
        OrderType.STOP: ("stop",),
        OrderType.STOP_LIMIT: ("limit", "stop"),
    }
    for name in wanted.get(order.order_type, ()):
        if not getattr(order, name) > 0.0:
            return f"its {name} price is {getattr(order, name)}"
    trails = [x for x in (order.trail, order.trail_fraction) if x > 0.0]
    if order.order_type is OrderType.TRAILING_STOP and len(trails) != 1:
        return "a trailing stop wants one distance, in currency or as a fraction"
    return ""


def pair_refusal(target: VenueOrder, stop: VenueOrder) -> str:
    """Why Alpaca cannot have two orders as one that each could be; empty where it can."""
    if "/" in named(target.symbol):
        return "alpaca has no OCO orders for coins"
    if abs(target.qty - round(target.qty)) >= WHOLE:
        return f"alpaca has no OCO orders for {target.qty:g} units, which is no whole number"
    if (target.symbol, target.qty, target.tif) != (stop.symbol, stop.qty, stop.tif):
        return "they are not of the same units, or not for the same time"
    if target.tif not in OCO_TIFS:
        return f"alpaca has no OCO orders with a time in force like {target.tif.name}"
    pair = wire_pair(target, stop)
    above = pair["take_profit"]["limit_price"] - pair["stop_loss"]["stop_price"]
    if above * (1.0 if target.qty < 0.0 else -1.0) < CENT - WHOLE:
        return "the stop is not beyond the target"
    return ""


def wire_pair(target: VenueOrder, stop: VenueOrder) -> dict[str, Any]:
    """Return a target and its stop as the keywords of one request of alpaca-py."""
    sent, leg = wire(target), wire(stop)
    prices = {name: leg[name] for name in ("stop_price", "limit_price") if name in leg}
    limit = {"limit_price": sent.pop("limit_price")}
    return sent | {"order_class": "oco", "take_profit": limit, "stop_loss": prices}


def unfolded(found: Found) -> list[Found]:
    """Return what stands in one answer: an order, or a target and its stop, under our names."""
    other = other_of(found["client_order_id"])
    legs = [leg for leg in found.get("legs") or () if leg["status"] != "replaced"]
    if other is None or not legs:
        return [found]
    return [found, legs[-1] | {"client_order_id": other}]


def holding(said: str) -> bool:
    """Whether a refusal is for orders that still work."""
    return any(one in said for one in HOLDING)


def wire(order: VenueOrder) -> dict[str, Any]:
    """Return what is sent, as the keywords of a request of alpaca-py."""
    buys, kind = order.qty > 0, order.order_type
    sent: dict[str, Any] = {
        "symbol": named(order.symbol), "qty": round(abs(order.qty), DIGITS),
        "side": "buy" if buys else "sell", "type": TYPES[kind], "time_in_force": _tif(order),
        "client_order_id": order.client_id,
    }  # fmt: skip
    if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT):  # never worse than was asked for
        sent["limit_price"] = on_grid(order.limit, ROUND_FLOOR if buys else ROUND_CEILING)
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
        sent["stop_price"] = on_grid(order.stop, ROUND_HALF_EVEN)
    if kind is OrderType.TRAILING_STOP:
        if order.trail > 0.0:
            sent["trail_price"] = on_grid(order.trail, ROUND_HALF_EVEN)
        else:
            sent["trail_percent"] = round(100.0 * order.trail_fraction, 4)
    return sent


def _tif(order: VenueOrder) -> str:
    if order.order_type is OrderType.MARKET_ON_CLOSE:
        return "cls"
    part = abs(order.qty - round(order.qty)) >= WHOLE and "/" not in named(order.symbol)
    # A market order lives no longer than a day either way, and parts of a unit only so long.
    return "day" if part and order.tif is TimeInForce.GTC else TIFS[order.tif]


def on_grid(price: float, rounding: str) -> float:
    """Price in cents, and below one in hundredths of a cent, as the exchanges want it."""
    step = Decimal("0.01") if price >= 1.0 else Decimal("0.0001")
    exact = Decimal(repr(round(price, 8)))
    return float(exact.quantize(step, rounding=rounding))


def order_of(found: Found, symbol: str) -> VenueOrder:
    """Return an order as Alpaca has it in our words."""
    sign = 1.0 if found["side"] == "buy" else -1.0
    closing = found["time_in_force"] == "cls"
    kind = OrderType.MARKET_ON_CLOSE if closing else OURS.get(found["type"], OrderType.MARKET)
    percent = number(found.get("trail_percent"))
    return VenueOrder(
        client_id=found["client_order_id"], symbol=symbol, qty=sign * number(found["qty"]),
        order_type=kind, limit=number(found.get("limit_price")),
        stop=number(found.get("stop_price")), trail=number(found.get("trail_price")),
        trail_fraction=percent / 100.0,
        tif=OUR_TIFS.get(found["time_in_force"], TimeInForce.DAY),
    )  # fmt: skip


def state_of(found: Found, symbol: str) -> VenueState:
    """Return an order as Alpaca has it now."""
    order = order_of(found, symbol)
    sign = 1.0 if order.qty > 0 else -1.0
    filled = filled_qty(found)
    return VenueState(
        order, sign * filled, number(found.get("filled_avg_price")),
        working=found["status"] not in OVER, reason=f"alpaca: {found['status']}",
    )  # fmt: skip


def same(found: Found, order: VenueOrder) -> bool:
    """Whether an order under our id is ours: all of it, or what a part of it left over."""
    sent, qty = wire(order), number(found["qty"])
    near = {qty, qty - filled_qty(found)}
    return (
        all(found[name] == sent[name] for name in ("symbol", "side", "type"))
        and any(abs(sent["qty"] - one) < WHOLE * max(1.0, qty) for one in near)
    )  # fmt: skip


def filled_qty(found: Found) -> float:
    """Units of an order that are filled, without a sign."""
    qty = number(found.get("filled_qty"))
    return 0.0 if isnan(qty) else qty


def end_of(found: Found, at: int, reason: str = "") -> VenueReport | None:
    """Return how an order ended otherwise than by its last fill; None where it did not."""
    kind = ENDED.get(found["status"])
    if kind is None:
        return None
    client_id = found["client_order_id"]
    said = reason or f"alpaca: {found['status']}"
    return VenueReport(kind, client_id, at, f"{client_id}/{kind.value}", reason=said)


def accepted(found: Found, name: str = "") -> VenueReport:
    """Return that an order is there, or another that came with it."""
    client_id = name or found["client_order_id"]
    at = when(found["submitted_at"])
    return VenueReport(ReportKind.ACCEPTED, client_id, at, f"{client_id}/accepted")


def fill(order: Found, qty: float, price: float, filled: float, at: int) -> VenueReport:
    """Return one execution.

    Its id is made of the units filled with it, which the stream of updates and the list of
    activities both tell; the numbers of executions that they give are not said to be the same.
    """
    client_id, sign = order["client_order_id"], 1.0 if order["side"] == "buy" else -1.0
    what = f"{client_id}/fill/{filled:.{DIGITS}f}"
    return VenueReport(ReportKind.FILL, client_id, at, what, sign * qty, price)


def number(found: Any) -> float:
    """Return a number that came as text, or as none."""
    return nan if found in (None, "") else float(found)


def when(found: str | None) -> int:
    """UTC nanoseconds of a time in the wire's words; 0 for none."""
    if not found:
        return 0
    head, dot, tail = found.removesuffix("Z").partition(".")
    offset, digits = "", tail
    for mark in ("+", "-"):
        if mark in tail:
            digits, _, rest = tail.partition(mark)
            offset = mark + rest
    whole = datetime.fromisoformat(head + (offset or ("+00:00" if _bare(head) else "")))
    return int(whole.timestamp()) * 1_000_000_000 + int((digits if dot else "").ljust(9, "0")[:9])


def _bare(head: str) -> bool:
    """Whether a time without a fraction has no offset of its own."""
    return "+" not in head and head.count("-") == 2
