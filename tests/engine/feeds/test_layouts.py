from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
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


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "timestamp,o,h,l,c,v",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        "time,1. open,2. high,3. low,4. close,5. volume",
        "Datetime,Open,High,Low,Close/Last,Volume",
        "t,open,high,low,last,vol",
        "Date,Open,High,Low,Price,Vol.",
    ],
)
def test_columns_are_found_by_their_usual_names(
    header: str,
    csv_of: Text,
    write: Write,
    look: Look,
) -> None:
    panel = look(write(csv_of("2017-01-09,1,2,0.5,1.5,10", header=header))).panel
    held = [getattr(panel, name)[0, 0] for name in ("open", "high", "low", "close", "volume")]
    assert held == [1, 2, 0.5, 1.5, 10]


def test_a_column_that_is_not_obvious_is_named_in_the_notes(
    csv_of: Text, write: Write, look: Look
) -> None:
    header = "Date,Open,High,Low,Close/Last,Volume"
    notes = look(write(csv_of("2017-01-09,1,2,0.5,1.5,10", header=header))).notes
    assert any("close from 'Close/Last'" in note for note in notes)


def test_the_config_names_columns_that_have_no_usual_name(
    csv_of: Text, write: Write, look: Look
) -> None:
    header = "when,first,top,bottom,final,n"
    columns = {
        "time": "when",
        "open": "first",
        "high": "top",
        "low": "bottom",
        "close": "final",
        "volume": "n",
    }
    path = write(csv_of("2017-01-09,1,2,0.5,1.5,10", header=header))
    assert look(path, columns=columns).panel.close[0, 0] == 1.5
    with pytest.raises(DataError, match="no column of dates among 'when', 'first'"):
        look(path)


