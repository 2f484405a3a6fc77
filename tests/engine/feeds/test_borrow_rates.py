"""Borrow rates and units by hand: what holds on which bar, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.flat_panel import flat_panel as panel
from tradewind.engine.config.costs import BorrowConfig
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds.borrow_rates import AVAILABLE, RATE, borrow_columns

INF = float("inf")


def held(path: Path, n_bars: int = 4, **more: Any) -> dict[str, list[list[float]]]:
    """Values of AAA and BBB at each bar, from Monday, the 2nd of January 2017, on."""
    given = BorrowConfig(annual=0.01, path=path, **more)
    columns = borrow_columns(given, DataConfig(), panel(n_bars))
    return {name: values.T.tolist() for name, values in columns.items()}


def file(folder: Path, text: str) -> Path:
    (folder / "borrow.csv").write_text(text)
    return folder / "borrow.csv"


LIST = """symbol,date,rate,available
BBB,2017-01-01,0.02,500
BBB,2017-01-03,0.50,
BBB,2017-01-05,,100
"""


def test_a_row_holds_from_its_day_until_the_next_and_an_empty_cell_changes_nothing(
    tmp_path: Path,
) -> None:
    found = held(file(tmp_path, LIST))
    assert found[RATE] == [[0.01] * 4, [0.02, 0.50, 0.50, 0.50]]
    assert found[AVAILABLE] == [[INF] * 4, [500, 500, 500, 100]]


def test_before_the_first_row_holds_what_the_config_says(tmp_path: Path) -> None:
    text = "date,symbol,rate\n2017-01-04,AAA,0.3\n2017-01-05,BBB,0.4\n"
    found = held(file(tmp_path, text), symbols={"BBB": 0.9})
    assert found == {RATE: [[0.01, 0.01, 0.3, 0.3], [0.9, 0.9, 0.9, 0.4]]}


def test_units_alone_leave_the_rates_to_the_config(tmp_path: Path) -> None:
    text = "date,symbol,available\n2017-01-03,AAA,0\n"
    found = held(file(tmp_path, text), available={"BBB": 7.0})
    assert found == {AVAILABLE: [[INF, 0, 0, 0], [7.0] * 4]}


def test_parquet_is_read_as_well(tmp_path: Path) -> None:
    days = np.array(["2017-01-02", "2017-01-04"], "datetime64[D]")
    table = pa.table({"date": days, "symbol": ["AAA", "AAA"], "rate": [0.1, 0.2]})
    pq.write_table(table, tmp_path / "borrow.parquet")
    assert held(tmp_path / "borrow.parquet")[RATE][0] == [0.1, 0.1, 0.2, 0.2]


def test_later_rows_change_no_earlier_bar(tmp_path: Path) -> None:
    rows = LIST.splitlines()
    for stop in range(2, len(rows) + 1):
        part, whole = held(file(tmp_path, "\n".join(rows[:stop]))), held(file(tmp_path, LIST))
        last = int(rows[stop][8:].partition(",")[0][-2:]) - 2 if stop < len(rows) else 4
        assert [v[:last] for v in part[RATE]] == [v[:last] for v in whole[RATE]]
        assert [v[:last] for v in part[AVAILABLE]] == [v[:last] for v in whole[AVAILABLE]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "date,symbol,rate\n2017-01-02,AAA,-0.1\n",
            r"costs.borrow.path: .*borrow.csv:2: rate -0.1; wanted a fraction a year, 0 to 10",
        ),
        (
            "date,symbol,rate\n2017-01-02,AAA,0.1\n2017-01-03,AAA,25\n",
            r"borrow.csv:3: rate 25; wanted a fraction a year",
        ),
        (
            "date,symbol,available\n2017-01-02,AAA,-5\n",
            r"borrow.csv:2: available -5; wanted units, 0 or more",
        ),
        ("date,symbol,fee\n2017-01-02,AAA,1\n", r"no column 'rate' or 'available' among 'date'"),
        ("date,rate\n2017-01-02,1\n", r"costs.borrow.path: .*no column 'symbol' among"),
        ("date,symbol,rate\n2017-01-02,,1\n", r"borrow.csv:2: has no symbol; complete the row"),
        (
            "date,symbol,rate\n2017-01-02,AAA,1\n2017-01-02,BBB,1\n2017-01-02,AAA,2\n",
            r"borrow.csv:4: says again what row 2 says",
        ),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_row(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        held(file(tmp_path, text))


@pytest.mark.parametrize("key", ["symbols", "available"])
def test_a_symbol_nobody_has_is_named_with_its_key(key: str) -> None:
    given = BorrowConfig.model_validate({key: {"CCC": 1.0}})
    with pytest.raises(UnknownSymbolError, match=rf"costs.borrow.{key}: no symbol 'CCC'"):
        borrow_columns(given, DataConfig(), panel())
