"""What Alpaca has said of orders, as its server remembers it."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from tradewind.engine.errors import ProviderDownError
from tradewind.engine.venues import alpaca_orders as words
from tradewind.engine.venues.alpaca_rest import Found, Refused, Rest
from tradewind.engine.venues.facts import VenueReport
from tradewind.engine.venues.ids import other_of

PAGE, ORDERS_PAGE = 100, 500
SECOND_NS, DAY_NS = 1_000_000_000, 86_400_000_000_000
LONGEST_LIFE_NS = 91 * DAY_NS  # an order until cancelled is cancelled after ninety days
MARGIN_NS = 60 * SECOND_NS
LOOKS, LOOK_S = 6, 0.5  # how often executions are looked for that an order says it has
MISSING = 1e-9


class History:
    """Orders and executions, asked for.

    Parameters
    ----------
    rest : Rest
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._legs: dict[str, str] = {}
        self._strangers: set[str] = set()

    async def order(self, client_id: str) -> Found | None:
        """Order by our id; None where there is none.

        Raises
        ------
        OutsideError
            Also where a target is there and does not show its stop.
        """
        other, found = other_of(client_id), await self._found(client_id)
        if other is None:
            return found
        target = found or await self._found(other)
        if target is None:
            return None
        if not target.get("legs"):
            target = await self._nested(target["id"])
        names = {one["client_order_id"]: one for one in self.unfolded(target)}
        if client_id not in names:
            raise ProviderDownError(f"alpaca does not show the stop of {target['client_order_id']}")
        return names[client_id]

    async def _nested(self, number: str) -> Found:
        """Order with its legs inside."""
        try:
            found: Found = await self._rest.get(f"/orders/{number}", nested="true")
        except Refused as refused:
            raise ProviderDownError(f"alpaca does not show an order: {refused}") from None
        return found

    async def _found(self, client_id: str) -> Found | None:
        """Order that bears an id."""
        try:
            found: Found = await self._rest.get(
                "/orders:by_client_order_id", client_order_id=client_id
            )
        except Refused as refused:
            if refused.status == 404:
                return None
            raise ProviderDownError(f"alpaca cannot find an order: {refused}") from None
        return found

    def unfolded(self, found: Found) -> list[Found]:
        """Orders in one answer under our names; legs are known by their numbers from then on."""
        orders = words.unfolded(found)
        self._legs |= {one["id"]: one["client_order_id"] for one in orders[1:]}
        return orders

    def ours(self, order: Found) -> Found | None:
        """Order of an update under our name; None for a leg of which nobody knows whose it is."""
        name = self._legs.get(order["id"])
        if name is not None:
            return order | {"client_order_id": name}
        alone = order.get("order_class") in (None, "", "simple")
        known = alone or other_of(order["client_order_id"]) or order["id"] in self._strangers
        return order if known else None

    def estranged(self, order: Found) -> None:
        """Know that a leg is of no order of ours."""
        self._strangers.add(order["id"])

    async def orders(self, status: str, *, after: int = 0) -> list[Found]:
        """Orders by when they were submitted, newest first."""
        found: dict[str, Found] = {}
        params: dict[str, Any] = {"status": status, "limit": ORDERS_PAGE, "direction": "desc",
                                  "nested": "true"}  # fmt: skip
        if after:
            params["after"] = stamped(after)
        while True:
            page = await self._get("/orders", **params)
            news = [one for one in page if one["id"] not in found]
            found |= {one["id"]: one for one in news}
            if len(page) < ORDERS_PAGE or not news:
                return [order for one in found.values() for order in self.unfolded(one)]
            params["until"] = stamped(words.when(page[-1]["submitted_at"]) + 1_000)

    async def told(self, orders: Collection[Found]) -> list[VenueReport]:
        """Everything said of these orders, oldest first, an end never before its fills.

        Raises
        ------
        OutsideError
            Also where the list of executions lags behind the orders.
        """
        filled = [one for one in orders if words.filled_qty(one) > 0.0]
        fills = await self._fills(filled)
        reports = []
        for one in orders:
            known = fills[one["id"]]
            reports += [*([words.accepted(one)] if one["status"] != "rejected" else ()), *known]
            last = max((report.at for report in known), default=0)
            end = words.end_of(one, max(last, _ended(one)))
            reports += [end] if end else []
        return sorted(reports, key=lambda report: report.at)

    async def since(self, at: int) -> list[VenueReport]:
        """Everything said since a moment, oldest first."""
        orders = await self.orders("all", after=at - LONGEST_LIFE_NS)
        changed = [one for one in orders if words.when(one.get("updated_at")) >= at - MARGIN_NS]
        return [report for report in await self.told(changed) if report.at >= at]

    async def _fills(self, orders: Collection[Found]) -> dict[str, list[VenueReport]]:
        """Executions of each order."""
        for _ in range(LOOKS):
            fills = _counted(orders, await self._activities(orders) if orders else ())
            if all(_whole(one, fills[one["id"]]) for one in orders):
                return fills
            await asyncio.sleep(LOOK_S)
        raise ProviderDownError(
            "alpaca: orders say that they are filled further than their executions are listed"
        )

    async def _activities(self, orders: Collection[Found]) -> list[Found]:
        first = min(words.when(one["submitted_at"]) for one in orders)
        params = {
            "after": stamped(first - SECOND_NS), "direction": "asc", "page_size": PAGE,
        }  # fmt: skip
        found: list[Found] = []
        while True:
            page = await self._get("/account/activities/FILL", **params)
            found += page
            if len(page) < PAGE:
                return found
            params["page_token"] = page[-1]["id"]

    async def _get(self, path: str, **params: Any) -> list[Found]:
        try:
            found: list[Found] = await self._rest.get(path, **params)
        except Refused as refused:
            raise ProviderDownError(f"alpaca does not answer {path}: {refused}") from None
        return found


def _counted(
    orders: Collection[Found], activities: Iterable[Found]
) -> dict[str, list[VenueReport]]:
    """Executions by order, each once."""
    of = {one["id"]: one for one in orders}
    seen: defaultdict[str, dict[float, VenueReport]] = defaultdict(dict)
    for one in activities:
        order = of.get(one["order_id"])
        if order is not None:
            filled = float(one["cum_qty"])
            seen[one["order_id"]][filled] = words.fill(
                order, float(one["qty"]), float(one["price"]), filled,
                words.when(one["transaction_time"]),
            )  # fmt: skip
    found: defaultdict[str, list[VenueReport]] = defaultdict(list)
    for number, reports in seen.items():
        found[number] = [reports[filled] for filled in sorted(reports)]
    return found


def _whole(order: Found, fills: list[VenueReport]) -> bool:
    """Whether the executions known come to what the order says."""
    return sum(abs(one.qty) for one in fills) >= words.filled_qty(order) - MISSING


def _ended(order: Found) -> int:
    names = ("canceled_at", "expired_at", "failed_at", "replaced_at", "updated_at")
    return next((words.when(order[name]) for name in names if order.get(name)), 0)


def stamped(at: int) -> str:
    """Moment in the wire's words."""
    return datetime.fromtimestamp(at / SECOND_NS, UTC).isoformat().replace("+00:00", "Z")
