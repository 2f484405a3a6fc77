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


@pytest.mark.parametrize(("late", "found"), [("0.5", ["mood"]), ("good", []), ("", [])])
def test_a_column_may_begin_long_after_the_first_line(
    write: Write, look: Look, late: str, found: list[str]
) -> None:
    days = [str(day) for day in np.arange("2016-01-01", "2016-12-31", dtype="datetime64[D]")]
    rows = [f"{day},10,12,9,11,100," for day in days]
    rows[300] += late
    path = write("date,open,high,low,close,volume,mood\n" + "\n".join(rows) + "\n")
    history = look(path, calendar="24/7")
    assert sorted(history.panel.columns) == found
    if found:
        assert np.flatnonzero(~np.isnan(history.panel.columns["mood"][:, 0])).tolist() == [300]
    else:
        assert any("left out: 'mood'" in note for note in history.notes)


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


def test_float32_prices_are_widened_exactly(market: Make, write: Write, look: Look) -> None:
    table = market().single("AAA")
    prices = {n: pa.array(table[n].to_numpy().astype(np.float32)) for n in table.column_names[1:]}
    panel = look(write(pa.table({"date": table["date"], **prices}), "AAA.parquet")).panel
    assert panel.close.dtype == np.float64
    np.testing.assert_array_equal(panel.close[:, 0].astype(np.float32), prices["close"].to_numpy())
