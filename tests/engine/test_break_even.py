"""Where a curve over multiples of the spread crosses zero."""

import json

import numpy as np
import pytest

from tradewind.engine.books.break_even import SCALES, Outcome, break_even, crossing
from tradewind.engine.records import Floats

NAN = np.nan


def test_the_multiples_go_from_none_to_five_times_in_one_call() -> None:
    asked: list[Floats] = []

    def simulate(scales: Floats) -> Outcome:
        asked.append(scales)
        return Outcome(1.5 - scales, 1e5 - 100 * scales)

    found = break_even(simulate)
    assert len(asked) == 1
    assert (SCALES[0], SCALES[-1], SCALES.index(1.0)) == (0.0, 5.0, 4)
    assert found["multiple"] == pytest.approx(1.5)
    assert found["final_equity"][0] == 1e5
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("sharpe", "wanted"),
    [
        ([2.0, 1.0, 0.5], None),
        ([2.0, 1.0, -1.0], 1.5),
        ([2.0, 0.0, -1.0], 1.0),
        ([1.0, -1.0, 1.0], 0.5),  # back above zero by chance: the first crossing counts
        ([-0.1, 2.0, 2.0], 0.0),
        ([NAN, NAN, NAN], 0.0),
        ([2.0, 1.0, NAN], 2.0),  # ruined between one and two times
    ],
)
def test_the_crossing_lies_on_the_line_between_two_points(
    sharpe: list[float], wanted: float | None
) -> None:
    found = crossing(np.array([0.0, 1.0, 2.0]), np.array(sharpe))
    assert found == (wanted if wanted is None else pytest.approx(wanted))


def test_what_is_no_number_is_none_in_the_file() -> None:
    found = break_even(lambda scales: Outcome(np.full(len(scales), NAN), 0.0 * scales))
    assert found["sharpe"] == [None] * len(SCALES)
    assert found["multiple"] == 0.0
