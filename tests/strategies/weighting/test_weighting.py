"""Weights by hand on two assets, against optimality conditions and other people's code on many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.weighting import covariance as cov
from tradewind.strategies.weighting.quadratic import minimum_variance
from tradewind.strategies.weighting.risk_parity import risk_parity

SEEDS = st.integers(0, 2**31)
MANY = settings(max_examples=40, deadline=None, derandomize=True)
# Volatility 10 % and 20 %, correlation 0.5.
TWO = np.array([[0.01, 0.01], [0.01, 0.04]])


def returns(seed: int, n_obs: int = 60, n_assets: int = 8) -> Floats:
    draw = np.random.default_rng(seed)
    common = draw.normal(0, 0.01, (n_obs, 2)) @ draw.normal(1, 0.5, (2, n_assets))
    return np.asarray(common + draw.normal(0, 0.01, (n_obs, n_assets)))


def test_the_estimates_by_hand() -> None:
    moves = np.array([[0.0, 0.0], [0.02, -0.01]])
    np.testing.assert_allclose(cov.sample(moves), [[1e-4, -5e-5], [-5e-5, 2.5e-5]])
    # halflife 1: the older bar counts a third, the newer two thirds
    wanted = np.outer(moves[1], moves[1]) * 2 / 3
    np.testing.assert_allclose(cov.exponential(moves, halflife=1.0), wanted)


@MANY
@given(SEEDS)
def test_shrinkage_is_that_of_scikit_learn(seed: int) -> None:
    sklearn = pytest.importorskip("sklearn.covariance")
    moves = returns(seed, n_obs=20, n_assets=30)
    np.testing.assert_allclose(cov.ledoit_wolf(moves), sklearn.ledoit_wolf(moves)[0], rtol=1e-10)


def test_factors_keep_variances_and_leave_the_rest_uncorrelated() -> None:
    moves = returns(1)
    made = cov.factor(moves, n_factors=2)
    np.testing.assert_allclose(np.diag(made), np.diag(cov.sample(moves)), rtol=1e-10)
    away = moves - moves.mean(axis=0)
    common = away - (away @ (axes := np.linalg.svd(away)[2][:2]).T) @ axes
    np.testing.assert_allclose(
        made - cov.sample(moves), np.diag(np.diag(common.T @ common / 60)) - common.T @ common / 60,
        atol=1e-16,
    )  # fmt: skip


def test_two_assets_share_risk_in_inverse_proportion_to_volatility() -> None:
    np.testing.assert_allclose(risk_parity(TWO), [2 / 3, 1 / 3], rtol=1e-9)


@MANY
@given(SEEDS)
def test_contributions_are_the_budget(seed: int) -> None:
    matrix = cov.ledoit_wolf(returns(seed))
    budget = np.random.default_rng(seed).uniform(0.5, 2.0, 8)
    weights = risk_parity(matrix, budget)
    share = weights * (matrix @ weights)
    np.testing.assert_allclose(share / share.sum(), budget / budget.sum(), rtol=1e-8)
    assert weights.sum() == pytest.approx(1.0)


def test_two_assets_of_least_variance_by_hand() -> None:
    # (s2^2 - s12) / (s1^2 + s2^2 - 2 s12) = 0.03 / 0.03: everything in the calmer one
    np.testing.assert_allclose(minimum_variance(TWO), [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(minimum_variance(TWO, high=0.7), [0.7, 0.3], atol=1e-12)
    shorts = minimum_variance(np.array([[0.01, 0.015], [0.015, 0.04]]), low=-1.0, high=2.0)
    np.testing.assert_allclose(shorts, [1.25, -0.25], rtol=1e-9)


def test_a_mean_draws_weight_as_the_textbook_says() -> None:
    # Uncorrelated, equal variance 0.04: weights differ by (m1 - m2) / (aversion * 0.04)
    weights = minimum_variance(0.04 * np.eye(2), mean=np.array([0.02, 0.01]), risk_aversion=2.0)
    np.testing.assert_allclose(weights, [0.5 + 0.0625, 0.5 - 0.0625], rtol=1e-9)


@MANY
@given(SEEDS, st.sampled_from([(0.0, 1.0), (0.0, 0.2), (0.05, 0.5), (-0.3, 0.6)]))
def test_nothing_between_the_bounds_is_better(seed: int, bounds: tuple[float, float]) -> None:
    matrix = cov.ledoit_wolf(returns(seed))
    mean = np.random.default_rng(seed).normal(0, 1e-4, 8)
    weights = minimum_variance(matrix, mean=mean, risk_aversion=3.0, low=bounds[0], high=bounds[1])
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights.min() >= bounds[0] and weights.max() <= bounds[1]
    slope = 3.0 * matrix @ weights - mean
    slack = 1e-8 * np.abs(slope).max()
    # Kuhn and Tucker: who could give weight pulls no harder than who could take it.
    takers, givers = slope[weights < bounds[1] - 1e-12], slope[weights > bounds[0] + 1e-12]
    assert takers.min() >= givers.max() - slack


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: risk_parity(np.ones((2, 2))), "not positive definite .smallest eigenvalue"),
        (lambda: risk_parity(np.diag([1.0, 0.0])), "asset 1 does not vary"),
        (lambda: risk_parity(np.full((2, 2), np.nan)), "values that are not numbers"),
        (lambda: risk_parity(TWO, np.array([1.0, 0.0])), "a budget is not positive"),
        (lambda: minimum_variance(TWO, high=0.4), "add up to 0 and 0.8 cannot add up to 1"),
        (lambda: minimum_variance(TWO, low=0.6), "add up to 1.2 and 2 cannot add up to 1"),
        (lambda: minimum_variance(TWO, low=0.6, high=0.5), "at least 0.6 and at most 0.5"),
        (lambda: cov.factor(returns(0), n_factors=8), "8 factors of 8 assets over 60 bars"),
    ],
)
def test_what_cannot_be_weighted_is_refused_with_what_to_do(call: object, told: str) -> None:
    with pytest.raises(StrategyError, match=told):
        call()  # type: ignore[operator]
