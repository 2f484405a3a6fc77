"""Whatever is done to a clean market, it is refused, or it comes out as it was."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds import faults, repairs
from tradewind.engine.feeds.checks import check
from tradewind.engine.feeds.coverage import check_all, trace
from tradewind.engine.feeds.faults import sorted_rows
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.table import assemble
from tradewind.engine.feeds.timing import close_times, setting_for
from tradewind.engine.records import DAY_NS

FIELDS = ("open", "high", "low", "close", "volume")
EVERYTHING = ("sort", "drop_duplicates", "drop_bad_bars", "drop_future")
FIRST = int(np.datetime64("2017-01-09", "D").astype(np.int64))
QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass
class Rows:
    """Bars of one symbol as rows that can be shuffled, copied and spoilt."""

    day: list[int]
    values: list[list[float]]
    symbol: str = "AAA"
    clean: int = field(init=False)

    def __post_init__(self) -> None:
        self.clean = len(self.day)

    def raw(self) -> RawBars:
        columns = np.array(self.values, float).reshape(-1, 5).T
        stamps = np.array(self.day, np.int64) * DAY_NS
        fields: dict[str, Any] = dict(zip(FIELDS, columns, strict=True))
        return RawBars(self.symbol, stamps, **fields, origin="rows", row=np.arange(len(self.day)))


@st.composite
def clean_rows(draw: st.DrawFn, symbol: str = "AAA") -> Rows:
    n = draw(st.integers(3, 25))
    moves = draw(st.lists(st.integers(-30, 30), min_size=n, max_size=n))
    close = 100 + np.cumsum(moves) / 100
    opened = close + np.array(draw(st.lists(st.integers(-20, 20), min_size=n, max_size=n))) / 100
    high, low = np.maximum(opened, close) + 0.3, np.minimum(opened, close) - 0.3
    values = np.stack([opened, high, low, close, 1_000.0 + np.arange(n)], axis=1)
    return Rows(list(range(FIRST, FIRST + n)), values.tolist(), symbol)


POISON = st.tuples(
    st.sampled_from(["copy", "nan", "zero", "negative", "infinite", "range", "future", "volume"]),
    st.integers(0, 10_000),
    st.integers(0, 3),
)


def spoil(rows: Rows, poison: list[tuple[str, int, int]]) -> None:
    """Add bad rows; the clean ones stay."""
    for what, seed, column in poison:
        k = seed % rows.clean
        day, values = rows.day[k], list(rows.values[k])
        wrong = {"nan": np.nan, "zero": 0.0, "negative": -1.0, "infinite": np.inf}
        if what in wrong:
            values[column] = wrong[what]
        elif what == "range":
            values[1] = values[2] - 1
        elif what == "volume":
            values[4] = -5.0
        elif what == "future":
            day = FIRST + 40_000 + seed % 3
            values[4] += seed
        rows.day.append(day)
        rows.values.append(values)


def examine(bars: list[RawBars], names: tuple[str, ...]) -> Any:
    config = DataConfig(repair=names, calendar="none")
    setting = setting_for(config, bars)
    left, counts = repairs.apply(bars, names, setting)
    usable = [repairs.take(one, sorted_rows(one)) for one in left]
    closes = [close_times(one.ts, setting) for one in usable]
    panel = assemble(usable, closes, config.interval, None)
    traces = [trace(one, setting) for one in usable]
    findings = [f for one in left for f in check(one, setting)] + check_all(traces, panel, setting)
    refused = [f for f in findings if f.severity == "refuse"]
    return refused, panel, counts


@QUIET
@given(
    rows=clean_rows(), poison=st.lists(POISON, max_size=6), order=st.randoms(use_true_random=False)
)
def test_spoilt_bars_are_refused_or_repaired_to_the_clean_panel(
    rows: Any, poison: list[tuple[str, int, int]], order: Any
) -> None:
    _, clean, _ = examine([rows.raw()], ())
    spoil(rows, poison)
    shuffled = list(range(len(rows.day)))
    order.shuffle(shuffled)
    dirty = repairs.take(rows.raw(), np.array(shuffled))
    refused, found, counts = examine([dirty], EVERYTHING)
    if not refused:
        assert found.digest() == clean.digest()
    assert sum(n for name, n in counts.items() if name != "sort") == len(poison) or refused


@QUIET
@given(rows=clean_rows(), poison=st.lists(POISON, min_size=1, max_size=6))
def test_spoilt_bars_never_pass_without_a_repair(
    rows: Any, poison: list[tuple[str, int, int]]
) -> None:
    assert examine([rows.raw()], ())[0] == []
    spoil(rows, poison)
    refused, _, _ = examine([rows.raw()], ())
    assert refused


@QUIET
@given(rows=clean_rows(), poison=st.lists(POISON, max_size=6))
def test_repairs_leave_nothing_for_a_second_round(
    rows: Any, poison: list[tuple[str, int, int]]
) -> None:
    spoil(rows, poison)
    setting = setting_for(DataConfig(calendar="none"), [rows.raw()])
    once, _ = repairs.apply([rows.raw()], EVERYTHING, setting)
    twice, counts = repairs.apply(once, EVERYTHING, setting)
    assert set(counts.values()) == {0}
    assert (twice[0].ts == once[0].ts).all()


@QUIET
@given(rows=clean_rows(), poison=st.lists(POISON, max_size=6))
def test_rows_of_a_panel_are_good_sorted_and_unique(
    rows: Any, poison: list[tuple[str, int, int]]
) -> None:
    spoil(rows, poison)
    bars = rows.raw()
    at = faults.sorted_rows(bars)
    assert (np.diff(bars.ts[at]) > 0).all()
    assert (bars.close[at] > 0).all()


SHAPES = ("long", "wide", "each")
STAMPS = ("iso", "zone", "offset", "s", "ms", "us", "ns", "slashes", "parquet zone")


def table_of(market: list[Rows], shape: str, stamps: str) -> dict[str, pa.Table]:
    """A market as files of a shape, its dates written in one way."""
    if shape == "wide":
        days = sorted({day for rows in market for day in rows.day})
        columns: dict[str, object] = {"date": stamped(days, stamps)}
        for rows in market:
            held = dict(zip(rows.day, rows.values, strict=True))
            for k, name in enumerate(FIELDS):
                cells = [held[day][k] if day in held else None for day in days]
                columns[f"{rows.symbol}_{name}"] = pa.array(cells, pa.float64())
        return {"all": pa.table(columns)}
    tables = {
        rows.symbol: pa.table(
            {
                "date": stamped(rows.day, stamps),
                **dict(zip(FIELDS, np.array(rows.values).T, strict=True)),
            }
        )
        for rows in market
    }
    if shape == "each":
        return tables
    named = [t.append_column("symbol", pa.array([s] * len(t))) for s, t in tables.items()]
    return {"all": pa.concat_tables(named)}


def stamped(days: list[int], how: str) -> pa.Array:
    dates = np.array(days, "datetime64[D]")
    seconds = dates.astype("datetime64[s]").astype(np.int64) + 5 * 3600  # midnight in New York
    units = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    if how in units:
        return pa.array(seconds * units[how])
    if how == "parquet zone":
        return pa.array(seconds, pa.timestamp("s", "America/New_York"))
    spelt = {
        "iso": [str(d) for d in dates],
        "zone": [f"{d} 05:00:00Z" for d in dates],
        "offset": [f"{d} 00:00:00-05:00" for d in dates],
        "slashes": [f"{str(d)[5:7]}/{str(d)[8:]}/{str(d)[:4]}" for d in dates],
    }
    return pa.array(spelt[how])


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return lambda: tmp_path_factory.mktemp("bars")


@QUIET
@given(
    market=st.tuples(clean_rows("AAA"), clean_rows("B.B")),
    shape=st.sampled_from(SHAPES),
    stamps=st.sampled_from(STAMPS),
    ending=st.sampled_from(["csv", "parquet"]),
)
def test_every_shape_and_spelling_gives_the_same_panel(
    folder: Callable[[], Path], market: tuple[Rows, Rows], shape: str, stamps: str, ending: str
) -> None:
    _, wanted, _ = examine([rows.raw() for rows in market], ())
    if stamps == "parquet zone":
        ending = "parquet"
    place = folder()
    for name, table in table_of(list(market), shape, stamps).items():
        path = place / f"{name}.{ending}"
        if ending == "csv":
            pa_csv.write_csv(table, path)
        else:
            pq.write_table(table, path)
    format_ = {"slashes": "%m/%d/%Y"}.get(stamps)
    config = DataConfig(
        source=ending,
        path=place if shape == "each" else path,
        timezone="America/New_York",
        date_format=format_,
    )
    found = feeds.inspect(config)
    assert found.refused == ()
    assert found.panel.symbols == wanted.symbols
    assert found.panel.digest() == wanted.digest()


@QUIET
@given(rows=clean_rows(), start=st.integers(-5, 30), length=st.integers(0, 30))
def test_a_range_of_dates_is_the_same_rows_of_the_whole(
    folder: Callable[[], Path], rows: Any, start: int, length: int
) -> None:
    path = folder() / "AAA.csv"
    pa_csv.write_csv(table_of([rows], "each", "iso")["AAA"], path)
    first, last = (np.datetime64(FIRST + k, "D").item() for k in (start, start + length))
    whole = feeds.inspect(DataConfig(source="csv", path=path)).panel
    inside = (whole.dates >= np.datetime64(first)) & (whole.dates <= np.datetime64(last))
    config = DataConfig(source="csv", path=path, start=first, end=last)
    if not inside.any():
        with pytest.raises(DataError, match="no bar from"):
            feeds.inspect(config)
        return
    part = feeds.inspect(config).panel
    np.testing.assert_array_equal(part.close, whole.close[inside])
    np.testing.assert_array_equal(part.ts, whole.ts[inside])
