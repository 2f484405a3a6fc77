"""Large files are read part by part, and nothing about them is any different."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.minutes import session_bars
from tradewind.engine.errors import DataError
from tradewind.engine.feeds import parquet_parts, streaming
from tradewind.engine.feeds.history import History

Look = Callable[..., History]
KEYS = {"interval": "30min", "calendar": "XNYS"}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few rows, so that a small file makes many."""
    monkeypatch.setattr(streaming, "SMALL_ROWS", 1)
    monkeypatch.setattr(parquet_parts, "FEWEST_ROWS", 40)


def table(symbols: str = "ABCDE", first: str = "2013-11-25", last: str = "2013-12-03") -> pa.Table:
    """Half-hours of a few symbols, symbol by symbol, each with some bars missing."""
    ts = session_bars("XNYS", first, last, 30) - 30 * 60_000_000_000
    ts[-1:] = ts[-1:]
    rng = np.random.default_rng(5)
    parts = []
    for symbol in symbols:
        own = ts[rng.random(len(ts)) < 0.9]
        close = 50 + np.cumsum(rng.normal(0, 0.1, len(own)))
        columns = {
            "symbol": pa.array([symbol] * len(own)),
            "timestamp": pa.array(own.astype("datetime64[ns]")),
            "open": close, "high": close + 0.2, "low": close - 0.2, "close": close + 0.1,
            "volume": rng.integers(1, 50, len(own)),
            "spread_bps": rng.uniform(1, 3, len(own)),
        }  # fmt: skip
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def both(look: Look, monkeypatch: pytest.MonkeyPatch, path: Path, **keys: object) -> History:
    """Read a file in parts and at once; what is found must be the same."""
    in_parts = look(path, **KEYS, **keys)
    with monkeypatch.context() as patch:
        patch.setattr(streaming, "SMALL_ROWS", 10**9)
        at_once = look(path, **KEYS, **keys)
    assert in_parts.panel.digest() == at_once.panel.digest()
    assert in_parts.findings == at_once.findings
    assert in_parts.repairs == at_once.repairs
    assert in_parts.notes == at_once.notes
    return in_parts


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("order", ["symbol", "timestamp"])
@pytest.mark.parametrize("group", [37, 10_000])
def test_parts_make_the_same_panel_and_the_same_findings(
    order: str, group: int, tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bars.parquet"
    by = (
        [(order, "ascending")]
        if order == "symbol"
        else [(order, "ascending"), ("symbol", "ascending")]
    )
    pq.write_table(table().sort_by(by), path, row_group_size=group)
    history = both(look, monkeypatch, path)
    assert history.panel.symbols == tuple("ABCDE")
    assert "spread_bps" in history.panel.columns
    both(look, monkeypatch, path, symbols=("D", "A"))
    both(look, monkeypatch, path, start="2013-11-27", end="2013-11-29")


@pytest.mark.usefixtures("small_parts")
def test_a_file_to_a_symbol_is_a_part_of_its_own(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bars.parquet"
    folder.mkdir()
    whole = table("AB")
    for symbol in "AB":
        rows = whole.filter(pa.compute.equal(whole["symbol"], symbol)).drop_columns(["symbol"])
        pq.write_table(rows, folder / f"{symbol}.parquet", row_group_size=30)
    assert both(look, monkeypatch, folder).panel.symbols == ("A", "B")


@pytest.mark.usefixtures("small_parts")
def test_faults_in_parts_are_found_at_their_row_and_repaired(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = table()
    rows = clean.to_pylist()
    rows[150]["close"] = None
    rows[210]["high"] = rows[210]["low"] - 1
    rows.insert(60, dict(rows[59]))
    rows[20], rows[21] = rows[21], rows[20]
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=clean.schema), path, row_group_size=50)
    history = both(look, monkeypatch, path)
    where = {found.kind: found.where for found in history.refused}
    assert where == {
        "nan": f"{path}:152", "high_low": f"{path}:212", "duplicate": f"{path}:61",
        "unsorted": f"{path}:22",
    }  # fmt: skip
    names = ["drop_bad_bars", "drop_duplicates", "sort"]
    repaired = both(look, monkeypatch, path, repair=names)
    assert repaired.refused == ()
    assert repaired.repairs == {"drop_bad_bars": 2, "sort": 1, "drop_duplicates": 1}


@pytest.mark.usefixtures("small_parts")
def test_a_file_that_is_cut_off_or_lacks_a_name_is_refused(tmp_path: Path, look: Look) -> None:
    path = tmp_path / "bars.parquet"
    clean = table()
    names = clean["symbol"].to_pylist()
    names[77] = " "
    pq.write_table(clean.set_column(0, "symbol", pa.array(names)), path, row_group_size=50)
    with pytest.raises(DataError, match=r"bars.parquet:78: has no symbol"):
        look(path, **KEYS)
    pq.write_table(clean, path, row_group_size=50)
    body = bytearray(path.read_bytes())
    body[len(body) // 2 : len(body) // 2 + 400] = bytes(400)
    path.write_bytes(bytes(body))
    with pytest.raises(DataError, match="is damaged and cannot be read as Parquet"):
        look(path, **KEYS)


@pytest.mark.usefixtures("small_parts")
def test_one_symbol_in_two_files_is_refused(tmp_path: Path, look: Look) -> None:
    folder = tmp_path / "bars.parquet"
    folder.mkdir()
    for name in ("one", "two"):
        pq.write_table(table("AB"), folder / f"{name}.parquet")
    with pytest.raises(DataError, match=r"two.parquet: holds A, and so does .*one.parquet"):
        look(folder, **KEYS)


def test_parts_of_a_file_sorted_by_time_are_fewer_than_those_of_one_sorted_by_symbol() -> None:
    symbols = [f"S{k}" for k in range(200)]
    rows = dict.fromkeys(symbols, 100_000)
    in_runs = parquet_parts.Contents(rows, {s: [k // 10] for k, s in enumerate(symbols)})
    scattered = parquet_parts.Contents(rows, {s: list(range(20)) for s in symbols})
    assert len(list(parquet_parts.parts(in_runs, symbols))) > parquet_parts.PASSES
    assert len(list(parquet_parts.parts(scattered, symbols))) <= parquet_parts.PASSES + 1
    for contents in (in_runs, scattered):
        read = [s for names, _ in parquet_parts.parts(contents, symbols) for s in names]
        assert read == symbols
