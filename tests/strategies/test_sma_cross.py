import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.markets import NO_BAR, candles, terms
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import reference
from tradewind.engine.protocols import Signals
from tradewind.strategies.sma_cross import SmaCross, running_sums


def bars(*closes: float) -> list[tuple[float, float, float, float]]:
    return [(close,) * 4 for close in closes]


def bought_and_sold(strategy: SmaCross, *closes: float) -> list[tuple[int, int]]:
    """(bar, side) of every fill."""
    panel = candles(bars(*closes))
    inputs = strategy.prepare(panel, Signals())
    found = reference.simulate(strategy, inputs, panel, terms(panel), start=strategy.warmup - 1)
    return [(int(fill["bar"]), int(np.sign(fill["qty"]))) for fill in found.fills]


def test_it_buys_above_the_cross_and_sells_below_it() -> None:
    # averages of 1 and 3 bars: 12 > 11 at bar 2, 9 < 11 at bar 4
    assert bought_and_sold(SmaCross(fast=1, slow=3), 10, 11, 12, 12, 9, 9) == [(3, 1), (5, -1)]


def test_on_the_short_side_it_reverses() -> None:
    found = bought_and_sold(SmaCross(fast=1, slow=3, short=True), 10, 11, 12, 12, 9, 9)
    assert found == [(3, 1), (5, -1), (5, -1)]


def test_a_fast_window_must_be_the_shorter_one() -> None:
    with pytest.raises(StrategyError, match="fast 50 must be shorter than slow 50"):
        SmaCross(fast=50, slow=50)


def test_a_symbol_is_left_alone_until_its_own_slow_window_is_full() -> None:
    late = [NO_BAR, NO_BAR, *bars(10, 11, 12, 13)]
    panel = candles(late, bars(10, 10, 10, 10, 10, 10))
    strategy = SmaCross(fast=1, slow=3)
    inputs = strategy.prepare(panel, Signals())
    found = reference.simulate(strategy, inputs, panel, terms(panel), start=2)
    assert [(int(f["symbol"]), int(f["bar"])) for f in found.fills] == [(0, 5)]


def test_a_gap_counts_with_the_last_price_known() -> None:
    prices = np.array([[np.nan], [5.0], [np.nan], [np.nan], [7.0]])
    total, first = np.empty((6, 1)), np.empty(1, np.int64)
    running_sums(prices, total, first)
    np.testing.assert_array_equal(total[:, 0], [0.0, 0.0, 5.0, 10.0, 15.0, 22.0])
    assert first.tolist() == [1]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(7, 15))
def test_the_averages_are_those_of_a_plain_loop(seed: int, fast: int, slow: int) -> None:
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.05, 40)))
    panel = candles(bars(*close))
    total = SmaCross(fast=fast, slow=slow).prepare(panel, Signals()).total[:, 0]
    for t in range(slow - 1, 40):
        for window in (fast, slow):
            plain = close[t + 1 - window : t + 1].mean()
            assert (total[t + 1] - total[t + 1 - window]) / window == pytest.approx(plain)


@pytest.mark.parametrize("cut", [10, 25])
def test_inputs_do_not_change_when_the_future_does(cut: int) -> None:
    rng = np.random.default_rng(1)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.05, 40)))
    whole = SmaCross(fast=2, slow=5).prepare(candles(bars(*close)), Signals())
    close[cut:] = rng.uniform(1, 99, 40 - cut)
    other = SmaCross(fast=2, slow=5).prepare(candles(bars(*close)), Signals())
    np.testing.assert_array_equal(whole.total[: cut + 1], other.total[: cut + 1])


def test_one_symbol_is_summed_as_several_are_to_the_last_bit() -> None:
    close = 50 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.05, 60)))
    close[[0, 1, 20, 21, 40]] = np.nan
    alone, pair = candles(bars(*close)), candles(bars(*close), bars(*close[::-1]))
    single, double = (SmaCross().prepare(panel, Signals()) for panel in (alone, pair))
    np.testing.assert_array_equal(single.total[:, 0], double.total[:, 0])
    assert single.first.tolist() == double.first[:1].tolist() == [2]
