import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError, TradewindError
from tradewind.engine.feeds.history import History

Make = Callable[..., Any]
Write = Callable[..., Path]
Look = Callable[..., History]

HEADER = "date,open,high,low,close,volume\n"
ROW = "2017-01-09,10,12,9,11,100\n"
PAGE = "<!DOCTYPE html>\n<html><body>Too many requests</body></html>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n \n", "is empty"),
        (PAGE.encode(), "is a web page, not bars; an error page saved in place of a download"),
        (b"<?xml version='1.0'?><bars/>", "is XML, not bars"),
        (b'{"bars": []}', "is JSON, not bars; convert it to CSV"),
        (b"PK\x03\x04rest", "an Excel workbook; export it as CSV"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\x89HDF\r\n", "is an HDF5 file"),
        (b"\x00\x01\x02\x03binary", "is binary, not text"),
        (gzip.compress(ROW.encode(), mtime=0), "is compressed with gzip; add .gz to its name"),
        ((HEADER + ROW).encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ((HEADER + ROW).encode() + b"\xff\xfe\xfa", "is not UTF-8 text (byte 58)"),
        (HEADER.encode(), "has a header and no rows"),
        (ROW.encode(), "the first line holds a date, not the names of the columns"),
        (b"just some words\nand more of them\n", "no comma, semicolon, tab or bar between columns"),
        (
            (HEADER + ROW + "2017-01-10,10,12,9\n").encode(),
            "bars.csv:3: has 4 columns, the header 6",
        ),
        (
            (HEADER + ROW + "2017-01-10,10,12,9,x,1\n").encode(),
            "bars.csv:3: column 'close' holds 'x'",
        ),
        ((HEADER + ROW + ",10,12,9,11,1\n").encode(), "bars.csv:3: has no date"),
        (b"symbol," + HEADER.encode() + b"," + ROW.encode(), "bars.csv:2: has no symbol"),
        (b"when,what\n1,2\n", "no column of dates among 'when', 'what'"),
        (b"date,what\n2017-01-09,2\n", "no column for open, high, low, close among 'date', 'what'"),
    ],
)
def test_a_file_that_is_no_csv_of_bars_says_what_it_is(
    content: bytes, message: str, write: Write, look: Look
) -> None:
    path = write(content)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        look(path)
    assert str(path) in str(caught.value)


def test_parquet_called_csv_says_how_to_read_it(market: Make, write: Write, look: Look) -> None:
    parquet = write(market().long(), "bars.parquet")
    path = write(parquet.read_bytes(), "bars.csv")
    with pytest.raises(
        DataError, match=r"is Parquet, whatever its name says; set data.source: parquet"
    ):
        look(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (PAGE.encode(), "is a web page, not bars"),
        ((HEADER + ROW).encode(), "is text, not Parquet; is it CSV? Then set data.source: csv"),
        (b"\x00\x01\x02\x03", "is no Parquet file: it does not begin as one"),
        (b"PAR1", "is damaged and cannot be read as Parquet"),
        (b"PAR1 and then something else", "is a Parquet file cut off before its end"),
        (b"PAR1" + bytes(40) + b"PAR1", "is damaged and cannot be read as Parquet"),
    ],
)
def test_a_file_that_is_no_parquet_says_what_it_is(
    content: bytes, message: str, write: Write, look: Look
) -> None:
    path = write(content, "bars.parquet")
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        look(path)
    assert str(path) in str(caught.value)


