"""Johansen, distances, reversion and false discoveries, each against a second opinion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing.distance import best, correlations, squared_distances
from tradewind.strategies.pairing.johansen import johansen
from tradewind.strategies.pairing.reversion import benjamini_hochberg, half_life, hurst
from tradewind.strategies.pairing.scanning import all_pairs


def basket(seed: int, n_series: int = 4) -> Floats:
    draw = np.random.default_rng(seed)
    x = np.cumsum(draw.normal(size=(400, n_series)), axis=0)
    x[:, 1] = 2.0 * x[:, 0] + draw.normal(size=400)
    return np.asarray(x)


@pytest.mark.parametrize("lags", [0, 1, 3])
@pytest.mark.parametrize("n_series", [2, 4, 12])
def test_johansen_is_that_of_statsmodels(lags: int, n_series: int) -> None:
    from statsmodels.tsa.vector_ar.vecm import coint_johansen

    x = basket(n_series, n_series)
    ours, theirs = johansen(x, lags), coint_johansen(x, 0, lags)
    np.testing.assert_allclose(ours.trace, theirs.lr1, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(ours.largest, theirs.lr2, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(ours.trace_critical, theirs.cvt, atol=1e-4)
    np.testing.assert_allclose(ours.largest_critical, theirs.cvm, atol=1e-4)
    np.testing.assert_allclose(np.abs(ours.vectors[:, 0]), np.abs(theirs.evec[:, 0]), rtol=1e-8)


def test_the_planted_combination_is_the_vector_and_the_rank_is_one() -> None:
    found = johansen(basket(1))
    assert found.stationary() == 1
    assert found.hedge[:2] == pytest.approx([1.0, -0.5], abs=0.02)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x: x[:, :1], "1 series"),
        (lambda x: x[:15], "too few"),
        (lambda x: np.where(np.arange(len(x))[:, None] == 9, np.nan, x), "missing"),
        (lambda x: np.hstack([x, np.ones((len(x), 1))]), "constant"),
        (lambda x: np.hstack([x, x[:, :1] + x[:, 2:3]]), "collinear"),
    ],
)
def test_johansen_refuses_what_it_cannot_test(spoil: object, words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        johansen(spoil(basket(2)))  # type: ignore[operator]


def test_distances_are_sums_of_squared_differences_of_normalised_prices() -> None:
    close = np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.01, (60, 5)), axis=0)) * 50
    index = close / close[0]
    found = squared_distances(close)
    for a in range(5):
        for b in range(5):
            want = ((index[:, a] - index[:, b]) ** 2).sum()
            assert found[a, b] == pytest.approx(want, rel=1e-9, abs=1e-12)
    close[7, 2] = np.nan
    assert np.isnan(squared_distances(close)[2]).all()
    assert np.isfinite(squared_distances(close)[0, 1])


@pytest.mark.parametrize("n_symbols", [5, 33, 64])
def test_one_price_twice_lies_at_no_distance_however_far_it_ran(n_symbols: int) -> None:
    draw = np.random.default_rng(7)
    close = np.exp(np.cumsum(draw.normal(0.03, 0.02, (252, n_symbols)), axis=0))
    close[:, -1] = close[:, 1]
    close[:, 3] = close[:, 2] * (1.0 + 1e-7 * draw.random(252))
    found, index = squared_distances(close), close / close[0]
    assert found[1, -1] == found[-1, 1] == 0.0 and (np.diag(found) == 0.0).all()
    want = ((index[:, 2] - index[:, 3]) ** 2).sum()
    assert found[2, 3] == found[3, 2] == pytest.approx(want, rel=1e-12)


def test_correlations_are_those_of_numpy_and_a_still_price_has_none() -> None:
    close = np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.01, (60, 4)), axis=0))
    want = np.corrcoef(np.diff(np.log(close), axis=0).T)
    np.testing.assert_allclose(correlations(close), want, rtol=1e-10, atol=1e-12)
    close[:, 1] = 3.0
    assert np.isnan(correlations(close)[0, 1])


def test_the_nearest_come_first_and_a_name_may_be_capped() -> None:
    pairs = all_pairs(4, ordered=False)  # 01 02 03 12 13 23
    score = np.array([2.0, 1.0, np.nan, 1.0, 5.0, 9.0])
    assert best(score, pairs, 3).tolist() == [1, 3, 0]
    assert best(score, pairs, 9, per_name=1).tolist() == [1, 4]
    assert best(np.full(6, np.nan), pairs, 3).tolist() == []


def test_half_life_of_an_autoregression_is_known_and_a_walk_has_a_long_one() -> None:
    draw = np.random.default_rng(5)
    noise = draw.normal(size=(20_000, 3))
    spread = np.zeros_like(noise)
    for t in range(1, len(noise)):
        spread[t] = np.array([0.9, 0.5, 1.0]) * spread[t - 1] + noise[t]
    found = half_life(spread)
    assert found[0] == pytest.approx(np.log(2) / -np.log(0.9), rel=0.1)
    assert found[1] == pytest.approx(1.0, rel=0.05)
    assert found[2] > 500
    rising = np.exp(0.01 * np.arange(100.0))[:, None]
    assert half_life(rising)[0] == np.inf
    swings = np.where(np.arange(100) % 2, 1.0, -1.0)[:, None]
    assert half_life(swings)[0] == 0.0
    assert np.isnan(half_life(np.ones((100, 1)))[0])
    assert np.isnan(half_life(np.ones((5, 1)))[0])


def test_hurst_tells_noise_from_a_walk_from_a_trend() -> None:
    """Of 4,000 bars; the estimate's error is about 0.02, so 0.1 is five of them."""
    draw = np.random.default_rng(6)
    noise = draw.normal(size=4_000)
    found = hurst(np.stack([noise, np.cumsum(noise), np.arange(4_000.0)], axis=1))
    np.testing.assert_allclose(found, [0.0, 0.5, 1.0], atol=0.1)
    assert np.isnan(hurst(np.ones((100, 1)))[0]) and np.isnan(hurst(noise[:9, None])[0])


def fractional(exponent: float, n_bars: int, n_paths: int, seed: int) -> Floats:
    """Sums of fractional Gaussian noise, exact: by the root of its covariance."""
    lag = np.abs(np.subtract.outer(np.arange(n_bars), np.arange(n_bars))).astype(float)
    power = 2.0 * exponent
    covariance = 0.5 * ((lag + 1) ** power - 2 * lag**power + np.abs(lag - 1) ** power)
    noise = np.random.default_rng(seed).normal(size=(n_bars, n_paths))
    return np.asarray(np.cumsum(np.linalg.cholesky(covariance) @ noise, axis=0))


@pytest.mark.parametrize(("exponent", "within"), [(0.2, 0.055), (0.5, 0.08), (0.8, 0.105)])
def test_hurst_of_fractional_motion_is_its_exponent(exponent: float, within: float) -> None:
    """1 in 100 paths of 1,000 bars is further off: more than 5 of 100 once in 2,000 seeds."""
    found = hurst(fractional(exponent, 1_000, 100, 8))
    assert (np.abs(found - exponent) > within).sum() <= 5
    assert found.mean() == pytest.approx(exponent, abs=0.03)


@given(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_false_discovery_rates_are_those_of_scipy(p: list[float]) -> None:
    from scipy.stats import false_discovery_control

    values = np.array([*p, np.nan])
    found = benjamini_hochberg(values)
    np.testing.assert_allclose(found[:-1], false_discovery_control(values[:-1]), rtol=1e-12)
    assert np.isnan(found[-1])
