"""A market for tests of the gate: fills, prices, days; and a second reckoning of the worst."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from tests.risk_asking import MARKET, NAN, NOON, SYMBOLS, S
from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.risk.facts import Asked, Breach, Refusal, Situation
from tradewind.engine.risk.gate import Gate

MINUTE = 60 * S
SLACK = 1e-6
ALWAYS = {"malformed", "duplicate", "halted", "price_collar", "protection", "entry"}
"""Rules that may stop what only reduces."""
Line = tuple[float, bool, int, int]  # units, whether it only takes, what it protects, OCO group


def reach(held: float, orders: Sequence[Asked]) -> tuple[float, float]:
    """(fewest, most) units that can come to be held, by trying every order of fills."""

    @cache
    def walk(at: float, left: tuple[Line, ...]) -> tuple[float, float]:
        low = high = at
        for i, (qty, takes, parent, oco) in enumerate(left):
            filled = qty
            if takes:
                against = max(-at * np.sign(qty), 0.0)
                filled = float(np.sign(qty)) * min(abs(qty), against)
            if not filled:
                continue
            rest = tuple(_lowered(line, filled, parent, oco) for line in left[:i] + left[i + 1 :])
            deeper = walk(at + filled, tuple(line for line in rest if line[0]))
            low, high = min(low, deeper[0]), max(high, deeper[1])
        return low, high

    lines = ((o.qty, o.reduce_only or o.parent >= 0, o.parent, o.oco) for o in orders)
    return walk(held, tuple(sorted(lines)))


def _lowered(line: Line, filled: float, parent: int, oco: int) -> Line:
    """What is left of an order when another of its group, or that protects the same, has filled."""
    qty, takes, own, group = line
    if oco and group == oco:
        return 0.0, takes, own, group
    if parent < 0 or own != parent or qty * filled < 0.0:
        return line
    return (0.0 if abs(filled) >= abs(qty) else qty - filled, takes, own, group)


@dataclass
class Market:
    """Three symbols, an account, a gate, and what was let through it.

    Attributes
    ----------
    asleep : dict of int to list of Asked
        Entry -> what is to protect it once it fills.
    log : list of list of int
        Time of each order let through, the protection of an entry aside.
    """

    config: RiskConfig
    gate: Gate = field(init=False)
    cash: float = 1_000.0
    qty: list[float] = field(default_factory=lambda: [0.0] * len(SYMBOLS))
    price: list[float] = field(default_factory=lambda: [10.0] * len(SYMBOLS))
    working: list[Asked] = field(default_factory=list)
    asleep: dict[int, list[Asked]] = field(default_factory=dict)
    now: int = NOON
    latest: int = 0
    day: int = 1
    next_number: int = 0
    log: list[int] = field(default_factory=list)
    n_asked: int = 0
    n_passed: int = 0

    def __post_init__(self) -> None:
        self.gate = Gate(self.config, SYMBOLS)

    @property
    def equity(self) -> float:
        """Cash and what is held."""
        return self.cash + sum(q * p for q, p in zip(self.qty, self.price, strict=True) if q)

    def situation(self, tick_age: int = 0) -> Situation:
        """What is known now."""
        return Situation(
            self.now, self.day, self.equity, np.array(self.qty), np.array(self.price),
            np.full(len(SYMBOLS), self.now - tick_age, np.int64), list(self.working),
        )  # fmt: skip

    def restart(self) -> None:
        """Forget everything but what was written down."""
        was = self.gate.frozen, self.gate.killed, self.gate.halted, self.gate.flattens
        self.gate = self.again()
        now = self.gate.frozen, self.gate.killed, self.gate.halted, self.gate.flattens
        assert was == now, "a restart changed a switch"

    def again(self) -> Gate:
        """A second gate that remembers the same."""
        return Gate(self.config, SYMBOLS).restore(json.loads(json.dumps(self.gate.state())))

    def thaw(self) -> None:
        """A person lifts everything, and forgives a clock."""
        self.gate.thaw()
        self.latest = 0

    def mark(self) -> Breach | None:
        """Look at the losses."""
        twin = self.again()
        breach = self.gate.mark(self.situation())
        assert twin.mark(self.situation()) == breach and twin.state() == self.gate.state()
        return breach

    def ask(self, asked: Sequence[Asked], tick_age: int = 0) -> dict[int, Refusal]:
        """Ask the gate, and hold its answer to everything that it promises."""
        seen, twin = self.situation(tick_age), self.again()
        refusals = self.gate.check(asked, seen)
        assert twin.check(asked, seen) == refusals, "a restart changed an answer"
        assert json.dumps(twin.state(), sort_keys=True) == json.dumps(
            self.gate.state(), sort_keys=True
        )
        refused = {refusal.number: refusal for refusal in refusals}
        passed = [order for order in asked if order.number not in refused]
        self.n_asked += len(asked)
        self.n_passed += len(passed)
        self.latest = max(self.latest, self.now)
        self._judge(asked, passed, refused)
        entries = {order.number for order in asked if order.parent < 0}
        for order in passed:
            if order.parent in entries:
                self.asleep.setdefault(order.parent, []).append(order)
            else:
                self.working.append(order)
        return refused

    def _judge(
        self, asked: Sequence[Asked], passed: Sequence[Asked], refused: dict[int, Refusal]
    ) -> None:
        entries = {order.number for order in asked if order.parent < 0}
        awake = [order for order in passed if order.parent not in entries]
        takes = [order for order in awake if order.reduce_only or order.parent >= 0]
        worst_before = worst_after = 0.0
        for k in range(len(SYMBOLS)):
            here = [order for order in self.working if order.symbol == k]
            low, high = reach(self.qty[k], here + [o for o in takes if o.symbol == k])
            low_after, high_after = reach(self.qty[k], here + [o for o in awake if o.symbol == k])
            before, after = max(high, -low), max(high_after, -low_after)
            worst_before += before * self.price[k] if before > SLACK else 0.0
            worst_after += after * self.price[k] if after > SLACK else 0.0
            grows = after > before + SLACK
            self._judge_symbol(k, grows, after)
            if self.gate.killed or self.gate.frozen:
                assert not grows and low_after >= min(low, 0.0) - SLACK, "frozen, and it adds"
                assert high_after <= max(high, 0.0) + SLACK, "frozen, and it adds"
            if SYMBOLS[k] in self.config.not_shortable:
                assert low_after >= min(low, 0.0) - SLACK, "sold short what may not be"
        if self.config.max_gross is not None and worst_after > worst_before + SLACK:
            assert worst_after <= self.config.max_gross * self.equity + SLACK, "gross"
        self._judge_pace(awake, entries, passed)
        for number, refusal in refused.items():
            order = next(order for order in asked if order.number == number)
            only_takes = order.reduce_only or order.parent >= 0
            assert refusal.rule in ALWAYS or not only_takes, refusal
            assert refusal.reason and "nan" not in refusal.reason, refusal

    def _judge_symbol(self, k: int, grows: bool, after: float) -> None:
        if not grows:
            return
        name, worth = SYMBOLS[k], after * self.price[k]
        assert self.price[k] > 0.0, f"{name} has no price, and it adds"
        assert name not in self.gate.halted, f"{name} is halted, and it adds"
        if self.config.max_weight is not None:
            assert worth <= self.config.max_weight * self.equity + SLACK, f"weight of {name}"

    def _judge_pace(
        self, awake: Sequence[Asked], entries: set[int], passed: Sequence[Asked]
    ) -> None:
        most = self.config.max_orders_per_minute
        counted = [order for order in passed if order.parent < 0]
        before = [at for at in self.log if self.latest - min(at, self.latest) < MINUTE]
        self.log = [min(at, self.latest) for at in before] + [self.latest] * len(counted)
        if most is None or len(before) < most:
            return
        for order in awake:  # the minute was full: nothing that adds may have come through
            if order.parent < 0 and not order.reduce_only:
                assert self.qty[order.symbol] * order.qty < 0.0, "a full minute, and it adds"

    def leave(self, k: int) -> dict[int, Refusal]:
        """Withdraw everything of a symbol, and ask to close it."""
        self.working = [order for order in self.working if order.symbol != k]
        close = Asked(self.number(), k, -self.qty[k], MARKET, NAN, NAN, False, -1, "close")
        return self.ask([close]) if self.qty[k] else {}

    def number(self) -> int:
        """Next order's."""
        self.next_number += 1
        return self.next_number

    def fill(self, i: int, part: float) -> None:
        """Fill a part of an order that works, at the last price."""
        order = self.working[i]
        k, price = order.symbol, self.price[order.symbol]
        if not price > 0.0:
            return
        here = [other for other in self.working if other.symbol == k]
        low, high = reach(self.qty[k], here)
        against = max(-self.qty[k] * np.sign(order.qty), 0.0)
        takes = order.reduce_only or order.parent >= 0
        units = min(abs(order.qty), against) if takes else abs(order.qty)
        units = round(units * part, 3)
        filled = float(units * np.sign(order.qty))
        self.qty[k] = round(self.qty[k] + filled, 6)
        self.cash -= filled * price
        assert low - SLACK <= self.qty[k] <= high + SLACK
        left = round(order.qty - filled, 6)
        self.working[i] = order._replace(qty=left)
        self._wake(order, filled)
        if takes or (order.oco and filled):
            self.working = [self._beside(other, order, filled) for other in self.working]
        self.working = [other for other in self.working if abs(other.qty) > SLACK]

    @staticmethod
    def _beside(other: Asked, order: Asked, filled: float) -> Asked:
        """What is left of another order when this one has filled."""
        if other.number == order.number or other.symbol != order.symbol:
            return other
        line = _lowered((other.qty, True, other.parent, other.oco), filled, order.parent, order.oco)
        return other._replace(qty=line[0])

    def _wake(self, order: Asked, filled: float) -> None:
        for child in self.asleep.pop(order.number, []):
            if filled:
                self.working.append(child._replace(qty=-filled))
