"""Limits on what adds to a position: how much, how fast, on which prices."""

from collections.abc import Sequence
from math import inf

from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.risk.exposure import EPS, Exposure
from tradewind.engine.risk.facts import Asked, Situation, Used
from tradewind.engine.risk.pace import SECOND_NS, Pace

Found = tuple[str, str]


class Limits:
    """Limits of one run.

    Parameters
    ----------
    config : RiskConfig
    symbols : sequence of str
        Of the columns.
    """

    def __init__(self, config: RiskConfig, symbols: Sequence[str]) -> None:
        self.config, self.symbols = config, tuple(symbols)
        self._shortable = [name not in config.not_shortable for name in symbols]
        self._of_equity = config.max_weight is not None or config.max_gross is not None

    def exceeded(
        self, order: Asked, seen: Situation, book: Exposure, pace: Pace
    ) -> Found | None:  # fmt: skip
        """(rule, reason) of the first limit that an order which adds would pass."""
        k, name = order.symbol, self.symbols[order.symbol]
        if not 0.0 < book.price[k] < inf:
            return "no_price", f"{name} has no price, so nobody knows what the order is worth"
        if self._of_equity and not 0.0 < seen.equity < inf:
            return "no_equity", f"{name}: equity is {seen.equity:,.2f}, and weights are of equity"
        stale = self._stale(int(seen.quoted_at[k]), seen.now, pace.latest)
        if stale:
            return "stale", f"{name}: {stale}"
        after = book.after(order)
        if after < 0.0 and not self._shortable[k]:
            return "not_shortable", f"{name} may not be sold short, {self._worst(after)}"
        ago = pace.alike(order)
        if ago is not None:
            return "duplicate", (
                f"{name}: an order for {order.qty:g} like this one was sent {ago:g} s ago, and "
                f"{self.config.duplicate_s:g} s must lie between them"
            )
        if pace.full:
            return "orders_per_minute", f"{pace.sent} orders in a minute, {pace.most} are allowed"
        return self._too_much(order, seen.equity, book, after)

    def _too_much(
        self, order: Asked, equity: float, book: Exposure, after: float
    ) -> Found | None:  # fmt: skip
        config, k, name = self.config, order.symbol, self.symbols[order.symbol]
        most = config.max_order_notional
        if most is not None:
            worth = abs(order.qty) * book.price[k]
            if worth > most * (1.0 + EPS):
                return "max_order_notional", (
                    f"{name}: the order is worth {worth:,.2f}, {most:,.2f} is allowed"
                )
        most = config.max_weight
        if most is not None:
            weight = abs(after) * book.price[k] / equity
            if weight > most * (1.0 + EPS):
                return "max_weight", (
                    f"{name}: at the worst it would weigh {weight:.2%} of equity, {most:.2%} is "
                    "allowed"
                )
        most = config.max_gross
        if most is not None:
            other = book.unpriced(k)
            if other >= 0:
                return "max_gross", (
                    f"{name}: {self.symbols[other]} has no price, so nobody knows the sum of all "
                    "positions"
                )
            gross = book.gross_with(order) / equity
            if gross > most * (1.0 + EPS):
                return "max_gross", (
                    f"{name}: with it all positions could weigh {gross:.2%} of equity, {most:.2%} "
                    "is allowed"
                )
        return None

    @staticmethod
    def _worst(after: float) -> str:
        """What could be held, and how an order that is meant to close alone says so."""
        said = f"and {after:g} could be held"
        return f"{said}; an order that is to close alone must say reduce_only"

    def _stale(self, quoted_at: int, now: int, latest: int) -> str:
        """Why the last price cannot be traded on, in a few words; empty: it can."""
        most = self.config.stale_s
        if most is None:
            return ""
        if quoted_at <= 0:
            return f"no tick has come yet, and none older than {most:g} s is traded on"
        age, ahead = (latest - quoted_at) / SECOND_NS, (quoted_at - now) / SECOND_NS
        if age > most:
            return f"its last tick is {age:.1f} s old, {most:g} s are allowed"
        if ahead > most:
            return f"its last tick is {ahead:.1f} s ahead of the clock, which was put back"
        return ""

    def used(self, seen: Situation, pace: Pace) -> list[Used]:
        """How much is used, at the worst, of what is held and works, and of the last minute."""
        config, found = self.config, []
        book = Exposure(seen)
        if config.max_weight is not None:
            weight = max((book.weight(k, seen.equity) for k in range(len(book.qty))), default=0.0)
            found.append(Used("max_weight", weight, config.max_weight, weight / config.max_weight))
        if config.max_gross is not None:
            known = seen.equity > 0.0 and book.unpriced(-1) < 0
            gross = book.gross / seen.equity if known else inf if book.gross else 0.0
            found.append(Used("max_gross", gross, config.max_gross, gross / config.max_gross))
        if pace.most is not None:
            sent = float(pace.sent_at(seen.now))
            found.append(Used("orders_per_minute", sent, float(pace.most), sent / pace.most))
        return found
