"""``rules: backtrader`` is plain, unmodified backtrader in every bit, on random runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import backtrader as bt
import numpy as np
import pytest

from tests.parity.random_backtrader import Plan, Planned, differences, ours, random_run, theirs
from tradewind.engine.executors import backtrader_profile
from tradewind.engine.executors.backtrader_profile import check_books
from tradewind.engine.executors.backtrader_state import STATUS_NAMES
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import Panel
from tradewind.engine.types import Intent, OrderType

RUNS = 320
BLOCKS = 4


def test_the_backtrader_compared_with_is_the_one_the_rules_were_read_from() -> None:
    assert bt.__version__ == "1.9.78.123"


@pytest.mark.parametrize("block", range(BLOCKS))
def test_every_bit_is_plain_backtraders(block: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(block * RUNS // BLOCKS, (block + 1) * RUNS // BLOCKS):
        run = random_run(seed)
        a, b = ours(run), theirs(run)
        assert differences(*a, *b) == [], f"seed {seed}"
        check_books(a[0].simulation, run.panel, run.options)
        orders = a[0].simulation.orders
        seen["fills"] += len(a[0].simulation.fills)
        seen.update(STATUS_NAMES[status] for status in a[0].statuses)
        seen.update(OrderType(kind).name for kind in orders["order_type"])
        seen["stale"] += a[0].stale
    assert seen["fills"] > 1_500, "a comparison of nothing proves nothing"
    ends = {"accepted", "partial", "completed", "canceled", "expired", "margin", "rejected"}
    assert {*ends, *OrderType.__members__, "stale"} <= {name for name, n in seen.items() if n}


def test_orders_wait_for_a_bar_unless_stale_bars_are_asked_for() -> None:
    same = stale = 0
    for seed in range(120):
        run = random_run(seed, (2, 4))
        like, _ = ours(run)
        waiting, _ = ours(run, stale_bars=False)
        stale += like.stale > 0
        orders, fills = waiting.simulation.orders, waiting.simulation.fills
        alive = ~np.isnan(run.panel.close)
        assert alive[fills["bar"], fills["symbol"]].all(), f"seed {seed}: filled without a bar"
        if like.stale == 0:
            same += 1
            assert like.simulation.equity.tobytes() == waiting.simulation.equity.tobytes()
            assert like.simulation.fills.tobytes() == fills.tobytes(), f"seed {seed}"
            assert like.simulation.orders.tobytes() == orders.tobytes(), f"seed {seed}"
    assert same > 10 and stale > 30


@dataclass
class Deciding:
    """A plan that offers no rule to compile."""

    plan: Plan
    warmup: int = 1

    def prepare(self, panel: Panel, signals: Signals) -> Planned:
        return self.plan.prepare(panel, signals)

    def decide(self, view: View) -> Sequence[Intent]:
        return self.plan.decide(view)


def test_a_decision_that_is_not_compiled_gives_the_same_bits() -> None:
    for seed in range(12):
        run = random_run(seed)
        compiled, _ = ours(run)
        deciding = Deciding(run.plan)
        inputs = deciding.prepare(run.panel, Signals())
        found = backtrader_profile.simulate(deciding, inputs, run.panel, run.options, start=0)
        assert found.equity.tobytes() == compiled.simulation.equity.tobytes(), f"seed {seed}"
        assert found.fills.tobytes() == compiled.simulation.fills.tobytes(), f"seed {seed}"
        assert found.orders.tobytes() == compiled.simulation.orders.tobytes(), f"seed {seed}"
