"""Axes of a forest plot: round numbers, few enough to be read."""

import pytest

from tradewind.engine.report.forest import Estimate, _ticks, forest


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (-7.0, 0.9, [-6.0, -4.0, -2.0, 0.0]),
        (-0.07, 0.07, [-0.05, 0.0, 0.05]),
        (-1.2, 2.3, [-1.0, 0.0, 1.0, 2.0]),
        (-1.0, 1.0, [-1.0, -0.5, 0.0, 0.5, 1.0]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, wanted: list[float]) -> None:
    assert _ticks(low, high) == pytest.approx(wanted)


def test_an_estimate_without_an_interval_or_a_value_still_has_its_line() -> None:
    drawn = forest(
        [
            Estimate("a", 1.0, 0.5, 1.5),
            Estimate("b", 2.0, None, None),
            Estimate("c<", None, None, None),
        ],
        "three",
        unit="%",
    )
    assert drawn.count("<circle") == 2
    assert drawn.count('class="range"') == 1
    assert "c&lt;" in drawn
