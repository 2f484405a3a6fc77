from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.history import History

Make = Callable[..., Any]
Write = Callable[..., Path]
Look = Callable[..., History]
Text = Callable[..., str]

NAMES = {
    "symbol first": lambda s, f: f"{s}_{f}",
    "field first": lambda s, f: f"{f}_{s}",
    "with a space": lambda s, f: f"{f.title()} {s}",
    "with a dot": lambda s, f: f"{s}.{f.title()}",
    "flattened levels": lambda s, f: f"('{f.title()}', '{s}')",
    "flattened levels, symbol first": lambda s, f: f"('{s}', '{f.title()}')",
}


@pytest.fixture
def clean(market: Make, write: Write, look: Look) -> Any:
    """Digest of the panel every layout must give."""
    return look(write(market().long(), "clean/long.csv")).panel.digest()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_long_table_gives_every_bar(
    ending: str,
    market: Make,
    write: Write,
    look: Look,
) -> None:
    table = market()
    panel = look(write(table.long(), f"bars.{ending}")).panel
    assert panel.symbols == ("AAA", "BBB")
    assert panel.shape == (30, 2)
    for k, symbol in enumerate(panel.symbols):
        for field, wanted in table.values[symbol].items():
            np.testing.assert_array_equal(getattr(panel, field)[:, k], wanted)
    assert (panel.dates == table.days).all()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("naming", NAMES)
def test_a_wide_table_is_the_long_one(
    ending: str,
    naming: str,
    market: Make,
    write: Write,
    look: Look,
    clean: str,
) -> None:
    assert look(write(market().wide(NAMES[naming]), f"w.{ending}")).panel.digest() == clean


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_folder_with_one_file_per_symbol_is_the_long_table(
    ending: str,
    market: Make,
    write: Write,
    look: Look,
    clean: str,
) -> None:
    table = market()
    for symbol in table.symbols:
        path = write(table.single(symbol), f"each/{symbol}.{ending}")
    kind = "parquet" if ending == "parquet" else "csv"
    assert look(path.parent, source=kind).panel.digest() == clean


def test_rows_by_date_then_symbol_are_the_long_table(
    market: Make, write: Write, look: Look, clean: str
) -> None:
    table = market().long().sort_by([("date", "ascending"), ("symbol", "descending")])
    assert look(write(table)).panel.digest() == clean


def test_two_header_rows_are_one_name_each(
    market: Make, write: Write, look: Look, clean: str
) -> None:
    table = market().wide(lambda s, f: f"{f}|{s}")
    rows = table.to_pydict()
    names = [name.split("|") for name in table.column_names[1:]]
    lines = [
        ",".join(["Price", *(f.title() for f, _ in names)]),
        ",".join(["Ticker", *(s for _, s in names)]),
        ",".join(["Date", *("" for _ in names)]),
        *(",".join(str(v) for v in row) for row in zip(*rows.values(), strict=True)),
    ]
    assert look(write("\n".join(lines) + "\n")).panel.digest() == clean


def test_a_merged_header_cell_stands_over_all_its_columns(
    market: Make, write: Write, look: Look
) -> None:
    text = (
        ",AAA,,,,,BBB,,,,\n"
        ",Open,High,Low,Close,Volume,Open,High,Low,Close,Volume\n"
        "2017-01-09,1,2,0.5,1.5,10,3,4,2.5,3.5,20\n"
    )
    panel = look(write(text)).panel
    assert panel.symbols == ("AAA", "BBB")
    assert panel.close.tolist() == [[1.5, 3.5]]


def test_numeric_tickers_in_a_second_header_row_are_names(write: Write, look: Look) -> None:
    text = (
        "Price,Close,High,Low,Open,Volume\nTicker,7203,7203,7203,7203,7203\nDate,,,,,\n"
        "2017-01-09,1.5,2,0.5,1,10\n"
    )
    assert look(write(text)).panel.symbols == ("7203",)


def test_symbols_with_punctuation_and_field_names_survive_the_wide_form(
    market: Make, write: Write, look: Look
) -> None:
    symbols = ("BRK.B", "BTC-USD", "LOW", "OPEN")
    panel = look(write(market(symbols=symbols).wide(lambda s, f: f"{s}_{f}"))).panel
    assert panel.symbols == symbols


def test_a_symbol_that_a_wide_table_knows_only_later_begins_later(write: Write, look: Look) -> None:
    names = [f"{s}_{f}" for s in ("AAA", "BBB") for f in ("open", "high", "low", "close", "volume")]
    text = ",".join(["date", *names]) + "\n"
    text += "2017-01-09,1,2,0.5,1.5,10,,,,,\n2017-01-10,1.4,2,0.5,1.5,10,3,4,2.5,3.5,20\n"
    history = look(write(text))
    assert np.isnan(history.panel.close[0, 1])
    assert history.panel.close[1, 1] == 3.5
    assert [(f.kind, f.symbol) for f in history.findings] == [("begins_late", "BBB")]


def test_comments_blank_lines_and_a_byte_order_mark_are_no_bars(write: Write, look: Look) -> None:
    text = "\ufeff# from a vendor\n\ndate,open,high,low,close,volume\n2017-01-09,1,2,0.5,1.5,10\n\n"
    assert look(write(text)).panel.n_bars == 1


def test_a_title_above_the_header_is_skipped(csv_of: Text, write: Write, look: Look) -> None:
    text = "https://www.example.com\n" + csv_of(
        "2017-01-09,1,2,0.5,1.5,10", "2017-01-10,1,2,0.5,-1,10"
    )
    history = look(write(text))
    assert history.panel.n_bars == 1
    assert history.refused[0].where.endswith("bars.csv:4")


def test_gzipped_csv_is_read(csv_of: Text, write: Write, look: Look) -> None:
    import gzip

    packed = gzip.compress(csv_of("2017-01-09,1,2,0.5,1.5,10").encode())
    history = look(write(packed, "AAA.csv.gz"))
    assert history.panel.symbols == ("AAA",)


def test_parquet_from_a_frame_with_an_index_of_dates_is_read(
    market: Make, write: Write, look: Look
) -> None:
    table = market().single("AAA")
    index = table.rename_columns(["__index_level_0__", *table.column_names[1:]])
    assert look(write(index, "AAA.parquet")).panel.n_bars == 30


def test_a_symbol_in_two_files_of_a_folder_is_an_error(
    market: Make, write: Write, look: Look
) -> None:
    write(market().long(), "two/a.csv")
    path = write(market().long(), "two/b.csv")
    with pytest.raises(DataError, match=r"b.csv: holds AAA, and so does .*a.csv"):
        look(path.parent, source="csv")


def test_only_the_files_of_the_symbols_asked_for_are_opened(
    market: Make, write: Write, look: Look
) -> None:
    write("not bars at all", "some/BAD.csv")
    path = write(market().single("AAA"), "some/aaa.csv")
    assert look(path.parent, source="csv", symbols=("AAA",)).panel.symbols == ("AAA",)


def test_symbols_come_in_the_order_asked_for(market: Make, write: Write, look: Look) -> None:
    path = write(market().long())
    assert look(path, symbols=("BBB", "AAA")).panel.symbols == ("BBB", "AAA")
    assert look(path).panel.symbols == ("AAA", "BBB")
