"""Which names a portfolio is made of, and what contradictions are refused at once."""

from typing import Any

import numpy as np
import pytest

from tests.strategies.allocating.portfolios import at_the_end, daily, formed, ranks, views, walks
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Signals
from tradewind.engine.records import ELIGIBLE, MEMBER, Panel
from tradewind.strategies.allocation import Allocation

NAN = np.nan


def scored(*scores: float) -> tuple[Panel, Signals]:
    """Eight flat days, ranked on each of them alike."""
    panel = daily(np.full((8, len(scores)), 10.0))
    return panel, Signals(None, np.tile(np.array(scores), (8, 1)))


def held(strategy: Allocation, *scores: float) -> list[float]:
    """Target weights under some scores."""
    return at_the_end(strategy, *scored(*scores))


def of(**keys: Any) -> Allocation:
    """An allocation that is formed each day."""
    return Allocation(**{"rebalance": "day", **keys})


def test_a_share_of_the_ranking_is_held_from_its_top() -> None:
    assert held(of(take={"top": 0.5}), 3, 1, 4, 2) == [0.5, 0.0, 0.5, 0.0]


def test_a_whole_number_is_so_many_names() -> None:
    assert held(of(take={"top": 1}), 3, 1, 4, 2) == [0.0, 0.0, 1.0, 0.0]


def test_a_share_of_less_than_one_name_is_one_name() -> None:
    assert held(of(take={"top": 0.1}), 3, 1, 4, 2) == [0.0, 0.0, 1.0, 0.0]


def test_a_tie_goes_to_the_first_column() -> None:
    assert held(of(take={"top": 2}), 1, 1, 1, 0) == [0.5, 0.5, 0.0, 0.0]


def test_scores_all_alike_hold_everybody_and_not_the_first_columns() -> None:
    assert held(of(take={"top": 0.25}), 1, 1, 1, 1) == [0.25] * 4
    assert held(of(take={"top": 0.25}, count=2), 1, 1, 1, 1) == [0.5, 0.5, 0.0, 0.0]


def test_scores_all_alike_have_no_two_ends() -> None:
    both = of(side="neutral", take={"top": 1, "bottom": 1})
    inputs = formed(both, *scored(1, 1, 1, 1))
    assert len(inputs.weights) == 0  # no formation has one: what is held is kept, here nothing
    assert any(
        "the ranking has no ends" in said for said in both.remarks(inputs, daily(np.ones((8, 4))))
    )


def test_what_is_not_ranked_is_not_held() -> None:
    assert held(of(take={"top": 0.5}), NAN, 1, NAN, 2) == [0.0, 0.0, 0.0, 1.0]


def test_a_neutral_portfolio_is_long_the_top_and_short_the_bottom() -> None:
    both = of(side="neutral", take={"top": 1, "bottom": 2})
    assert held(both, 3, 1, 4, 2) == [0.0, -0.25, 0.5, -0.25]


def test_without_ends_both_halves_of_the_ranking_are_held() -> None:
    assert held(of(side="neutral"), 3, 1, 4, 2) == [0.25, -0.25, 0.25, -0.25]


def test_130_30_is_a_net_of_one_and_a_gross_of_1_6() -> None:
    both = of(side="long_short", gross=1.6, net=1.0, take={"top": 2, "bottom": 1})
    assert held(both, 3, 1, 4, 2) == [0.65, -0.3, 0.65, 0.0]


def test_gross_is_what_is_invested_in_all() -> None:
    assert held(of(gross=0.5), 1, 2) == [0.25, 0.25]


def test_count_keeps_the_best_of_the_ranking() -> None:
    assert held(of(count=1), 3, 1, 4, 2) == [0.0, 0.0, 1.0, 0.0]
    assert held(of(count=2, side="neutral"), 3, 1, 4, 2) == [0.0, -0.5, 0.5, 0.0]


