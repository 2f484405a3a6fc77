from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError

Make = Callable[..., Any]
Write = Callable[..., Path]
Text = Callable[..., str]

CLEAN = [f"2017-01-{9 + k:02d},{10 + k},{12 + k},{9 + k},{11 + k},{100 + k}" for k in range(5)]


def csv_config(path: Path, **keys: object) -> DataConfig:
    return DataConfig.model_validate({"source": "csv", "path": path, **keys})


def test_clean_bars_are_loaded_and_their_universe_is_called_unknown(
    csv_of: Text, write: Write
) -> None:
    path = write(csv_of(*CLEAN), "AAA.csv")
    history = feeds.load(csv_config(path))
    assert history.panel.close[:, 0].tolist() == [11, 12, 13, 14, 15]
    assert history.survivorship.startswith(f"Universe of {path}: unknown")
    assert any("No exchange calendar applies" in note for note in history.notes)


def test_a_refusal_names_file_row_symbol_and_the_repairs_that_help(
    csv_of: Text, write: Write
) -> None:
    path = write(
        csv_of(*CLEAN, "2017-01-16,15,17,14,,105", "2017-01-13,14,16,13,15,104"), "AAA.csv"
    )
    with pytest.raises(DataError) as caught:
        feeds.load(csv_config(path))
    lines = str(caught.value).splitlines()
    assert lines[0] == "data: 3 rows in 3 findings would falsify a backtest"
    assert (
        lines[1]
        == f"  {path}:7: AAA 2017-01-16: close missing or not a number; complete or remove the row"
    )
    assert f"{path}:8: AAA 2017-01-13: stands behind 2017-01-16" in lines[2]
    assert lines[4] == "see all of them with: tradewind data check CONFIG"
    assert lines[5].endswith("data.repair: [drop_bad_bars, drop_duplicates, sort]")


def test_a_refusal_shows_the_first_ten_and_counts_the_rest(csv_of: Text, write: Write) -> None:
    rows = [f"2017-01-{9 + k:02d},10,11,9,,{k}" for k in range(14)] + ["2017-02-01,10,11,9,10,1"]
    with pytest.raises(DataError) as caught:
        feeds.load(csv_config(write(csv_of(*rows), "AAA.csv")))
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("data: 14 rows in 14 findings")
    assert len([line for line in lines if line.startswith("  ")]) == 11
    assert "  ... and 4 more" in lines


def test_a_refusal_does_not_propose_what_was_done_already(csv_of: Text, write: Write) -> None:
    rows = [*CLEAN, "2017-01-13,14,16,13,15.5,104"]
    config = csv_config(write(csv_of(*rows), "AAA.csv"), repair=("drop_duplicates",))
    with pytest.raises(DataError) as caught:
        feeds.load(config)
    assert "keep the right one in the file" in str(caught.value)
    assert "data.repair" not in str(caught.value)


def test_a_suspicion_says_how_to_accept_it(csv_of: Text, write: Write) -> None:
    rows = ["2017-01-13,10,12,9,11,100", "2017-01-16,10,12,9,11,101"]
    path = write(csv_of(*rows), "AAA.csv")
    with pytest.raises(DataError, match=r"data\.accept: \[off_session\]"):
        feeds.load(csv_config(path, calendar="XNYS"))
    accepted = feeds.load(csv_config(path, calendar="XNYS", accept=("off_session",)))
    assert [(f.kind, f.severity) for f in accepted.findings] == [("off_session", "notice")]


def test_inspect_shows_what_load_refuses(csv_of: Text, write: Write) -> None:
    path = write(csv_of(*CLEAN, "2017-01-16,15,15.5,14,16,105"), "AAA.csv")
    history = feeds.inspect(csv_config(path))
    assert [f.kind for f in history.refused] == ["high_low"]
    assert history.panel.n_bars == 6


def test_remarks_tell_universe_notes_repairs_and_findings(market: Make, write: Write) -> None:
    table = market(n_bars=20, symbols=("AAA", "BBB", "CCC")).long()
    path = write(table.slice(0, 50))
    remarks = feeds.load(csv_config(path, repair=("sort",))).remarks
    assert remarks[0].startswith("Universe of")
    assert "Repair sort, asked for in the config, changed 0 rows." in remarks
    assert any("Noticed ends early: CCC 2017-01-20: ends before the others" in r for r in remarks)


