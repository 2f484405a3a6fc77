"""What is said of a source's clock."""

from math import isnan

import pytest

from tradewind.engine.streams.clock_skew import FEWEST, WINDOW, ClockSkew
from tradewind.engine.streams.facts import Tick

NOW, SECOND = 1_700_000_000_000_000_000, 1_000_000_000


def heard(*late_s: float, limit_s: float = 5.0) -> ClockSkew:
    found = ClockSkew(limit_s)
    for k, s in enumerate(late_s):
        at = NOW + k * SECOND
        found.take(Tick("A", at - int(s * SECOND), 10.0, received=at))
    return found


def test_the_skew_is_the_median_of_how_late_stamps_are() -> None:
    assert heard(*[0.25] * 6, *[9.0] * 5).seconds == 0.25
    assert heard(*[-30.0] * FEWEST).seconds == -30.0


def test_too_few_messages_say_nothing() -> None:
    found = heard(*[60.0] * (FEWEST - 1))
    assert isnan(found.seconds)
    assert found.news() == ""


def test_messages_that_do_not_say_when_they_came_are_left_out() -> None:
    found = ClockSkew(5.0)
    for _ in range(WINDOW):
        found.take(Tick("A", NOW, 10.0))
    assert isnan(found.seconds)


@pytest.mark.parametrize(("late_s", "word"), [(8.0, "behind"), (-8.0, "ahead of")])
def test_a_clock_that_is_wrong_is_told_once_and_once_when_it_is_right_again(
    late_s: float, word: str
) -> None:
    found = heard(*[late_s] * FEWEST)
    assert f"8.0 s {word} our clock" in found.news()
    assert found.news() == ""
    for k in range(WINDOW):
        found.take(Tick("A", NOW + k, 10.0, received=NOW + k))
    assert "again" in found.news()
    assert found.news() == ""


def test_a_few_faulty_stamps_move_nothing() -> None:
    assert heard(*[0.1] * 60, *[1e6] * 40).news() == ""
