"""Splits and dividends: where they fall, what they come to, and what is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind.engine import feeds
from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT, forward_adjusted, total_return_factor
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.executors.state import NO_ACTIONS
from tradewind.engine.executors.terms import actions_on
from tradewind.engine.feeds.factor_files import read_actions
from tradewind.engine.feeds.history import History
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.records import Panel
from tradewind.engine.series import at

WIKI = Path(__file__).parent / "wiki_raw_hcbk_lltc_tif.parquet"
DAYS = ["2017-01-02", "2017-01-03", "2017-01-04", "2017-01-05", "2017-01-06", "2017-01-09"]
Look = Callable[..., History]


def raw_file(folder: Path, close: list[float], **columns: Sequence[float | None]) -> Path:
    """One symbol, AAA, open = high = low = close, with what else is named."""
    table = pa.table(
        {
            "date": pa.array(np.array(DAYS[: len(close)], "datetime64[D]")),
            **dict.fromkeys(("open", "high", "low", "close"), pa.array(close)),
            "volume": pa.array([1e3 + i for i in range(len(close))]),
            **{name: pa.array(values, pa.float64()) for name, values in columns.items()},
        }
    )
    path = folder / "AAA.parquet"
    pq.write_table(table, path)
    return path


def read(path: Path, actions: dict[str, Any] | None = None, **more: Any) -> Panel:
    given = actions or {"kind": "columns"}
    return feeds.load(
        DataConfig(source="parquet", path=path, prices="raw", actions=given, **more)
    ).panel


def column(panel: Panel, name: str) -> list[float]:
    return [float(value) for value in panel.columns[name][:, 0]]


def test_columns_become_actions_and_leave_the_other_columns(tmp_path: Path) -> None:
    path = raw_file(
        tmp_path,
        [100, 50, 51, 50],
        split_ratio=[1, 2, None, 1],
        ex_dividend=[0, 0, 0, 1.5],
        mood=[1, 2, 3, 4],
    )
    panel = read(path)
    assert column(panel, SPLIT) == [1, 2, 1, 1]
    assert column(panel, DIVIDEND) == [0, 0, 0, 1.5]
    assert set(panel.columns) == {SPLIT, DIVIDEND, "mood"}


def test_what_happens_on_a_day_without_a_bar_falls_on_the_next_one(tmp_path: Path) -> None:
    """The bar of the split is dropped as bad; the split is not."""
    path = raw_file(
        tmp_path,
        [100, -1, 50, 49],
        split_ratio=[1, 2, 1, 1],
        ex_dividend=[0, 1.0, 0.5, 0],
    )
    panel = read(path, repair=("drop_bad_bars",))
    assert column(panel, SPLIT) == [1, 2, 1]
    assert column(panel, DIVIDEND) == [0, 1.5, 0]  # both dividends are per new unit


HOURS = ["2017-01-03 14:30", "2017-01-03 15:30", "2017-01-04 14:30", "2017-01-04 15:30"]


def hours(folder: Path, **columns: Sequence[float]) -> Path:
    """Four hours of two days, at 100 on the first and at 50 on the second."""
    price = pa.array([100.0, 100.0, 50.0, 50.0])
    table = pa.table(
        {
            "time": pa.array(np.array(HOURS, "datetime64[ms]")),
            **dict.fromkeys(("open", "high", "low", "close"), price),
            "volume": pa.array([1e3, 2e3, 3e3, 4e3]),
            **{name: pa.array(values, pa.float64()) for name, values in columns.items()},
        }
    )
    pq.write_table(table, folder / "AAA.parquet")
    return folder / "AAA.parquet"


def test_within_a_day_a_row_names_its_own_bar_and_a_factor_file_the_first_of_the_day(
    tmp_path: Path,
) -> None:
    path = hours(tmp_path, split_ratio=[1, 1, 2, 1], ex_dividend=[0, 0, 0.5, 0])
    panel = read(path, interval="1h")
    assert column(panel, SPLIT) == [1, 1, 2, 1]
    assert column(panel, DIVIDEND) == [0, 0, 0.5, 0]
    factors = lean(tmp_path, "20170103,0.99,0.5,100\n20501231,1,1\n")
    panel = read(hours(tmp_path), factors, interval="1h")
    assert column(panel, SPLIT) == [1, 1, 2, 1]
    assert column(panel, DIVIDEND) == pytest.approx([0, 0, 0.5, 0])


def test_a_dividend_before_a_split_on_one_bar_is_told_in_units_after_it(tmp_path: Path) -> None:
    path = raw_file(
        tmp_path,
        [100, -1, 49, 49],
        split_ratio=[1, 1, 2, 1],
        ex_dividend=[0, 1.0, 0, 0],
    )
    panel = read(path, repair=("drop_bad_bars",))
    assert column(panel, SPLIT) == [1, 2, 1]
    assert column(panel, DIVIDEND) == [0, 0.5, 0]


def test_the_kernel_reads_one_where_nothing_happens(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 50, 51], split_ratio=[1, 2, 1], ex_dividend=[0, 0, 1])
    actions = actions_on(read(path))
    assert actions.any.tolist() == [False, True, True]
    assert [at(actions.split, t, 0) for t in range(3)] == [1, 2, 1]
    assert [at(actions.dividend, t, 0) for t in range(3)] == [0, 0, 1]


def test_adjusted_prices_have_no_actions(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 50, 51], split_ratio=[1, 1, 1])
    panel = feeds.load(DataConfig(source="parquet", path=path, accept=("split_like",))).panel
    assert actions_on(panel) is NO_ACTIONS
    assert forward_adjusted(panel) is panel


@pytest.mark.parametrize(
    ("split", "dividend", "message"),
    [
        ([1, 0, 1], [0, 0, 0], r"AAA.parquet:2: AAA: split_ratio is 0; wanted new units per old"),
        ([1, -2, 1], [0, 0, 0], r"split_ratio is -2"),
        ([1, 1, 1], [0, 0, -0.5], r"AAA.parquet:3: AAA: ex_dividend is -0.5; wanted currency"),
        ([1, 1, 1], [0, 0, 60], r"pays 60 a unit on 2017-01-04 while the close before, .* is 50"),
    ],
)
def test_what_is_no_split_or_dividend_is_refused_by_row(
    split: list[float], dividend: list[float], message: str, tmp_path: Path
) -> None:
    path = raw_file(tmp_path, [100, 50, 51], split_ratio=split, ex_dividend=dividend)
    with pytest.raises(DataError, match=message):
        read(path)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 50, 51], split_ratio=[1, 2, 1])
    with pytest.raises(DataError, match=r"data\.actions\.dividend: no column 'ex_dividend'.*found "
                       r"split_ratio; name the column, or write dividend: null"):  # fmt: skip
        read(path)
    assert column(read(path, {"kind": "columns", "dividend": None}), SPLIT) == [1, 2, 1]


def test_raw_prices_are_not_multiplied_by_an_adjusted_close(tmp_path: Path) -> None:
    path = raw_file(
        tmp_path, [100, 50, 51], adj_close=[50, 50, 51], split_ratio=[1, 2, 1], ex_dividend=[0] * 3
    )
    panel = read(path)
    assert panel.close[:, 0].tolist() == [100, 50, 51]
    assert "adj_close" not in panel.columns


def test_adjusting_forward_never_moves_the_past(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 50, 48, 50], split_ratio=[1, 2, 1, 1], ex_dividend=[0, 0, 2, 0])
    panel = read(path)
    adjusted = forward_adjusted(panel)
    assert adjusted.close[:, 0] == pytest.approx([100, 100, 2 * 50, 2 * 50 / 48 * 50])
    assert adjusted.volume[:, 0] == pytest.approx([1000, 1001 / 2, 1002 / 2, 1003 / 2])
    for stop in range(1, 4):
        assert np.array_equal(forward_adjusted(panel.past(stop)).close, adjusted.close[:stop])


def test_buy_and_hold_with_dividends_reinvested_is_the_total_return_of_the_adjusted_close() -> None:
    """Real bars with 8 splits and 62 dividends; prices are 32-bit, so 1e-6 is what they allow."""
    panel = read(WIKI, columns={"total_return": "adj_close"})
    held = panel.close * total_return_factor(panel)
    adjusted = panel.columns["total_return"]
    assert (panel.columns[SPLIT] != 1.0)[~np.isnan(panel.close)].sum() == 8
    assert np.nansum(panel.columns[DIVIDEND] > 0) == 62
    for k in range(panel.n_symbols):
        rows = np.flatnonzero(~np.isnan(panel.close[:, k]))
        ours = held[rows[-1], k] / held[rows[0], k]
        theirs = adjusted[rows[-1], k] / adjusted[rows[0], k]
        raw = panel.close[rows[-1], k] / panel.close[rows[0], k]
        assert ours == pytest.approx(theirs, rel=1e-5)
        assert abs(raw / theirs - 1.0) > 0.4  # the actions are what makes the difference


def test_splits_that_the_actions_name_are_no_jumps() -> None:
    history = feeds.inspect(
        DataConfig(source="parquet", path=WIKI, prices="raw", actions={"kind": "columns"})
    )
    assert not [f for f in history.findings if f.kind in ("split_like", "split_unseen", "spike")]
    bare = feeds.inspect(DataConfig(source="parquet", path=WIKI, prices="raw"))
    assert len([f for f in bare.findings if f.kind == "split_like"]) == 5


def test_a_reader_is_told_what_counts_on_raw_prices(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 50, 51, 50], split_ratio=[1, 2, 1, 1], ex_dividend=[0, 0, 1, 1])
    given = DataConfig(source="parquet", path=path, prices="raw", actions={"kind": "columns"})
    told = "Prices are as they were traded; splits (1) and dividends (2) count on their days."
    assert told in feeds.load(given).notes
    bare = DataConfig(source="parquet", path=path, prices="raw", accept=("split_like",))
    assert any("without data.actions" in note for note in feeds.load(bare).notes)
    unsaid = DataConfig(source="parquet", path=path, accept=("split_like",))
    assert any(
        note.startswith("Columns that nobody reads: split_ratio, ex_dividend.")
        for note in feeds.load(unsaid).notes
    )


def test_a_split_that_the_price_does_not_show_is_refused(tmp_path: Path) -> None:
    path = raw_file(
        tmp_path, [100, 101, 102, 103], split_ratio=[1, 2, 1, 1], ex_dividend=[0, 0, 0, 0]
    )
    with pytest.raises(DataError, match=r"the actions name a split of 2 for 1, but it opens at 101 "
                       r"after a close of 100: are the prices adjusted already\?"):  # fmt: skip
        read(path)
    assert read(path, accept=("split_unseen",)).n_bars == 4


# LEAN factor files


def lean(folder: Path, text: str, name: str = "aaa.csv") -> dict[str, Any]:
    place = folder / "factors"
    place.mkdir(exist_ok=True)
    (place / name).write_text(text)
    return {"kind": "lean", "path": place}


def test_factors_become_splits_and_dividends_on_the_day_after_their_row(tmp_path: Path) -> None:
    # 7 for 1 after the 3rd of January, then 0.70 on a close of 100 after the 5th
    path = raw_file(tmp_path, [700, 700, 100, 100, 99.3, 99.3])
    panel = read(
        path, lean(tmp_path, "20170102,0.993,0.142857\n20170103,0.993,0.142857,700\n"
                             "20170105,0.993,1,100\n20501231,1,1\n"),
    )  # fmt: skip
    assert column(panel, SPLIT) == [1, 1, 7, 1, 1, 1]  # 0.142857 is 1 / 7 but for its digits
    assert column(panel, DIVIDEND) == pytest.approx([0, 0, 0, 0, 0.70, 0])


def test_without_a_reference_price_the_close_before_stands_in(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 100, 98, 98])
    panel = read(path, lean(tmp_path, "20170103,0.98,1\n20501231,1,1\n"))
    assert column(panel, DIVIDEND) == pytest.approx([0, 0, 2.0, 0])


def test_a_split_and_a_dividend_of_one_row_are_in_new_units(tmp_path: Path) -> None:
    # 4 a share on 100 before a 2 for 1: 2 on each new share
    path = raw_file(tmp_path, [100, 100, 48, 48])
    panel = read(path, lean(tmp_path, "20170103,0.96,0.5,100\n20501231,1,1\n"))
    assert column(panel, SPLIT) == [1, 1, 2, 1]
    assert column(panel, DIVIDEND) == pytest.approx([0, 0, 2.0, 0])


def test_what_factors_say_is_what_adjusting_with_them_says(tmp_path: Path) -> None:
    """Raw price x price factor x split factor, LEAN's own rule, has our total return."""
    close = [700.0, 707.0, 100.0, 102.0, 99.3, 101.0]
    text = "20170103,0.9930000,0.142857,707\n20170105,0.9930000,1,102\n20501231,1,1\n"
    panel = read(raw_file(tmp_path, close), lean(tmp_path, text))
    theirs = np.array(close) * [0.993 / 7, 0.993 / 7, 0.993, 0.993, 1, 1]
    # LEAN lowers the past by 1 - dividend / close before; reinvesting at the close of the ex-date
    # differs by how far that close is from close before less dividend
    paid = 102 * (1 - 0.993)
    drift = (99.3 + paid) / 99.3 / (102 / (102 - paid))
    ours = panel.close[:, 0] * total_return_factor(panel)[:, 0]
    assert ours[-1] / ours[0] == pytest.approx(theirs[-1] / theirs[0] * drift, rel=1e-6)


