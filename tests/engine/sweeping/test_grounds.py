"""What settings share is made once, and nothing is shared that differs."""

from typing import Any

import numpy as np
import pytest

from tests.sweeps import plan
from tradewind.engine.sweeping.grounds import Kept, _state
from tradewind.strategies.sma_cross import SmaCross


class Reading:
    """Prepares from an attribute of itself."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def prepare(self, panel: Any, signals: Any) -> Any:
        return self.values


def test_strategies_that_prepare_without_themselves_share_what_they_prepare() -> None:
    assert _state(SmaCross(fast=2, slow=9)) == _state(SmaCross(fast=3, slow=8)) is None


def test_strategies_that_read_themselves_share_it_only_where_they_are_equal() -> None:
    one, other = np.zeros(5_000), np.zeros(5_000)
    other[2_500] = 1.0  # where a printed array has dots
    first: Any = Reading(one)
    assert _state(first) == _state(Reading(one.copy()))  # type: ignore[arg-type]
    assert _state(first) != _state(Reading(other))  # type: ignore[arg-type]
    lost: Any = Reading(lambda: 0)
    assert _state(lost) != _state(lost), "what cannot be compared is equal to nothing"


def test_settings_of_a_strategy_stand_on_one_ground_and_costs_part_them() -> None:
    grounds = plan().grounds
    a, b = {"strategy.fast": 3}, {"strategy.fast": 4}
    assert grounds.ground(a) is grounds.ground(b)
    dear = grounds.ground(a | {"costs.fee_bps": 9.0})
    assert dear is not grounds.ground(a)
    assert dear.bars is grounds.ground(a).bars and dear.outlook is grounds.ground(a).outlook
    strategy = grounds.strategy(dear, b)
    assert grounds.inputs(dear, strategy)[0] is grounds.inputs(grounds.ground(a), strategy)[0]


def test_the_last_few_are_kept() -> None:
    kept = Kept(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.get(key, lambda key=key: key)  # type: ignore[misc]
    assert kept.made == 4


@pytest.mark.parametrize("setting", [{"strategy.fast": 30, "strategy.slow": 9}])
def test_a_setting_that_a_strategy_refuses_says_why(setting: dict[str, Any]) -> None:
    asked = plan()
    [outcome] = asked.evaluator.evaluate([setting], {})
    assert outcome.state == "refused"
    assert "fast 30 must be shorter than slow 9" in outcome.error
