import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.feeds.timestamps import Dating, read_times
from tradewind.engine.feeds.zones import to_utc, to_wall

SECOND_NS = 1_000_000_000


def utc(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def read(
    values: Any, daily: bool = False, zone: str = "UTC", date_format: str | None = None
) -> list[int]:
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([pa.array(values)])
    dating = Dating(zone, date_format, daily, lambda row: f"bars.csv:{row + 2}")
    return [int(ts) for ts in read_times(column, dating)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2017-01-31 16:30", "2017-01-31T16:30"),
        ("2017-01-31T16:30:15.25", "2017-01-31T16:30:15.25"),
        ("2017-01-31 16:30:00Z", "2017-01-31T16:30"),
        ("2017-01-31 16:30:00 UTC", "2017-01-31T16:30"),
        ("2017-01-31 16:30:00-05:00", "2017-01-31T21:30"),
        ("2017-01-31T16:30:00+0530", "2017-01-31T11:00"),
        ("2017-1-31 4:30 PM", "2017-01-31T16:30"),
        ("2017/01/31 16:30", "2017-01-31T16:30"),
        ("2017.01.31 16:30", "2017-01-31T16:30"),
        ("20170131 163000", "2017-01-31T16:30"),
        ("20170131 16:30", "2017-01-31T16:30"),
        ("31.01.2017 16:30", "2017-01-31T16:30"),
        ("31/01/17 16:30", "2017-01-31T16:30"),
        ("01/31/2017 12:30 AM", "2017-01-31T00:30"),
        ("1/31/2017 12:30 pm", "2017-01-31T12:30"),
        ("31-Jan-2017 16:30", "2017-01-31T16:30"),
        ("31 January 2017 16:30", "2017-01-31T16:30"),
        ("Jan 31, 2017 16:30", "2017-01-31T16:30"),
        ("Tuesday, January 31, 2017 16:30", "2017-01-31T16:30"),
    ],
)
def test_times_are_read_however_they_are_spelt(text: str, wanted: Any) -> None:
    assert read([text]) == [utc(wanted)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1485880200], "s"),
        ([1485880200000], "ms"),
        ([1485880200 * 10**6], "us"),
        ([1485880200 * 10**9], "ns"),
    ],
)
def test_epochs_tell_their_unit_by_their_size(values: Any, kind: str) -> None:
    wanted = [utc("2017-01-31T16:30")]
    assert read(values) == wanted
    assert read([str(v) for v in values]) == wanted
    assert read(values, date_format=kind) == wanted


def test_an_epoch_with_a_fraction_is_good_to_the_microsecond() -> None:
    assert read([1485880200.5]) == [utc("2017-01-31T16:30:00.5")]
    assert read(["1485880200.123456"]) == [utc("2017-01-31T16:30:00.123456")]


@pytest.mark.parametrize("value", [86_400, 5_000_000_000, 10, 42_766.5, 2**62])
def test_an_epoch_that_could_be_two_units_is_refused(value: Any) -> None:
    with pytest.raises(DataError, match=r"bars.csv:2: .*could be seconds, milliseconds"):
        read([value])


def test_a_second_among_milliseconds_is_refused_at_its_row() -> None:
    with pytest.raises(DataError, match=r"bars.csv:3"):
        read([1485880200000, 1485880260, 1485880320000])


def test_the_unit_named_by_the_config_reads_what_could_be_two() -> None:
    assert read([86_400], date_format="s") == [utc("1970-01-02")]


@pytest.mark.parametrize("values", [[20170131], ["20170131"], [20170131.0]])
def test_numbers_of_eight_digits_are_days(values: Any) -> None:
    assert read(values, daily=True, zone="America/New_York") == [utc("2017-01-31")]


def test_a_number_of_eight_digits_that_is_no_day_is_refused() -> None:
    with pytest.raises(DataError, match=r"bars.csv:3: 20170231 is no day"):
        read([20170131, 20170231], daily=True)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (["03/04/2017", "13/04/2017"], ["2017-04-03", "2017-04-13"]),
        (["03/04/2017", "03/14/2017"], ["2017-03-04", "2017-03-14"]),
        (["03/03/2017", "04/04/2017"], ["2017-03-03", "2017-04-04"]),
        (["1/2/99", "13/2/99"], ["1999-02-01", "1999-02-13"]),
    ],
)
def test_day_and_month_are_told_apart_by_any_date_that_tells(rows: Any, wanted: Any) -> None:
    assert read(rows, daily=True) == [utc(day) for day in wanted]


def test_day_and_month_that_nothing_tells_apart_are_refused_with_the_way_out() -> None:
    with pytest.raises(
        DataError, match=r'bars.csv:2: .*day/month or month/day.*date_format.*"%d/%m/%Y"'
    ):
        read(["03/04/2017", "05/04/2017"], daily=True)
    assert read(["03/04/2017"], daily=True, date_format="%d/%m/%Y") == [utc("2017-04-03")]
    assert read(["03/04/2017"], daily=True, date_format="%m/%d/%Y") == [utc("2017-03-04")]


