"""The ground around a sweep's winner, on scores laid out by hand."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tradewind.engine.config.ranges import ChoiceConfig, FloatConfig, IntConfig
from tradewind.engine.sweeping.nearby import nearby
from tradewind.engine.sweeping.space import Param

DAYS = Param("days", IntConfig(low=0, high=10))


def told(params: list[Param], tried: Sequence[tuple[Mapping[str, Any], float | None]], best: int,
         sign: float = 1.0) -> dict[str, Any] | None:  # fmt: skip
    plan = SimpleNamespace(
        space=SimpleNamespace(params=params),
        wanted=SimpleNamespace(signs=[sign]),
        config=SimpleNamespace(objectives={"sharpe": "maximize"}),
    )
    outcomes = [
        SimpleNamespace(values=values, scores=[] if score is None else [score])
        for values, score in tried
    ]
    found: Any = SimpleNamespace(best=best, outcomes=outcomes)
    return nearby(plan, found)  # type: ignore[arg-type]


def test_the_six_nearest_are_told_and_what_was_refused_is_none_of_them() -> None:
    scores = [0.0, 0.1, 0.2, 0.3, 0.4, 1.0, None, 0.6, 0.5, 0.4, 0.3]
    said = told([DAYS], [({"days": i}, score) for i, score in enumerate(scores)], 5)
    assert said is not None
    # beside 5: 4, 3, 7, 2, 8, and of 1 and 9, as far away, the first; 6 was refused
    assert said["n"] == 6
    assert said["neighbours"] == pytest.approx((0.4 + 0.3 + 0.6 + 0.2 + 0.5 + 0.1) / 6)
    assert (said["winner"], said["worst"]) == (1.0, 0.1)
    assert said["rank"] == 0.5  # 0, 0.1, 0.2, 0.3 and 0.3 of the ten that have a score
    assert "stands on a slope" in said["sentence"]


def test_a_lone_peak_is_called_one() -> None:
    tried = [({"days": i}, 2.0 if i == 5 else 1.0 + abs(i - 5) / 10) for i in range(11)]
    said = told([DAYS], tried, 5)
    assert said is not None and "stands on a peak" in said["sentence"]


def test_where_less_is_better_the_numbers_keep_their_sign() -> None:
    tried = [({"days": i}, 1.0 + abs(i - 5)) for i in range(11)]
    said = told([DAYS], tried, 5, sign=-1.0)
    assert said is not None
    assert (said["winner"], said["neighbours"], said["worst"]) == (1.0, 3.0, 4.0)


def test_a_logarithmic_axis_measures_ratios_and_a_word_is_another_or_the_same() -> None:
    fee = Param("fee", FloatConfig(low=1.0, high=100.0, log=True))
    word = Param("word", ChoiceConfig(choices=["a", "b"]))
    tried: list[tuple[dict[str, Any], float]] = [({"fee": 10.0, "word": "a"}, 3.0)]
    tried += [({"fee": 10.0 * 1.01**i, "word": "a"}, 2.0) for i in (-3, -2, -1, 1, 2, 3)]
    tried += [({"fee": 10.0, "word": "b"}, -9.0)]  # one whole axis away: not among the nearest
    said = told([fee, word], tried, 0)
    assert said is not None and said["worst"] == 2.0


def test_a_parameter_that_a_neighbour_has_not_is_half_an_axis_away() -> None:
    tried: list[tuple[dict[str, int], float]] = [({"days": 5}, 3.0)]
    tried += [({"days": 5 + i}, 2.0) for i in (-4, -3, -2, 2, 3, 4)]
    tried += [({}, -9.0)]
    said = told([DAYS], tried, 0)
    assert said is not None and said["worst"] == 2.0


def test_nothing_is_told_of_a_setting_that_stands_alone() -> None:
    assert told([DAYS], [({"days": 5}, 1.0)], 0) is None
    assert told([DAYS], [({"days": 5}, 1.0), ({"days": 6}, None)], 0) is None
