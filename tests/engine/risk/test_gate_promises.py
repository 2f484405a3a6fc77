"""Over random orders, fills, prices, days and restarts the gate keeps what it promises."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.risk_asking import LIMIT, MARKET, NAN, STOP, SYMBOLS, S
from tests.risk_market import Market
from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.risk.facts import Asked

LIMITS = RiskConfig(
    max_weight=0.5, max_gross=1.2, max_order_notional=500.0, max_orders_per_minute=12,
    price_collar=0.3, stale_s=20.0, max_daily_loss=0.03, max_drawdown=0.08, duplicate_s=0.5,
    not_shortable=("CC",),
)  # fmt: skip
ONLY_WEIGHTS = RiskConfig(max_weight=0.5, max_gross=1.2)
NOTHING = RiskConfig(not_shortable=("BB", "CC"))
MOST_WORKING = 5  # of one symbol: the second reckoning tries every order of their fills
SEED = 20261127


def bracket(market: Market, k: int, qty: float) -> list[Asked]:
    """Entry, stop and target."""
    entry = market.number()
    price, side = market.price[k], 1.0 if qty > 0.0 else -1.0
    stop, target = price * (1.0 - 0.1 * side), price * (1.0 + 0.2 * side)
    return [
        Asked(entry, k, qty, MARKET, NAN, NAN, False, -1, f"r-{entry}"),
        Asked(market.number(), k, -qty, STOP, NAN, stop, True, entry, f"r-{entry}-s"),
        Asked(market.number(), k, -qty, LIMIT, target, NAN, True, entry, f"r-{entry}-t"),
    ]  # fmt: skip


def either(market: Market, k: int, qty: float, form: str) -> list[Asked]:
    """A limit and a stop of which one fills; one that takes, on both sides, or of two sizes."""
    first, price, side = market.number(), market.price[k], 1.0 if qty > 0.0 else -1.0
    other = -qty if form == "oco of both sides" else qty if form == "oco" else 0.5 * qty
    stop = price * (1.0 + 0.05 * side * (1.0 if other * qty > 0.0 else -1.0))
    takes = form == "oco that takes"
    return [
        Asked(first, k, qty, LIMIT, price * (1.0 - 0.05 * side), NAN, False, -1, "l", first),
        Asked(market.number(), k, other, STOP, NAN, stop, takes, -1, "s", first),
    ]


def one(market: Market, k: int, qty: float, form: str) -> list[Asked]:
    """An order of some form, or a bracket."""
    if form == "bracket":
        return bracket(market, k, qty)
    if form.startswith("oco"):
        return either(market, k, qty, form)
    price, number, side = market.price[k], market.number(), 1.0 if qty > 0.0 else -1.0
    limit = price * (1.0 - 0.05 * side) if form == "limit" else NAN
    stop = price * (1.0 + 0.05 * side) if form in ("stop", "guard") else NAN
    kind = {"limit": LIMIT, "stop": STOP, "guard": STOP}.get(form, MARKET)
    takes = form in ("guard", "take")
    return [Asked(number, k, qty, kind, limit, stop, takes, -1, f"r-{number}")]


FORMS = (
    "market", "limit", "stop", "guard", "take", "bracket", "oco", "oco of both sides",
    "oco that takes", "oco of two sizes",
)  # fmt: skip
WISH = st.tuples(
    st.sampled_from(range(len(SYMBOLS))), st.integers(-60, 60).filter(bool), st.sampled_from(FORMS)
)


class Promises(RuleBasedStateMachine):
    """Everything that can happen to a gate, in any order."""

    market: Market

    @initialize(config=st.sampled_from([LIMITS, ONLY_WEIGHTS, NOTHING]))
    def begin(self, config: RiskConfig) -> None:
        self.market = Market(config)

    @rule(wishes=st.lists(WISH, min_size=1, max_size=4))
    def ask_on_fresh_ticks(self, wishes: list[tuple[int, int, str]]) -> None:
        self.ask_at(wishes, 0)

    @rule(wishes=st.lists(WISH, min_size=1, max_size=4), age=st.sampled_from([1, 19, 21]))
    def ask_on_old_ticks(self, wishes: list[tuple[int, int, str]], age: int) -> None:
        self.ask_at(wishes, age)

    def ask_at(self, wishes: list[tuple[int, int, str]], age: int) -> None:
        market, asked = self.market, list[Asked]()
        for k, qty, form in wishes:
            count = sum(order.symbol == k for order in [*market.working, *asked])
            if count < MOST_WORKING - 2:
                asked += one(market, k, float(qty), form)
        market.ask(asked, age * S)

    @precondition(lambda self: self.market.working)
    @rule(data=st.data(), part=st.sampled_from([0.25, 0.5, 1.0, 1.0, 1.0]))
    def fill(self, data: st.DataObject, part: float) -> None:
        self.market.fill(data.draw(st.integers(0, len(self.market.working) - 1)), part)

    @precondition(lambda self: self.market.working)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        del self.market.working[data.draw(st.integers(0, len(self.market.working) - 1))]

    @rule(k=st.sampled_from(range(len(SYMBOLS))), percent=st.integers(-20, 25))
    def move(self, k: int, percent: int) -> None:
        self.market.price[k] = round(self.market.price[k] * (1.0 + percent / 100.0), 4)

    @rule(k=st.sampled_from(range(len(SYMBOLS))), percent=st.integers(5, 15))
    def lose_sight(self, k: int, percent: int) -> None:
        known = self.market.price[k]
        self.market.price[k] = NAN
        if not self.market.qty[k]:
            number = self.market.number()
            order = Asked(number, k, 1.0, MARKET, NAN, NAN, False, -1, f"r-{number}")
            assert number in self.market.ask([order])
        self.market.price[k] = known

    @rule(seconds=st.sampled_from([-3600, -30, 0, 0, 1, 30, 60, 600]))
    def wait(self, seconds: int) -> None:
        self.market.now += seconds * S

    @rule(days=st.sampled_from([0, 0, 1]))
    def close(self, days: int) -> None:
        self.market.day += days
        breach = self.market.mark()
        if breach is not None:
            assert self.market.gate.frozen

    @rule()
    def restart(self) -> None:
        self.market.restart()

    @rule(
        k=st.sampled_from(range(len(SYMBOLS))),
        what=st.sampled_from(["thaw", "unhalt", "thaw", "unhalt", "halt", "freeze", "kill"]),
    )
    def switch(self, k: int, what: str) -> None:
        gate, name = self.market.gate, SYMBOLS[k]
        if what == "thaw":
            self.market.thaw()
        elif what == "unhalt":
            gate.unhalt(name)
        elif what == "halt":
            gate.halt(name, "news")
        else:
            getattr(gate, what)("a doubt")

    @rule(k=st.sampled_from(range(len(SYMBOLS))))
    def leave(self, k: int) -> None:
        refused = self.market.leave(k)
        halted = SYMBOLS[k] in self.market.gate.halted
        assert {refusal.rule for refusal in refused.values()} <= ({"halted"} if halted else set())


TestPromises = Promises.TestCase
TestPromises.settings = settings(
    max_examples=100, stateful_step_count=60, deadline=None, derandomize=True
)  # fmt: skip


@pytest.mark.parametrize("n", [6_000, pytest.param(30_000, marks=pytest.mark.slow)])
def test_so_many_orders_at_random_keep_every_promise(n: int) -> None:
    draw, asked, passed = random.Random(SEED), 0, 0
    rules = set[str]()
    while asked < n:
        market = Market(draw.choice([LIMITS, LIMITS, ONLY_WEIGHTS, NOTHING]))
        for _ in range(400):
            rules |= step(market, draw)
        asked, passed = asked + market.n_asked, passed + market.n_passed
    assert passed > asked // 5
    assert rules >= {
        "max_weight", "max_gross", "max_order_notional", "orders_per_minute", "frozen", "killed",
        "halted", "not_shortable", "stale", "duplicate", "entry",
    }  # fmt: skip


def step(market: Market, draw: random.Random) -> set[str]:
    """Something that happens; rules by which orders were refused."""
    k, dice = draw.randrange(len(SYMBOLS)), draw.random()
    if dice < 0.5:
        asked = list[Asked]()
        for _ in range(draw.randrange(1, 5)):
            k = draw.randrange(len(SYMBOLS))
            if sum(order.symbol == k for order in [*market.working, *asked]) < MOST_WORKING - 2:
                qty = float(draw.choice([-1, 1]) * draw.randrange(1, 55))
                asked += one(market, k, qty, draw.choice(FORMS))
        age = 21 if draw.random() < 0.03 else draw.randrange(20)
        return {refusal.rule for refusal in market.ask(asked, age * S).values()}
    if dice < 0.72 and market.working:
        market.fill(draw.randrange(len(market.working)), draw.choice([0.5, 1.0, 1.0]))
    elif dice < 0.81 and market.working:
        del market.working[draw.randrange(len(market.working))]
    elif dice < 0.87:
        market.price[k] = round(market.price[k] * draw.uniform(0.85, 1.17), 4)
    elif dice < 0.92:
        market.now += draw.choice([-30, 1, 5, 30, 60]) * S
    elif dice < 0.96:
        market.day += draw.random() < 0.5
        market.mark()
    elif dice < 0.975:
        found = {refusal.rule for refusal in market.leave(k).values()}
        assert found <= ({"halted"} if SYMBOLS[k] in market.gate.halted else set())
    elif dice < 0.985:
        market.thaw() if draw.random() < 0.8 else market.gate.kill("a doubt")
    elif dice < 0.99:
        name = SYMBOLS[k]
        market.gate.halt(name, "news") if draw.random() < 0.2 else market.gate.unhalt(name)
    else:
        market.restart()
    return set()
