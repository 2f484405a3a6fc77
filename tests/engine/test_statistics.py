from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats
from tradewind.engine.scoring.statistics import (
    automatic_lags,
    diebold_mariano,
    is_flat,
    long_run_variance,
    normal_quantile,
    sharpe_se,
    student_quantile,
    two_sided_p,
    wilson_interval,
)

ONE_TO_FOUR = np.array([1.0, 2.0, 3.0, 4.0])
SIMULATIONS = 2_000
# Three standard errors of a rate of 5 % over so many runs; a correct test fails once in 370 seeds.
RATE_SLACK = 3 * sqrt(0.05 * 0.95 / SIMULATIONS)
# The relative error of a standard deviation from so many runs is 1/sqrt(2 runs) = 1.6 %.
SPREAD_SLACK = 0.05


def overlapping(seed: int, shape: tuple[int, int], overlap: int) -> Floats:
    """Rows of moving sums of independent numbers."""
    noise = np.random.default_rng(seed).normal(size=(shape[0], shape[1] + overlap))
    sums = np.cumsum(np.pad(noise, ((0, 0), (1, 0))), axis=1)
    rows: Floats = sums[:, overlap + 1 :] - sums[:, : -overlap - 1]
    return rows


@pytest.mark.parametrize(
    ("lags", "kernel", "want"),
    [
        (0, "bartlett", 1.25),
        (1, "bartlett", 1.25 + 2 * 0.5 * 0.3125),
        (1, "rectangular", 1.25 + 2 * 0.3125),
        (2, "rectangular", 1.25 + 2 * (0.3125 - 0.375)),
        (3, "rectangular", 0.0),
        (99, "rectangular", 0.0),
    ],
)
def test_long_run_variance_of_one_to_four(lags: int, kernel: str, want: float) -> None:
    # Autocovariances 1.25, 0.3125, -0.375, -0.5625; all of them together always sum to zero.
    assert long_run_variance(ONE_TO_FOUR, lags, kernel=kernel) == pytest.approx(want, abs=1e-15)


def test_long_run_variance_of_nothing_is_nan() -> None:
    assert np.isnan(long_run_variance(np.empty(0), 3))


@given(
    arrays(np.float64, some.integers(1, 40), elements=some.floats(-1e6, 1e6)), some.integers(0, 50)
)
def test_a_bartlett_variance_is_never_negative(x: Floats, lags: int) -> None:
    assert long_run_variance(x, lags) >= -1e-9 * max(1.0, float(np.abs(x).max()) ** 2)


@pytest.mark.parametrize(("n", "want"), [(0, 0), (1, 0), (2, 1), (100, 4), (1_000, 6), (5_000, 9)])
def test_automatic_lags(n: int, want: int) -> None:
    assert automatic_lags(n) == want


def test_quantiles_of_the_tables() -> None:
    assert normal_quantile(0.975) == pytest.approx(1.959964, abs=5e-7)
    assert student_quantile(0.975, 10) == pytest.approx(2.228139, abs=5e-7)
    assert two_sided_p(2.228139, 10) == pytest.approx(0.05, abs=1e-7)
    assert two_sided_p(-2.228139, 10) == two_sided_p(2.228139, 10)


@pytest.mark.parametrize(
    ("hits", "n", "want"),
    [
        (8, 10, (0.490162, 0.943318)),
        (0, 10, (0.0, 0.277533)),
        (10, 10, (0.722467, 1.0)),
        (1, 1, (0.206549, 1.0)),
    ],
)
def test_wilson_interval_against_published_values(
    hits: int, n: int, want: tuple[float, float]
) -> None:
    assert wilson_interval(hits, n) == pytest.approx(want, abs=5e-7)


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_share(hits: int, n: int) -> None:
    with pytest.raises(DataError, match=f"{hits} hits in {n} trials"):
        wilson_interval(hits, n)


def test_diebold_mariano_by_hand() -> None:
    # Mean 2.5, variance 1.875: 2.5 / sqrt(1.875 / 4) times sqrt((4 + 1 - 4 + 2/4) / 4) = sqrt(5).
    found = diebold_mariano(ONE_TO_FOUR + 1.0, np.ones(4), horizon=2)
    assert found.statistic == pytest.approx(sqrt(5), rel=1e-14)
    assert found.p == pytest.approx(two_sided_p(sqrt(5), 3))
    assert (found.difference, found.n, found.lags, found.kernel) == (2.5, 4, 1, "rectangular")


def test_at_one_bar_diebold_mariano_is_the_paired_t_test() -> None:
    from scipy.stats import ttest_rel

    draw = np.random.default_rng(0).gamma(2.0, size=(2, 57))
    found, want = diebold_mariano(draw[0], draw[1], horizon=1), ttest_rel(draw[0], draw[1])
    assert found.statistic == pytest.approx(want.statistic, rel=1e-12)
    assert found.p == pytest.approx(want.pvalue, rel=1e-10)