def test_apples_factors_give_apples_dividends_and_its_split(tmp_path: Path) -> None:
    """Factors of LEAN's sample data for AAPL, beside the closes of those days."""
    no, never = np.empty(0), np.empty(0, np.int64)
    apple = RawBars("AAPL", never, no, no, no, no, no, "apple", never)
    dividends = (
        "20120808,0.9311149,0.142857,619.86\n20121106,0.9351125,0.142857,582.85\n"
        "20130206,0.9393839,0.142857\n"
    )
    found = read_actions(lean(tmp_path, dividends, "aapl.csv")["path"], apple)
    assert [str(np.datetime64(action.ts, "ns"))[:10] for action in found] == [
        "2012-08-09",
        "2012-11-07",
    ]
    assert [action.dividend for action in found] == pytest.approx([2.65, 2.65], abs=5e-4)
    split = "20140606,0.9741588,0.142857,645.57\n20140806,0.9741588,1\n"
    (seven,) = read_actions(lean(tmp_path, split, "aapl.csv")["path"], apple)
    assert (str(np.datetime64(seven.ts, "ns"))[:10], seven.split, seven.dividend) == (
        "2014-06-07",
        7.0,
        0.0,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"aaa.csv: is empty; wanted rows of date, price factor, split factor"),
        (
            "20170103,0.9\n",
            r"aaa.csv:1: '20170103,0.9' is no row of a factor file; wanted YYYYMMDD",
        ),
        ("2017-01-03,1,1\n", r"aaa.csv:1: .* is no row of a factor file"),
        ("20170231,1,1\n", r"aaa.csv:1: .* is no row of a factor file"),
        ("20170103,0,1\n", r"aaa.csv:1: factors must be above zero and finite"),
        ("20170103,1,inf\n", r"aaa.csv:1: factors must be above zero and finite"),
        ("20170104,1,1\n20170103,1,1\n", r"aaa.csv:2: stands behind a row of the same or a later"),
        ("20170103,1,1\n20501231,0.9,1\n", r"aaa.csv:2: the price factor falls from 1 to 0.9"),
    ],
)
def test_a_factor_file_that_makes_no_sense_is_refused_by_line(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        read(raw_file(tmp_path, [100, 100, 100]), lean(tmp_path, text))


def test_a_symbol_without_a_factor_file_is_named(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 100, 100])
    with pytest.raises(DataError, match=r"data.actions.path: .*aaa.csv: no factor file for AAA; "
                       r"add it, with the one row 20501231,1,1"):  # fmt: skip
        read(path, lean(tmp_path, "20501231,1,1\n", "bbb.csv"))


def test_a_file_may_stand_for_its_folder_but_not_for_another_symbol(tmp_path: Path) -> None:
    path = raw_file(tmp_path, [100, 100, 98])
    place = lean(tmp_path, "20170103,0.98,1\n20501231,1,1\n", "AAA.csv")["path"]
    for given in (place, place / "AAA.csv"):
        panel = read(path, {"kind": "lean", "path": given})
        assert column(panel, DIVIDEND) == pytest.approx([0, 0, 2.0])
    lean(tmp_path, "20501231,1,1\n", "bbb.csv")
    with pytest.raises(DataError, match=r"data.actions.path: .*bbb.csv is a file of bbb and not of "
                       r"AAA; name the folder"):  # fmt: skip
        read(path, {"kind": "lean", "path": place / "bbb.csv"})
