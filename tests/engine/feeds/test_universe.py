"""Who is a member on which bar, from every shape of file, and what is refused."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.flat_panel import flat_panel
from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds.universe import Universe, universe
from tradewind.engine.records import DAY_NS, ELIGIBLE, MEMBER, Panel

# Bars of AAA and BBB on Monday, the 2nd of January 2017, to Thursday, the 5th.


def laid(folder: Path, text: str, panel: Panel | None = None, **more: Any) -> Universe:
    (folder / "members.csv").write_text(text)
    config = UniverseConfig(path=folder / "members.csv", **more)
    return universe(DataConfig(universe=config), panel or flat_panel(4))


def members(folder: Path, text: str, panel: Panel | None = None, **more: Any) -> list[list[float]]:
    """Membership of AAA, then of BBB, bar by bar."""
    made: list[list[float]] = laid(folder, text, panel, **more).columns[MEMBER].T.tolist()
    return made


SPELLS = """ticker,start_date,end_date
AAA,2016-01-01,2017-01-03
AAA,2017-01-05,
BBB,2017-01-03,2017-01-04
"""


def test_the_end_of_an_interval_is_the_first_day_outside(tmp_path: Path) -> None:
    assert members(tmp_path, SPELLS) == [[1, 0, 0, 1], [0, 1, 0, 0]]


def test_an_inclusive_end_is_a_day_inside(tmp_path: Path) -> None:
    assert members(tmp_path, SPELLS, end="inclusive") == [[1, 1, 0, 1], [0, 1, 1, 0]]


def test_the_order_of_intervals_does_not_matter(tmp_path: Path) -> None:
    head, *rows = SPELLS.splitlines()
    assert members(tmp_path, "\n".join([head, *rows[::-1]])) == members(tmp_path, SPELLS)


def test_a_snapshot_holds_until_the_next(tmp_path: Path) -> None:
    lists = "date,symbol\n2017-01-01,AAA\n2017-01-04,BBB\n2017-01-04,AAA\n2017-01-05,BBB\n"
    assert members(tmp_path, lists) == [[1, 1, 1, 0], [0, 0, 1, 1]]


def test_a_row_of_a_table_holds_until_the_next(tmp_path: Path) -> None:
    table = "date,AAA,BBB,CCC\n2017-01-01,1,0,0\n2017-01-03,,1,1\n2017-01-05,1,1,0\n"
    assert members(tmp_path, table) == [[1, 0, 0, 1], [0, 1, 1, 1]]


def test_parquet_with_dates_reads_as_csv_does(tmp_path: Path) -> None:
    day = date.fromisoformat
    rows = pa.table(
        {
            "symbol": ["AAA", "AAA", "BBB"],
            "start": pa.array([day("2016-01-01"), day("2017-01-05"), day("2017-01-03")]),
            "end": pa.array([day("2017-01-03"), None, day("2017-01-04")]),
        }
    )
    pq.write_table(rows, tmp_path / "members.parquet")
    config = UniverseConfig(path=tmp_path / "members.parquet")
    found = universe(DataConfig(universe=config), flat_panel(4))
    assert found.columns[ELIGIBLE].T.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0]]


def test_a_bar_that_a_symbol_does_not_have_is_neither(tmp_path: Path) -> None:
    whole = flat_panel(4)
    close = whole.close.copy()
    close[3, 0] = np.nan
    holed = replace(whole, open=close, high=close, low=close, close=close, volume=close)
    text = "symbol,start,end\nAAA,2017-01-01,\nBBB,2017-01-01,\n"
    found = laid(tmp_path, text, holed)
    assert np.isnan(found.columns[MEMBER][3, 0])
    assert found.sentence.endswith("1 days of membership have none.")


def test_bars_within_a_day_belong_to_the_session_of_their_exchange(tmp_path: Path) -> None:
    tokyo = int(np.datetime64("2017-01-04T23:30", "ns").astype(np.int64))  # 08:30 of the 5th there
    panel = replace(flat_panel(2, interval="1h", first=tokyo, step=DAY_NS // 24), calendar="XTKS")
    text = "symbol,start,end\nAAA,2017-01-05,\nBBB,2017-01-04,2017-01-05\n"
    assert members(tmp_path, text, panel) == [[1, 1], [0, 0]]


def test_a_member_without_bars_is_named_in_the_report(tmp_path: Path) -> None:
    text = SPELLS + "GONE,2010-01-01,2017-01-04\nEARLIER,2010-01-01,2012-01-01\n"
    said = laid(tmp_path, text).sentence
    assert "3 symbols were members within the data, and 2 of them have bars" in said
    assert "GONE" in said and "EARLIER" not in said


REFUSED = {
    "no column": ("who,when\nAAA,2017-01-01\n", "wanted symbol, start and end"),
    "no row": ("symbol,start,end\n", "no rows"),
    "backward": ("symbol,start,end\nAAA,2017-01-05,2017-01-03\n", ":2: AAA leaves on 2017-01-03"),
    "overlap": (
        "symbol,start,end\nAAA,2017-01-01,2017-01-04\nBBB,2017-01-01,\nAAA,2017-01-03,\n",
        ":4: AAA joins on 2017-01-03, and row 2 has it",
    ),
    "no date": ("symbol,start,end\nAAA,,2017-01-04\n", ":2: has no date"),
    "no name": ("symbol,start,end\n,2017-01-01,2017-01-04\n", ":2: has no symbol"),
    "unreadable": ("symbol,start,end\nAAA,soon,\n", ":2:"),
    "unsorted": ("date,AAA,BBB\n2017-01-04,1,1\n2017-01-02,1,1\n", "sort the rows by date"),
    "not 0 or 1": ("date,AAA,BBB\n2017-01-01,1,2\n", ":2: 2 for BBB"),
    "twice": ("date,symbol\n2017-01-01,AAA\n2017-01-01,BBB\n2017-01-01,AAA\n", "a second time"),
    "elsewhere": (
        "symbol,start,end\nAAA,1990-01-01,1991-01-01\nBBB,1990-01-01,1991-01-01\n",
        "any of its 4 bars",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_universe_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=r"data\.universe") as refusal:
        laid(tmp_path, text)
    assert said in str(refusal.value)


def test_a_symbol_that_the_file_never_names_is_refused_with_the_nearest(tmp_path: Path) -> None:
    text = "symbol,start,end\nAAA,2017-01-01,\nBBB.N,2017-01-01,\n"
    with pytest.raises(UnknownSymbolError, match=r"did you mean 'BBB\.N'"):
        laid(tmp_path, text)
    assert members(tmp_path, text, outside=("BBB",)) == [[1] * 4, [0] * 4]
    assert members(tmp_path, text, outside="all") == [[1] * 4, [0] * 4]
    with pytest.raises(UnknownSymbolError, match="no symbol 'SPY'"):
        laid(tmp_path, text, outside=("BBB", "SPY"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.universe: .*nowhere\.csv"):
        universe(DataConfig(universe=UniverseConfig(path=tmp_path / "nowhere.csv")), flat_panel())


def test_loaded_data_carry_their_universe(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("ticker,start_date,end_date\nKO,2014-01-02,2015-06-01\n")
    config = DataConfig(
        symbols=("KO", "PEP"), universe=UniverseConfig(path=tmp_path / "m.csv", outside=("PEP",))
    )
    history = feeds.load(config)
    inside = history.panel.columns[MEMBER]
    days = history.panel.dates[inside[:, 0] > 0]
    assert (str(days[0]), str(days[-1])) == ("2014-01-02", "2015-05-29")
    assert not (inside[:, 1] > 0).any()
    assert history.survivorship.startswith("Universe from m.csv: 1 symbols were members")
    assert feeds.inspect(config).survivorship == history.survivorship  # as data check says it
