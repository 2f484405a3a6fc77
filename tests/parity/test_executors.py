"""The compiled loop, the interpreted one and Cerebro where rounding decides."""

from types import FunctionType

import numpy as np
import pytest

from tests.markets import candles, terms, trade
from tests.parity.comparing import difference
from tests.parity.random_runs import Tabled, random_run
from tradewind.engine.executors import kernel, reference
from tradewind.engine.executors.interpreted import interpreted
from tradewind.engine.executors.state import new_log, new_state
from tradewind.engine.protocols import Rule
from tradewind.engine.types import Reason


@pytest.mark.parametrize("seed", range(8))
def test_compiled_and_interpreted_decisions_give_the_same_bits(seed: int) -> None:
    run = random_run(seed)
    a, b = (
        reference.simulate(strategy, run.table, run.panel, run.terms, start=1, market=run.market)
        for strategy in (Tabled(), interpreted(Tabled()))
    )
    assert len(a.orders) > 0
    for name in ("orders", "fills", "events", "equity"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def plainly(rule: Rule) -> FunctionType:
    """Return the loop as plain Python, which needs no addresses of its tuples."""
    bound = kernel.with_rule(rule)
    return FunctionType(bound.__code__, {**bound.__globals__, "byref": lambda given: given})


@pytest.mark.parametrize("seed", range(4))
def test_the_compiled_loop_and_the_same_loop_as_plain_python_give_the_same_bits(seed: int) -> None:
    run = random_run(seed)
    results = []
    for loop in (reference.compiled_kernel(Tabled().rule), plainly(Tabled().rule)):
        state = new_state(run.panel.n_bars, run.panel.n_symbols, run.terms.account.cash)
        log = new_log(run.panel.n_symbols)
        log = kernel.simulate(
            loop, run.market, run.table, Tabled().params, run.terms, state, log, 1
        )
        results.append([part.tobytes() for part in (*log[:3], state.equity_curve, state.sums)])
    assert results[0] == results[1]


def test_a_small_account_loses_no_cents_to_the_credit_backtrader_is_lent() -> None:
    panel = candles([(1e5, 1e5, 1e5, 1e5)] * 8)
    wishes = [10.0, np.nan, 0.0, 1e-10, 10.0, 1e-10, 0.0, 0.0]
    given = terms(panel, cash=1.0, weight=10.0, max_leverage=20.0, fee_bps=3.0)
    ours, theirs = (trade(e, panel, wishes, given) for e in ("kernel", "cerebro"))
    assert len(ours.fills) > 3
    assert not difference(ours, theirs)


def test_what_rounding_leaves_of_the_cap_is_no_fill() -> None:
    rng = np.random.default_rng(0)
    close = 1e-4 * np.exp(np.cumsum(rng.normal(0, 0.05, (60, 3)), axis=0))
    panel = candles(*[[(p, p, p, p) for p in close[:, k]] for k in range(3)])
    given = terms(panel, cash=1e9, weight=1.0, fee_bps=1.0, spread_bps=4.0)
    ours, theirs = (trade(e, panel, np.ones(panel.shape), given) for e in ("kernel", "cerebro"))
    assert not difference(ours, theirs)
    orders = ours.orders[ours.fills["order"]]
    assert (np.abs(ours.fills["qty"]) > 1e-6 * np.abs(orders["qty"])).all()
    assert Reason.REJECTED_CASH in ours.orders["reason"].tolist()


def test_the_smallest_positions_are_the_same_on_both() -> None:
    panel = candles([(1e6, 1e6, 1e6, 1e6)] * 6)
    wishes = [0.5, 1e-6, 1e-6, 0.5, 0.0, 0.0]  # 1e-6 of this account is less than 1e-9 units
    given = terms(panel, cash=100.0)
    ours, theirs = (trade(e, panel, wishes, given) for e in ("kernel", "cerebro"))
    assert not difference(ours, theirs)
    assert ours.equity[-1] == 100.0, "nothing costs anything here, so nothing may be lost"
