"""What the two monthly portfolios ask for, on tables small enough to check by eye."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.bars.formation import month_begins
from tradewind.engine.causality import probe
from tradewind.engine.compiling import compiled
from tradewind.engine.errors import StrategyError
from tradewind.engine.intents import INTENT, room_for_intents
from tradewind.engine.protocols import Book, Signals
from tradewind.engine.records import DAY_NS, ORDER, Floats, Panel
from tradewind.strategies import inverse_volatility, momentum
from tradewind.strategies.inverse_volatility import InverseVolatility
from tradewind.strategies.momentum import Momentum

NAN = np.nan
JANUARY_30 = np.datetime64("2024-01-30")


def daily(close: Any, first: np.datetime64 = JANUARY_30) -> Panel:
    """Bars on consecutive days whose four prices are the close."""
    prices = np.array(close, float, ndmin=2)
    begun = first.astype("datetime64[ns]").astype(np.int64)
    ts = begun + DAY_NS * np.arange(1, len(prices) + 1)
    names = tuple(f"S{k}" for k in range(prices.shape[1]))
    return Panel(names, ts, prices, prices, prices, prices, np.full(prices.shape, 1e6))


def book(qty: Any) -> Book:
    """An account that holds ``qty`` and has nothing on the market."""
    held = np.array(qty, float)
    nothing, none = np.zeros(0, np.int64), np.zeros(1, np.int64)
    return Book(held, np.ones(1), held, np.zeros(0, ORDER), nothing, none, np.zeros((1, 1)))


def asked(strategy: Any, panel: Panel, bar: int, qty: Any = None, *, fast: bool = False) -> Any:
    """Column -> strength of what a rule writes, compiled or as plain Python."""
    rows = np.zeros(room_for_intents(panel.n_symbols), INTENT)
    inputs = strategy.prepare(panel, Signals())
    held = book(np.zeros(panel.n_symbols) if qty is None else qty)
    rule = compiled(strategy.rule) if fast else strategy.rule
    n = rule(bar, inputs, strategy.params, held, rows)
    return {int(row["symbol"]): float(row["weight"]) for row in rows[:n]}


def test_a_month_begins_on_its_first_bar_whichever_day_that_is() -> None:
    panel = daily(np.ones((4, 1)))  # January 30th and 31st, February 1st and 2nd
    assert month_begins(panel).tolist() == [False, False, True, False]


def test_momentum_holds_the_best_half_and_leaves_the_rest() -> None:
    #        S0   S1   S2   S3     over two bars: +10%, +30%, -10%, +20%
    close = [[100, 100, 100, 100], [105, 90, 99, 110], [110, 130, 90, 120]]
    found = asked(Momentum(lookback=2, skip=0, top=0.5), daily(close), 2, [0, 0, 7, 0])
    assert found == {1: 0.5, 2: 0.0, 3: 0.5}  # S0 is not held and need not be named


def test_momentum_does_nothing_between_the_months() -> None:
    panel = daily([[100, 100], [110, 90], [120, 80], [130, 70]])
    assert asked(Momentum(lookback=1, skip=0, top=0.5), panel, 3, [0, 5]) == {}


def test_momentum_leaves_the_newest_bars_out() -> None:
    close = [[100, 100], [120, 110], [60, 200]]  # without the last bar S0 rose more
    assert asked(Momentum(lookback=2, skip=1, top=0.5), daily(close), 2) == {0: 1.0}


def test_momentum_takes_the_close_before_a_gap_and_passes_over_what_does_not_trade() -> None:
    #        S0 has no bar now, S1 had none when its year began, S2 none at the skipped end
    close = [[100, NAN, 100], [150, 100, 105], [160, 200, NAN], [NAN, 300, 104]]
    panel = daily(close, np.datetime64("2024-01-29"))
    assert asked(Momentum(lookback=3, skip=1, top=1), panel, 3, [4, 0, 0]) == {0: 0.0, 2: 1.0}


def test_momentum_breaks_a_tie_by_the_order_of_the_columns() -> None:
    close = [[100, 100, 100], [100, 100, 100], [110, 110, 110]]
    assert asked(Momentum(lookback=2, skip=0, top=0.7), daily(close), 2) == {0: 0.5, 1: 0.5}


def test_momentum_keeps_what_it_has_where_nothing_can_be_ranked() -> None:
    close = [[NAN, NAN], [1, 1], [1, 1]]
    assert asked(Momentum(lookback=2, skip=0), daily(close), 2, [3, 0]) == {}


def test_a_skip_that_leaves_nothing_of_the_lookback_is_refused() -> None:
    with pytest.raises(StrategyError, match="skip 21 leaves nothing of lookback 21"):
        Momentum(lookback=21, skip=21)


def test_weights_are_in_inverse_proportion_to_volatility() -> None:
    # S1's returns are twice S0's: +-1% and +-2%
    one = 100 * np.cumprod([1, 1.01, 0.99, 1.01])
    two = 100 * np.cumprod([1, 1.02, 0.98, 1.02])
    panel = daily(np.stack([one, two], axis=1), np.datetime64("2024-01-29"))
    found = asked(InverseVolatility(lookback=3), panel, 3)
    assert found == pytest.approx({0: 2 / 3, 1: 1 / 3})


def test_what_never_moves_or_is_too_young_or_gone_is_not_held() -> None:
    steps = [1, 1.01, 0.99, 1.01, 0.99]
    moving = 100 * np.cumprod(steps)
    still = np.full(5, 50.0)
    young = np.array([NAN, NAN, NAN, 10.0, 11.0])
    gone = np.append(moving[:4], NAN)
    close = np.stack([moving, still, young, gone], axis=1)
    panel = daily(close, np.datetime64("2024-01-28"))
    found = asked(InverseVolatility(lookback=4), panel, 4, [0, 2, 0, 2])
    assert found == {0: 1.0, 1: 0.0, 3: 0.0}


def plain_momentum(close: Floats, bar: int, lookback: int, skip: int, top: float) -> set[int]:
    """The ranking as a person would write it."""
    gains = {}
    for k in range(close.shape[1]):
        known = [t for t in range(bar - lookback, bar - skip + 1) if close[t, k] == close[t, k]]
        if close[bar, k] == close[bar, k] and known and known[0] == bar - lookback:
            gains[k] = close[known[-1], k] / close[known[0], k]
    ranked = sorted(gains, key=lambda k: gains[k], reverse=True)
    return set(ranked[: max(1, int(len(gains) * top))]) if gains else set()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 60), st.floats(0.05, 1.0))
def test_both_portfolios_are_those_of_plain_code_compiled_or_not(
    seed: int, lookback: int, top: float
) -> None:
    panel = probe(seed=seed, n_bars=150, n_symbols=7)
    qty = np.random.default_rng(seed).choice([0.0, 3.0], 7)
    skip = seed % lookback
    ranks, spreads = Momentum(lookback=lookback, skip=skip, top=top), InverseVolatility()
    for bar in np.flatnonzero(month_begins(panel))[-3:]:
        bar = int(bar)
        found = asked(ranks, panel, bar, qty, fast=True)
        assert found == asked(ranks, panel, bar, qty)
        chosen = plain_momentum(panel.close, bar, lookback, skip, top)
        assert {k for k, weight in found.items() if weight > 0} == chosen
        shares = asked(spreads, panel, bar, qty, fast=True)
        assert shares == asked(spreads, panel, bar, qty)
        assert sum(shares.values()) == pytest.approx(1.0)


def test_rules_are_functions_of_their_module_so_that_they_can_be_compiled_and_kept() -> None:
    assert Momentum().rule is momentum.rule
    assert InverseVolatility().rule is inverse_volatility.rule
