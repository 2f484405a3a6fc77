from math import sqrt

import numpy as np
import pytest

from tradewind.engine.records import Floats
from tradewind.engine.scoring.intervals import cosine_degrees, mean_hac, ratio_hac
from tradewind.engine.scoring.statistics import student_quantile

SIMULATIONS = 1_000
# Three standard errors of a rate of 5 % over so many runs: a seed in 370 fails a correct interval.
RATE_SLACK = 3 * sqrt(0.05 * 0.95 / SIMULATIONS)


def test_two_observations_have_one_degree_of_freedom_and_the_ordinary_error() -> None:
    found = mean_hac(np.array([0.0, 1.0]))
    assert (found.value, found.n, found.degrees) == (0.5, 2, 1)
    assert found.se == pytest.approx(0.5)
    assert found.high == pytest.approx(0.5 + student_quantile(0.975, 1) * 0.5)
    assert found.t == pytest.approx(1.0)
    assert found.p == pytest.approx(0.5)


def test_all_cosines_together_give_the_ordinary_standard_error() -> None:
    x = np.array([0.3, -1.2, 0.4, 2.0, 0.1])
    assert cosine_degrees(5, 0) == 4
    assert mean_hac(x).se == pytest.approx(x.std(ddof=1) / sqrt(5), rel=1e-12)


@pytest.mark.parametrize(
    ("n", "overlap", "want"),
    [(0, 0, 0), (1, 0, 0), (3, 0, 2), (100, 0, 8), (1_000, 0, 39), (1_000, 19, 25), (100, 19, 4)],
)
def test_degrees_of_freedom(n: int, overlap: int, want: int) -> None:
    assert cosine_degrees(n, overlap) == want


@pytest.mark.parametrize("x", [[], [0.4]], ids=["none", "one"])
def test_too_few_observations_have_a_mean_at_most(x: list[float]) -> None:
    found = mean_hac(np.array(x))
    assert np.isnan([found.se, found.t, found.p, found.low, found.high]).all()
    assert np.isnan(found.value) == (not x)


def test_equal_observations_are_certain_and_untestable() -> None:
    found = mean_hac(np.full(50, 0.1))
    assert (found.se, found.low, found.high) == (0.0, found.value, found.value)
    assert np.isnan(found.p)


def test_a_ratio_over_equal_dates_is_the_mean_of_the_dates() -> None:
    x = np.random.default_rng(0).normal(size=60)
    ratio, mean = ratio_hac(5 * x, np.full(60, 5.0)), mean_hac(x)
    assert ratio.value == pytest.approx(mean.value)
    assert ratio.se == pytest.approx(mean.se)


def test_a_ratio_weighs_dates_by_what_they_hold() -> None:
    assert ratio_hac(np.array([1.0, 9.0]), np.array([1.0, 19.0])).value == 0.5


def test_a_ratio_of_all_or_nothing_is_certain() -> None:
    pairs = np.array([3.0, 7.0, 2.0, 4.0])
    for hits, want in ((pairs, 1.0), (0 * pairs, 0.0)):
        found = ratio_hac(hits, pairs)
        assert (found.value, found.se, found.low, found.high) == (want, 0.0, want, want)


def test_a_ratio_over_nothing_is_nan() -> None:
    assert np.isnan(ratio_hac(np.empty(0), np.empty(0)).value)


def hit_rates(seed: int, horizon: int, n_dates: int, n_symbols: int) -> Floats:
    """Daily hit rates of persistent forecasts that know nothing, of labels that overlap."""
    draw = np.random.default_rng(seed)
    market = draw.normal(size=(n_dates + horizon, 1))
    returns = 0.6 * market + 0.8 * draw.normal(size=(n_dates + horizon, n_symbols))
    total = np.cumsum(returns, axis=0)
    labels = total[horizon:] - total[:-horizon]
    said = np.empty((n_dates, n_symbols))
    said[0] = draw.normal(size=n_symbols)
    for t in range(1, n_dates):
        said[t] = 0.9 * said[t - 1] + sqrt(1 - 0.81) * draw.normal(size=n_symbols)
    rates: Floats = (np.sign(said) == np.sign(labels)).mean(axis=1)
    return rates


@pytest.mark.parametrize(("horizon", "n_dates"), [(1, 120), (5, 250)])
def test_the_interval_misses_the_truth_as_often_as_it_says(horizon: int, n_dates: int) -> None:
    misses, naive = 0, 0
    for seed in range(SIMULATIONS):
        rates = hit_rates(seed, horizon, n_dates, 5)
        found = mean_hac(rates, overlap=horizon - 1)
        misses += not found.low <= 0.5 <= found.high
        naive += abs(rates.mean() - 0.5) > 1.96 * rates.std(ddof=1) / sqrt(n_dates)
    assert abs(misses / SIMULATIONS - 0.05) < RATE_SLACK
    assert naive / SIMULATIONS > (0.2 if horizon > 1 else 0.0)