def test_a_column_the_config_names_but_the_file_lacks_is_an_error(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(csv_of("2017-01-09,1,2,0.5,1.5,10"))
    with pytest.raises(DataError, match="names 'Last' as close, but the columns are 'date'"):
        look(path, columns={"close": "Last"})


def test_a_misspelt_name_of_ours_is_refused_and_another_makes_a_column(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(
        csv_of("2017-01-09,1,2,0.5,1.5,10,1.4", header="date,open,high,low,close,volume,Last")
    )
    with pytest.raises(DataError, match=r"'colse' is none of our names \(did you mean 'close'\?\)"):
        look(path, columns={"colse": "Last"})
    assert look(path, columns={"bid": "Last"}).panel.columns["bid"].tolist() == [[1.4]]


def test_two_columns_that_could_be_the_close_are_an_error(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(csv_of("2017-01-09,1,2,0.5,1.5,1.6,10", header="date,open,high,low,close,Close,v"))
    with pytest.raises(DataError, match="'close' and 'Close' could both be close"):
        look(path)


def test_an_adjusted_close_moves_all_prices_and_the_notes_say_so(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(
        csv_of("2017-01-09,8,12,6,10,5,100", header="Date,Open,High,Low,Close,Adj Close,Volume")
    )
    adjusted = look(path)
    held = [getattr(adjusted.panel, n)[0, 0] for n in ("open", "high", "low", "close", "volume")]
    assert held == [4, 6, 3, 5, 100]
    assert any("multiplied by adjusted close / close" in note for note in adjusted.notes)
    raw = look(path, columns={"adj_close": "none"})
    assert raw.panel.close[0, 0] == 10
    assert not any("multiplied" in note for note in raw.notes)


def test_an_adjusted_close_alone_is_no_close(csv_of: Text, write: Write, look: Look) -> None:
    path = write(csv_of("2017-01-09,8,12,6,10", header="Date,Open,High,Low,Adj Close"))
    with pytest.raises(DataError, match="has an adjusted close alone"):
        look(path)
    columns = {"close": "Adj Close", "adj_close": "none"}
    assert look(path, columns=columns).panel.close[0, 0] == 10


def test_closes_alone_are_bars_only_when_the_config_says_so(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(csv_of("2017-01-09,8", "2017-01-10,9", header="Date,Close"))
    with pytest.raises(DataError, match=r"say so with data.columns: \{open: Close"):
        look(path)
    columns = {"open": "Close", "high": "Close", "low": "Close"}
    assert look(path, columns=columns).panel.open[:, 0].tolist() == [8, 9]


def test_a_file_without_volume_has_unknown_volume_and_says_so(
    csv_of: Text, write: Write, look: Look
) -> None:
    history = look(write(csv_of("2017-01-09,1,2,0.5,1.5", header="date,open,high,low,close")))
    assert np.isnan(history.panel.volume).all()
    assert any("Volume is not in the file" in note for note in history.notes)


def test_further_numbers_become_columns_and_words_are_left_out(
    csv_of: Text, write: Write, look: Look
) -> None:
    header = "date,open,high,low,close,volume,bid,exchange"
    history = look(write(csv_of("2017-01-09,1,2,0.5,1.5,10,1.4,NYSE", header=header)))
    assert history.panel.columns["bid"].tolist() == [[1.4]]
    assert set(history.panel.columns) == {"bid"}
    assert any("'exchange'" in note for note in history.notes)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (['2017-01-09,"$1,001.5","$1,002","$1,000","$1,001","12,345"'], (1001.0, 12345.0)),
        (["2017-01-09;1.001,5;1.002,0;1.000,0;1.001,0;12345"], (1001.0, 12345.0)),
        (["2017-01-09;1,5;2,25;0,5;1,75;10"], (1.75, 10.0)),
        (["2017-01-09,1,2,0.5,1.5,12.5M"], (1.5, 12.5e6)),
        (["2017-01-09\t1\t2\t0.5\t1.5\t10"], (1.5, 10.0)),
    ],
)
def test_numbers_are_read_as_people_write_them(
    rows: Any,
    wanted: Any,
    csv_of: Text,
    write: Write,
    look: Look,
) -> None:
    sign = next(s for s in "\t;," if s in rows[0])
    header = "date,open,high,low,close,volume".replace(",", sign)
    panel = look(write(csv_of(*rows, header=header))).panel
    assert (panel.close[0, 0], panel.volume[0, 0]) == wanted


def test_a_comma_that_could_be_either_sign_is_refused(
    csv_of: Text, write: Write, look: Look
) -> None:
    path = write(
        csv_of("2017-01-09;1,250;1,260;1,240;1,255;10", header="date;open;high;low;close;v")
    )
    with pytest.raises(
        DataError, match="'1,250' in column 'open' could be a decimal or a thousands"
    ):
        look(path)


def test_comments_blank_lines_and_a_byte_order_mark_are_no_bars(write: Write, look: Look) -> None:
    text = "\ufeff# from a vendor\n\ndate,open,high,low,close,volume\n2017-01-09,1,2,0.5,1.5,10\n\n"
    assert look(write(text)).panel.n_bars == 1


@pytest.mark.parametrize(
    ("date", "clock"),
    [
        ("2017.01.09", "09:30"),
        ("20170109", "093000"),
        ("20170109", "93000"),
        ("01/09/2017", "0930"),
    ],
)
def test_a_time_of_day_beside_the_date_belongs_to_it(
    date: str, clock: str, write: Write, look: Look
) -> None:
    text = (
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
        f"AAA,60,{date},{clock},1,2,0.5,1.5,10\n"
    )
    options = {"date_format": "%m/%d/%Y %H%M"} if "/" in date else {}
    panel = look(write(text), interval="1h", bar_label="close", **options).panel
    assert str(np.datetime64(int(panel.ts[0]), "ns"))[:16] == "2017-01-09T09:30"
    assert look(write(text), **({"date_format": "%m/%d/%Y"} if options else {})).panel.n_bars == 1


def test_a_time_of_day_beside_a_parquet_date_belongs_to_it(write: Write, look: Look) -> None:
    table = pa.table(
        {
            "date": pa.array(np.array(["2017-01-09", "2017-01-09"], "datetime64[s]")),
            "time": ["09:30", "10:30"],
            **{name: [1.0, 1.0] for name in ("open", "high", "low", "close", "volume")},
        }
    )
    panel = look(write(table, "AAA.parquet"), interval="1h", bar_label="close").panel
    assert str(np.datetime64(int(panel.ts[1]), "ns"))[:16] == "2017-01-09T10:30"


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


def test_float32_prices_are_widened_exactly(market: Make, write: Write, look: Look) -> None:
    table = market().single("AAA")
    prices = {n: pa.array(table[n].to_numpy().astype(np.float32)) for n in table.column_names[1:]}
    panel = look(write(pa.table({"date": table["date"], **prices}), "AAA.parquet")).panel
    assert panel.close.dtype == np.float64
    np.testing.assert_array_equal(panel.close[:, 0].astype(np.float32), prices["close"].to_numpy())


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
