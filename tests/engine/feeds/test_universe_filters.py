"""Filters of a universe: price, liquidity and history as they were on the day."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flat_panel import flat_panel
from tradewind.engine import feeds, pipeline
from tradewind.engine.config.file import load
from tradewind.engine.config.run import DataConfig
from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.feeds.filters import rolling_median
from tradewind.engine.feeds.universe import Universe, universe
from tradewind.engine.progress import SILENT
from tradewind.engine.records import ELIGIBLE, MEMBER, Panel

NAN = np.nan
# Close and units traded of AAA and BBB on four days, as they were on each.
CLOSE = np.array([[6.0, 4.0], [4.9, 5.0], [5.0, 5.1], [7.0, NAN]])
UNITS = np.array([[10.0, 100.0], [10.0, 10.0], [40.0, 30.0], [1.0, NAN]])


def at_one_price(panel: Panel, price: np.ndarray) -> Panel:
    """Panel whose bars do not move within the day."""
    return replace(panel, open=price, high=price, low=price, close=price, volume=price)


def raw_panel() -> Panel:
    return replace(at_one_price(flat_panel(4), CLOSE), volume=UNITS)


def laid(panel: Panel | None = None, *, prices: str = "raw", **filters: Any) -> Universe:
    path = {"source": "csv", "path": Path("never-read.csv"), "prices": prices}
    config = DataConfig.model_validate({**path, "universe": UniverseConfig(**filters)})
    return universe(config, panel or raw_panel())


def eligible(**given: Any) -> list[list[float]]:
    """Eligible or not, AAA and then BBB, bar by bar; -1 where there is no bar."""
    found = laid(**given).columns
    assert np.array_equal(found[ELIGIBLE], found[MEMBER], equal_nan=True)
    made: list[list[float]] = np.nan_to_num(found[ELIGIBLE], nan=-1).T.tolist()
    return made


def test_a_price_must_be_reached_on_the_day_itself() -> None:
    assert eligible(min_price=5) == [[1, 0, 1, 1], [0, 1, 1, -1]]


def test_liquidity_is_the_median_of_the_last_bars_once_there_are_enough() -> None:
    # AAA trades 60, 49, 200, 7; BBB 400, 50, 153: medians of 3 are 60 and 49, and 153.
    assert eligible(min_dollar_volume=60, volume_window=3) == [[0, 0, 1, 0], [0, 0, 1, -1]]
    assert eligible(min_dollar_volume=60, volume_window=1) == [[1, 0, 1, 0], [1, 0, 1, -1]]


def test_history_counts_a_symbols_own_bars() -> None:
    late = raw_panel()
    close = late.close.copy()
    close[1, 0] = NAN
    assert eligible(panel=at_one_price(late, close), min_history=2) == [
        [0, -1, 1, 1],
        [0, 1, 1, -1],
    ]


def test_all_filters_must_be_passed_and_each_says_whom_it_removes() -> None:
    found = laid(min_price=5, min_history=2)
    assert np.nan_to_num(found.columns[ELIGIBLE], nan=-1).T.tolist() == [
        [0, 0, 1, 1], [0, 1, 1, -1]
    ]  # fmt: skip
    (note,) = found.notes
    assert "min_price 5 removes 2 of 7 bars, of 2 symbols, 0 of them on every bar" in note
    assert "min_history 2 removes 2 of 7 bars, of 2 symbols, 0 of them on every bar" in note
    assert note.endswith("4 bars of 2 symbols are left.")


def test_a_filter_that_a_symbol_never_passes_is_told() -> None:
    (note,) = laid(min_price=5.5).notes
    assert "removes 5 of 7 bars, of 2 symbols, 1 of them on every bar" in note


def test_memberships_and_filters_hold_together(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("symbol,start,end\nAAA,2017-01-04,\nBBB,2016-01-01,\n")
    found = laid(path=tmp_path / "m.csv", min_price=5)
    assert np.nan_to_num(found.columns[MEMBER], nan=-1).T.tolist() == [[0, 0, 1, 1], [0, 1, 1, -1]]
    assert found.sentence.startswith("Universe from m.csv")
    assert "of 5 bars" in found.notes[0]  # of members alone


def test_an_index_fund_can_be_left_out_without_a_file() -> None:
    assert eligible(min_history=1, outside=("BBB",)) == [[1, 1, 1, 1], [0, 0, 0, -1]]
    with pytest.raises(UnknownSymbolError, match="no symbol 'SPY'"):
        laid(min_history=1, outside=("SPY",))


def test_closes_as_traded_may_stand_in_a_column_of_their_own() -> None:
    adjusted = replace(flat_panel(4), columns={"unadj": CLOSE, "units": UNITS})
    said: dict[str, Any] = {"panel": adjusted, "prices": "adjusted", "raw_close": "unadj"}
    assert eligible(min_price=5, **said) == [[1, 0, 1, 1], [0, 1, 1, 0]]
    by_column = eligible(min_dollar_volume=60, volume_window=1, raw_volume="units", **said)
    assert by_column == [[1, 0, 1, 0], [1, 0, 1, 0]]
    own = eligible(min_dollar_volume=50, volume_window=1, raw_volume="volume", **said)
    assert own == [[1, 0, 1, 1], [0, 1, 1, 0]]  # ten units a day at 5 or more


REFUSED = {
    "adjusted": ({"prices": "adjusted", "min_price": 5}, "min_price: is measured on prices as"),
    "no units": (
        {"prices": "adjusted", "min_dollar_volume": 5, "raw_close": "unadj"},
        "say data.universe.raw_volume: volume",
    ),
    "the bars' own": (
        {"prices": "adjusted", "min_price": 5, "raw_close": "close"}, "'close' is the bars' own"
    ),
    "no column": (
        {"prices": "adjusted", "min_price": 5, "raw_close": "px"}, "no column 'px' .* it has none"
    ),
    "needless": ({"min_price": 5, "raw_close": "unadj"}, "raw_close: stands beside prices: raw"),
    "needless units": (
        {"min_dollar_volume": 5, "raw_volume": "units"}, "raw_volume: stands beside prices: raw"
    ),
    "nobody": ({"min_price": 500}, "nobody passes .* min_price 500 removes 7 of 7"),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_measured_is_refused(given_: dict[str, Any], said: str) -> None:
    columns = {"unadj": CLOSE} if given_.get("raw_close") == "unadj" else {}
    panel = replace(raw_panel(), columns=columns)
    with pytest.raises(DataError, match=rf"^data\.universe.*{said}"):
        laid(panel, **given_)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[6.0, NAN]] * 4, "no value for BBB"),
        ([[6.0, 5.0], [6.0, -1.0], [6.0, 5.0], [6.0, 5.0]], "is -1 for BBB at 2017-01-03"),
    ],
)
def test_a_column_that_cannot_be_a_price_is_refused(values: Any, said: str) -> None:
    panel = replace(flat_panel(4), columns={"unadj": np.array(values)})
    with pytest.raises(DataError, match=said):
        laid(panel, prices="adjusted", min_price=5, raw_close="unadj")


def test_a_volume_that_is_unknown_is_refused() -> None:
    panel = replace(raw_panel(), volume=np.full((4, 2), NAN))
    with pytest.raises(DataError, match="no volume for AAA"):
        laid(panel, min_dollar_volume=5)


MISSPELT = {
    "universe: {}": "says neither who is a member",
    "universe: {min_price: 0}": "min_price",
    "universe: {min_history: 0}": "min_history",
    "universe: {min_prize: 5}": "did you mean 'min_price'",
    "universe: {min_history: 5, end: inclusive}": "end is about a file",
    "universe: {min_history: 5, outside: all}": "leaves nobody",
    "universe: {min_history: 5, volume_window: 30}": "volume_window means nothing without",
    "universe: {min_history: 5, raw_close: unadj}": "raw_close means nothing without",
}


@pytest.mark.parametrize(("block", "said"), MISSPELT.items(), ids=list(MISSPELT))
def test_a_block_that_says_nothing_is_refused_at_its_line(
    tmp_path: Path, block: str, said: str
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"data:\n  source: embedded\n  {block}\nstrategy: {{kind: sma_cross}}\n")
    with pytest.raises(ConfigError, match=rf"run\.yaml:3:\d+: data\.universe.*{said}"):
        load(path)


def test_adjusted_prices_are_refused_at_the_line_of_the_filter(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "data:\n  symbols: [KO, PEP]\n  universe:\n    min_price: 5\nstrategy: {kind: sma_cross}\n"
    )
    config, document = load(path)
    with pytest.raises(DataError, match=r"run\.yaml:4:\d+: data\.universe\.min_price: .*prices: r"):
        pipeline.read_history(config, document, pipeline.Diary(), SILENT)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_with_an_adjusted_close_gives_its_own_close_as_traded(
    tmp_path: Path, kind: str
) -> None:
    days = np.arange(np.datetime64("2017-01-02"), np.datetime64("2017-01-06"))
    prices = {name: [8.0, 6.0, 4.0, 4.5] for name in ("Open", "High", "Low", "Close")}
    table = pa.table(
        {"Date": days, **prices, "Adj Close": [4.0, 3.0, 2.0, 2.25], "Volume": [9.0, 9.0, 9.0, 9.0]}
    )
    path = tmp_path / f"AAA.{kind}"
    (pa_csv.write_csv if kind == "csv" else pq.write_table)(table, path)
    config = DataConfig.model_validate(
        {
            "source": kind, "path": path, "columns": {"raw_close": "Close"},
            "universe": {"min_price": 4.2, "raw_close": "raw_close"},
        }
    )  # fmt: skip
    history = feeds.load(config)
    assert history.panel.close[:, 0].tolist() == [4.0, 3.0, 2.0, 2.25]
    assert history.panel.columns[ELIGIBLE][:, 0].tolist() == [1, 1, 0, 1]
    assert any("min_price 4.2 removes 1 of 4 bars" in note for note in history.notes)
    assert "unknown" in history.survivorship  # what the source said of its universe stays said


def test_a_rolling_median_is_that_of_each_window() -> None:
    values = np.random.default_rng(1).normal(size=(40, 2))
    close = np.ones((40, 2))
    close[[5, 6, 20], 1] = NAN
    found = rolling_median(values, close, 4)
    own = values[~np.isnan(close[:, 1]), 1]
    assert found[25, 1] == np.median(own[25 - 3 - 3 : 25 - 3 + 1])
    assert found[25, 0] == np.median(values[22:26, 0])
    assert np.isnan(found[:3]).all() and np.isnan(found[20, 1])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), cut=st.integers(2, 29))
def test_who_is_eligible_does_not_depend_on_later_bars(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    close = rng.uniform(3.0, 8.0, (30, 2))
    close[rng.random((30, 2)) < 0.1] = NAN
    close[0] = 10.0
    panel = at_one_price(flat_panel(30), close)
    asked: dict[str, Any] = {
        "min_price": 5, "min_dollar_volume": 25, "volume_window": 3, "min_history": 2
    }  # fmt: skip
    other = panel.close.copy()
    other[cut:] = rng.uniform(1.0, 90.0, other[cut:].shape)
    changed = at_one_price(panel, other)
    try:
        whole, told = laid(panel, **asked), laid(changed, **asked)
    except DataError:  # nobody passes, which the columns cannot say
        return
    assert np.array_equal(
        whole.columns[ELIGIBLE][:cut], told.columns[ELIGIBLE][:cut], equal_nan=True
    )