def test_many_findings_of_a_kind_are_one_remark(market: Make, write: Write) -> None:
    symbols = tuple(f"S{k:02d}" for k in range(14))
    table = market(n_bars=20, symbols=symbols).long()
    keep = np.flatnonzero([i % 20 < 12 or i < 20 for i in range(table.num_rows)])
    remarks = feeds.load(csv_config(write(table.take(keep)))).remarks
    (remark,) = [r for r in remarks if "ends early" in r]
    assert remark.startswith("Noticed ends early, 13 times: S01 2017-01-24, ")
    assert remark.endswith("and 3 more.")


def test_unknown_symbols_of_a_file_name_the_file_and_what_it_has(
    market: Make, write: Write
) -> None:
    path = write(market().long())
    with pytest.raises(
        UnknownSymbolError, match=r"bars.csv has no 'AAB' \(did you mean 'AAA'\?\); it has AAA, BBB"
    ):
        feeds.load(csv_config(path, symbols=("AAB",)))


@pytest.mark.parametrize("layout", ["wide", "folder"])
def test_unknown_symbols_are_found_out_in_every_layout(
    layout: str, market: Make, write: Write
) -> None:
    table = market()
    if layout == "wide":
        path = write(table.wide(lambda s, f: f"{s}_{f}"))
    else:
        path = [write(table.single(s), f"each/{s}.csv") for s in table.symbols][-1].parent
    with pytest.raises(UnknownSymbolError, match="has no 'ZZZ'"):
        feeds.load(csv_config(path, symbols=("AAA", "ZZZ")))


def test_columns_of_a_source_without_files_mean_nothing_and_are_refused() -> None:
    with pytest.raises(ConfigError, match="the embedded data has columns of its own"):
        feeds.load(DataConfig(columns={"close": "last"}))
    ignoring = feeds.load(DataConfig(symbols=("KO",), columns={"volume": "none"}))
    assert np.isnan(ignoring.panel.volume).all()


def test_a_zone_or_calendar_that_does_not_exist_is_a_config_error(
    csv_of: Text, write: Write
) -> None:
    path = write(csv_of(*CLEAN), "AAA.csv")
    with pytest.raises(ConfigError, match=r"data.calendar"):
        feeds.load(csv_config(path, calendar="NOWHERE"))
    hourly = write(csv_of("2017-01-09 10:00,1,2,0.5,1.5,10"), "BBB.csv")
    with pytest.raises(ConfigError, match=r"data.timezone"):
        feeds.load(csv_config(hourly, interval="1h", timezone="Mars/Olympus"))


def test_the_calendar_of_yahoo_symbols_is_guessed_only_where_it_is_plain() -> None:
    from tradewind.engine.feeds.timing import calendars_of

    def guessed(*symbols: str, **keys: Any) -> list[str | None]:
        return list(calendars_of(DataConfig(source="yahoo", **keys), symbols).values())

    assert guessed("MSFT", "BRK-B") == ["XNYS", "XNYS"]
    assert guessed("BTC-USD", "ETH-USD") == ["24/7", "24/7"]
    assert guessed("MSFT", "BTC-USD") == ["XNYS", "24/7"]
    assert guessed("SAP.DE", "MSFT") == [None, None]
    assert guessed("EURUSD=X") == [None]
    assert guessed("MSFT", calendar="none") == [None]


class Steps:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def start(self, task: str, total: int | None) -> None:
        self.told.append(("start", total))

    def advance(self, task: str, steps: int = 1, note: str = "") -> None:
        self.told.append(("advance", note))

    def finish(self, task: str) -> None:
        self.told.append(("finish",))


def test_reading_tells_its_progress_file_by_file(market: Make, write: Write) -> None:
    table = market()
    path = [write(table.single(s), f"each/{s}.csv") for s in table.symbols][-1].parent
    steps = Steps()
    feeds.load(csv_config(path), progress=steps)
    assert steps.told == [("start", 2), ("advance", "AAA.csv"), ("advance", "BBB.csv"), ("finish",)]
