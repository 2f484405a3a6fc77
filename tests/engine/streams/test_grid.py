"""Into which bar a moment falls, held to the bars that resampling makes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.minutes import MINUTE_NS, ns, session_bars, utc
from tradewind.engine.bars.bins import bins
from tradewind.engine.errors import ConfigError
from tradewind.engine.streams.grid import Bin, Grid

# calendar, interval, moment of a trade, close of its bar (UTC); no close: outside of sessions
PLACES = [
    ("XNYS", "1d", "2017-11-22T14:30", "2017-11-22T21:00"),
    ("XNYS", "1d", "2017-11-23T15:00", ""),  # Thanksgiving
    ("XNYS", "1d", "2017-11-24T14:30", "2017-11-24T18:00"),  # half a day
    ("XNYS", "1d", "2017-11-24T18:00", "2017-11-24T18:00"),  # stamped with the close
    ("XNYS", "1d", "2017-11-24T18:01", ""),
    ("XNYS", "1h", "2017-11-24T17:29", "2017-11-24T17:30"),
    ("XNYS", "1h", "2017-11-24T17:30", "2017-11-24T18:00"),  # cut short by the early close
    ("XNYS", "5m", "2017-11-24T14:29", ""),
    ("XNYS", "5m", "2017-11-24T14:30", "2017-11-24T14:35"),
    ("XNYS", "5m", "2017-11-25T15:00", ""),  # Saturday
    ("XNYS", "1wk", "2017-11-20T15:00", "2017-11-24T18:00"),
    ("XNYS", "1wk", "2017-11-24T17:00", "2017-11-24T18:00"),
    ("XNYS", "1mo", "2017-11-20T15:00", "2017-11-30T21:00"),
    ("XNYS", "1d", "2018-03-09T14:30", "2018-03-09T21:00"),  # last day of winter time
    ("XNYS", "1d", "2018-03-12T13:30", "2018-03-12T20:00"),  # first of summer time
    ("XNYS", "1h", "2018-03-12T13:30", "2018-03-12T14:30"),
    ("XNYS", "1d", "2018-11-02T13:30", "2018-11-02T20:00"),
    ("XNYS", "1d", "2018-11-05T14:29", ""),
    ("XNYS", "1d", "2018-11-05T14:30", "2018-11-05T21:00"),
    ("XLON", "1h", "2018-03-23T16:29", "2018-03-23T16:30"),
    ("XLON", "1h", "2018-03-26T07:00", "2018-03-26T08:00"),  # London changes two weeks later
    ("XHKG", "1h", "2018-03-26T03:59", "2018-03-26T04:30"),  # 09:30 local + 3 h, over the lunch
    ("24/7", "1d", "2018-01-06T12:00", "2018-01-07T00:00"),  # Saturday
    ("24/7", "1d", "2018-01-07T00:00", "2018-01-08T00:00"),  # midnight belongs to what begins
    ("24/7", "5m", "2018-01-07T00:00", "2018-01-07T00:05"),
    (None, "1h", "2018-03-25T01:30", "2018-03-25T02:00"),  # no clock changes in UTC
    (None, "7h", "2018-01-06T22:00", "2018-01-07T00:00"),  # the day ends the last bar
]


@pytest.mark.parametrize(("calendar", "interval", "moment", "close"), PLACES)
def test_a_trade_belongs_to_the_bar_of_its_session(
    calendar: str | None, interval: str, moment: str, close: str
) -> None:
    found = Grid(calendar, interval, extended_hours=False).of(ns(moment))
    assert utc([found.close] if found else []) == ([close] if close else [])


@pytest.mark.parametrize(
    ("moment", "close"),
    [
        ("2018-01-05T14:29", "2018-01-05T14:30"),  # counted back from the open
        ("2018-01-05T13:29", "2018-01-05T13:30"),
        ("2018-01-05T21:00", "2018-01-05T21:00"),  # the closing auction is none of it
        ("2018-01-05T21:01", "2018-01-05T22:00"),
        ("2018-01-04T05:44", "2018-01-04T06:00"),  # nearer to the close behind it
        ("2018-01-04T05:45", "2018-01-04T06:30"),  # than to the open before it
    ],
)
def test_extended_hours_are_counted_from_the_nearer_end(moment: str, close: str) -> None:
    found = Grid("XNYS", "1h", extended_hours=True).of(ns(moment))
    assert found is not None
    assert utc([found.close]) == [close]


def test_days_know_no_extended_hours() -> None:
    assert Grid("XNYS", "1d", extended_hours=True).of(ns("2018-01-05T13:00")) is None


def test_a_trade_before_and_after_the_middle_of_the_night_never_shares_a_part() -> None:
    grid = Grid("XNYS", "1h", extended_hours=True)
    before, after = grid.of(ns("2018-01-04T05:44")), grid.of(ns("2018-01-04T05:45"))
    assert before is not None and after is not None
    assert before.stop == after.start == ns("2018-01-04T05:45")


CALENDARS = ("XNYS", "XLON", "XHKG", "24/7", None)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CALENDARS),
    st.sampled_from(["1m", "5m", "30m", "1h", "1d", "1wk"]),
    st.lists(st.integers(0, 60 * 24 * 730), min_size=1, max_size=40, unique=True),
    st.integers(0, MINUTE_NS - 1),
)
def test_trades_go_where_resampling_puts_the_minutes_they_are_in(
    calendar: str | None, interval: str, minutes: list[int], inside: int
) -> None:
    starts = ns("2017-01-02T00:00") + np.sort(np.array(minutes, np.int64)) * MINUTE_NS
    found = bins(starts + MINUTE_NS, calendar, "1m", interval)
    grid = Grid(calendar, interval, extended_hours=True)
    for start, at in zip(starts.tolist(), found.of.tolist(), strict=True):
        place = grid.of(start + inside)
        assert (place.close if place else -1) == (int(found.closes[at]) if at >= 0 else -1)
        if place is not None:
            assert place.start <= start + inside < place.stop <= place.close


@pytest.mark.parametrize("calendar", ["XNYS", "XHKG"])
def test_every_minute_of_every_session_of_a_year_has_its_bar(calendar: str) -> None:
    closes = session_bars(calendar, "2017-07-01", "2018-06-30", 5)
    grid = Grid(calendar, "5m", extended_hours=False)
    assert len(closes) > 10_000
    for close in closes.tolist():
        found = grid.of(close - 1)
        assert found is not None
        assert found.close == close


def test_moments_asked_in_any_order_get_the_same_answer() -> None:
    moments = [ns(f"{year}-{month:02}-17T15:00") for year in (2001, 2017) for month in (1, 7)]
    grid = Grid("XNYS", "1h", extended_hours=False)
    there: list[Bin | None] = [grid.of(at) for at in moments]
    back = [grid.of(at) for at in moments[::-1]][::-1]
    assert there == back
    assert all(there)


def test_an_unknown_calendar_is_an_error_of_the_config() -> None:
    with pytest.raises(ConfigError, match="XNYC"):
        Grid("XNYC", "1h", extended_hours=False).of(ns("2018-01-05T15:00"))