def test_swapping_the_forecasts_turns_the_sign_and_nothing_else() -> None:
    draw = np.random.default_rng(1).gamma(2.0, size=(2, 80))
    ours, theirs = (diebold_mariano(draw[i], draw[1 - i], horizon=5) for i in (0, 1))
    assert ours.statistic == -theirs.statistic
    assert ours.p == theirs.p


def test_a_variance_that_is_not_positive_falls_back_to_bartlett() -> None:
    gap = np.tile([1.0, -0.9], 20)
    found = diebold_mariano(gap + 1.0, np.ones(40), horizon=2)
    assert found.kernel == "bartlett"
    assert np.isfinite(found.p)


@pytest.mark.parametrize(
    ("loss", "horizon"),
    [(np.empty(0), 1), (np.ones(1), 1), (np.ones(30), 5), (ONE_TO_FOUR, 4), (ONE_TO_FOUR, 9)],
    ids=["nothing", "one", "equal", "as long as the horizon", "shorter than the horizon"],
)
def test_no_difference_or_too_few_dates_have_no_p_value(loss: Floats, horizon: int) -> None:
    found = diebold_mariano(loss, np.ones(len(loss)), horizon=horizon)
    assert np.isnan(found.p)
    assert np.isnan(found.statistic)


def test_losses_of_different_dates_are_refused() -> None:
    with pytest.raises(DataError, match="3 and 4 losses"):
        diebold_mariano(np.ones(3), np.ones(4), horizon=1)
    with pytest.raises(DataError, match="horizon 0"):
        diebold_mariano(np.ones(4), np.ones(4), horizon=0)


def test_equal_forecasts_are_told_apart_as_often_as_the_level_says() -> None:
    gaps = overlapping(5, (SIMULATIONS, 600), overlap=4)
    tests = [diebold_mariano(gap, np.zeros(600), horizon=5) for gap in gaps]
    naive = [diebold_mariano(gap, np.zeros(600), horizon=1) for gap in gaps]
    rate = float(np.mean([test.p < 0.05 for test in tests]))
    # In 16,000 other draws the test rejected 5.2 %, and 38 % when not told of the overlap.
    assert abs(rate - 0.052) < RATE_SLACK
    assert np.mean([test.p < 0.05 for test in naive]) > 0.3


def test_sharpe_error_is_the_formula_of_mertens() -> None:
    returns = np.random.default_rng(2).gamma(2.0, 0.01, 500) - 0.015
    sr = returns.mean() / returns.std()
    z = (returns - returns.mean()) / returns.std()
    skew, kurtosis = np.mean(z**3), np.mean(z**4)
    want = sqrt((1 - skew * sr + (kurtosis - 1) / 4 * sr**2) / 500)
    assert sharpe_se(returns) == pytest.approx(want, rel=1e-12)


def test_for_normal_returns_the_sharpe_error_is_the_formula_of_lo_and_what_is_observed() -> None:
    draws = np.random.default_rng(3).normal(0.1, 1.0, (SIMULATIONS, 1_000))
    ratios = draws.mean(axis=1) / draws.std(axis=1)
    stated = np.mean([sharpe_se(draw) for draw in draws])
    lo = sqrt((1 + 0.1**2 / 2) / 1_000)
    assert lo == pytest.approx(0.03170, abs=5e-6)
    assert stated == pytest.approx(lo, rel=0.01)
    assert ratios.std() == pytest.approx(stated, rel=SPREAD_SLACK)


def test_with_lags_the_sharpe_error_holds_for_dependent_returns_and_without_them_not() -> None:
    noise = np.random.default_rng(4).normal(0.0, 1.0, (SIMULATIONS, 1_001))
    returns = 0.1 + noise[:, 1:] + 0.4 * noise[:, :-1]
    observed = float((returns.mean(axis=1) / returns.std(axis=1)).std())
    lags = automatic_lags(1_000)
    stated = float(np.mean([sharpe_se(row, lags=lags) for row in returns]))
    assert stated == pytest.approx(observed, rel=0.08)
    assert float(np.mean([sharpe_se(row) for row in returns])) < 0.85 * observed


@pytest.mark.parametrize("returns", [[], [0.01], [0.01] * 50, [0.0, 0.0]], ids=len)
def test_no_sharpe_error_without_variation(returns: list[float]) -> None:
    assert np.isnan(sharpe_se(np.array(returns)))


def test_flatness_forgives_rounding_and_nothing_else() -> None:
    growth = np.cumprod(np.full(1_000, 1.0001))
    assert is_flat(growth[1:] / growth[:-1] - 1.0)
    assert is_flat(np.empty(0))
    assert not is_flat(np.array([0.0, 1e-9]))
