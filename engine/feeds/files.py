"""What a file really is, whatever it is called."""

import gzip
import zlib
from pathlib import Path

from tradewind.engine.errors import DataError

SUFFIXES = {
    "csv": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    "parquet": (".parquet", ".pq"),
}
PARQUET = b"PAR1"
GZIP = b"\x1f\x8b"
MAGIC = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; export it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; export it as CSV",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\x89HDF": "an HDF5 file; export it as Parquet",
    b"ARROW1": "an Arrow or Feather file; export it as Parquet",
    b"\x28\xb5\x2f\xfd": "compressed with zstandard; decompress it",
    b"BZh": "compressed with bzip2; decompress it",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}
HEAD = 65_536


def head_of(path: Path) -> bytes:
    """First bytes of a file, unpacked if it is gzip and says so.

    Raises
    ------
    DataError
        If it cannot be read, is empty, or its compression is damaged.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(HEAD)
        if raw.startswith(GZIP) and path.suffix == ".gz":
            with gzip.open(path) as unpacked:
                raw = unpacked.read(HEAD)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check data.path") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if not raw.strip():
        raise DataError(f"{path}: is empty; wanted a header line and bars")
    return raw


def check_csv(path: Path, head: bytes) -> str:
    """Text at the head of a CSV file.

    Raises
    ------
    DataError
        If it is something else; the message says what, and what to do.
    """
    if head.startswith(PARQUET):
        raise DataError(f"{path}: is Parquet, whatever its name says; set data.source: parquet")
    if head.startswith(GZIP):
        raise DataError(f"{path}: is compressed with gzip; add .gz to its name")
    what = _other(head)
    if what is None and b"\x00" in head:
        what = "binary, not text; wanted comma-separated values"
    if what is not None:
        raise DataError(f"{path}: is {what}")
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4 or len(head) < HEAD:
            raise DataError(
                f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
            ) from None
        return head[: error.start].decode("utf-8-sig")  # the last character was cut in two


def check_parquet(path: Path, head: bytes) -> None:
    """Refuse what is not Parquet, or only the beginning of it.

    Raises
    ------
    DataError
        As :func:`check_csv`.
    """
    if not head.startswith(PARQUET):
        printable = all(byte >= 32 or byte in b"\t\r\n" for byte in head[:1000])
        text = "text, not Parquet; is it CSV? Then set data.source: csv"
        what = _other(head) or (text if printable else "no Parquet file: it does not begin as one")
        raise DataError(f"{path}: is {what}")
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - len(PARQUET)))
        tail = file.read()
    if tail != PARQUET:
        raise DataError(f"{path}: is a Parquet file cut off before its end; copy it again")


def _other(head: bytes) -> str | None:
    """What else a file is, by its first bytes."""
    for magic, what in MAGIC.items():
        if head.startswith(magic):
            return what
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if start.startswith(b"<") and any(tag in start for tag in (b"<!", b"<?", b"<html", b"</")):
        kind = "a web page" if b"<html" in start or b"<!doctype html" in start else "XML"
        return f"{kind}, not bars; an error page saved in place of a download?"
    if start[:1] in (b"{", b"[") and start[1:2] in (b'"', b"{", b"[", b"\n", b" ", b"\r", b"}"):
        return "JSON, not bars; convert it to CSV"
    return None
