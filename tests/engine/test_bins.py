"""Where longer bars begin and end, by the calendar."""

import numpy as np
import pytest

from tests.minutes import ns, session_bars, utc
from tradewind.engine.bars.bins import bins, check_longer
from tradewind.engine.errors import ConfigError, DataError


def closes_of(calendar: str | None, first: str, last: str, fine: int, coarse: str) -> list[str]:
    ts = session_bars(calendar or "24/7", first, last, fine)
    return utc(bins(ts, calendar, f"{fine}min", coarse).closes)


def test_hours_are_counted_from_the_open_and_end_with_a_half_day() -> None:
    assert closes_of("XNYS", "2013-11-29", "2013-11-29", 5, "1h") == [
        "2013-11-29T15:30",
        "2013-11-29T16:30",
        "2013-11-29T17:30",
        "2013-11-29T18:00",  # closes at 13:00 in New York
    ]


def test_a_day_ends_with_its_session_through_a_change_of_clocks_and_a_half_day() -> None:
    assert closes_of("XNYS", "2013-11-01", "2013-11-04", 30, "1d") == [
        "2013-11-01T20:00",
        "2013-11-04T21:00",
    ]
    assert closes_of("XNYS", "2013-11-27", "2013-12-02", 30, "1d") == [
        "2013-11-27T21:00",
        "2013-11-29T18:00",
        "2013-12-02T21:00",
    ]


def test_weeks_months_and_pairs_of_days_end_with_their_last_session() -> None:
    assert closes_of("XNYS", "2013-11-18", "2013-12-03", 30, "1wk") == [
        "2013-11-22T21:00",
        "2013-11-29T18:00",  # the Friday after Thanksgiving
        "2013-12-06T21:00",
    ]
    assert closes_of("XNYS", "2013-11-18", "2013-12-03", 30, "1mo") == [
        "2013-11-29T18:00",
        "2013-12-31T21:00",
    ]
    early = closes_of("XNYS", "2013-11-18", "2013-11-29", 30, "2d")
    late = closes_of("XNYS", "2013-11-20", "2013-11-29", 30, "2d")
    assert early[-len(late) :] == late  # wherever the data begins


def test_a_session_that_begins_the_evening_before_is_one_day() -> None:
    found = closes_of("CMES", "2015-03-03", "2015-03-04", 60, "1d")
    assert found == ["2015-03-03T23:00", "2015-03-04T23:00"]
    ts = session_bars("CMES", "2015-03-03", "2015-03-04", 60)
    of = bins(ts, "CMES", "60min", "1d").of
    assert utc(ts[:1]) == ["2015-03-03T00:00"]  # 18:00 in Chicago, an hour after the open
    assert np.bincount(of).tolist() == [24, 24]


def test_round_the_clock_and_without_a_calendar_days_end_at_midnight_utc() -> None:
    for calendar in ("24/7", None):
        assert closes_of(calendar, "2018-01-06", "2018-01-07", 60, "1d") == [
            "2018-01-07T00:00",
            "2018-01-08T00:00",
        ]
        assert closes_of(calendar, "2018-01-06", "2018-01-08", 60, "1wk") == [
            "2018-01-08T00:00",
            "2018-01-15T00:00",
        ]
    assert closes_of(None, "2018-01-06", "2018-01-06", 60, "7h") == [
        "2018-01-06T07:00",
        "2018-01-06T14:00",
        "2018-01-06T21:00",
        "2018-01-07T00:00",
    ]


def test_a_lunch_break_does_not_move_the_hours() -> None:
    assert closes_of("XTKS", "2015-06-01", "2015-06-01", 30, "2h") == [
        "2015-06-01T02:00",
        "2015-06-01T04:00",
        "2015-06-01T06:00",
    ]


def test_bars_outside_the_session_are_hours_of_their_own_and_belong_to_no_day() -> None:
    moments = ["2013-10-04T11:05", "2013-10-04T13:20", "2013-10-04T13:30", "2013-10-04T13:35"]
    moments += ["2013-10-04T20:00", "2013-10-04T20:05", "2013-10-04T23:10"]
    ts = np.array([ns(moment) for moment in moments])
    hours = bins(ts, "XNYS", "5min", "1h")
    assert utc(hours.closes[hours.of]) == [
        "2013-10-04T11:30",
        "2013-10-04T13:30",
        "2013-10-04T13:30",
        "2013-10-04T14:30",
        "2013-10-04T20:00",
        "2013-10-04T21:00",
        "2013-10-05T00:00",
    ]
    assert bins(ts, "XNYS", "5min", "1d").of.tolist() == [-1, -1, -1, 0, 0, -1, -1]


def test_no_row_belongs_to_a_bar_that_is_over_before_it() -> None:
    for coarse in ("15min", "1h", "1d", "3d", "1wk", "1mo"):
        for calendar in ("XNYS", "XTKS", "CMES", "24/7"):
            ts = session_bars(calendar, "2013-10-28", "2013-12-04", 15)
            found = bins(ts, calendar, "15min", coarse)
            assert (found.of >= 0).all()
            assert (found.closes[found.of] >= ts).all()
            before = np.append(0, found.closes)[found.of]
            assert (ts > before).all()


def test_bars_on_another_grid_are_refused_with_what_would_fit() -> None:
    ts = np.array([ns(f"2013-10-04T{hour}:00") for hour in (15, 16, 17, 18)])
    with pytest.raises(DataError, match="began before 2013-10-04 15:30:00 UTC, where a 2h bar"):
        bins(ts, "XNYS", "1h", "2h")
    assert len(bins(ts, None, "1h", "2h").closes) == 2


@pytest.mark.parametrize(
    ("fine", "coarse"),
    [("1d", "1h"), ("1h", "90min"), ("5min", "1min"), ("1wk", "1mo"), ("2d", "3d"), ("2d", "1wk")],
)
def test_lengths_that_do_not_fit_are_refused(fine: str, coarse: str) -> None:
    with pytest.raises(ConfigError, match=f"bars of {fine} cannot be put together to bars of"):
        check_longer(fine, coarse)


def test_a_time_the_calendar_does_not_know_is_refused() -> None:
    ts = np.array([ns("1935-01-02T15:00")])
    with pytest.raises(DataError, match=r"calendar XTKS knows .* choose another range"):
        bins(ts, "XTKS", "1h", "1d")
