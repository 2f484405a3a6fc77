"""What the ledger holds fills to: all that the kernel makes passes, what is forged does not."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.parity.random_runs import Run, Tabled, random_run
from tradewind.engine.books.fill_checks import check_cash, check_prices, check_times
from tradewind.engine.errors import InvariantError
from tradewind.engine.executors import reference
from tradewind.engine.records import Records, Simulation
from tradewind.engine.types import OrderType, Reason

SEEDS = st.integers(0, 2**31)
EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


def made(seed: int) -> tuple[Run, Simulation]:
    run = random_run(seed)
    found = reference.simulate(
        Tabled(), run.table, run.panel, run.terms, start=0, market=run.market
    )
    return run, found


def prices(run: Run, found: Simulation, fills: Records) -> None:
    check_prices(found.orders, fills, found.events, run.panel, reference.rules_of(run.terms))


@EXAMPLES
@example(114)  # a trailing entry that has moved beyond its target
@example(152)  # a stop that the whole of the buyer's bar lies beyond
@example(3340)  # a minimum fee of which the maximum spared the first part of an order
@given(SEEDS)
def test_every_fill_of_the_kernel_passes(seed: int) -> None:
    run, found = made(seed)
    check_times(found.orders, found.fills, run.panel)
    prices(run, found, found.fills)
    if run.terms.account.cash_only:
        cash = run.terms.account.cash
        check_cash(cash, found.equity, found.fills, found.events, run.panel)


FORGED: dict[str, Callable[[Records, int, float], None]] = {
    "better than its quote": lambda fills, i, side: better(fills, i, side, ("price",)),
    "worse than slippage": lambda fills, i, side: better(fills, i, -side, ("price",)),
    "above its bar": lambda fills, i, side: better(fills, i, -1.0, ("price", "quote", "mid")),
    "below its bar": lambda fills, i, side: better(fills, i, 1.0, ("price", "quote", "mid")),
}


def better(fills: Records, i: int, side: float, names: tuple[str, ...]) -> None:
    """Move the prices of one fill by half, down for ``side`` +1 and up for -1."""
    for name in names:
        fills[name][i] *= 1.0 - side * 0.5


@pytest.mark.parametrize("forgery", FORGED)
@EXAMPLES
@given(seed=SEEDS, which=st.integers(0, 10**6))
def test_a_forged_price_is_found(forgery: str, seed: int, which: int) -> None:
    run, found = made(seed)
    sent = found.orders[found.fills["order"]]
    real = np.flatnonzero(sent["reason"] != Reason.DELISTED)
    assume(len(real))
    i = int(real[which % len(real)])
    forged = found.fills.copy()
    FORGED[forgery](forged, i, float(np.sign(forged["qty"][i])))
    with pytest.raises(InvariantError, match=f"fill {i} of .* its side's bar ran from"):
        prices(run, found, forged)


@EXAMPLES
@given(seed=SEEDS, which=st.integers(0, 10**6))
def test_the_least_slippage_on_a_limit_is_found(seed: int, which: int) -> None:
    run, found = made(seed)
    limits = np.flatnonzero(found.orders["order_type"][found.fills["order"]] == OrderType.LIMIT)
    limits = limits[found.orders["reason"][found.fills["order"][limits]] != Reason.DELISTED]
    assume(len(limits))
    i = int(limits[which % len(limits)])
    forged = found.fills.copy()
    forged["price"][i] *= 1.0 + 1e-6 * np.sign(forged["qty"][i])
    with pytest.raises(InvariantError, match=f"fill {i} of"):
        prices(run, found, forged)


@EXAMPLES
@given(seed=SEEDS, which=st.integers(0, 10**6))
def test_a_fill_on_the_bar_of_its_decision_is_found(seed: int, which: int) -> None:
    run, found = made(seed)
    forced = (Reason.DELISTED, Reason.LIQUIDATED, Reason.RECALLED)
    sent = found.orders[found.fills["order"]]
    chosen = np.flatnonzero(~np.isin(sent["reason"], forced))
    assume(len(chosen))
    i = int(chosen[which % len(chosen)])
    forged = found.fills.copy()
    forged["bar"][i] = sent["bar"][i]
    with pytest.raises(InvariantError, match=f"fill {i} is on bar"):
        check_times(found.orders, forged, run.panel)


@EXAMPLES
@given(seed=SEEDS)
def test_more_bought_than_was_paid_for_is_found(seed: int) -> None:
    run, found = made(seed)
    bought = np.flatnonzero(found.fills["qty"] > 0.0)
    assume(len(bought))
    i = int(bought[0])
    forged = found.fills.copy()
    forged["qty"][i] += 2.0 * run.terms.account.cash / (forged["price"][i] * forged["fx"][i])
    if i:  # what was sold before must not pay for it
        forged = forged[i:]
    with pytest.raises(InvariantError, match="leaves the cash account -"):
        check_cash(run.terms.account.cash, found.equity, forged, found.events, run.panel)
