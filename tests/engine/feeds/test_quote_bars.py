"""Bid and ask bars from files: found, kept, made into mids, and refused where they are faulty."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.history import History
from tradewind.engine.quotes import QUOTES, mids

Write = Callable[..., Path]
Look = Callable[..., History]

HERE = Path(__file__).parent
FOREX = HERE / "eurusd_xauusd_hourly_2016.parquet"
SPY = HERE / "spy_minutes_2013_10_04.parquet"
LEAN = "date," + ",".join(QUOTES)
SPY_MIDS = {name: "none" for name in ("open", "high", "low", "close", "volume")}


def rows(*changes: dict[str, str], n: int = 4) -> list[dict[str, str]]:
    """Bars around 10 with a spread of 0.2, some cells of some rows changed."""
    ask = {"ask_open": "10.1", "ask_high": "10.3", "ask_low": "10.0", "ask_close": "10.2"}
    bid = {"bid_open": "9.9", "bid_high": "10.1", "bid_low": "9.8", "bid_close": "10.0"}
    plain = {**ask, **bid}
    days = [{"date": f"2017-01-{9 + k:02d}", **plain} for k in range(n)]
    return [{**day, **change} for day, change in zip(days, [*changes, *[{}] * n], strict=False)]


def text(bars: list[dict[str, str]], names: dict[str, str] | None = None) -> str:
    names = names or {}
    header = ",".join(names.get(name, name) for name in bars[0])
    return "\n".join([header, *(",".join(bar.values()) for bar in bars)]) + "\n"


def test_quotes_alone_make_bars_of_their_mids(write: Write, look: Look) -> None:
    history = look(write(text(rows()), "EURUSD.csv"))
    panel = history.panel
    assert sorted(panel.columns) == sorted(QUOTES)
    held = [getattr(panel, name)[0, 0] for name in ("open", "high", "low", "close")]
    np.testing.assert_allclose(held, [10.0, 10.2, 9.9, 10.1])
    assert panel.columns["ask_high"][0, 0] == 10.3
    assert any("mids of the bid and ask bars" in note for note in history.notes)
    assert not history.refused


@pytest.mark.parametrize(
    "spelt",
    [
        lambda side, price: f"{side} {price}".title(),
        lambda side, price: f"{price.upper()}_{side.upper()}",
        lambda side, price: f"{side}.{price[0]}",
    ],
)
def test_quotes_are_found_by_their_usual_names(
    spelt: Callable[[str, str], str], write: Write, look: Look
) -> None:
    names = {name: spelt(*name.split("_")) for name in QUOTES}
    panel = look(write(text(rows(), names), "EURUSD.csv")).panel
    assert sorted(panel.columns) == sorted(QUOTES)


def test_quotes_are_named_by_the_config_where_they_are_not_found(write: Write, look: Look) -> None:
    path = write(text(rows(), {"ask_open": "offer0"}), "EURUSD.csv")
    with pytest.raises(DataError, match=r"no column for ask_open among .*: \{ask_open: \.\.\.\}"):
        look(path)
    assert look(path, columns={"ask_open": "offer0"}).panel.columns["ask_open"][0, 0] == 10.1


def test_a_wide_file_has_quotes_for_every_symbol(write: Write, look: Look) -> None:
    one = rows()
    wide = [
        {"date": bar["date"]}
        | {f"{symbol}_{name}": bar[name] for symbol in ("EURUSD", "XAUUSD") for name in QUOTES}
        for bar in one
    ]
    panel = look(write(text(wide), "wide.csv")).panel
    assert panel.symbols == ("EURUSD", "XAUUSD")
    np.testing.assert_array_equal(panel.columns["bid_close"], np.full((4, 2), 10.0))


@pytest.mark.parametrize(
    ("shape", "chosen", "held"),
    [
        ("long", {}, "spread"),
        ("long", {"spread": "sprd"}, "spread"),
        ("wide", {}, "spread"),
        ("wide", {"spread": "sprd"}, "spread"),
        ("wide", {"mine": "sprd"}, "mine"),
    ],
)
def test_a_spread_column_arrives_under_its_name_or_the_one_it_is_given(
    shape: str, chosen: dict[str, str], held: str, write: Write, look: Look
) -> None:
    name = "sprd" if chosen else "spread"
    traded = {"open": "10", "high": "10", "low": "10", "close": "10", name: "3.5"}
    days = [f"2017-01-{9 + k:02d}" for k in range(3)]
    if shape == "long":
        bars = [{"symbol": s, "date": day, **traded} for s in ("KO", "PEP") for day in days]
    else:
        wide = {f"{s}_{field}": value for s in ("KO", "PEP") for field, value in traded.items()}
        bars = [{"date": day, **wide} for day in days]
    panel = look(write(text(bars), "bars.csv"), columns=chosen).panel
    assert panel.symbols == ("KO", "PEP")
    np.testing.assert_array_equal(panel.columns[held], np.full((3, 2), 3.5))


def test_traded_prices_stand_beside_the_quotes(write: Write, look: Look) -> None:
    traded = {"open": "10.1", "high": "10.1", "low": "9.9", "close": "10.0", "volume": "5"}
    path = write(text([{**bar, **traded} for bar in rows()]), "SPY.csv")
    panel = look(path).panel
    assert panel.open[0, 0] == 10.1
    assert sorted(panel.columns) == sorted(QUOTES)
    panel = look(path, columns=SPY_MIDS).panel
    assert panel.open[0, 0] == 10.0
    assert sorted(panel.columns) == sorted(QUOTES)


def test_half_of_the_traded_prices_is_refused_with_both_ways_out(write: Write, look: Look) -> None:
    path = write(text([{**bar, "close": "10.0"} for bar in rows()]), "SPY.csv")
    with pytest.raises(DataError, match=r"no column for open, high, low .* \{close: none\}"):
        look(path)


def test_quotes_left_out_by_name_are_further_columns(write: Write, look: Look) -> None:
    traded = {"open": "10.1", "high": "10.1", "low": "9.9", "close": "10.0"}
    bars = [{**bar, **traded} for bar in rows({"bid_high": "99"})]
    path = write(text(bars), "SPY.csv")
    assert [f.kind for f in look(path).refused] == ["crossed"]
    history = look(path, columns={"bid_high": "none"})
    assert not history.refused
    assert sorted(history.panel.columns) == sorted(set(QUOTES) - {"bid_high"})


def test_an_adjusted_close_moves_the_quotes_too(write: Write, look: Look) -> None:
    traded = {"open": "10", "high": "10.2", "low": "9.9", "close": "10", "adj close": "5"}
    panel = look(write(text([{**bar, **traded} for bar in rows()]), "SPY.csv")).panel
    assert (panel.close[0, 0], panel.columns["ask_close"][0, 0]) == (5.0, pytest.approx(5.1))


FAULTS = [
    ({"bid_low": "11"}, "crossed", "bid_low 11 lies above ask_low 10: the quotes are crossed"),
    ({"ask_close": "0"}, "no_quote", "ask_close is 0, wanted a price on both sides"),
    ({"bid_open": "-1"}, "no_quote", "bid_open is -1"),
    (
        {"ask_open": "99", "ask_high": "99"},
        "wide_quote",
        "bid_open 9.9 and ask_open 99 are more than 100 % of their mid apart",
    ),
    (
        {"ask_close": "10.6"},
        "quote_range",
        "open 10.1 and close 10.6 of the ask do not lie between its low 10 and high 10.3",
    ),
]


@pytest.mark.parametrize(("change", "kind", "says"), FAULTS)
def test_faulty_quotes_are_refused_and_can_be_dropped(
    change: dict[str, str], kind: str, says: str, write: Write, look: Look
) -> None:
    path = write(text(rows({}, change)), "EURUSD.csv")
    (finding,) = look(path).refused
    assert (finding.kind, finding.symbol, finding.date) == (kind, "EURUSD", "2017-01-10")
    assert says in finding.message
    with pytest.raises(DataError, match=r"EURUSD 2017-01-10.*(.|\n)*data\.repair: \[drop_bad"):
        feeds.load(DataConfig(source="csv", path=path))
    dropped = look(path, repair=["drop_bad_bars"])
    assert not dropped.refused
    assert dropped.panel.n_bars == 3
    assert dropped.repairs == {"drop_bad_bars": 1}


def test_real_forex_and_gold_quotes_pass(look: Look) -> None:
    history = look(FOREX, interval="1h")
    assert not history.refused
    panel = history.panel
    assert panel.symbols == ("EURUSD", "XAUUSD")
    there = ~np.isnan(panel.close)
    assert there.sum(axis=0).tolist() == [789, 726]
    np.testing.assert_array_equal(mids(panel.columns)["close"], panel.close)
    spread = (panel.columns["ask_close"] - panel.columns["bid_close"]) / panel.close
    assert 0 < np.nanmedian(1e4 * spread[:, 0]) < 3


def test_real_minutes_with_crossed_quotes_are_refused_by_name_and_time(look: Look) -> None:
    history = look(SPY, interval="1min", columns=SPY_MIDS)
    crossed = [f for f in history.refused if f.kind == "crossed"]
    assert len(crossed) == 3
    assert crossed[0].date == "2013-10-04 07:08 UTC"
    assert "lies above" in crossed[0].message
    repaired = look(SPY, interval="1min", columns=SPY_MIDS, repair=["drop_bad_bars"])
    assert not repaired.refused
    table = pq.read_table(SPY)
    assert isinstance(table, pa.Table)
    assert repaired.panel.n_bars == table.num_rows - repaired.repairs["drop_bad_bars"]
