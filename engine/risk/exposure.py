"""What could be held at the worst, with whatever works filled in the order that is worst."""

from collections.abc import Iterable
from math import inf, isfinite

from tradewind.engine.risk.facts import Asked, Situation
from tradewind.engine.types import OrderType

EPS = 1e-9  # relative: what just fits must not be refused for its last bit


class Exposure:
    """The least and the most units of each symbol that can come to be held, and their worth.

    An order may fill or not, before or after any other. One that only takes can open nothing
    itself, but leaves less for a plain order on the same side to take, which then opens more.

    Parameters
    ----------
    seen : Situation
    sales_free : bool
        Whether a market order that only reduces, added with :meth:`add`, counts as filled in
        :attr:`gross`.
    """

    def __init__(self, seen: Situation, *, sales_free: bool = False) -> None:
        self.qty: list[float] = seen.qty.tolist()
        self.price: list[float] = seen.price.tolist()
        n = len(self.qty)
        self._bought, self._sold = [0.0] * n, [0.0] * n  # plain orders, signed
        self._taken, self._given = [0.0] * n, [0.0] * n  # those that only take, signed
        self._freed = [0.0] * n
        self._sales_free = False
        self._unpriced: set[int] = set()
        self.put(seen.working)
        self._sales_free = sales_free
        self._value = 0.0
        for k, held in enumerate(self.qty):
            if held or self._bought[k] or self._sold[k]:
                self._value += self._worth(k)

    def put(self, orders: Iterable[Asked]) -> None:
        """Count orders that work, :attr:`gross` aside."""
        for order in orders:
            k, qty = order.symbol, order.qty
            if order.reduce_only or order.parent >= 0:
                (self._taken if qty > 0.0 else self._given)[k] += qty
            else:
                (self._bought if qty > 0.0 else self._sold)[k] += qty

    def most(self, k: int) -> float:
        """Most units of column ``k`` that can come to be held."""
        held = self.qty[k]
        if held < 0.0:
            held = min(held + self._taken[k], 0.0)
        return held + self._bought[k]

    def least(self, k: int) -> float:
        """Fewest, negative where it could be sold short."""
        held = self.qty[k]
        if held > 0.0:
            held = max(held + self._given[k], 0.0)
        return held + self._sold[k]

    def reduces(self, order: Asked) -> bool:
        """Whether an order can only take from what is held, even if all on its side fills first."""
        if order.reduce_only or order.parent >= 0:
            return True
        held = self.qty[order.symbol]
        if held > 0.0:
            return order.qty < 0.0 and self.least(order.symbol) + order.qty >= -EPS * held
        if held < 0.0:
            return order.qty > 0.0 and self.most(order.symbol) + order.qty <= -EPS * held
        return False

    def after(self, order: Asked) -> float:
        """Units held at the worst on the side of a plain order, once it fills too."""
        return (self.most if order.qty > 0.0 else self.least)(order.symbol) + order.qty

    def add(self, order: Asked, *, reduces: bool) -> None:
        """Count an order that has been let through."""
        k, was = order.symbol, self._worth(order.symbol)
        if reduces and self._sales_free and order.order_type == OrderType.MARKET:
            freed, held = self._freed[k] + order.qty, self.qty[k]
            self._freed[k] = max(freed, -held) if held > 0.0 else min(freed, -held)
        self.put((order,))
        self._value += self._worth(k) - was

    def _worth(self, k: int) -> float:
        """Account currency, of the side that is worth more."""
        most, least = self._sides(k)
        units = max(most, -least)
        if units <= 0.0:
            return 0.0
        if not 0.0 < self.price[k] < inf:
            self._unpriced.add(k)
            return 0.0
        return units * self.price[k]

    def _sides(self, k: int) -> tuple[float, float]:
        """Most and fewest units, with what counts as sold or bought back already."""
        if self.qty[k] > 0.0:
            return self.most(k) + self._freed[k], self.least(k)
        return self.most(k), self.least(k) + self._freed[k]

    def unpriced(self, beside: int) -> int:
        """Column of what is held or works and has no price, other than ``beside``; -1: none."""
        return min(self._unpriced - {beside}, default=-1)

    @property
    def gross(self) -> float:
        """Sum over all symbols of the worth of the side that is worth more, account currency."""
        return self._value

    def gross_with(self, order: Asked) -> float:
        """The same with one more plain order."""
        k = order.symbol
        most, least = self._sides(k)
        units = most + order.qty if order.qty > 0.0 else -(least + order.qty)
        return self._value + max(0.0, units * self.price[k] - self._worth(k))

    def weight(self, k: int, equity: float) -> float:
        """Share of equity at the worst; infinite where it cannot be told."""
        units = max(self.most(k), -self.least(k))
        if units <= 0.0:
            return 0.0
        worth = units * self.price[k]
        return worth / equity if equity > 0.0 and isfinite(worth) else inf
