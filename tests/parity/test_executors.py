"""Reference simulator and Cerebro agree on every order and fill of random markets."""

import numpy as np
import pytest

from tests.markets import Wishes, candles, random_panel, random_terms, random_wishes, terms, trade
from tradewind.engine.executors import kernel
from tradewind.engine.executors import state as states
from tradewind.engine.executors.reference import compiled_kernel
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Simulation
from tradewind.engine.sizing import Sizing
from tradewind.engine.types import Reason
from tradewind.strategies.sma_cross import SmaCross

RUNS = 300
RELATIVE = 1e-9


def one_run(seed: int) -> tuple[Simulation, Simulation]:
    """Trade the same random market on both executors."""
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 60, int(rng.integers(1, 7)))
    given = random_terms(rng, panel)
    wishes = random_wishes(rng, panel)
    ours, theirs = (trade(e, panel, wishes, given, start=3) for e in ("kernel", "cerebro"))
    return ours, theirs


def assert_same(ours: Simulation, theirs: Simulation) -> None:
    """Every field of every order and fill, and the curves."""
    for name in ("orders", "fills"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert len(a) == len(b), name
        for field in a.dtype.names:
            np.testing.assert_allclose(a[field], b[field], rtol=RELATIVE, atol=1e-9, err_msg=field)
    for name in ("equity", "cash", "gross", "borrow"):
        a, b = getattr(ours, name), getattr(theirs, name)
        np.testing.assert_allclose(a, b, rtol=RELATIVE, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("block", range(6))
def test_kernel_and_cerebro_agree_on_random_markets(block: int) -> None:
    seen: set[int] = set()
    n_fills = 0
    for seed in range(block * RUNS // 6, (block + 1) * RUNS // 6):
        ours, theirs = one_run(seed)
        assert_same(ours, theirs)
        n_fills += len(ours.fills)
        seen |= set(ours.orders["reason"].tolist())
    assert n_fills > 500, "a comparison of nothing proves nothing"
    expected = {Reason.FILLED, Reason.PARTLY_FILLED, Reason.CANCELLED_REBALANCE, Reason.DELISTED}
    assert expected <= {Reason(r) for r in seen}


@pytest.mark.parametrize("seed", range(5))
def test_compiled_and_interpreted_loops_give_the_same_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 400, 4)
    strategy = SmaCross(fast=3, slow=8, short=True)
    given = random_terms(rng, panel)._replace(
        sizing=Sizing(0.25, 1.0, 0.0, 0.0, 0.0)
    )  # always large enough to trade
    inputs = strategy.prepare(panel, Signals())
    results = []
    market = states.market_of(panel)
    for loop in (compiled_kernel(strategy.rule), kernel.with_rule(strategy.rule)):
        state = states.new_state(panel.n_bars, panel.n_symbols, 1e5)
        orders, fills = kernel.simulate(loop, market, inputs, strategy.params, given, state, 8)
        results.append((orders.tobytes(), fills.tobytes(), state.equity_curve.tobytes()))
        assert len(fills) > 50
    assert results[0] == results[1]


def test_a_strategy_that_only_decides_runs_through_the_same_loop() -> None:
    rng = np.random.default_rng(11)
    panel = random_panel(rng, 80, 3)
    strategy = SmaCross(fast=2, slow=5)
    inputs = strategy.prepare(panel, Signals())
    asked = np.full(panel.shape, np.nan)

    class Deciding(Wishes):
        def decide(self, view):  # type: ignore[no-untyped-def]
            return strategy.decide(view)

    from tradewind.engine.executors import reference

    given = terms(panel, cash=1e5, weight=0.3)
    a = reference.simulate(strategy, inputs, panel, given, start=5)
    b = reference.simulate(Deciding(asked), inputs, panel, given, start=5)
    assert len(a.fills) > 10
    assert a.fills.tobytes() == b.fills.tobytes()


def test_a_small_account_loses_no_cents_to_the_credit_backtrader_is_lent() -> None:
    panel = candles([(1e5, 1e5, 1e5, 1e5)] * 8)
    wishes = [10.0, np.nan, 0.0, 1e-10, 10.0, 1e-10, 0.0, 0.0]
    given = terms(panel, cash=1.0, weight=10.0, max_leverage=20.0, fee_bps=3.0)
    ours, theirs = (trade(e, panel, wishes, given) for e in ("kernel", "cerebro"))
    assert len(ours.fills) > 3
    assert_same(ours, theirs)


def test_what_rounding_leaves_of_the_cap_is_no_fill() -> None:
    rng = np.random.default_rng(0)
    close = 1e-4 * np.exp(np.cumsum(rng.normal(0, 0.05, (60, 3)), axis=0))
    panel = candles(*[[(p, p, p, p) for p in close[:, k]] for k in range(3)])
    given = terms(panel, cash=1e9, weight=1.0, fee_bps=1.0, spread_bps=4.0)
    ours, theirs = (trade(e, panel, np.ones(panel.shape), given) for e in ("kernel", "cerebro"))
    assert_same(ours, theirs)
    orders = ours.orders[ours.fills["order"]]
    assert (np.abs(ours.fills["qty"]) > 1e-6 * np.abs(orders["qty"])).all()
    assert Reason.REJECTED_CASH in ours.orders["reason"].tolist()


def test_the_smallest_positions_are_the_same_on_both() -> None:
    panel = candles([(1e6, 1e6, 1e6, 1e6)] * 6)
    wishes = [0.5, 1e-6, 1e-6, 0.5, 0.0, 0.0]  # 1e-6 of this account is less than 1e-9 units
    given = terms(panel, cash=100.0)
    ours, theirs = (trade(e, panel, wishes, given) for e in ("kernel", "cerebro"))
    assert_same(ours, theirs)
    assert ours.equity[-1] == 100.0, "nothing costs anything here, so nothing may be lost"
