"""How orders ended, by reason and symbol, and what those asked for that were not plain."""

from collections import Counter
from typing import Any

import numpy as np

from tradewind.engine.records import Panel, Records
from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.words import moment, number, reason
from tradewind.engine.types import OrderType, Reason, TimeInForce

NAMED = 4  # symbols named beside a reason
LISTED = 12  # orders in each list
REFUSED = [code for code in Reason if code.name.startswith("REJECTED")]
IN_FORCE = {
    TimeInForce.GTC: "until cancelled",
    TimeInForce.DAY: "day",
    TimeInForce.IOC: "immediate or cancel",
}


def orders(context: Context) -> Section | None:
    """How every order ended; None where none was sent."""
    rows, panel = context.run.simulation.orders, context.run.panel
    if len(rows) == 0:
        return None
    counted = Counter(rows["reason"].tolist())
    filled = counted.pop(int(Reason.FILLED), 0)
    listed = [
        {
            "name": reason(code)[0],
            "meaning": reason(code)[1],
            "count": count,
            "where": _where(rows[rows["reason"] == code], panel.symbols),
        }
        for code, count in counted.most_common()
    ]
    html = render(
        "orders.html", rows=listed, filled=filled, total=len(rows), lists=_lists(rows, panel)
    )
    return Section("orders", "How orders ended", html, "Orders")


def _where(rows: Records, symbols: tuple[str, ...]) -> str:
    """Symbols with most of these orders, with how many."""
    counted = Counter(rows["symbol"].tolist()).most_common()
    named = ", ".join(f"{symbols[k]} {number(n, 0)}" for k, n in counted[:NAMED])
    return named + (f" and {len(counted) - NAMED} more" if len(counted) > NAMED else "")


def is_plain(rows: Records) -> Any:
    """Which orders are nothing but "at market, until done": shape (n_orders,) of bool."""
    return (
        (rows["order_type"] == OrderType.MARKET)
        & (rows["tif"] == TimeInForce.GTC)
        & (rows["parent"] < 0)
        & (rows["oco"] == 0)
        & (rows["reduce_only"] == 0)
    )


def _lists(rows: Records, panel: Panel) -> list[dict[str, Any]]:
    """The last orders that were refused, and the last that were not plain."""
    refused = np.isin(rows["reason"], REFUSED)
    kinds = (
        ("refused", refused),
        ("that were not plain market orders", ~is_plain(rows) & ~refused),
    )
    return [
        {
            "title": f"Orders {title}",
            "count": int(which.sum()),
            "rows": [_row(rows[i], panel) for i in np.flatnonzero(which)[-LISTED:].tolist()],
        }
        for title, which in kinds
        if which.any()
    ]


def _row(order: Any, panel: Panel) -> dict[str, Any]:
    """An order as its sender thinks of it."""
    parent = int(order["parent"])
    return {
        "number": int(order["id"]),
        "decided": moment(panel.dates[order["bar"]]) if order["bar"] >= 0 else "",
        "symbol": panel.symbols[order["symbol"]],
        "type": OrderType(int(order["order_type"])).name.lower().replace("_", " "),
        "qty": float(order["qty"]),
        "limit": float(order["limit"]),
        "stop": float(order["stop"]),
        "of": f"{parent:,}" if parent >= 0 else "",
        "oco": f"{int(order['oco']):,}" if order["oco"] > 0 else "",
        "in_force": in_force(order) + (", reduce-only" if order["reduce_only"] else ""),
        "ended": reason(int(order["reason"]))[0],
    }


def in_force(order: Any) -> str:
    """How long an order was to work."""
    kind = TimeInForce(int(order["tif"]))
    if kind == TimeInForce.BARS:
        return f"{int(order['until']):,} bars"
    if kind == TimeInForce.GTD:
        return f"to {moment(np.datetime64(int(order['until']), 'ns'))}"
    return IN_FORCE[kind]
