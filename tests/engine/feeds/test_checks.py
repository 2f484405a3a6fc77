from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.history import History

Find = Callable[..., list[tuple[str, str, str]]]
Make = Callable[..., Any]
Write = Callable[..., Path]
Look = Callable[..., History]
Text = Callable[..., str]

CLEAN = [f"2017-01-{9 + k:02d},{10 + k},{12 + k},{9 + k},{11 + k},{100 + k}" for k in range(5)]


@pytest.fixture
def findings(csv_of: Text, write: Write, look: Look) -> Find:
    """Kind, severity and date of what is found in rows of one symbol."""

    def find(*rows: str, **keys: object) -> list[tuple[str, str, str]]:
        history = look(write(csv_of(*rows), "AAA.csv"), **keys)
        return [(f.kind, f.severity, f.date) for f in history.findings]

    return find


def test_clean_bars_give_no_findings(findings: Find) -> None:
    assert findings(*CLEAN) == []


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("2017-01-16,15,17,14,,105", "nan"),
        ("2017-01-16,15,17,14,nan,105", "nan"),
        ("2017-01-16,15,inf,14,16,105", "nan"),
        ("2017-01-16,15,17,14,16,", "nan"),
        ("2017-01-16,,,,,", "nan"),
        ("2017-01-16,15,17,0,16,105", "not_positive"),
        ("2017-01-16,15,17,14,-16,105", "not_positive"),
        ("2017-01-16,15,17,14,16,-1", "not_positive"),
        ("2017-01-16,15,15.5,14,16,105", "high_low"),
        ("2017-01-16,15,17,15.5,16,105", "high_low"),
        ("2017-01-16,15,14,17,16,105", "high_low"),
        ("2017-01-13,14,16,13,15,104", "duplicate"),
        ("2017-01-13,14,16,13,15.5,104", "conflict"),
        ("2026-06-01,15,17,14,16,105", "future"),
    ],
)
def test_a_bar_that_would_falsify_a_backtest_is_refused_at_its_line(
    row: str,
    kind: str,
    csv_of: Text,
    write: Write,
    look: Look,
) -> None:
    history = look(write(csv_of(*CLEAN, row), "AAA.csv"))
    (found,) = history.refused
    assert (found.kind, found.symbol, found.date) == (kind, "AAA", row[:10])
    assert found.where.endswith("AAA.csv:7")
    assert found.n_rows == 1


def test_rounding_of_an_adjusted_price_is_no_fault(
    findings: Find,
) -> None:
    assert findings(*CLEAN, "2017-01-16,16,16.000000000000001,15,16.000000000000004,105") == []


def test_bars_from_newest_to_oldest_are_one_finding(csv_of: Text, write: Write, look: Look) -> None:
    (found,) = look(write(csv_of(*CLEAN[::-1]), "AAA.csv")).findings
    assert (found.kind, found.severity, found.n_rows) == ("unsorted", "refuse", 4)
    assert "stands behind 2017-01-13" in found.message


def test_a_bar_of_today_is_refused_until_the_session_has_closed(csv_of: Text, write: Write) -> None:
    rows = [row.replace("2017-01", "2025-12").replace("-09,", "-08,") for row in CLEAN[:1]]
    rows.append("2025-12-09,11,13,10,12,101")
    config = DataConfig(source="csv", path=write(csv_of(*rows)), calendar="XNYS")
    before = datetime(2025, 12, 9, 20, 59, tzinfo=UTC)
    after = datetime(2025, 12, 9, 21, 0, tzinfo=UTC)
    assert [f.kind for f in feeds.inspect(config, now=before).refused] == ["future"]
    assert feeds.inspect(config, now=after).refused == ()


def test_bars_on_holidays_are_refused_and_missing_sessions_noticed(
    findings: Find,
) -> None:
    rows = ["2017-01-13,10,12,9,11,100", "2017-01-16,10,12,9,11,101", "2017-01-18,10,12,9,11.5,102"]
    assert findings(*rows, calendar="XNYS") == [
        ("off_session", "refuse", "2017-01-16"),
        ("missing_session", "notice", "2017-01-17"),
    ]
    assert findings(*rows, calendar="XNYS", accept=("off_session",))[0][1] == "notice"
    assert findings(*rows) == []


def test_a_long_gap_is_named_as_one(market: Make, write: Write, look: Look) -> None:
    table = market(n_bars=60, symbols=("AAA",), first="2017-03-01").single("AAA")
    kept = pa.concat_tables([table.slice(0, 10), table.slice(40)])
    (found, *others) = look(write(kept, "AAA.csv"), calendar="XNYS").findings
    assert (found.kind, found.severity, others) == ("gap", "notice", [])
    assert found.n_rows == 30 - 1  # Good Friday
    assert "booked on one bar" in found.message


def test_a_session_nobody_has_is_one_finding_for_all(
    market: Make, write: Write, look: Look
) -> None:
    table = market(n_bars=10, first="2017-03-01").long()
    lacking = table.filter(pc.not_equal(table["date"], date(2017, 3, 7)))
    found = look(write(lacking), calendar="XNYS").findings
    assert [(f.kind, f.symbol, f.date) for f in found] == [("missing_session", "", "2017-03-07")]


