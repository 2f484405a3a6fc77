"""All pairs at once say what the test of a basket says, pair by pair."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing.johansen import johansen, least_bars
from tradewind.strategies.pairing.johansen_scan import johansen_pairs
from tradewind.strategies.pairing.scanning import Fault, all_pairs


def walks(seed: int, n_bars: int = 200, n_symbols: int = 5) -> Floats:
    draw = np.random.default_rng(seed)
    prices = 4.0 + np.cumsum(draw.normal(0, 0.01, (n_bars, n_symbols)), axis=0)
    prices[:, 1] = 0.7 * prices[:, 0] + draw.normal(0, 0.01, n_bars)
    return np.asarray(prices)


@pytest.mark.parametrize("lags", [0, 1, 3])
def test_statistics_are_those_of_statsmodels(lags: int) -> None:
    from statsmodels.tsa.vector_ar.vecm import coint_johansen

    prices = walks(lags)
    found = johansen_pairs(prices, lags=lags)
    assert len(found.y) == 10 and (found.fault == Fault.NONE).all()
    for i, (y, x) in enumerate(zip(found.y, found.x, strict=True)):
        told = coint_johansen(prices[:, [y, x]], 0, lags)
        np.testing.assert_allclose(found.trace[i], told.lr1, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.largest[i], told.lr2, rtol=1e-9, atol=1e-9)
        vector = told.evec[:, 0]
        assert found.hedge[i] == pytest.approx(vector[1] / vector[0], rel=1e-8)


@given(st.integers(0, 10_000), st.sampled_from([1e-4, 1e-2, 1.0]), st.sampled_from([0.0, 1e5]))
@settings(max_examples=30, deadline=None)
def test_a_pair_is_told_as_a_basket_of_two(seed: int, noise: float, far: float) -> None:
    draw = np.random.default_rng(seed)
    prices = walks(seed, 120, 2) + far
    prices[:, 1] = prices[:, 0] + draw.normal(0, noise, 120)
    found, one = johansen_pairs(prices), johansen(prices)
    np.testing.assert_allclose(found.trace[0], one.trace, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.largest[0], one.largest, rtol=1e-9, atol=1e-9)
    assert found.hedge[0] == pytest.approx(one.hedge[1], rel=1e-7)
    for level in (0.90, 0.95, 0.99):
        assert bool(found.one_stationary(level)[0]) == (one.stationary(level) == 1)


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_no_number_depends_on_the_threads_or_on_the_other_pairs(seed: int, threads: int) -> None:
    prices = walks(seed, 80, 4)
    whole = johansen_pairs(prices, threads=threads)
    alone = johansen_pairs(prices, all_pairs(4, ordered=False)[2:4])
    np.testing.assert_array_equal(whole.trace[2:4], alone.trace)
    np.testing.assert_array_equal(whole.hedge[2:4], alone.hedge)


def test_which_series_comes_first_does_not_matter() -> None:
    found = johansen_pairs(walks(4), [(0, 1), (1, 0)])
    np.testing.assert_allclose(found.trace[0], found.trace[1], rtol=1e-9)
    assert found.hedge[0] == pytest.approx(1.0 / found.hedge[1], rel=1e-9)


def test_the_planted_pair_is_found_and_its_hedge_is_what_was_planted() -> None:
    found = johansen_pairs(walks(5, 500, 12))
    best = int(np.argmax(found.trace[:, 0]))
    assert (found.y[best], found.x[best]) == (0, 1)
    assert found.hedge[best] == pytest.approx(-1.0 / 0.7, rel=0.1)
    assert found.one_stationary()[best]


@pytest.mark.parametrize(("drift", "any_rank"), [(0.0, 0.11), (0.2, 0.05)])
def test_independent_walks_pass_as_often_as_the_level_says_where_they_drift(
    drift: float, any_rank: float
) -> None:
    """At 5 % of 4,000 pairs: a standard error of 0.005 at most, so 0.02 is four of them.

    The critical values are those of series that drift; without, the trace passes twice as often,
    and only to ask for one combination and no more holds the level.
    """
    steps = np.random.default_rng(6).normal(drift, 1.0, (400, 8_000))
    pairs = np.arange(8_000).reshape(-1, 2)
    found = johansen_pairs(np.cumsum(steps, axis=0), pairs)
    assert abs((found.trace[:, 0] > 15.4943).mean() - any_rank) < 0.02
    assert abs(found.one_stationary().mean() - 0.05) < 0.02


def test_what_cannot_be_tested_says_why() -> None:
    prices, t = walks(9, 100, 8), np.arange(100.0)
    prices[:, 1], prices[:, 2] = 5.0, prices[:, 0]
    prices[:, 3] = 2.0 * prices[:, 0] + 1.0
    prices[50, 4] = np.nan
    prices[:, 5], prices[:, 6] = t, np.sin(0.3 * t)
    found = johansen_pairs(prices, [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 7), (7, 7)])
    want = [Fault.CONSTANT, Fault.COLLINEAR, Fault.COLLINEAR, Fault.GAPS, Fault.FORETOLD,
            Fault.FORETOLD, Fault.NONE, Fault.COLLINEAR]  # fmt: skip
    assert found.fault.tolist() == want
    sound = found.fault == Fault.NONE
    np.testing.assert_array_equal(np.isfinite(found.trace).all(axis=1), sound)
    np.testing.assert_array_equal(np.isfinite(found.hedge), sound)
    assert not found.one_stationary()[~sound].any()


def test_too_short_a_history_is_said_and_what_makes_no_sense_is_refused() -> None:
    assert least_bars(2, 1) == 18
    assert johansen_pairs(walks(1, 17, 2)).fault.tolist() == [Fault.TOO_SHORT]
    assert johansen_pairs(walks(1, 18, 2)).fault.tolist() == [Fault.NONE]
    with pytest.raises(StrategyError, match="-1 lags"):
        johansen_pairs(walks(1), lags=-1)
    with pytest.raises(StrategyError, match="wanted columns from 0 to 4"):
        johansen_pairs(walks(1), [(0, 5)])
    with pytest.raises(StrategyError, match="0 threads"):
        johansen_pairs(walks(1), threads=0)


@pytest.mark.parametrize("lags", [1, 2])
@pytest.mark.parametrize(
    "curve", [lambda t: t, lambda t: np.exp(0.01 * t), lambda t: np.sin(0.3 * t), lambda t: t * t]
)
def test_a_basket_with_a_curve_without_chance_is_refused_in_words(
    curve: Callable[[Floats], Floats], lags: int
) -> None:
    t = np.arange(200.0)
    with pytest.raises(StrategyError, match="without chance"):
        johansen(np.column_stack([curve(t), walks(3)[:, 0]]), lags)


def test_far_from_zero_and_in_any_unit_a_basket_keeps_its_digits() -> None:
    prices = walks(12, 300, 4)
    plain = johansen(prices)
    np.testing.assert_allclose(johansen(prices + 2.0**20).trace, plain.trace, rtol=1e-6)
    np.testing.assert_array_equal(johansen(np.ldexp(prices, [0, 600, -600, 9])).trace, plain.trace)
