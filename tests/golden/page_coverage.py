"""What the candle tables of docs/broker-rules/ exercise, seen from what happened in them."""

from typing import Any

import numpy as np

from tests.golden.page_tables import Shown
from tradewind.engine.records import Simulation
from tradewind.engine.types import OrderType, Reason

Ran = tuple[Shown, Simulation]
FORCED = (Reason.LIQUIDATED, Reason.RECALLED)
STOPS = (OrderType.STOP, OrderType.TRAILING_STOP)


def phases(ran: list[Ran]) -> set[str]:
    """Phases of section 1 in which something was filled."""
    return {_phase(run, fill, table) for table, run in ran for fill in run.fills}


def _phase(run: Simulation, fill: Any, table: Shown) -> str:
    order, t, k = run.orders[fill["order"]], fill["bar"], fill["symbol"]
    if order["reason"] in FORCED:
        return "forced"
    if order["reason"] == Reason.DELISTED:
        return "leaves"
    if order["order_type"] == OrderType.MARKET_ON_CLOSE:
        return "close"
    parents = run.fills[run.fills["order"] == order["parent"]]
    if t in parents["bar"]:
        return "children"
    if np.isclose(fill["mid"], table.panel.open[t, k]):
        return "open"
    return "favour" if order["order_type"] == OrderType.LIMIT else "against"


def settings_used(ran: list[Ran]) -> set[str]:
    """Keys of the settings, with the blocks they stand in: ``execution.tick``."""
    return {key for table, _ in ran for key in _keys(table.given, "")}


def _keys(block: Any, path: str) -> set[str]:
    if isinstance(block, list):
        return {key for part in block for key in _keys(part, path)}
    if not isinstance(block, dict):
        return {path}
    parts = [_keys(value, f"{path}.{name}".lstrip(".")) for name, value in block.items()]
    return {path}.union(*parts)


def wish_fields(ran: list[Ran]) -> set[str]:
    """Fields of a wish that some table sets."""
    return {
        name
        for table, _ in ran
        for asked in table.asks.values()
        for wish in asked
        for name in wish.__slots__
        if getattr(wish, name) == getattr(wish, name)  # not NaN
    }


def entries(ran: list[Ran]) -> set[tuple[str, str, str, bool]]:
    """(entry, touched, intrabar, in doubt) of every bar in which an entry with children filled.

    The entry is one of the rows of the table in section 5; touched is ``stop``, ``target`` or
    ``both``.
    """
    found = set()
    for table, run in ran:
        way = table.given.get("execution", {}).get("intrabar", "worst")
        for fill in run.fills:
            children = run.orders[run.orders["parent"] == fill["order"]]
            touched = _touched(table, fill, children)
            if touched:
                bars = [bar for bar, name, _ in table.events if name == "ambiguous"]
                entry = _manner(table, run.orders[fill["order"]], fill)
                found.add((entry, touched, way, fill["bar"] in bars))
    return found


def _touched(table: Shown, fill: Any, children: Any) -> str:
    t, k = fill["bar"], fill["symbol"]
    low, high = table.panel.low[t, k], table.panel.high[t, k]
    hit = set()
    for child in children:
        is_stop = child["order_type"] in STOPS
        price = child["stop"] if is_stop else child["limit"]
        if low <= price <= high:
            hit.add("stop" if is_stop else "target")
    return "both" if len(hit) == 2 else next(iter(hit), "")


def _manner(table: Shown, order: Any, fill: Any) -> str:
    open_, kind = table.panel.open[fill["bar"], fill["symbol"]], order["order_type"]
    if kind == OrderType.MARKET_ON_CLOSE:
        return "close"
    if fill["mid"] == open_:
        return "open"
    if kind == OrderType.STOP_LIMIT and fill["price"] == order["limit"]:
        beyond = (open_ - order["stop"]) * np.sign(fill["qty"]) >= 0.0
        return "limit" if beyond else "return"
    return "limit" if kind == OrderType.LIMIT else "stop"