def stale_rows(n: int, volume: Callable[[int], int]) -> list[str]:
    return [f"2017-01-{9 + k:02d},10,12,9,11,{volume(k)}" for k in range(n)]


def test_runs_equal_in_price_and_volume_are_refused_from_five_on(
    findings: Find,
) -> None:
    assert findings(*stale_rows(4, lambda k: 100)) == []
    assert findings(*stale_rows(5, lambda k: 100)) == [("stale", "refuse", "2017-01-09")]
    assert findings(*stale_rows(5, lambda k: 100), accept=("stale",))[0][1] == "notice"


def test_runs_equal_in_price_but_not_in_volume_are_noticed(
    findings: Find,
) -> None:
    assert findings(*stale_rows(6, lambda k: 100 + k)) == [("quiet", "notice", "2017-01-09")]


def test_bars_without_volume_are_noticed_unless_there_are_no_others(
    findings: Find,
) -> None:
    assert findings(*CLEAN, "2017-01-16,15,17,14,16,0") == [("zero_volume", "notice", "2017-01-16")]
    nothing = [row.rsplit(",", 1)[0] + ",0" for row in CLEAN]
    assert findings(*nothing) == [("no_volume", "refuse", "2017-01-09")]
    assert findings(*nothing, columns={"volume": "none"}) == []


def test_symbols_that_begin_late_or_end_early_are_noticed(
    market: Make, write: Write, look: Look
) -> None:
    table = market(n_bars=20, symbols=("AAA", "BBB", "CCC"))
    parts = [table.long().slice(0, 20), table.long().slice(25, 15), table.long().slice(40, 12)]
    found = look(write(pa.concat_tables(parts))).findings
    assert [(f.kind, f.symbol, f.severity) for f in found] == [
        ("begins_late", "BBB", "notice"),
        ("ends_early", "CCC", "notice"),
    ]
    assert found[1].date == str(table.days[11])
    assert "sold at its last close" in found[1].message


def test_a_symbol_whose_file_may_only_be_older_says_so(
    market: Make, write: Write, look: Look
) -> None:
    (found,) = look(write(market(n_bars=20).long().slice(0, 38))).findings
    assert (found.kind, found.symbol) == ("ends_early", "BBB")
    assert "merely older than theirs: then set data.end" in found.message
    (long_gone,) = look(write(market(n_bars=20).long().slice(0, 30))).findings
    assert "set data.end" not in long_gone.message


def test_a_symbol_that_ends_early_ends_in_the_panel_too(
    market: Make, write: Write, look: Look
) -> None:
    table = market(n_bars=20)
    panel = look(
        write(pa.concat_tables([table.long().slice(0, 20), table.long().slice(20, 12)]))
    ).panel
    assert panel.ends.tolist() == [-1, 11]


def test_symbols_in_different_time_zones_never_meet_and_are_refused(
    market: Make, write: Write, look: Look
) -> None:
    table = market(n_bars=30).long()
    times = np.datetime64("2017-01-09T10:00", "s") + np.arange(30) * np.timedelta64(1, "h")
    shifted = np.concatenate([times, times + np.timedelta64(30, "m")])
    path = write(table.set_column(1, "date", pa.array(shifted)), "two.parquet")
    found = look(path, interval="1h").refused
    assert {(f.kind, f.symbol) for f in found} == {("no_overlap", "AAA"), ("no_overlap", "BBB")}
    assert look(path, interval="1h", accept=("no_overlap",)).refused == ()


def test_symbols_of_different_years_are_noticed(market: Make, write: Write, look: Look) -> None:
    early = market(n_bars=20, symbols=("AAA",)).long()
    late = market(n_bars=20, symbols=("BBB",), first="2019-01-07").long()
    found = look(write(pa.concat_tables([early, late]))).findings
    assert {f.severity for f in found} == {"notice"}
    assert [f.symbol for f in found if f.kind == "no_overlap"] == ["AAA", "BBB"]


def test_a_range_the_data_does_not_fill_is_noticed(market: Make, write: Write, look: Look) -> None:
    path = write(market(n_bars=20).long())
    found = look(path, start="2016-06-01", end="2017-06-30").findings
    assert [f.kind for f in found] == ["range", "range"]
    assert "data.start asks for 2016-06-01" in found[0].message
    assert look(path, start="2017-01-07", end="2017-02-05").findings == ()


def test_findings_beyond_the_first_thousand_of_a_kind_are_counted(
    market: Make, write: Write, look: Look
) -> None:
    table = market(n_bars=1_500, symbols=("AAA",)).single("AAA").to_pydict()
    table["high"] = [low + 0.01 for low in table["low"]]
    found = look(write(pa.table(table), "AAA.csv")).refused
    assert len(found) == 1_001
    assert sum(f.n_rows for f in found) == 1_500
    assert found[-1].message == "and 500 more like this"


def test_everything_wrong_leaves_nothing_to_look_at(csv_of: Text, write: Write, look: Look) -> None:
    with pytest.raises(DataError, match="no usable bar is left"):
        look(write(csv_of("2017-01-09,-1,-1,-1,-1,1"), "AAA.csv"))