def test_dates_in_both_orders_are_refused() -> None:
    with pytest.raises(DataError, match=r"has its day first, .* its month"):
        read(["13/04/2017", "04/14/2017"], daily=True)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["2017-01-31", "31.01.2017"], "bars.csv:3: '31.01.2017' is not written like the dates"),
        (["2017-02-30"], "bars.csv:2: '2017-02-30' is no day of the calendar"),
        (["2017-13-01"], "is no day of the calendar"),
        (["2017-01-31 25:00"], "is no time of day"),
        (["Foo 31, 2017"], "names no month in English"),
        (["soon"], "'soon' is not a date in a form known here"),
        (["2017-01-31", ""], "bars.csv:3: has no date"),
        (["2017-01-31", None], "bars.csv:3: has no date"),
        (["2017-01-31 10:00Z", "2017-01-31 11:00"], "some times are written with their zone"),
        (["9999-12-31"], "between 1678 and 2261"),
        ([float("nan")], "has no date"),
    ],
)
def test_a_date_that_cannot_be_read_is_refused_at_its_row(rows: Any, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        read(rows)


def test_a_format_that_does_not_fit_is_refused_at_its_row() -> None:
    with pytest.raises(DataError, match=r"bars.csv:3: '31.01.2017' does not match"):
        read(["2017-01-31", "31.01.2017"], daily=True, date_format="%Y-%m-%d")
    with pytest.raises(ConfigError, match=r"reads text, but the dates .* are numbers"):
        read([1485880200], date_format="%Y-%m-%d")


def test_times_without_a_zone_are_those_of_the_zone_configured() -> None:
    rows = ["2017-01-31 09:30", "2017-07-31 09:30"]
    wanted = [utc("2017-01-31T14:30"), utc("2017-07-31T13:30")]
    assert read(rows, zone="America/New_York") == wanted
    stamps = pa.array(np.array(rows, "datetime64[s]"))
    assert read(pa.chunked_array([stamps]), zone="America/New_York") == wanted


@pytest.mark.parametrize("row", ["2017-03-12 02:30", "2017-11-05 01:30"])
def test_a_time_the_clock_showed_twice_or_never_is_refused(row: str) -> None:
    with pytest.raises(DataError, match="shown twice or never by a clock in America/New_York"):
        read(["2017-01-31 09:30", row], zone="America/New_York")


def test_a_zone_that_does_not_exist_is_refused_with_a_proposal() -> None:
    with pytest.raises(ConfigError, match="did you mean 'America/New_York'"):
        read(["2017-01-31 09:30"], zone="America/NewYork")


def test_dates_alone_are_no_bars_of_an_hour() -> None:
    with pytest.raises(DataError, match="dates without time of day"):
        read(["2017-01-30", "2017-01-31"])


@pytest.mark.parametrize(
    "values",
    [
        ["2017-01-31"],
        ["2017-01-31 00:00:00-05:00"],
        ["2017-01-31 16:00"],
        ["2017-01-31 05:00:00Z"],
        [1485838800],
        pa.chunked_array([pa.array([1485838800000], pa.timestamp("ms", "America/New_York"))]),
        pa.chunked_array([pa.array([1485838800000], pa.timestamp("ms", "UTC"))]),
        pa.chunked_array([pa.array([1485838800000], pa.timestamp("ms", "-05:00"))]),
        pa.chunked_array([pa.array(np.array(["2017-01-31"], "datetime64[D]"))]),
        pa.chunked_array([pa.array(["2017-01-31"]).dictionary_encode()]),
    ],
)
def test_the_day_of_a_daily_bar_is_that_of_its_market(values: Any) -> None:
    assert read(values, daily=True, zone="America/New_York") == [utc("2017-01-31")]


def test_the_day_written_beside_an_offset_counts_even_where_utc_is_another() -> None:
    assert read(["2017-01-31 00:00:00+09:00"], daily=True) == [utc("2017-01-31")]


def test_columns_of_several_chunks_and_slices_are_read_whole() -> None:
    whole = pa.chunked_array([["2017-01-30"], ["2017-01-31", "2017-02-01"]])
    assert read(whole.slice(1), daily=True) == [utc("2017-01-31"), utc("2017-02-01")]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_wall_clocks_go_to_utc_and_back(zone: str) -> None:
    moments = utc("1965-01-01") + np.arange(500) * 45 * 86_400 * SECOND_NS
    back, doubtful = to_utc(to_wall(moments, zone), zone)
    assert (back[~doubtful] == moments[~doubtful]).all()
    assert doubtful.sum() < 5
