from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tradewind.engine.feeds.history import History

Make = Callable[..., Any]
Write = Callable[..., Path]
Look = Callable[..., History]
Text = Callable[..., str]


@pytest.mark.parametrize(("interval", "n"), [("1wk", 12), ("1h", 12)])
def test_bars_of_another_length_than_the_config_says_are_refused(
    interval: str,
    n: int,
    market: Make,
    write: Write,
    look: Look,
) -> None:
    table = market(n_bars=n, symbols=("AAA",)).single("AAA")
    days = table["date"].to_numpy()[0] + np.arange(n) * 7
    weekly = table.set_column(
        0, "date", pa.array(days.astype("datetime64[s]") + np.timedelta64(9, "h"))
    )
    assert look(write(weekly, "AAA.parquet"), interval="1wk").refused == ()
    (found,) = look(write(weekly, "AAA.parquet")).refused
    assert (found.kind, found.message) == ("interval", "bars are 7d apart, but data.interval is 1d")


def test_many_bars_a_day_are_one_finding_that_says_so(
    market: Make, write: Write, look: Look
) -> None:
    table = market(n_bars=60, symbols=("AAA",)).single("AAA")
    times = np.datetime64("2017-01-09T10:00") + np.arange(60) * np.timedelta64(5, "m")
    intraday = table.set_column(0, "date", pa.array(times.astype("datetime64[s]")))
    (found,) = look(write(intraday, "AAA.parquet")).refused
    assert found.kind == "interval"
    assert "several bars a day" in found.message
    assert look(write(intraday, "AAA.parquet"), interval="5min").refused == ()


def test_intraday_bars_close_when_the_config_says_their_label_does(
    csv_of: Text, write: Write, look: Look
) -> None:
    rows = [f"2017-01-09 {h}:30,10,12,9,11,{h}" for h in range(9, 16)]
    path = write(csv_of(*(r.replace(" 9:", " 09:") for r in rows)), "AAA.csv")
    keys = {"interval": "1h", "timezone": "America/New_York"}
    opens = look(path, **keys, calendar="none").panel.ts
    closes = look(path, **keys, calendar="none", bar_label="close").panel.ts
    assert (opens - closes == 3_600_000_000_000).all()
    assert str(np.datetime64(int(opens[0]), "ns"))[:16] == "2017-01-09T15:30"


def test_the_last_bar_of_a_session_ends_with_it(csv_of: Text, write: Write, look: Look) -> None:
    rows = [f"2017-01-09 {h:02d}:30,10,12,9,11,{h}" for h in range(9, 16)]
    path = write(csv_of(*rows), "AAA.csv")
    panel = look(path, interval="1h", timezone="America/New_York", calendar="XNYS").panel
    assert str(np.datetime64(int(panel.ts[-1]), "ns"))[:16] == "2017-01-09T21:00"
    assert str(np.datetime64(int(panel.ts[-2]), "ns"))[:16] == "2017-01-09T20:30"


def test_hours_before_and_after_the_session_are_noticed_and_nights_refused(
    csv_of: Text, write: Write, look: Look
) -> None:
    hours = [4, 9, 10, 11, 12, 13, 14, 15, 17]
    rows = [f"2017-01-09 {h:02d}:30,10,12,9,11,{h}" for h in hours]
    rows += ["2017-01-14 12:30,10,12,9,11,5"]
    history = look(
        write(csv_of(*rows), "AAA.csv"), interval="1h", timezone="America/New_York", calendar="XNYS"
    )
    found = {(f.kind, f.severity, f.n_rows) for f in history.findings}
    assert ("extended_hours", "notice", 2) in found
    assert ("off_session", "refuse", 1) in found


def test_daily_bars_close_with_their_session_or_at_midnight(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(csv_of("2016-11-23,10,12,9,11,1", "2016-11-25,10,12,9,11.5,2"), "AAA.csv")
    with_calendar = look(path, calendar="XNYS").panel
    assert [str(np.datetime64(int(t), "ns"))[:16] for t in with_calendar.ts] == [
        "2016-11-23T21:00",
        "2016-11-25T18:00",
    ]
    assert [str(day) for day in with_calendar.dates] == ["2016-11-23", "2016-11-25"]
    without = look(path).panel
    assert str(np.datetime64(int(without.ts[0]), "ns"))[:16] == "2016-11-24T00:00"
    assert (without.dates == with_calendar.dates).all()


def test_a_weekly_bar_is_known_when_its_week_is_over(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(csv_of("2017-01-09,10,12,9,11,1", "2017-01-16,10,12,9,11.5,2"), "AAA.csv")
    starts = look(path, interval="1wk", calendar="XNYS").panel
    assert [str(day) for day in starts.dates] == ["2017-01-13", "2017-01-20"]
    ends = look(path, interval="1wk", calendar="24/7", bar_label="close").panel
    assert [str(day) for day in ends.dates] == ["2017-01-09", "2017-01-16"]


def test_a_monthly_bar_is_known_when_its_month_is_over(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(csv_of("2017-02-01,10,12,9,11,1", "2017-03-01,10,12,9,11.5,2"), "AAA.csv")
    assert [str(day) for day in look(path, interval="1mo").panel.dates] == [
        "2017-02-28",
        "2017-03-31",
    ]
