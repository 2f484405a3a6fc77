"""Online portfolio selection: by hand on two assets, and the published table on thirty-six."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies import online_weights as ops

# Cover's (1991) market: cash, and a stock that doubles and halves in turn.
DOUBLES = np.array([[1.0, 2.0], [1.0, 0.5]] * 3)


def test_half_and_half_of_cash_and_a_stock_that_goes_nowhere_grows() -> None:
    weights = ops.constant_rebalanced(DOUBLES)
    np.testing.assert_allclose(ops.wealth(DOUBLES, weights)[1::2], [1.125, 1.125**2, 1.125**3])


def test_who_buys_and_holds_ends_with_the_mean_of_the_assets() -> None:
    weights = ops.buy_and_hold(DOUBLES)
    np.testing.assert_allclose(weights[:3], [[1 / 2, 1 / 2], [1 / 3, 2 / 3], [1 / 2, 1 / 2]])
    np.testing.assert_allclose(ops.wealth(DOUBLES, weights), DOUBLES.cumprod(axis=0).mean(axis=1))


def test_the_gradient_step_by_hand() -> None:
    weights = ops.exponentiated_gradient(DOUBLES[:2], eta=0.3)
    up = np.exp([0.3 * 1.0 / 1.5, 0.3 * 2.0 / 1.5])
    np.testing.assert_allclose(weights, [[0.5, 0.5], up / up.sum()])


def test_pamr_leaves_what_went_up() -> None:
    weights = ops.passive_aggressive(DOUBLES[:2], epsilon=1.4)
    # loss 1.5 - 1.4 over a spread of 0.5: a step of 0.2 along (-0.5, 0.5), downwards
    np.testing.assert_allclose(weights, [[0.5, 0.5], [0.6, 0.4]])


def test_olmar_waits_for_its_window_and_then_bets_on_the_average() -> None:
    relatives = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 1.0]])
    weights = ops.moving_average_reversion(relatives, window=2, epsilon=1.0)
    # after day 2 the stock stands at 2 and its average at 1.5: a hoped-for relative of 0.75
    step = (1.0 - 0.875) / (2 * 0.125**2) * 0.125
    np.testing.assert_allclose(weights, [[0.5, 0.5], [0.5, 0.5], [0.5 + step, 0.5 - step]])


def test_costs_are_paid_on_what_is_traded() -> None:
    relatives = np.array([[1.0, 2.0], [1.0, 1.0]])
    found = ops.wealth(relatives, ops.constant_rebalanced(relatives), cost_bps=100)
    drift = abs(0.5 - 1 / 3) + abs(0.5 - 2 / 3)
    np.testing.assert_allclose(found, [1.5 * 0.99, 1.5 * 0.99 * (1 - 0.01 * drift)])


@pytest.mark.parametrize("name", sorted(ops.RULES))
@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 12))
def test_weights_are_a_portfolio_and_know_no_later_day(name: str, seed: int, cut: int) -> None:
    draw = np.random.default_rng(seed)
    relatives = np.exp(draw.normal(0, 0.2, (15, 4)))
    relatives[draw.random(15) < 0.1] = 1.0  # a day on which nothing moved
    rule: Callable[[Floats], Floats] = ops.RULES[name]
    weights = rule(relatives)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    other = relatives.copy()
    other[cut:] = np.exp(draw.normal(0, 0.5, (15 - cut, 4)))
    np.testing.assert_array_equal(rule(other)[: cut + 1], weights[: cut + 1])


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_nobody_on_the_simplex_is_nearer(point: list[float]) -> None:
    given_point = np.array(point)
    nearest = ops.simplex(given_point)
    others = np.random.default_rng(0).dirichlet(np.ones(len(point)), 200)
    best = ((others - given_point) ** 2).sum(axis=1).min()
    assert ((nearest - given_point) ** 2).sum() <= best + 1e-12
    assert nearest.sum() == pytest.approx(1.0)


def test_hindsight_finds_the_known_optimum_and_says_when_it_cannot() -> None:
    np.testing.assert_allclose(ops.best_constant(DOUBLES), [0.5, 0.5], atol=1e-6)
    with pytest.raises(StrategyError, match="the optimiser stopped with"):
        ops.best_constant(np.array([[1.0, np.nan], [1.0, 2.0]]))


# Cover's NYSE(O), 36 stocks x 5,651 days; figures as printed by Li and Hoi (2014) and others.
PUBLISHED = {
    "buy_and_hold": (14.497, 3),
    "ucrp": (27.075, 3),
    "eg": (27.095, 3),
    "pamr": (5.138e15, -12),
}


@pytest.fixture(scope="module")
def nyse() -> Floats:
    spec = find_spec("universal")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package universal-portfolios, which brings NYSE(O), is not installed")
    path = Path(spec.submodule_search_locations[0]) / "data" / "nyse_o.csv"
    prices = np.loadtxt(path, delimiter=",", skiprows=1)
    return np.asarray(prices / np.vstack((np.ones(prices.shape[1]), prices[:-1])))


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_published_wealth_is_reached_to_the_printed_digits(name: str, nyse: Floats) -> None:
    wanted, digits = PUBLISHED[name]
    assert nyse.shape == (5651, 36)
    found = float(ops.wealth(nyse, ops.RULES[name](nyse))[-1])
    assert round(found, digits) == wanted


def test_the_best_stock_and_the_best_constant_weights_are_the_published_ones(nyse: Floats) -> None:
    assert round(float(nyse.prod(axis=0).max()), 3) == 54.140
    weights = ops.constant_rebalanced(nyse, ops.best_constant(nyse))
    assert round(float(ops.wealth(nyse, weights)[-1]), 3) == 250.597
