"""When a portfolio is formed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.engine.bars.formation import Every, formations, month_begins
from tradewind.engine.bars.sessions import ALWAYS, session_closes
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Panel

KINDS: tuple[Every, ...] = ("day", "week", "month", "quarter", "year")
ENDS: tuple[Every, ...] = ("week_end", "month_end", "quarter_end", "year_end")


def bars(first: str, last: str, calendar: str | None = "XNYS") -> Panel:
    """One symbol at the closes of New York's sessions."""
    ts = session_closes("XNYS", first, last).closes
    one = np.ones((len(ts), 1))
    return Panel(("A",), ts, one, one, one, one, one, calendar=calendar)


def formed(panel: Panel, every: Every) -> list[str]:
    return [str(day) for day in panel.dates[formations(panel, every)]]


def test_months_begin_and_end_where_the_exchange_trades() -> None:
    spring = bars("2017-02-27", "2017-05-02")
    assert formed(spring, "month") == ["2017-03-01", "2017-04-03", "2017-05-01"]
    assert formed(spring, "month_end") == ["2017-02-28", "2017-03-31", "2017-04-28"]


def test_a_week_ends_on_thursday_before_good_friday() -> None:
    easter = bars("2017-04-10", "2017-04-21")
    assert formed(easter, "week_end") == ["2017-04-13", "2017-04-21"]
    assert formed(easter, "week") == ["2017-04-17"]


def test_quarters_and_years_are_counted_as_months_are() -> None:
    turn = bars("2016-11-01", "2017-07-05")
    assert formed(turn, "quarter_end") == ["2016-12-30", "2017-03-31", "2017-06-30"]
    assert formed(turn, "year_end") == ["2016-12-30"]
    assert formed(turn, "year") == ["2017-01-03"]


def test_the_last_bar_of_the_data_is_an_end_only_where_the_calendar_says_so() -> None:
    assert formed(bars("2017-03-01", "2017-03-31"), "month_end") == ["2017-03-31"]
    assert formed(bars("2017-03-01", "2017-03-30"), "month_end") == []


def test_around_the_clock_a_month_ends_at_its_last_midnight() -> None:
    hours = np.arange("2017-01-31T00", "2017-02-02T12", 12, dtype="datetime64[h]")
    ts = hours.astype("datetime64[ns]").astype(np.int64)
    one = np.ones((len(ts), 1))
    panel = Panel(("B",), ts, one, one, one, one, one, interval="12h", calendar=ALWAYS)
    ends = panel.dates[formations(panel, "month_end")].astype("datetime64[h]").astype(str)
    assert list(ends) == ["2017-02-01T00"]


def test_an_intraday_day_ends_at_its_close() -> None:
    sessions = session_closes("XNYS", "2017-07-03", "2017-07-06")  # a half day before the fourth
    ts = np.unique(np.concatenate([sessions.closes - 3_600_000_000_000, sessions.closes]))
    one = np.ones((len(ts), 1))
    panel = Panel(("A",), ts, one, one, one, one, one, interval="1h", calendar="XNYS")
    np.testing.assert_array_equal(panel.ts[formations(panel, "day")], sessions.closes)


def test_an_end_without_a_calendar_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"month_end: nothing says in advance .* data.calendar"):
        formations(bars("2017-03-01", "2017-03-31", None), "month_end")


@given(st.integers(1, 250), st.sampled_from(KINDS + ENDS))
def test_later_bars_move_no_formation(cut: int, every: Every) -> None:
    panel = bars("2016-06-01", "2017-06-01")
    whole = formations(panel, every)
    np.testing.assert_array_equal(formations(panel.past(cut), every), whole[:cut])


def test_months_are_looked_up_as_they_are_counted() -> None:
    panel = bars("2010-01-04", "2017-06-01")
    np.testing.assert_array_equal(month_begins(panel), formations(panel, "month"))
    assert formations(panel.past(0), "month").shape == (0,)
