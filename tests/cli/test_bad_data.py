"""Wrong data through the real command: file, row, what is wrong, what to do; exit code 2."""

import gzip
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

CONFIG = """\
strategy: {kind: sma_cross, fast: 2, slow: 5}
data: {source: csv, path: bars.csv, calendar: none}
"""


def weekdays(n: int) -> list[date]:
    days = [date(2016, 1, 4) + timedelta(i) for i in range(2 * n)]
    return [day for day in days if day.weekday() < 5][:n]


def rows_of(symbols: tuple[str, ...] = ("AAA", "BBB"), n: int = 40) -> list[str]:
    """Lines of a long CSV file, its head first."""
    lines = ["date,symbol,open,high,low,close,volume"]
    for k, symbol in enumerate(symbols):
        for i, day in enumerate(weekdays(n)):
            price = 100 + 10 * k + (i % 7)
            row = (day, symbol, price, price + 1, price - 1, price + 0.5, 1000)
            lines.append(",".join(map(str, row)))
    return lines


def backtest(run: Callable[..., Any], project: Path, lines: list[str]) -> Any:
    (project / "bars.csv").write_text("\n".join(lines) + "\n")
    (project / "config.yaml").write_text(CONFIG)
    return run("backtest", "config.yaml", "--json")


def test_a_sound_file_is_traded(tradewind: Callable[..., Any], project: Path) -> None:
    ended = backtest(tradewind, project, rows_of())
    assert ended.code == 0, ended.err
    assert ended.json["metrics"]["orders"]["fills"] > 0


@pytest.mark.parametrize(
    ("line", "row", "words"),
    [
        (8, "2016-01-13,AAA,107,nan,106,107.5,1000", ("bars.csv:9", "AAA", "2016-01-13")),
        (8, "2016-01-13,AAA,107,,106,107.5,1000", ("bars.csv:9", "AAA", "2016-01-13")),
        (8, "2016-01-13,AAA,0,108,0,107.5,1000", ("bars.csv:9", "AAA", "2016-01-13")),
        (8, "2016-01-13,AAA,107,106,105,107.5,1000", ("bars.csv:9", "high")),
        (8, "2016-01-12,AAA,107,108,106,107.5,1000", ("bars.csv", "AAA", "2016-01-12")),
        (8, "2016-01-13,AAA,107,108,106,a lot,1000", ("bars.csv:9", "a lot")),
        (8, "someday,AAA,107,108,106,107.5,1000", ("bars.csv:9", "someday")),
        (8, "2116-01-13,AAA,107,108,106,107.5,1000", ("bars.csv:9", "2116-01-13")),
    ],
)
def test_a_row_that_would_falsify_a_backtest_is_refused(
    inside: Callable[..., Any], project: Path, line: int, row: str, words: tuple[str, ...]
) -> None:
    lines = rows_of()
    lines[line] = row
    ended = backtest(inside, project, lines)
    assert ended.code == 2
    ended.says(*words)
    assert ended.json["error"]["type"] == "DataError"
    assert not [*(project / "results").glob("*")]


def test_a_repair_asked_for_by_name_lets_the_backtest_through(
    tradewind: Callable[..., Any], project: Path
) -> None:
    lines = rows_of()
    lines[8] = "2016-01-13,AAA,107,nan,106,107.5,1000"
    refused = backtest(tradewind, project, lines)
    refused.says("data.repair", "drop_bad_bars", "tradewind data check")
    repaired = tradewind(
        "backtest", "config.yaml", "--set", "data.repair=[drop_bad_bars]", "--json"
    )
    assert repaired.code == 0, repaired.err
    assert any("drop_bad_bars" in note for note in repaired.json["notes"])


def test_data_check_lists_what_forbids_a_backtest_and_says_no(
    inside: Callable[..., Any], project: Path
) -> None:
    lines = rows_of()
    lines[8] = "2016-01-13,AAA,107,nan,106,107.5,1000"
    (project / "bars.csv").write_text("\n".join(lines) + "\n")
    ended = inside("data", "check", "bars.csv", "--json")
    assert ended.code == 1
    assert ended.json["refused"] >= 1
    (finding,) = [f for f in ended.json["findings"] if f["kind"] == "nan"]
    assert (finding["symbol"], finding["date"]) == ("AAA", "2016-01-13")
    assert finding["where"].endswith("bars.csv:9")
    table = inside("data", "check", "bars.csv")
    assert table.code == 1
    assert "AAA" in table.out
    assert "2016-01-13" in table.out


def test_data_show_lists_symbols_and_their_reach(inside: Callable[..., Any], project: Path) -> None:
    (project / "bars.csv").write_text("\n".join(rows_of()) + "\n")
    ended = inside("data", "show", "bars.csv", "--json")
    assert ended.code == 0, ended.err
    assert [(s["symbol"], s["bars"], s["missing"]) for s in ended.json["symbols"]] == [
        ("AAA", 40, 0),
        ("BBB", 40, 0),
    ]
    assert ended.json["symbols"][0]["first"] == "2016-01-04"


def pretend_parquet(project: Path) -> str:
    (project / "bars.parquet").write_text("\n".join(rows_of()))
    return "bars.parquet"


def pretend_csv(project: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"close": [1.0]}), project / "bars.csv")
    return "bars.csv"


def pretend_gzip(project: Path) -> str:
    (project / "bars.csv.gz").write_text("\n".join(rows_of()))
    return "bars.csv.gz"


def cut_gzip(project: Path) -> str:
    whole = gzip.compress("\n".join(rows_of()).encode())
    (project / "bars.csv.gz").write_bytes(whole[: len(whole) // 2])
    return "bars.csv.gz"


def cut_parquet(project: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"close": [1.0] * 999}), project / "bars.parquet")
    whole = (project / "bars.parquet").read_bytes()
    (project / "bars.parquet").write_bytes(whole[: len(whole) // 2])
    return "bars.parquet"


def empty_csv(project: Path) -> str:
    (project / "bars.csv").write_text("")
    return "bars.csv"


def web_page(project: Path) -> str:
    (project / "bars.csv").write_text("<!doctype html><html><body>Sign in</body></html>\n")
    return "bars.csv"


def missing_file(project: Path) -> str:
    return "bars.csv"


def empty_folder(project: Path) -> str:
    shutil.rmtree(project / "bars", ignore_errors=True)
    (project / "bars").mkdir()
    return "bars"


@pytest.mark.parametrize(
    "make",
    [
        pretend_parquet, pretend_csv, pretend_gzip, cut_gzip, cut_parquet, empty_csv, web_page,
        missing_file, empty_folder,
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_its_name_says_is_refused(
    inside: Callable[..., Any], project: Path, make: Callable[[Path], str]
) -> None:
    name = make(project)
    source = "parquet" if "parquet" in name else "csv"
    (project / "config.yaml").write_text(
        f"strategy: {{kind: sma_cross}}\ndata: {{source: {source}, path: {name}}}\n"
    )
    ended = inside("backtest", "config.yaml", "--json")
    assert ended.code == 2, ended.err
    ended.says(name)
    assert ended.json["error"]["type"] == "DataError"
