"""Published monthly returns of sorted portfolios, and what is no such file."""

from pathlib import Path

import numpy as np
import pytest

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.portfolios import read_portfolios


def written(folder: Path, text: str) -> Path:
    path = folder / "deciles.csv"
    path.write_text(text)
    return path


def test_months_are_found_whatever_their_day_and_order(tmp_path: Path) -> None:
    text = "date,d1,d2\n2017-02-28,0.03,-0.01\n2017-01-01,0.01,0.02\n2017-03-01,,0.05\n"
    found = read_portfolios(written(tmp_path, text), key="reference")
    assert found.name == "deciles"
    months = np.array(["2017-03", "2017-01", "2016-12", "2017-04"], "datetime64[M]").astype(
        np.int64
    )
    assert np.array_equal(
        found.of(months),
        [[np.nan, 0.05], [0.01, 0.02], [np.nan, np.nan], [np.nan, np.nan]],
        equal_nan=True,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,d1\n2017-01-01,0.01\n", "no column 'd2'"),
        ("date,d1,d2,d4\n2017-01-01,0.01,0.02,0.03\n", "no column 'd3'"),
        ("month,low,high\n2017-01-01,0.01,0.02\n", "no column 'd1'"),
        ("date,d1,d2\n2017-01-01,0.01,0.02\n2017-01-31,0.01,0.02\n", ":3: .* same month"),
        ("date,d1,d2\n2017-01-01,1.01,-2.02\n", "percent; divide by 100"),
        ("date,d1,d2\n2017-01-01,0.01,0.02\n2017-02-01,-99.99,0.01\n2017-03-01,0.0,0.0\n",
         "deciles.csv:3: -99.99 for d1"),
        ("date,d1,d2\n", "no rows"),
    ],
)  # fmt: skip
def test_what_is_no_monthly_return_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_portfolios(written(tmp_path, text), key="reference")


def test_a_file_that_is_not_there_is_named_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^reference: .*nowhere\.csv"):
        read_portfolios(tmp_path / "nowhere.csv", key="reference")
