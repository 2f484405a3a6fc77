"""What may be varied, and what is said where it may not."""

from typing import Any

import pytest

from tests.sweeps import TEXT, document, plan
from tradewind.engine.config.constraints import Constraint, constraints_of
from tradewind.engine.config.sweeping import sweep_config
from tradewind.engine.errors import ConfigError
from tradewind.engine.sweeping.grid import Settings
from tradewind.engine.sweeping.space import space_of


def space_in(text: str) -> Any:
    asked = document(f"sweep.space={text}")
    return space_of(sweep_config(asked)[1], asked)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("strategy.fasst", "strategy.fast"),
        ("sizing.weigth", "sizing.weight"),
        ("costs.fees_bps", "costs.fee_bps"),
        ("cots.fee_bps", "costs.fee_bps"),
        ("fast", "strategy.fast"),
        ("account.max_leverag", "account.max_leverage"),
    ],
)
def test_an_unknown_path_is_refused_with_the_nearest_valid_one(path: str, near: str) -> None:
    with pytest.raises(ConfigError, match=rf"{path}: no key of a config \(did you mean '{near}'"):
        plan(f"sweep.space={{{path}: [1, 2]}}")


def test_a_fault_of_the_space_is_told_at_its_line() -> None:
    text = TEXT.replace("{low: 2, high: 30}", "{low: 30, high: 2}")
    with pytest.raises(ConfigError, match=r"^s.yaml:9:5: .*low 30 lies above high 2; swap them"):
        plan(text=text)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("{strategy.fast: {low: 4, high: 4}}", "low and high are both 4"),
        ("{strategy.fast: []}", "choices are empty"),
        ("{strategy.fast: [3, 3]}", "choices hold 3 twice"),
        ("{strategy.fast: {low: 0, high: 9, log: true}}", "log wants low above 0"),
        ("{strategy.fast: {low: 1, high: 9, step: 20}}", "step 20 is larger than the range"),
        ("{strategy.fast: {low: 1, hihg: 9}}", r"unknown key \(did you mean 'high'\?\)"),
        ("{strategy.fast: {low: -5, high: 9}}", "strategy.fast: wanted at least 1; found -5"),
        ("{costs.fee_bps: {low: 0.0, high: 2000.0}}", "wanted at most 1,000; found 2000"),
        ("{data.end: [2014-01-01]}", "changes which bars are scored"),
        ("{strategy.fast: 5}", "varies nothing"),
        ("{}", "is empty; name at least one key"),
        (
            "{strategy.fast: [2, 3], strategy.slow: {low: 5, high: 9, when: {strategy.fat: 2}}}",
            "did you mean 'strategy.fast'",
        ),
        (
            "{strategy.fast: [2, 3], strategy.slow: {low: 5, high: 9, when: {strategy.fast: 7}}}",
            "strategy.fast never is 7",
        ),
        (
            "{strategy.fast: {low: 2, high: 3, when: {strategy.slow: 9}}, "
            "strategy.slow: {low: 5, high: 9, when: {strategy.fast: 2}}}",
            "depends on itself",
        ),
    ],
)
def test_what_is_no_range_is_refused(space: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(f"sweep.space={space}")


def test_a_parameter_applies_where_another_has_that_value() -> None:
    space = space_in(
        "{strategy.slow: {low: 50, high: 60, when: {strategy.short: true}}, "
        "strategy.short: [false, true], strategy.fast: {low: 2, high: 4, step: 2}}"
    )
    found = list(space.grid(5))
    assert len(found) == space.grid_size(5) == 2 * (1 + 11)
    assert all(("strategy.slow" in one) == one["strategy.short"] for one in found)
    assert list(Settings(space, 5)) == found


def test_a_grid_is_decoded_from_its_numbers() -> None:
    space = space_in(
        "{strategy.fast: {low: 2, high: 6, step: 2}, costs.fee_bps: {low: 1.0, high: 2.0}, "
        "strategy.short: [true, false]}"
    )
    found = Settings(space, 3)
    assert list(found) == list(space.grid(3))
    assert found[0] == {"strategy.fast": 2, "costs.fee_bps": 1.0, "strategy.short": True}
    assert [one["costs.fee_bps"] for one in found[0:6:2]] == [1.0, 1.5, 2.0]


@pytest.mark.parametrize("text", ["max_drawdown << 0.2", "0.2 > x", "sharpe", "sharpe > a", ""])
def test_a_constraint_that_cannot_be_read_is_refused(text: str) -> None:
    asked = document(f"sweep.constraints=['{text}']")
    with pytest.raises(ConfigError, match="wanted a metric, one of < <= > >=, and a number"):
        constraints_of(sweep_config(asked)[0].constraints, asked)


def test_a_strict_bound_is_broken_by_what_meets_it() -> None:
    assert Constraint("x", "<", 0.2).excess(0.2) > 0.0
    assert Constraint("x", "<=", 0.2).excess(0.2) <= 0.0
    assert Constraint("x", ">", 1.0).excess(1.5) == -0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sweep.objectives={sharp: maximize}", "no metric of a run .did you mean 'sharpe'"),
        ("sweep.constraints=[max_drawdwn < 0.2]", "did you mean 'max_drawdown'"),
        ("sweep.sampler=tpee", "wanted 'tpe'"),
        ("sweep.holdout={start: 2016-05-01}", "lies after data.end 2015-12-31"),
        ("sweep.validate={folds: 400}", "cannot be cut into 400|wanted at most 64"),
    ],
)
def test_what_else_is_wrong_is_told_before_the_first_trial(change: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(change)