def test_count_keeps_what_weighs_most_where_nothing_ranks() -> None:
    panel = walks(3, 200, 5)
    strategy = of(method="inverse_volatility", lookback=60, count=2)
    whole = at_the_end(of(method="inverse_volatility", lookback=60), panel)
    two = at_the_end(strategy, panel)
    assert set(np.flatnonzero(two)) == set(np.argsort(whole)[-2:])
    assert sum(two) == pytest.approx(1.0)


def test_names_are_the_only_ones_held_and_are_ranked_among_themselves() -> None:
    some = of(names=["A", "B", "D"], take={"top": 2})
    assert held(some, 3, 1, 4, 2) == [0.5, 0.0, 0.0, 0.5]


def test_fixed_weights_are_held_as_they_are() -> None:
    assert held(of(weights={"A": 0.6, "C": 0.3}), 1, 2, 3) == [0.6, 0.0, 0.3]


def test_fixed_weights_may_be_short() -> None:
    both = of(weights={"A": 1.3, "B": -0.3}, side="long_short")
    assert held(both, 1, 2) == [1.3, -0.3]


def test_fixed_weights_of_what_has_no_bar_stay_in_cash_and_are_counted() -> None:
    panel = daily([[10.0, 10.0], [10.0, NAN]])
    strategy = of(weights={"A": 0.5, "B": 0.5})
    inputs = formed(strategy, panel)
    assert inputs.weights.tolist() == [[0.5, 0.5], [0.5, 0.0]]
    assert strategy.remarks(inputs, panel) == [
        "allocation: at 1 of 2 formations some of the fixed weights stayed in cash. 2024-01-02: B "
        "had no bar."
    ]


def test_the_universe_is_what_the_data_says_it_is_on_that_day() -> None:
    panel = daily(np.full((3, 3), 10.0))
    ones = np.ones(panel.shape)
    out, young = ones.copy(), ones.copy()
    out[:, 0] = 0.0
    young[:2, 1] = 0.0
    panel.columns.update({MEMBER: out, ELIGIBLE: young})  # type: ignore[attr-defined]
    assert formed(of(), panel).weights.tolist() == [[0, 0, 1], [0, 0, 1], [0, 0.5, 0.5]]


def test_forecasts_rank_where_there_is_no_selector() -> None:
    panel = walks(1, 60, 4)
    said = views(panel)
    assert said.forecasts is not None
    best = int(np.nanargmax(said.forecasts.mean[-1]))
    assert np.argmax(at_the_end(of(take={"top": 1}), panel, said)) == best


def test_a_formation_takes_the_newest_ranking_but_none_from_before_the_one_before() -> None:
    panel = daily(np.full((5, 2), 10.0))
    scores = np.full((5, 2), NAN)
    scores[1] = 1, 2
    inputs = formed(of(take={"top": 1}), panel, Signals(None, scores))
    assert inputs.row.tolist() == [-1, 0, -1, -1, -1]
    assert inputs.weights.tolist() == [[0, 1]]
    words = of().remarks(inputs, panel)
    assert words == [
        "allocation: 3 of 4 formations fell back, 3 to what was held. 2024-01-03 and 2 more: "
        "nothing was ranked since the formation before."
    ]


def test_rebalancing_by_signals_waits_for_a_ranking() -> None:
    panel = daily(np.full((6, 2), 10.0))
    scores = np.full((6, 2), NAN)
    scores[[2, 5]] = [[1, 2], [2, 1]]
    inputs = formed(Allocation(rebalance="signals", take={"top": 1}), panel, Signals(None, scores))
    assert inputs.bar.tolist() == [2, 5]
    assert inputs.weights.tolist() == [[0, 1], [1, 0]]