def test_a_truncated_parquet_file_is_refused(market: Make, write: Write, look: Look) -> None:
    whole = write(market().long(), "bars.parquet").read_bytes()
    for n in (5, len(whole) // 2, len(whole) - 1):
        with pytest.raises(DataError, match="cut off before its end"):
            look(write(whole[:n], "bars.parquet"))


def test_a_truncated_gzip_file_is_refused(market: Make, write: Write, look: Look) -> None:
    packed = gzip.compress((HEADER + ROW * 5_000).encode(), mtime=0)
    for n in (2, 20, len(packed) - 10):
        with pytest.raises(DataError):
            look(write(packed[:n], "bars.csv.gz"))


def test_a_path_that_is_not_there_or_holds_nothing_is_refused(tmp_path: Path, look: Look) -> None:
    with pytest.raises(DataError, match=r"nowhere.csv: no such file; check data.path"):
        look(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"holds no file ending in .csv"):
        look(tmp_path, source="csv")


def test_words_before_or_after_the_bars_are_refused_at_their_line(write: Write, look: Look) -> None:
    with pytest.raises(DataError, match=r"bars.csv:4: has 1 columns"):
        look(write(HEADER + ROW + ROW + "Source: somebody\n"))


def test_lines_are_counted_with_the_empty_ones(write: Write, look: Look) -> None:
    text = "# from a vendor\n" + HEADER + "\n" + ROW + "\n\n" + "2017-01-10,10,12,9,13,100\n"
    (found,) = look(write(text)).refused
    assert found.where.endswith("bars.csv:7")
    (found,) = look(write(text.replace("\n", "\r\n").encode())).refused
    assert found.where.endswith("bars.csv:7")


def test_rows_of_parquet_count_from_one(market: Make, write: Write, look: Look) -> None:
    table = market().single("AAA").to_pydict()
    table["close"][4] = 99.0
    (found,) = look(write(pa.table(table), "AAA.parquet")).refused
    assert found.where.endswith("AAA.parquet:5")


def test_a_column_of_words_where_prices_should_be_is_refused_in_parquet(
    market: Make, write: Write, look: Look
) -> None:
    table = market().single("AAA")
    words = table.set_column(4, "close", pa.array(["dear"] * 30))
    with pytest.raises(DataError, match="column 'close' is not numbers: row 1 holds 'dear'"):
        look(write(words, "AAA.parquet"))
    flags = table.set_column(4, "close", pa.array([True] * 30))
    with pytest.raises(DataError, match="column 'close' is not numbers: it is of type bool"):
        look(write(flags, "AAA.parquet"))


def test_numbers_written_as_text_or_decimals_are_read_in_parquet(
    market: Make, write: Write, look: Look
) -> None:
    table = market().single("AAA")
    wanted = look(write(table, "AAA.parquet")).panel.digest()
    text = table.set_column(4, "close", table["close"].cast(pa.string()))
    assert look(write(text, "AAA.parquet")).panel.digest() == wanted
    exact = table.set_column(4, "close", table["close"].cast(pa.decimal128(12, 4)))
    assert look(write(exact, "AAA.parquet")).panel.digest() == wanted


def test_two_parquet_columns_of_one_name_are_refused(
    market: Make, write: Write, look: Look
) -> None:
    table = market().single("AAA")
    path = write(table.append_column("close", table["close"]), "AAA.parquet")
    with pytest.raises(DataError, match="has two columns called 'close'"):
        look(path)


def survives(path: Path) -> History | None:
    """Read a file; only our own errors may come."""
    kind = "parquet" if path.suffix == ".parquet" else "csv"
    try:
        return feeds.inspect(DataConfig(source=kind, path=path))
    except TradewindError:
        return None


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "copy", "insert"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=8,
)


def mutated(whole: bytes, changes: list[tuple[str, float, int]]) -> bytes:
    held = bytearray(whole)
    for what, share, value in changes:
        at = int(share * max(len(held), 1))
        if what == "set" and held:
            held[at] = value
        elif what == "cut":
            del held[at : at + value]
        elif what == "copy":
            held[at:at] = held[at : at + value]
        else:
            held[at:at] = bytes([value])
    return bytes(held)


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small files to damage."""
    rows = "".join(
        f"A,2017-01-{9 + k:02d},{10 + k}.5,{12 + k},{9 + k},{11 + k},{100 + k}\n" for k in range(9)
    )
    text = "symbol," + HEADER + rows
    folder = tmp_path_factory.mktemp("targets")
    table = pa.csv.read_csv(pa.BufferReader(text.encode()))
    found = {"csv": text.encode()}
    for name, kind in (("snappy", "snappy"), ("plain", "none")):
        pq.write_table(table, folder / name, compression=kind, use_dictionary=kind == "snappy")
        found[name] = (folder / name).read_bytes()
    return found


def damaged(kind: str) -> Callable[..., None]:
    """Property: a damaged file of a kind is refused or read, and nothing else happens."""

    @settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(changes=MUTATIONS)
    def check(
        targets: dict[str, bytes], tmp_path: Path, changes: list[tuple[str, float, int]]
    ) -> None:
        path = tmp_path / ("bars.csv" if kind == "csv" else "bars.parquet")
        path.write_bytes(mutated(targets[kind], changes))
        survives(path)

    return check


test_a_damaged_csv_file_is_refused_or_read = damaged("csv")
test_a_damaged_parquet_file_is_refused_or_read = damaged("snappy")
test_a_damaged_uncompressed_parquet_file_is_refused_or_read = damaged("plain")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(max_size=400))
def test_any_text_is_refused_or_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(text, "utf-8", newline="")
    survives(path)


NUMBERS = ("", "NaN", "1e400", "-", "0", "1", "12.5", "$3", "1,5", "inf")
DATES = ("2017-01-09", "2017-01-10", "20170111", "1485880200", "01/02/2017")
WORDS = ("AAA", '"', "'", "\t", "x" * 50, "\x00", "é")
CELLS = st.sampled_from((*NUMBERS, *DATES, *WORDS))
PLAIN = ("date", "time", "symbol", "open", "high", "low", "close", "Close", "adj close", "volume")
NAMES = st.sampled_from((*PLAIN, "AAA_open", "close_AAA", "('Close', 'AAA')", "", "x"))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(NAMES, min_size=1, max_size=8),
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=8), max_size=6),
)
def test_any_table_is_refused_or_read(tmp_path: Path, names: list[str], rows: Any) -> None:
    path = tmp_path / "bars.csv"
    lines = [",".join(names), *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines), "utf-8", newline="")
    survives(path)
