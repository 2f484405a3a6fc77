from math import sqrt

import numpy as np
import pytest

from tradewind.engine.scoring.sharpe import sharpe_difference, sharpe_ratio

SIMULATIONS = 1_000
# A standard deviation from so many runs is known to 2.2 %; four times that fails once in 16,000.
SPREAD_SLACK = 0.09


def test_a_sharpe_ratio_by_hand() -> None:
    assert sharpe_ratio(np.array([0.01, 0.03])) == pytest.approx(0.02 / (0.02 / sqrt(2)))


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, 0.1, 0.1]], ids=len)
def test_a_sharpe_ratio_needs_variation(returns: list[float]) -> None:
    assert np.isnan(sharpe_ratio(np.array(returns)))


def test_a_series_differs_from_itself_by_exactly_nothing() -> None:
    returns = np.random.default_rng(0).normal(size=100)
    assert sharpe_difference(returns, returns) == (0.0, 0.0)


def test_the_error_of_a_difference_is_what_is_observed_and_knows_what_is_in_common() -> None:
    draw = np.random.default_rng(1)
    differences, errors = [], []
    for _ in range(SIMULATIONS):
        market = draw.normal(0.05, 1.0, 500)
        ours = market + draw.normal(0.0, 0.3, 500)
        difference, error = sharpe_difference(ours, market)
        differences.append(difference)
        errors.append(error)
    observed = float(np.std(differences))
    assert np.mean(errors) == pytest.approx(observed, rel=SPREAD_SLACK)
    assert observed < 0.4 * sqrt(2 / 500)  # of two unrelated series


def test_no_difference_where_one_side_does_not_vary() -> None:
    assert np.isnan(sharpe_difference(np.array([0.1, 0.2, 0.3]), np.zeros(3))).all()
