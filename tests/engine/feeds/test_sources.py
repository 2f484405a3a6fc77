"""Several sources, calendars and lengths of bars in one history."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.minutes import bars_at, session_bars, utc
from tradewind.engine import feeds
from tradewind.engine.bars.resampling import resample
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.feeds.joining import joined
from tradewind.engine.records import FIELDS, Panel

Put = Callable[..., Path]
NOT_CHECKED = "No exchange calendar applies, so sessions are not checked."


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a panel as a long Parquet file, each bar labelled by its close."""

    def write(panel: Panel, name: str) -> Path:
        rows, cols = np.nonzero(~np.isnan(panel.close))
        held = {n: getattr(panel, n)[rows, cols] for n in FIELDS}
        held |= {n: array[rows, cols] for n, array in panel.columns.items()}
        keys = {
            "symbol": pa.array([panel.symbols[k] for k in cols]),
            "timestamp": pa.array(panel.ts[rows].astype("datetime64[ns]")),
        }
        pq.write_table(pa.table({**keys, **held}), tmp_path / name)
        return tmp_path / name

    return write


def config(**keys: Any) -> DataConfig:
    return DataConfig.model_validate(keys)


def hours(calendar: str, symbols: str, first: str = "2018-01-04", last: str = "2018-01-08",
          **fields: Any) -> Panel:  # fmt: skip
    return bars_at(session_bars(calendar, first, last, 60), symbols, interval="1h",
                   calendar=calendar, **fields)  # fmt: skip


def file(path: Path, calendar: Any, interval: str = "1h", **keys: Any) -> dict[str, Any]:
    return {"source": "parquet", "path": path, "interval": interval, "calendar": calendar,
            "bar_label": "close", **keys}  # fmt: skip


def test_symbols_of_one_file_may_follow_different_calendars(put: Put) -> None:
    stock = hours("XNYS", "S")
    coin = hours("24/7", "C", seed=1)
    ts = np.union1d(stock.ts, coin.ts)
    arrays: Any = {n: np.full((len(ts), 2), np.nan) for n in FIELDS}
    for k, panel in enumerate((stock, coin)):
        for n, array in arrays.items():
            array[np.searchsorted(ts, panel.ts), k] = getattr(panel, n)[:, 0]
    path = put(Panel(("S", "C"), ts, **arrays), "mixed.parquet")
    history = feeds.load(config(**file(path, {"C": "24/7", "*": "XNYS"})))
    panel = history.panel
    assert dict(zip(panel.symbols, panel.calendar_of_each, strict=True)) == {
        "C": "24/7", "S": "XNYS",
    }  # fmt: skip
    assert panel.ends.tolist() == [-1, -1]
    assert history.findings == ()
    assert any("different calendars (24/7, XNYS) share one clock" in n for n in history.notes)
    assert NOT_CHECKED not in history.notes
    with pytest.raises(ConfigError, match="no symbol 'X' to give a calendar to"):
        feeds.load(config(**file(path, {"X": "24/7", "*": "XNYS"})))
    half = feeds.load(config(**file(path, {"S": "XNYS"})))
    assert half.panel.calendar_of_each == (None, "XNYS")
    assert NOT_CHECKED in half.notes


def test_sources_of_different_exchanges_are_joined_on_the_union_of_their_closes(put: Put) -> None:
    stocks, coins = hours("XNYS", "AB"), hours("24/7", "C", seed=1)
    sources = [
        file(put(stocks, "stocks.parquet"), "XNYS"), file(put(coins, "coins.parquet"), "24/7"),
    ]  # fmt: skip
    history = feeds.load(config(sources=sources))
    panel = history.panel
    assert panel.symbols == ("A", "B", "C")
    np.testing.assert_array_equal(panel.ts, np.union1d(stocks.ts, coins.ts))
    own = np.isin(panel.ts, stocks.ts)
    np.testing.assert_array_equal(panel.close[own, :2], stocks.close)
    assert np.isnan(panel.close[~own, :2]).all()
    assert panel.calendars == ("XNYS", "XNYS", "24/7")
    assert panel.ends.tolist() == [-1, -1, -1]
    assert any("share one clock" in note for note in history.notes)


def test_daily_stocks_and_hourly_coins_become_days_that_close_at_their_own_time(put: Put) -> None:
    stocks, coins = resample(hours("XNYS", "A"), "1d").panel, hours("24/7", "C", seed=1)
    sources = [
        file(put(stocks, "stocks.parquet"), "XNYS", "1d"),
        file(put(coins, "coins.parquet"), "24/7"),
    ]
    history = feeds.load(config(sources=sources, resample="1d"))
    panel = history.panel
    assert utc(panel.ts) == [
        "2018-01-04T21:00", "2018-01-05T00:00", "2018-01-05T21:00", "2018-01-06T00:00",
        "2018-01-07T00:00", "2018-01-08T00:00", "2018-01-08T21:00", "2018-01-09T00:00",
    ]  # fmt: skip
    assert np.isnan(panel.close[:, 0]).tolist() == [
        False,
        True,
        False,
        True,
        True,
        True,
        False,
        True,
    ]
    assert history.finer is not None
    assert history.finer.interval == "1h"
    assert panel.interval == "1d"


