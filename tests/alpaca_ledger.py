"""What Alpaca's server on this machine never forgets, and which units its orders hold."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

OPEN = ("new", "accepted", "partially_filled", "pending_new", "held", "pending_cancel")


def stamp(at: int | None = None) -> str:
    """Time in the wire's words, down to nanoseconds."""
    at = time.time_ns() if at is None else at
    whole = datetime.fromtimestamp(at // 1_000_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at % 1_000_000_000:09d}Z"


@dataclass
class Ledger:
    """What the broker never forgets.

    Attributes
    ----------
    orders : dict
        By our id.
    activities : list
        Executions, oldest first.
    price : dict
    cash : float
    parts : tuple of float
        Shares in which market orders are filled at once; none: they wait.
    """

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    activities: list[dict[str, Any]] = field(default_factory=list)
    price: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: 50.0))
    cash: float = 100_000.0
    parts: tuple[float, ...] = (0.4, 0.6)

    def positions(self) -> dict[str, float]:
        """Signed units by symbol."""
        held: defaultdict[str, float] = defaultdict(float)
        for one in self.activities:
            held[one["symbol"]] += float(one["qty"]) * (1 if one["side"] == "buy" else -1)
        return {name: qty for name, qty in held.items() if qty}

    def available(self, symbol: str, side: str) -> float | None:
        """Units that an order may close; None where it closes nothing."""
        held = self.positions().get(symbol, 0.0) * (1 if side == "sell" else -1)
        working = [
            one for one in self.orders.values()
            if (one["symbol"], one["side"]) == (symbol, side)
            and one["status"] in OPEN and not one["leg_of"]
        ]  # fmt: skip
        left = sum(float(one["qty"]) - float(one["filled_qty"]) for one in working)
        return held - left if held > 0.0 else None

    def others(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """What still works of what came with an order."""
        group = order["leg_of"] or order["id"]
        return [
            one for one in self.orders.values()
            if one is not order and group in (one["id"], one["leg_of"]) and one["status"] in OPEN
        ]  # fmt: skip

    def take_pair(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Note a target under the id that was sent, and its stop under one made up here."""
        target = self.take(asked | {"limit_price": asked["take_profit"]["limit_price"]})
        stop = asked["stop_loss"]
        kind = "stop_limit" if "limit_price" in stop else "stop"
        leg = self.take(asked | stop | {"client_order_id": str(uuid4()), "type": kind,
                                        "limit_price": stop.get("limit_price")})  # fmt: skip
        leg |= {"status": "held", "leg_of": target["id"]}
        return target

    def lowered(self, order: dict[str, Any], qty: float) -> list[dict[str, Any]]:
        """Take units from an order; a leg is sent again for what is left. The updates of it."""
        left = float(order["qty"]) - qty
        if left <= float(order["filled_qty"]):
            return [self.end(order, "canceled")]
        if not order["leg_of"]:
            order["qty"] = f"{left:g}"
            return []
        leg = self.take(order | {"client_order_id": str(uuid4()), "qty": f"{left:g}"})
        leg |= {"status": order["status"], "leg_of": order["leg_of"]}
        return [self.end(order, "replaced"), update("new", leg)]

    def nested(self, order: dict[str, Any]) -> dict[str, Any]:
        """Order with its legs inside."""
        legs = [one for one in self.orders.values() if one["leg_of"] == order["id"]]
        return order | {"legs": [dict(one) for one in legs] or None}

    def take(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Note an order."""
        now = stamp()
        names = ("limit_price", "stop_price", "trail_price", "trail_percent")
        prices = {name: None if asked.get(name) is None else str(asked[name]) for name in names}
        order = {
            "id": str(uuid4()), "client_order_id": asked["client_order_id"], "created_at": now,
            "updated_at": now, "submitted_at": now, "filled_at": None, "expired_at": None,
            "canceled_at": None, "failed_at": None, "replaced_at": None, "asset_id": str(uuid4()),
            "symbol": asked["symbol"], "asset_class": "us_equity", "qty": str(asked["qty"]),
            "filled_qty": "0", "filled_avg_price": None, "legs": None,
            "order_class": asked.get("order_class") or "", "leg_of": "",
            "order_type": asked["type"], "type": asked["type"], "side": asked["side"],
            "time_in_force": asked["time_in_force"], "status": "new", "extended_hours": False,
            **prices,
        }  # fmt: skip
        self.orders[order["client_order_id"]] = order
        return order

    def fill(self, order: dict[str, Any], qty: float) -> dict[str, Any]:
        """Fill a part of an order; the update that tells it."""
        filled, price = float(order["filled_qty"]), self.price[order["symbol"]]
        before = filled * float(order["filled_avg_price"] or 0.0)
        filled += qty
        whole = filled >= float(order["qty"]) - 1e-9
        now = stamp()
        order |= {
            "filled_qty": f"{filled:.9f}".rstrip("0").rstrip("."), "updated_at": now,
            "filled_avg_price": str((before + qty * price) / filled),
            "status": "filled" if whole else "partially_filled",
            "filled_at": now if whole else None,
        }  # fmt: skip
        kind = "fill" if whole else "partial_fill"
        self.activities.append({
            "id": f"{now[:10].replace('-', '')}{len(self.activities):09d}::{uuid4()}",
            "activity_type": "FILL", "account_id": str(uuid4()), "transaction_time": now,
            "type": kind, "price": str(price), "qty": str(qty), "side": order["side"],
            "symbol": order["symbol"], "leaves_qty": str(float(order["qty"]) - filled),
            "order_id": order["id"], "cum_qty": order["filled_qty"],
            "order_status": order["status"],
        })  # fmt: skip
        self.cash -= qty * price * (1 if order["side"] == "buy" else -1)
        return update(kind, order, price=str(price), qty=str(qty), execution_id=str(uuid4()))

    def end(self, order: dict[str, Any], status: str) -> dict[str, Any]:
        """End an order; the update that tells it."""
        now = stamp()
        at = {"canceled": "canceled_at", "expired": "expired_at", "rejected": "failed_at",
              "replaced": "replaced_at"}[status]  # fmt: skip
        order |= {"status": status, "updated_at": now, at: now}
        return update(status, order)


def update(event: str, order: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Message of the stream."""
    told = {"event": event, "timestamp": stamp(), "order": dict(order), **more}
    return {"stream": "trade_updates", "data": told}