def test_a_universe_smaller_than_the_ends_keeps_what_is_held() -> None:
    panel, said = scored(3, 1, 4)
    strategy = of(side="neutral", take={"top": 2, "bottom": 2})
    inputs = formed(strategy, panel, said)
    assert (inputs.row == -1).all()
    assert "3 names are ranked, and take asks for 2 + 2" in strategy.remarks(inputs, panel)[0]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"cap": 0.1, "count": 5}, "at most 5 names of at most 0.1 each hold 0.5"),
        ({"cap": 0.1, "take": {"top": 5}}, "at most 5 names of at most 0.1"),
        ({"cap": 0.3, "names": ["A", "B", "C"]}, "at most 3 names of at most 0.3"),
        ({"side": "neutral", "cap": 0.1, "take": {"top": 3, "bottom": 9}}, "the long leg is to"),
        ({"side": "neutral", "count": 1}, "count 1 leaves no name for one of the two legs"),
        ({"side": "neutral", "take": {"top": 0.1}}, "needs both ends of the ranking"),
        ({"take": {"top": 0.1, "bottom": 0.1}}, "side long takes names from the top alone"),
        ({"take": {"bottom": 0.1}}, "side long takes names from the top alone"),
        ({"take": {"top": 1.5}}, "wanted a share above 0 and up to 1.0, or a whole number"),
        ({"take": {"top": 0}}, "take.top is 0"),
        ({"side": "neutral", "take": {"top": 0.6, "bottom": 0.6}}, "asks for 1.2 of all names"),
        ({"side": "long_short"}, "needs 'net'"),
        ({"side": "long_short", "net": 2.0}, "net 2 cannot exceed gross 1"),
        ({"net": 0.5}, "net is what side long says it is"),
        ({"method": "risk_party"}, "did you mean 'risk_parity'"),
        ({"options": {"hue": 1.0}}, "method equal has no option 'hue'; it has none"),
        ({"weights": {"A": 0.5}, "count": 3}, "so count has nothing to say"),
        ({"weights": {"A": 0.5}, "method": "risk_parity"}, "so method has nothing to say"),
        ({"weights": {"A": -0.5}}, "a short position; use side long_short"),
        ({"weights": {"A": 0.5}, "cap": 0.4}, "weights.A is 0.5 and cap is 0.4"),
        ({"weights": {"A": 0.5, "B": -0.4}, "side": "neutral"}, "add up to 0.1, which is not"),
        ({"weights": {"A": 0.0}}, "weights hold nothing"),
        ({"names": []}, "names is empty"),
        ({"names": ["A", "A"]}, "names lists A twice"),
    ],
)
def test_a_contradiction_is_refused_when_it_is_made(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(StrategyError) as told:
        Allocation(**keys)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"names": ["A", "b"]}, "has no symbol 'b'"),
        ({"weights": {"Z": 0.5}}, "has no symbol 'Z'"),
        ({"take": {"top": 1}}, "add a 'selector' or a 'forecaster:' block"),
        ({"rank_by": "forecasts"}, "add a 'forecaster:' block"),
        ({"rebalance": "signals"}, "nothing to rank names by"),
        ({"side": "neutral"}, "needs a ranking that says what is held long"),
        ({"sector_cap": 0.5}, "add them under data.groups"),
        ({"method": "mean_variance", "mean": "forecasts"}, "needs a 'forecaster:' block"),
        ({"method": "mean_variance", "mean": "scores"}, "needs a 'selector:' block"),
    ],
)
def test_what_the_config_lacks_is_said_with_what_to_add(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(StrategyError) as told:
        formed(Allocation(**keys), daily(np.full((4, 3), 10.0)))
    assert says in str(told.value)


def test_scores_of_another_panel_are_refused() -> None:
    with pytest.raises(StrategyError, match="do not belong to a panel"):
        formed(Allocation(), daily(np.ones((4, 3))), ranks(daily(np.ones((5, 3)))))


def test_an_option_out_of_range_is_refused_when_it_is_made() -> None:
    with pytest.raises(StrategyError, match="kelly: fraction 7"):
        Allocation(method="kelly", options={"fraction": 7.0})
