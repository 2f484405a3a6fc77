"""What is held where a method finds no weights, and what is estimated from what."""

from typing import Any

import numpy as np
import pytest

from tests.strategies.allocating.portfolios import at_the_end, daily, formed, ranks, walks
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Floats
from tradewind.strategies.allocating.choice import Chosen
from tradewind.strategies.allocating.estimating import (
    history_of,
    known_enough,
    mean_at,
    outlooks_of,
    returns_at,
)
from tradewind.strategies.allocating.fallback import Outcome, with_fallbacks
from tradewind.strategies.allocating.settings import Bounds, Estimation
from tradewind.strategies.allocating.weighing import Weighing
from tradewind.strategies.allocation import Allocation
from tradewind.strategies.weighting.limits import Estimates

INF, NAN = float("inf"), np.nan
TOLD = Estimation(4, 0.25, "sample", 10.0, 1, None, 0.1)
TWO = Chosen(np.array([0, 1]), np.array([1, 1]), np.array([NAN, NAN]))
NOTHING = Estimates(np.empty((0, 2)), np.empty((0, 0)), np.zeros(2), np.full(2, NAN))


def way(answer: Any) -> Weighing:
    """A method that gives fixed weights, or raises."""

    def method(estimates: Estimates, limits: Any) -> Floats:
        del estimates, limits
        if isinstance(answer, Exception):
            raise answer
        return np.array(answer)

    return Weighing(method, {}, joint=False)


def tried(*answers: Any) -> tuple[Outcome, Any, str]:
    """What comes of the method, of inverse volatility and of equal weights."""
    ways = [(Outcome(k), way(answer)) for k, answer in enumerate(answers)]
    group = np.full(2, -1)
    found = with_fallbacks(ways, TWO, NOTHING, group, Bounds(1.0, 1.0, 0.8, INF))
    return found.outcome, found.weights, found.reason


def test_the_chain_goes_from_method_to_inverse_volatility_to_equal_to_what_is_held() -> None:
    no = StrategyError("no")
    assert tried([0.7, 0.3], no, no)[0] == Outcome.MEANT
    assert tried(no, [0.6, 0.4], no)[0] == Outcome.INVERSE_VOLATILITY
    assert tried(no, StrategyError("neither"), [0.5, 0.5])[0] == Outcome.EQUAL
    outcome, weights, reason = tried(no, no, no)
    assert (outcome, weights, reason) == (Outcome.KEPT, None, "no")


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([0.9, 0.1], "a weight is 0.900000, cap is 0.8"),
        ([0.5, 0.4], "add up to 0.900000, wanted 1"),
        ([NAN, 1.0], "a weight is no number"),
        ([1.2, -0.2], "gross weight is 1.400000"),
    ],
)
def test_weights_that_keep_no_limit_are_not_taken(weights: list[float], says: str) -> None:
    outcome, _, reason = tried(weights, [0.6, 0.4], [0.5, 0.5])
    assert outcome == Outcome.INVERSE_VOLATILITY
    assert says in reason


def test_a_fault_that_is_not_about_weights_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        tried(ZeroDivisionError(), [0.5, 0.5], [0.5, 0.5])


def test_fewer_returns_than_names_make_no_covariance_and_inverse_volatility_steps_in() -> None:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, (20, 12)), axis=0))
    panel = daily(close)
    strategy = Allocation(method="risk_parity", covariance="sample", lookback=5, rebalance="week")
    inputs = formed(strategy, panel)
    assert inputs.outcome.tolist() == [Outcome.INVERSE_VOLATILITY] * 2
    vol = returns_at(history_of(panel), 14, np.arange(12), TOLD._replace(lookback=5)).std(axis=0)
    np.testing.assert_allclose(inputs.weights[1], (1 / vol) / (1 / vol).sum())
    told = strategy.remarks(inputs, panel)
    assert len(told) == 1
    assert told[0].startswith(
        "allocation: 2 of 2 formations fell back, 2 to inverse volatility. 2024-01-08 and 1 more: "
    )
    assert "not positive definite" in told[0]


def test_caps_that_too_few_names_can_meet_keep_what_is_held() -> None:
    close = np.full((6, 3), 10.0)
    close[4:, 2] = NAN
    strategy = Allocation(rebalance="day", cap=0.4)
    inputs = formed(strategy, daily(close))
    assert inputs.outcome.tolist() == [0, 0, 0, 0, Outcome.KEPT, Outcome.KEPT]
    assert inputs.row.tolist() == [0, 1, 2, 3, -1, -1]


def test_where_everything_went_well_nothing_is_remarked() -> None:
    panel = walks(0, 100, 5)
    strategy = Allocation(method="risk_parity", lookback=30)
    assert strategy.remarks(formed(strategy, panel), panel) == []


def test_a_name_needs_a_close_before_its_lookback_few_gaps_and_some_move() -> None:
    #          A      B    C        D    E
    close = [[10.0, NAN, 10.0, 10.0, 10.0],  # B begins too late
             [11.0, 20.0, NAN, 10.0, NAN],
             [10.0, 21.0, 11.0, 10.0, NAN],  # E lacks two of four bars, C one
             [11.0, 20.0, 12.0, 10.0, 11.0],
             [10.0, 21.0, 11.0, 10.0, 12.0]]  # fmt: skip
    history = history_of(daily(close))
    assert known_enough(history, 4, TOLD).tolist() == [True, False, True, False, False]
    returns = returns_at(history, 4, np.array([0, 2]), TOLD)
    np.testing.assert_allclose(returns[:, 0], [0.1, -1 / 11, 0.1, -1 / 11])
    np.testing.assert_allclose(returns[:, 1], [0.0, 0.1, 1 / 11, -1 / 12])


def test_scores_become_returns_by_volatility_and_information_coefficient() -> None:
    scores = np.array([[1.0, 3.0, NAN]])
    outlooks = outlooks_of(TOLD, Signals(None, scores))
    returns = np.array([[0.01, 0.02], [-0.01, -0.02]])
    found = mean_at(outlooks, 0, np.array([0, 1]), returns, TOLD)
    np.testing.assert_allclose(found, [-0.1 * 0.01, 0.1 * 0.02])  # standard scores are -1 and 1


def test_a_mean_that_is_not_told_is_an_error() -> None:
    outlooks = outlooks_of(TOLD, Signals(None, np.array([[1.0, NAN]])))
    with pytest.raises(StrategyError, match="nothing is forecast for 1 of 2 names"):
        mean_at(outlooks, 0, np.array([0, 1]), np.zeros((4, 2)), TOLD)


KINDS: list[dict[str, Any]] = [
    {"covariance": "sample"},
    {"covariance": "ewma", "halflife": 10.0},
    {"covariance": "ledoit_wolf"},
    {"covariance": "factor", "n_factors": 2},
    {"covariance": "factor", "n_factors": 50},
]


@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_every_covariance_weighs_a_portfolio(keys: dict[str, Any]) -> None:
    panel = walks(5, 120, 6)
    strategy = Allocation(method="minimum_variance", lookback=50, rebalance="week", **keys)
    inputs = formed(strategy, panel)
    assert (inputs.outcome == Outcome.MEANT).all() and len(inputs.outcome) > 5


def test_signals_do_not_change_weights_that_nothing_ranks() -> None:
    panel = walks(2, 90, 4)
    strategy = Allocation(method="inverse_volatility", lookback=30, rebalance="week")
    plain = at_the_end(strategy, panel)
    assert sum(plain) == pytest.approx(1.0)
    assert at_the_end(strategy, panel, ranks(panel)) == plain