@pytest.mark.parametrize("interval", ["2h", "1d", "1wk"])
def test_beside_other_exchanges_a_symbol_has_the_bars_it_has_alone(interval: str) -> None:
    calendars = {"A": "XNYS", "B": "XLON", "C": "XTKS", "D": "24/7"}
    alone = [
        hours(calendar, symbol, "2019-12-16", "2020-01-17", seed=k)
        for k, (symbol, calendar) in enumerate(calendars.items())
    ]
    together = resample(joined(alone), interval).panel
    assert together.ends.tolist() == [-1] * 4
    for k, own in enumerate(alone):
        longer = resample(own, interval).panel
        rows = np.flatnonzero(~np.isnan(together.close[:, k]))
        np.testing.assert_array_equal(together.ts[rows][: longer.n_bars], longer.ts)
        for name in FIELDS:
            held = getattr(together, name)[rows, k][: longer.n_bars]
            np.testing.assert_array_equal(held, getattr(longer, name)[:, 0])


def test_a_fault_in_one_of_several_sources_says_which(put: Put) -> None:
    path = put(hours("XNYS", "AB"), "stocks.parquet")
    good = file(path, "XNYS", symbols=["A"])
    with pytest.raises(UnknownSymbolError, match=r"^data.sources.1.symbols: .* has no 'Z'"):
        feeds.load(config(sources=[good, file(path, "XNYS", symbols=["Z"])]))
    with pytest.raises(DataError, match=r"data.sources: A comes from two of them"):
        feeds.load(config(sources=[good, file(path, "XNYS")]))
    with pytest.raises(DataError, match="would falsify a backtest"):
        bad = hours("XNYS", "B")
        bad.high[3] = 1.0
        feeds.load(config(sources=[good, file(put(bad, "bad.parquet"), "XNYS")]))


def test_a_source_that_ends_earlier_ends_its_symbols_only_where_its_exchange_went_on(
    put: Put,
) -> None:
    coins = put(hours("24/7", "C", last="2018-01-28"), "coins.parquet")
    stocks = put(hours("XNYS", "A"), "stocks.parquet")
    known = feeds.load(config(sources=[file(stocks, "XNYS"), file(coins, "24/7")]))
    assert known.panel.ends[0] == int(np.searchsorted(known.panel.ts, hours("XNYS", "A").ts[-1]))
    unknown = feeds.load(config(sources=[file(stocks, "none"), file(coins, "24/7")]))
    assert unknown.panel.ends[0] == -1
    assert any("the source ends on 2018-01-08" in found.message for found in unknown.findings)


def test_bars_traded_on_may_be_longer_than_those_read(put: Put) -> None:
    stocks = hours("XNYS", "AB", columns={"mood": np.ones((21, 2))})
    path = put(stocks, "stocks.parquet")
    history = feeds.load(config(**file(path, "XNYS"), resample="1d", aggregate={"mood": "sum"}))
    assert history.panel.n_bars == 3
    assert history.panel.columns["mood"].tolist() == [[7.0, 7.0]] * 3
    assert history.finer is not None
    np.testing.assert_array_equal(history.finer.close, stocks.close)
    assert "Bars of 1d are made of bars of 1h, by session." in history.notes
    with pytest.raises(ConfigError, match="aggregate: the data has no column 'mod'; it has mood"):
        feeds.load(config(**file(path, "XNYS"), resample="1d", aggregate={"mod": "sum"}))


def test_finer_bars_may_come_from_a_source_of_their_own(put: Put) -> None:
    fine = hours("XNYS", "AB")
    daily = resample(fine, "1d").panel
    minutes = put(fine, "hours.parquet")
    inside = {"source": "parquet", "path": minutes, "interval": "1h", "bar_label": "close"}
    days = file(put(daily.select(["B"]), "days.parquet"), "XNYS", "1d")
    history = feeds.load(config(**days, intrabar=inside))
    assert history.finer is not None
    assert history.finer.symbols == ("B",)
    assert history.finer.calendar == "XNYS"
    np.testing.assert_array_equal(history.finer.close, fine.close[:, 1:])
    with pytest.raises(ConfigError, match=r"data.intrabar: bars of 1d are not finer than those"):
        feeds.load(config(**days, intrabar=inside | {"interval": "1d"}))
    with pytest.raises(DataError, match=r"^data.intrabar: .*no such file"):
        feeds.load(config(**days, intrabar=inside | {"path": minutes.with_name("x.parquet")}))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"resample": "90min", "interval": "1h"}, "bars of 1h cannot be put together to bars of"),
        ({"aggregate": {"mood": "sum"}}, "aggregate means nothing without resample"),
        ({"sources": [{}], "interval": "1h"}, "interval stands beside sources"),
        ({"sources": [{}], "symbols": ["KO"]}, "symbols stands beside sources"),
        ({"sources": [{"start": "2015-01-01"}]}, "start"),
    ],
)
def test_what_contradicts_itself_is_refused(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        config(**keys)
