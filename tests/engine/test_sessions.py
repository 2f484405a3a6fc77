import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.bars import session_book
from tradewind.engine.bars.sessions import bars_per_year, interval_ns, session_closes
from tradewind.engine.errors import ConfigError

HOUR_NS = 3_600_000_000_000


@dataclass
class Ticks:
    """A clock of bars."""

    ts: np.ndarray
    interval: str
    calendar: str | None


def utc(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def every_day(first: str = "2015-01-01", n: int = 730) -> np.ndarray:
    days = np.arange(np.datetime64(first), np.datetime64(first) + n)
    return (days + 1).astype("datetime64[ns]").astype(np.int64)


def weekdays(n: int = 500) -> np.ndarray:
    days = np.arange(np.datetime64("2015-01-05"), np.datetime64("2015-01-05") + n)
    return (days[np.is_busday(days)] + 1).astype("datetime64[ns]").astype(np.int64)


def hours(n_days: int, first_hour: int, n_hours: int) -> np.ndarray:
    """Hourly closes on weekdays, the first of each day at ``first_hour`` UTC."""
    midnights = weekdays(n_days) - 24 * HOUR_NS
    offsets = (first_hour + np.arange(n_hours)) * HOUR_NS
    return (midnights[:, None] + offsets).ravel()


def test_a_session_before_a_holiday_closes_early_and_the_holiday_has_none() -> None:
    found = session_closes("XNYS", "2013-11-27", "2013-12-02")
    assert [str(day) for day in found.days] == ["2013-11-27", "2013-11-29", "2013-12-02"]
    assert found.closes.tolist() == [
        utc("2013-11-27T21:00"),
        utc("2013-11-29T18:00"),
        utc("2013-12-02T21:00"),
    ]
    assert found.opens[0] == utc("2013-11-27T14:30")


def test_the_close_moves_with_summer_time() -> None:
    found = session_closes("XNYS", "2013-03-08", "2013-03-11")
    assert found.closes.tolist() == [utc("2013-03-08T21:00"), utc("2013-03-11T20:00")]


def test_an_alias_in_any_case_is_the_calendar_it_stands_for() -> None:
    assert session_closes("nyse", "2013-11-27", "2013-11-27").calendar == "XNYS"


def test_a_market_that_never_closes_has_a_session_every_day() -> None:
    found = session_closes("24/7", "2016-02-28", "2016-03-01")
    assert len(found) == 3
    assert found.closes[1] == utc("2016-03-01")


def test_a_lunch_break_is_not_traded() -> None:
    found = session_closes("XTKS", "2015-01-05", "2015-01-05")
    assert found.traded.tolist() == [5 * HOUR_NS]
    assert (found.closes - found.opens).tolist() == [6 * HOUR_NS]


@pytest.mark.parametrize("name", ["XNYZ", "", "../../etc/passwd", "XNYS\n"])
def test_an_unknown_calendar_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.calendar: no calendar"):
        session_closes(name, "2013-01-01", "2014-01-01")


def test_a_misspelt_calendar_gets_a_proposal() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'XLON'"):
        session_closes("XLONN", "2013-01-01", "2014-01-01")


def test_rows_finds_sessions_and_nothing_else() -> None:
    found = session_closes("XNYS", "2013-11-27", "2013-12-02")
    days = np.array(["2013-11-26", "2013-11-28", "2013-11-29", "2013-12-03"], "datetime64[D]")
    assert found.rows(days).tolist() == [-1, -1, 1, -1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, not remembered in this process."""
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path))
    return tmp_path / "sessions"


def forget() -> None:
    session_book._HELD.clear()


def test_a_second_process_does_not_import_exchange_calendars(folder: Path) -> None:
    session_closes("XNYS", "2013-01-01", "2013-02-01")
    code = (
        "import sys; from tradewind.engine.bars.sessions import session_closes as s; "
        "print(len(s('XNYS', '2013-01-01', '2013-02-01'))); "
        "print([m for m in ('exchange_calendars', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["22", "[]"]


def test_a_damaged_cache_is_made_again(folder: Path) -> None:
    wanted = session_closes("XNYS", "2013-01-01", "2014-01-01")
    place = next(folder.iterdir())
    whole = place.read_bytes()
    for damage in (
        whole[:100],
        b"",
        whole[:-5] + b"00000",
        b"\n\n",
        whole.replace(b"XNYS", b"XLON"),
    ):
        place.write_bytes(damage)
        forget()
        again = session_closes("XNYS", "2013-01-01", "2014-01-01")
        np.testing.assert_array_equal(again.closes, wanted.closes)
        assert again.calendar == "XNYS"
        assert place.read_bytes() == whole


def test_a_cache_that_ends_too_early_is_made_again(folder: Path) -> None:
    full = session_closes("XNYS", "2013-01-01", "2014-01-01")
    known = session_closes("XNYS", "1900-01-01", "2100-01-01").known
    place = next(folder.iterdir())
    short = full.between(full.days[0], full.days[9])
    session_book._write(place, replace(short, known=(known[0], short.days[-1])))
    forget()
    assert len(session_closes("XNYS", "2013-01-01", "2014-01-01")) == len(full)


def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path / "file"))
    assert len(session_closes("XNYS", "2013-01-01", "2013-02-01")) == 22


@pytest.mark.parametrize(
    ("calendar", "interval", "wanted"),
    [
        ("XNYS", "1d", 252),
        ("XLON", "1d", 253),
        ("XTKS", "1d", 245),
        ("24/7", "1d", 365),
        ("XNYS", "5d", 252 / 5),
        ("XNYS", "1wk", 52),
        ("XNYS", "2wk", 26),
        (None, "1mo", 12),
        ("XNYS", "1h", 252 * 7),
        ("XNYS", "30min", 252 * 13),
        ("XNYS", "5m", 252 * 78),
        ("24/7", "1h", 365 * 24),
    ],
)
def test_bars_per_year_is_a_convention_of_calendar_and_interval(
    calendar: str | None, interval: str, wanted: Any
) -> None:
    for days in (every_day(n=3), every_day(n=730), every_day("2021-06-01", 40)):
        assert bars_per_year(Ticks(days, interval, calendar)) == wanted


def test_without_a_calendar_weekends_tell() -> None:
    assert bars_per_year(Ticks(every_day(), "1d", None)) == 365
    assert bars_per_year(Ticks(weekdays(), "1d", None)) == 252
    with_sundays = np.sort(np.concatenate([weekdays(140), every_day("2015-01-04", 1)]))
    assert bars_per_year(Ticks(with_sundays, "1d", None)) == 252


def test_without_a_calendar_intraday_bars_are_counted_over_all_days() -> None:
    ticks = hours(n_days=60, first_hour=10, n_hours=9)
    assert bars_per_year(Ticks(ticks, "1h", None)) == 9 * 252
    assert bars_per_year(Ticks(ticks[:-5], "1h", None)) == 9 * 252


def test_extended_hours_make_more_bars_than_the_session() -> None:
    assert bars_per_year(Ticks(hours(60, 10, 14), "1h", "XNYS")) == 14 * 252
    assert bars_per_year(Ticks(hours(60, 16, 3), "1h", "XNYS")) == 7 * 252


def test_a_clock_that_exchanges_share_has_the_rows_of_all_of_them() -> None:
    class Shared(Ticks):
        calendars = ("XNYS", "24/7", "XNYS")

    days = every_day(n=730)
    assert bars_per_year(Shared(days, "1d", None)) == 617  # 252 sessions and 365 midnights
    hourly = np.arange(0, 60 * 24) * HOUR_NS
    assert bars_per_year(Shared(hourly, "1h", None)) == pytest.approx(24 * 365.25)


def test_lengths_of_bars_are_read_and_nonsense_is_refused() -> None:
    assert interval_ns("90min") == 1.5 * HOUR_NS
    assert interval_ns("1wk") == 7 * 24 * HOUR_NS
    for wrong in ("0d", "d", "1y", "1.5h", ""):
        with pytest.raises(ConfigError, match=r"data\.interval"):
            interval_ns(wrong)
