"""Features of the calendar against days known by heart."""

from dataclasses import replace

import numpy as np
import pytest

from tests.flat_panel import flat_panel
from tradewind.engine import features
from tradewind.engine.bars.sessions import session_closes
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.records import DAY_NS, Panel


def new_york(first: str, last: str) -> Panel:
    """Daily bars of every session."""
    sessions = session_closes("XNYS", first, last)
    one = np.full((len(sessions), 1), 10.0)
    return Panel(("KO",), sessions.closes, one, one, one, one, one, calendar="XNYS")


def of(panel: Panel, name: str) -> list[float]:
    values: list[float] = features.compute(panel, (name,))[:, 0, 0].tolist()
    return values


WEEK = new_york("2016-11-21", "2016-12-02")  # Thanksgiving on Thursday, an early close after it


def test_days_are_those_of_the_exchange() -> None:
    assert of(WEEK, "calendar.weekday") == [0, 1, 2, 4, 0, 1, 2, 3, 4]
    assert of(WEEK, "calendar.month") == [11] * 7 + [12] * 2
    assert of(WEEK, "calendar.day") == [21, 22, 23, 25, 28, 29, 30, 1, 2]
    assert of(WEEK, "calendar.hours") == [6.5, 6.5, 6.5, 3.5, 6.5, 6.5, 6.5, 6.5, 6.5]
    assert of(WEEK, "calendar.days_off") == [0, 0, 1, 2, 0, 0, 0, 0, 2]
    assert of(WEEK, "calendar.month_end") == [6, 5, 4, 3, 2, 1, 0, 21 - 1, 21 - 2]
    assert of(WEEK, "calendar.month_start")[-3:] == [20, 0, 1]


def test_a_bar_ahead_is_that_many_sessions_ahead_also_beyond_the_data() -> None:
    assert of(WEEK, "ahead_1.calendar.weekday") == [1, 2, 4, 0, 1, 2, 3, 4, 0]
    assert of(WEEK, "ahead_3.calendar.hours")[0] == 3.5
    assert of(WEEK, "ahead_5.calendar.month_end")[:2] == [1, 0]


def test_a_circle_closes() -> None:
    sine, cosine = (np.array(of(WEEK, f"calendar.weekday_{n}")) for n in ("sin", "cos"))
    np.testing.assert_allclose(sine**2 + cosine**2, 1.0)
    assert cosine[0] == 1.0 and sine[0] == 0.0


@pytest.mark.parametrize(
    "name",
    [
        "calendar.month_end",
        "calendar.days_off",
        "ahead_5.calendar.month_end",
        "ahead_20.calendar.hours",
        "calendar.weekday_sin",
    ],
)
def test_the_calendar_does_not_depend_on_later_bars(name: str) -> None:
    panel = new_york("2016-01-04", "2016-12-30")
    assert np.isfinite(of(panel, name)).all()
    assert features.is_causal(name, panel, cuts=range(5, 250, 17))


def test_bars_within_a_day_know_how_much_of_it_is_over() -> None:
    opens = int(session_closes("XNYS", "2016-11-23", "2016-11-23").opens[0])
    hour = DAY_NS // 24
    panel = replace(flat_panel(6, interval="1h", first=opens + hour, step=hour), calendar="XNYS")
    np.testing.assert_allclose(of(panel, "calendar.time_of_day"), np.arange(1, 7) / 6.5)
    with pytest.raises(DataError, match="counts sessions, and bars are of 1h"):
        of(panel, "ahead_1.calendar.weekday")


def test_symbols_follow_their_own_calendars() -> None:
    panel = replace(flat_panel(3), calendars=("XNYS", "XLON"))
    got = features.compute(panel, ("calendar.days_off",))[:, :, 0]
    # The 2nd of January 2017 was a holiday in both, and no session, so there is no next to count.
    np.testing.assert_array_equal(got[1:], [[0, 0], [0, 0]])


def test_without_an_exchange_only_days_can_be_told() -> None:
    panel = flat_panel(5)
    assert of(panel, "calendar.weekday") == [0, 1, 2, 3, 4]
    for name in ("calendar.month_end", "ahead_1.calendar.weekday"):
        with pytest.raises(DataError, match=rf"{name} takes an exchange calendar"):
            of(panel, name)
    with pytest.raises(DataError, match="is 1 on every bar of 1d"):
        of(WEEK, "calendar.time_of_day")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("calendar.weekdy", "did you mean 'calendar.weekday'?"),
        ("ahead_5.calendar.mont", "did you mean 'ahead_5.calendar.month'?"),
        ("ahead_0.calendar.month", "wanted 1 to 1000"),
        ("ahead_5.return_1", "would look ahead"),
        ("ahead_5.rank.return_1", "would look ahead"),
    ],
)
def test_an_unknown_or_forbidden_name_is_refused(name: str, told: str) -> None:
    with pytest.raises(ConfigError, match="features: ") as error:
        features.feature(name)
    assert told in str(error.value)
