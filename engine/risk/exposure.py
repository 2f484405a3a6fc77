"""What could be held at the worst, with whatever works filled in the order that is worst."""

from collections.abc import Iterable
from math import inf, isfinite

import numpy as np

from tradewind.engine.risk.facts import Asked, Situation
from tradewind.engine.types import OrderType

EPS = 1e-9  # relative: what just fits must not be refused for its last bit
Group = tuple[int, int, int, bool]  # column, fill that is protected or -1, OCO group, whether buys
Parts = tuple[float, float]  # units, signed: of plain orders, of those that only take
NOTHING: Parts = (0.0, 0.0)


class Exposure:
    """The least and the most units of each symbol that can come to be held, and their worth.

    An order may fill or not, before or after any other. One that only takes can open nothing
    itself, but leaves less for a plain order on the same side to take, which then opens more. Of
    orders of which one ends the others - stop and target of one fill, an OCO group - the largest
    counts on each side.

    Parameters
    ----------
    seen : Situation
    sales_free : bool
        Whether a market order that only reduces, added with :meth:`add`, counts as filled in
        :attr:`gross`.

    Attributes
    ----------
    qty, price : list of float
        Held, and last known.
    most, least : list of float
        Units that can come to be held; ``least`` is negative where something could be sold short.
    gross : float
        Sum over all symbols of the worth of the side that is worth more, account currency.
    """

    def __init__(self, seen: Situation, *, sales_free: bool = False) -> None:
        self.qty: list[float] = seen.qty.tolist()
        self.price: list[float] = seen.price.tolist()
        self.most: list[float] = self.qty.copy()
        self.least: list[float] = self.qty.copy()
        n = len(self.qty)
        self._plain = [0.0] * n, [0.0] * n  # bought, sold: signed
        self._takes = [0.0] * n, [0.0] * n  # the same, of those that only take
        self._groups: dict[Group, Parts] = {}  # what counts of orders of which one can fill
        self._freed = [0.0] * n
        self._sales_free = sales_free
        priced = (seen.price > 0.0) & (seen.price < inf)
        self._unpriced = set(np.flatnonzero(~priced & (seen.qty != 0.0)).tolist())
        self._worth: list[float] = (np.abs(seen.qty) * np.where(priced, seen.price, 0.0)).tolist()
        self._put(seen.working)
        for k in {order.symbol for order in seen.working}:
            self._worth[k] = self._worth_of(k)
        self.gross: float = sum(self._worth)

    def _put(self, orders: Iterable[Asked]) -> None:
        for order in orders:
            k, side = order.symbol, int(order.qty <= 0.0)
            plain, takes = self._more(order)
            group = _group(order)
            if group is not None:
                was = self._groups.get(group, NOTHING)
                self._groups[group] = was[0] + plain, was[1] + takes
            self._plain[side][k] += plain
            self._takes[side][k] += takes
            (self.least if side else self.most)[k] = self._reach(k, side, 0.0, 0.0)

    def _more(self, order: Asked) -> Parts:
        """Units, signed, that an order adds to what counts: to open with, and that only take."""
        only_takes = order.reduce_only or order.parent >= 0
        group = _group(order)
        if group is None:
            return (0.0, order.qty) if only_takes else (order.qty, 0.0)
        plain, takes = self._groups.get(group, NOTHING)
        sign = 1.0 if order.qty > 0.0 else -1.0
        most, whole = abs(plain), abs(plain) + abs(takes)  # the largest that opens; of all
        if not only_takes:
            most = max(most, abs(order.qty))
        whole = max(whole, abs(order.qty))
        return most * sign - plain, (whole - most) * sign - takes

    def _reach(self, k: int, side: int, plain: float, takes: float) -> float:
        """Units at the worst of a side, with so much more."""
        held = self.qty[k]
        left = held + self._takes[side][k] + takes
        if side:
            still = max(left, 0.0) if held > 0.0 else held
        else:
            still = min(left, 0.0) if held < 0.0 else held
        return still + self._plain[side][k] + plain

    def reduces(self, order: Asked) -> bool:
        """Whether an order can only take from what is held, even if all on its side fills first."""
        if order.reduce_only or order.parent >= 0:
            return True
        held = self.qty[order.symbol]
        after = self.after(order)
        return held * order.qty < 0.0 and (
            after >= -EPS * held if held > 0.0 else after <= -EPS * held
        )

    def after(self, order: Asked) -> float:
        """Units held at the worst on the side of a plain order, once it fills too."""
        return self._reach(order.symbol, int(order.qty <= 0.0), *self._more(order))

    def add(self, order: Asked, *, reduces: bool) -> None:
        """Count an order that has been let through."""
        k = order.symbol
        self._put((order,))
        if reduces and self._sales_free and order.order_type == OrderType.MARKET:
            freed, held = self._freed[k] + order.qty, self.qty[k]
            self._freed[k] = max(freed, -held) if held > 0.0 else min(freed, -held)
        worth = self._worth_of(k)
        self.gross += worth - self._worth[k]
        self._worth[k] = worth

    def _worth_of(self, k: int, order: Asked | None = None) -> float:
        """Account currency, of the side that is worth more; with one more plain order."""
        most, least = self.most[k], self.least[k]
        if order is not None and order.qty > 0.0:
            most = self.after(order)
        elif order is not None:
            least = self.after(order)
        if self._freed[k] < 0.0:
            most += self._freed[k]
        else:
            least += self._freed[k]
        units = most if most > -least else -least
        if units <= 0.0:
            return 0.0
        if not 0.0 < self.price[k] < inf:
            self._unpriced.add(k)
            return 0.0
        return units * self.price[k]

    def unpriced(self, beside: int) -> int:
        """Column of what is held or works and has no price, other than ``beside``; -1: none."""
        return min(self._unpriced - {beside}, default=-1) if self._unpriced else -1

    def gross_with(self, order: Asked) -> float:
        """:attr:`gross` with one more plain order."""
        k = order.symbol
        return self.gross + self._worth_of(k, order) - self._worth[k]

    def weight(self, k: int, equity: float) -> float:
        """Share of equity at the worst; infinite where it cannot be told."""
        units = max(self.most[k], -self.least[k])
        if units <= 0.0:
            return 0.0
        worth = units * self.price[k]
        return worth / equity if equity > 0.0 and isfinite(worth) else inf


def _group(order: Asked) -> Group | None:
    """What ends an order once another of the same fills; None: nothing does."""
    if order.parent < 0 and order.oco == 0:
        return None
    return order.symbol, order.parent, order.oco, order.qty > 0.0
