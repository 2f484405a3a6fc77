"""The gate in front of every order: what it counts, and what it does not let through.

An order that only takes from a position always passes the limits that are there to keep risk from
growing: else the gate would lock risk in. "Only takes" is judged at the worst: with every other
order of the symbol that works on the same side filled before it. ``docs/risk.md`` has the table.

The gate remembers what it must (:meth:`Gate.state`), reads no clock and draws no lots: asked the
same things in the same order it answers the same, now and when a journal is read back.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Self

import numpy as np

from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Floats
from tradewind.engine.risk.facts import Asked, Breach, Refusal, Situation, Used

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
EPS = 1e-9  # relative: an order that just fits must not be refused for its last bit
Exposure = Floats


class Gate:
    """Limits, stops and switches of one run.

    Parameters
    ----------
    config : RiskConfig
    symbols : sequence of str

    Raises
    ------
    ConfigError
        If the config names a symbol that is not traded.
    """

    def __init__(self, config: RiskConfig, symbols: Sequence[str]) -> None:
        self.config, self.symbols = config, tuple(symbols)
        for key, names in (("not_shortable", config.not_shortable), ("halted", config.halted)):
            for name in names:
                self._column(name, f"paper.risk.{key}")
        self._shortable = np.array([name not in config.not_shortable for name in symbols])
        self.halted: dict[str, str] = {name: "by the config" for name in config.halted}
        self.killed = self.frozen = ""
        self._frozen_by = ""
        self._day, self._day_start, self._peak = -1, 0.0, 0.0
        self._last = 0.0  # equity at the close before: a day begins with what the last one left
        self._sent: list[int] = []
        self._latest = 0
        self._seen: dict[str, int] = {}
        self._highest = -1  # numbers only grow: one as low as this was asked for before

    def _column(self, symbol: str, key: str) -> int:
        if symbol in self.symbols:
            return self.symbols.index(symbol)
        near = get_close_matches(symbol, self.symbols, 1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise ConfigError(f"{key}: {symbol!r} is not traded by this run{guess}")

    def halt(self, symbol: str, reason: str) -> None:
        """Let no order of a symbol through; raises ConfigError for an unknown one."""
        self._column(symbol, "halt")
        self.halted[symbol] = reason

    def unhalt(self, symbol: str) -> None:
        """Let orders of a symbol through again."""
        self._column(symbol, "unhalt")
        self.halted.pop(symbol, None)

    def freeze(self, reason: str) -> None:
        """Let nothing that adds through."""
        self.frozen, self._frozen_by = reason, "person"

    def thaw(self) -> None:
        """Lift the kill switch and every freeze; losses count from here."""
        self.killed = self.frozen = self._frozen_by = ""
        self._day, self._peak, self._last = -1, 0.0, 0.0

    def kill(self, reason: str) -> None:
        """Let nothing that adds through until a person says so, restarts included."""
        self.killed = reason

    def mark(self, seen: Situation) -> Breach | None:
        """Look at the account at a close; the loss stop that trips there, if one does."""
        if seen.day > self._day:
            self._day = seen.day
            self._day_start = self._last if self._last > 0.0 else seen.equity
            if self._frozen_by == "max_daily_loss":
                self.frozen = self._frozen_by = ""
        self._peak, self._last = max(self._peak, seen.equity), seen.equity
        if self.frozen:
            return None
        for rule, most, base in (
            ("max_daily_loss", self.config.max_daily_loss, self._day_start),
            ("max_drawdown", self.config.max_drawdown, self._peak),
        ):
            if most is None or not base > 0.0:
                continue
            lost = 1.0 - seen.equity / base
            if lost >= most:
                reason = (
                    f"{rule}: equity {seen.equity:,.2f} is {lost:.2%} below {base:,.2f}, and "
                    f"{most:.2%} is allowed"
                )
                self.frozen, self._frozen_by = reason, rule
                return Breach(rule, reason, self.config.on_breach == "flatten")
        return None

    def check(self, asked: Sequence[Asked], seen: Situation) -> list[Refusal]:
        """Judge new orders in their order; those that pass count for those behind them."""
        self._latest = max(self._latest, seen.now)  # a clock that goes back opens no window
        self._sent = [at for at in self._sent if self._latest - at < MINUTE_NS]
        works = list(seen.working)
        refused = []
        for order in asked:
            refusal = self._judged(order, seen, works)
            if refusal is None:
                works.append(order)
                self._sent.append(self._latest)
                self._remember(order)
            else:
                refused.append(Refusal(order.number, *refusal))
        return refused

    def _remember(self, order: Asked) -> None:
        window = (self.config.duplicate_s or 0.0) * SECOND_NS
        self._seen = {key: at for key, at in self._seen.items() if self._latest - at <= window}
        self._seen[_likeness(order)] = self._latest
        self._highest = max(self._highest, order.number)

    def _judged(
        self, order: Asked, seen: Situation, works: Sequence[Asked]
    ) -> tuple[str, str] | None:
        """(rule, reason) of a refusal."""
        name, k = self.symbols[order.symbol], order.symbol
        if name in self.halted:
            return "halted", f"{name} is halted: {self.halted[name]}"
        held, notional = seen.qty[k], abs(order.qty) * seen.price[k]
        beside = sum(o.qty for o in works if o.symbol == k and o.qty * order.qty > 0.0)
        after = held + beside + order.qty
        reduces = order.reduce_only or order.parent >= 0 or (
            held * order.qty < 0.0 and after * held >= -EPS * abs(held)
        )  # fmt: skip
        collar = self._beyond_collar(order, seen.price[k])
        if collar:
            return "price_collar", f"{name}: {collar}"
        if reduces:
            return None
        if self.killed:
            return "killed", f"the kill switch is on: {self.killed}"
        if self.frozen:
            return "frozen", f"nothing that adds is sent: {self.frozen}"
        if not seen.price[k] > 0.0:
            return "no_price", f"{name} has no price, so nobody knows what the order is worth"
        if after < 0.0 and not self._shortable[k]:
            return "not_shortable", f"{name} may not be sold short, and {after:g} would be held"
        stale = self._stale(int(seen.quoted_at[k]), seen.now)
        if stale:
            return "stale", f"{name}: {stale}"
        if self._repeats(order):
            return "duplicate", f"{name}: an order for {order.qty:g} like this was just sent"
        return self._over(order, seen, works, after, notional)

    def _repeats(self, order: Asked) -> bool:
        window = self.config.duplicate_s
        alike = self._seen.get(_likeness(order), -1)
        soon = window is not None and alike >= 0 and self._latest - alike <= window * SECOND_NS
        return order.number <= self._highest or soon

    def _over(
        self, order: Asked, seen: Situation, works: Sequence[Asked], after: float, notional: float
    ) -> tuple[str, str] | None:
        """Limit that an order would pass."""
        config, name = self.config, self.symbols[order.symbol]
        most = config.max_orders_per_minute
        if most is not None and len(self._sent) >= most:
            return (
                "orders_per_minute", f"{len(self._sent)} orders in a minute, {most} are allowed"
            )  # fmt: skip
        most_notional = config.max_order_notional
        if most_notional is not None and notional > most_notional * (1.0 + EPS):
            return (
                "max_order_notional",
                f"{name}: an order of {notional:,.2f}, {most_notional:,.2f} is allowed",
            )
        weight = abs(after) * seen.price[order.symbol] / seen.equity if seen.equity > 0 else np.inf
        if config.max_weight is not None and weight > config.max_weight * (1.0 + EPS):
            return (
                "max_weight",
                f"{name} would weigh {weight:.2%} of equity, {config.max_weight:.2%} is allowed",
            )
        if config.max_gross is not None:
            gross = self._gross([*works, order], seen)
            if gross > config.max_gross * (1.0 + EPS):
                return (
                    "max_gross",
                    f"all positions would weigh {gross:.2%} of equity with {name}, "
                    f"{config.max_gross:.2%} is allowed",
                )
        return None

    def _gross(self, works: Sequence[Asked], seen: Situation) -> float:
        """Sum of |weights| with whatever works filled on the side that makes it largest."""
        if not seen.equity > 0.0:
            return float("inf")
        bought, sold = np.zeros(len(seen.qty)), np.zeros(len(seen.qty))
        for order in works:
            if not (order.reduce_only or order.parent >= 0):
                (bought if order.qty > 0.0 else sold)[order.symbol] += order.qty
        most = np.maximum(np.abs(seen.qty + bought), np.abs(seen.qty + sold))
        most = np.maximum(most, np.abs(seen.qty))
        value = np.where(most > 0.0, most * seen.price, 0.0)
        return float(np.nansum(value) / seen.equity)

    def _beyond_collar(self, order: Asked, price: float) -> str:
        most = self.config.price_collar
        if most is None or not price > 0.0:
            return ""
        for what, at in (("limit", order.limit), ("stop", order.stop)):
            if at == at and abs(at / price - 1.0) > most * (1.0 + EPS):
                return (
                    f"its {what} {at:g} lies {abs(at / price - 1.0):.1%} from the last price "
                    f"{price:g}, {most:.1%} is allowed"
                )
        return ""

    def _stale(self, quoted_at: int, now: int) -> str:
        most = self.config.stale_s
        if most is None:
            return ""
        if quoted_at <= 0:
            return f"no tick has come yet, and none older than {most:g} s is traded on"
        age = (now - quoted_at) / SECOND_NS
        return f"its last tick is {age:.1f} s old, {most:g} s are allowed" if age > most else ""

    def used(self, seen: Situation) -> list[Used]:
        """How much of each limit is used now."""
        config, found = self.config, []

        def add(limit: str, used: float, of: float | None) -> None:
            if of is not None:
                found.append(Used(limit, used, of, used / of))

        equity = seen.equity if seen.equity > 0.0 else float("nan")
        weights = np.nan_to_num(np.abs(seen.qty * seen.price)) / equity
        add("max_weight", float(weights.max(initial=0.0)), config.max_weight)
        add("max_gross", float(weights.sum()), config.max_gross)
        add("orders_per_minute", float(len(self._sent)), config.max_orders_per_minute)
        start = self._day_start or equity
        add("max_daily_loss", max(0.0, 1.0 - equity / start), config.max_daily_loss)
        peak = self._peak or equity
        add("max_drawdown", max(0.0, 1.0 - equity / peak), config.max_drawdown)
        return found

    def state(self) -> dict[str, Any]:
        """Everything it remembers, in plain values."""
        return {
            "halted": dict(self.halted), "killed": self.killed, "frozen": self.frozen,
            "frozen_by": self._frozen_by, "day": self._day, "day_start": self._day_start,
            "peak": self._peak, "last": self._last, "sent": list(self._sent),
            "latest": self._latest,
            "seen": dict(self._seen), "highest": self._highest,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what another gate remembered."""
        self.halted = dict(state["halted"])
        self.killed, self.frozen = state["killed"], state["frozen"]
        self._frozen_by, self._day = state["frozen_by"], state["day"]
        self._day_start, self._peak = state["day_start"], state["peak"]
        self._last = state["last"]
        self._sent, self._latest = list(state["sent"]), state["latest"]
        self._seen, self._highest = dict(state["seen"]), state["highest"]
        return self


def _likeness(order: Asked) -> str:
    return (
        f"{order.symbol}/{order.qty!r}/{int(order.order_type)}/{order.limit!r}/{order.stop!r}"
    )  # fmt: skip
