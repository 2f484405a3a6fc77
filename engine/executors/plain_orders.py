"""Between tradewind's wishes and records and the arguments and orders of backtrader."""

from datetime import datetime, timedelta
from math import isnan, nan
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.executors.plain_parts import when
from tradewind.engine.records import ORDER, Panel
from tradewind.engine.types import Intent, OrderType, Reason, TimeInForce

Kind = bt.Order
KINDS = {
    OrderType.MARKET: Kind.Market,
    OrderType.LIMIT: Kind.Limit,
    OrderType.STOP: Kind.Stop,
    OrderType.STOP_LIMIT: Kind.StopLimit,
    OrderType.TRAILING_STOP: Kind.StopTrail,
    OrderType.MARKET_ON_CLOSE: Kind.Close,
}
ENDED = {
    Kind.Completed: Reason.FILLED,
    Kind.Canceled: Reason.CANCELLED_USER,
    Kind.Expired: Reason.EXPIRED,
    Kind.Margin: Reason.REJECTED_CASH,
    Kind.Rejected: Reason.CANCELLED_BRACKET,
}
TRAIL_LIMIT = (OrderType.TRAILING_STOP, Kind.StopTrailLimit)


def terms_of(wish: Intent, panel: Panel) -> dict[str, Any]:
    """Keyword arguments of ``buy`` and ``sell`` for a wish, but for ``oco``.

    Raises
    ------
    ValueError
        Saying what backtrader does not have.
    """
    if wish.tif not in (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD):
        raise ValueError("backtrader knows only GTC, DAY and GTD")
    if wish.reduce_only:
        raise ValueError("backtrader has no reduce-only orders")
    kind = KINDS[OrderType(wish.order_type)]
    if kind == Kind.StopTrail and not isnan(wish.limit):
        kind = Kind.StopTrailLimit
    found = _given(
        price=wish.limit if kind == Kind.Limit else wish.stop,
        plimit=nan if kind == Kind.Limit else wish.limit,
        trailamount=wish.trail,
        trailpercent=wish.trail_fraction,
    )
    found["exectype"] = kind
    if wish.tif == TimeInForce.DAY:
        found["valid"] = timedelta(0)
    elif wish.tif == TimeInForce.GTD:
        found["valid"] = _label(wish.until, panel)
    return found


def _given(**prices: float) -> dict[str, Any]:
    return {name: price for name, price in prices.items() if not isnan(price)}


def _label(until: int, panel: Panel) -> datetime:
    """Time until which an order is valid, labelled as the panel labels its bars."""
    at = np.datetime64(until, "ns")
    if panel.daily:
        at = np.datetime64(until - 1, "ns").astype("datetime64[D]")
    return when(int(at.astype("datetime64[us]").astype(np.int64)))


def protections(wish: Intent) -> list[dict[str, Any]]:
    """Keyword arguments of the children of a bracket: the stop before the limit."""
    found = []
    trail = _given(trailamount=wish.stop_trail, trailpercent=wish.stop_trail_fraction)
    price = None if isnan(wish.stop_loss) else wish.stop_loss
    if trail:
        found.append({"exectype": Kind.StopTrail, "price": price, **trail})
    elif price is not None:
        found.append({"exectype": Kind.Stop, "price": price})
    if not isnan(wish.take_profit):
        found.append({"exectype": Kind.Limit, "price": wish.take_profit})
    return found


def new_row(number: int, wish: Intent, t: int, qty: float) -> dict[str, Any]:
    """Fields of ORDER for a wish, before anything happened to it."""
    row: dict[str, Any] = dict.fromkeys(ORDER.names or (), 0)
    row.update(id=number, symbol=wish.symbol, bar=t, qty=qty, order_type=int(wish.order_type))
    row.update(tif=int(wish.tif), until=wish.until, parent=-1)
    row.update(limit=nan, stop=nan, trail=nan, trail_fraction=nan)
    return row


def row_of(number: int, wish: Intent, t: int, order: Any, parent: int) -> dict[str, Any]:
    """Fields of ORDER for an order that was sent."""
    row = new_row(number, wish, t, float(order.size))
    ours = [kind for kind, theirs in (*KINDS.items(), TRAIL_LIMIT) if theirs == order.exectype]
    row.update(order_type=int(ours[0]), parent=parent, oco=wish.oco if parent < 0 else 0)
    row.update(trail=order.trailamount or nan, trail_fraction=order.trailpercent or nan)
    follow(order, row)
    return row


def follow(order: Any, row: dict[str, Any]) -> None:
    """Copy what backtrader has made of an order into its record."""
    kind = order.exectype
    if kind == Kind.Limit:
        row["limit"] = order.created.price
    elif kind not in (Kind.Market, Kind.Close):
        row["stop"] = order.created.price
        if kind in (Kind.StopLimit, Kind.StopTrailLimit):
            row["limit"] = order.created.pricelimit
    row["reason"] = int(ENDED.get(order.status, Reason.WORKING))
    if order.status == Kind.Margin and order.executed.size:
        row["reason"] = int(Reason.PARTLY_FILLED)
    row["filled_qty"] = float(order.executed.size)
    row["triggered"] = int(order.triggered)
    row["fee"] = float(order.executed.comm)
