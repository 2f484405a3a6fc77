"""Bars from CSV and Parquet files: long, wide, or one symbol to a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.bars.sessions import interval_ns, is_intraday
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds import arrow
from tradewind.engine.feeds.columns import ALIASES, BARS, NOTHING, Layout, layout
from tradewind.engine.feeds.csv_sheet import CsvSheet
from tradewind.engine.feeds.files import SUFFIXES, check_csv, check_parquet, head_of
from tradewind.engine.feeds.parquet_sheet import ParquetSheet
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.sheets import Sheet, Taken
from tradewind.engine.feeds.timestamps import Dating, read_times
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.quotes import PRICES, QUOTES, mids
from tradewind.engine.records import Ints

TASK = "reading files"


def read(
    config: DataConfig, *, progress: Progress = SILENT
) -> tuple[list[RawBars], tuple[str, ...]]:
    """Bars of every file that ``config.path`` names, and notes on what was taken for what.

    Parameters
    ----------
    config : DataConfig
        Of source ``csv`` or ``parquet``.
    progress : Progress

    Returns
    -------
    bars : list of RawBars
        Symbols in alphabetical order; of a folder with one file to a symbol only those asked for.
    notes : tuple of str

    Raises
    ------
    DataError
        If a file is not what its name says, is damaged, lacks a column, or its dates cannot be
        read.
    """
    paths = paths_of(config)
    progress.start(TASK, len(paths))
    bars: dict[str, RawBars] = {}
    notes: dict[str, None] = {}
    try:
        for path in paths:
            found, said = opened(path, config).bars()
            for one in found:
                if one.symbol in bars:
                    raise DataError(
                        f"{path}: holds {one.symbol}, and so does {bars[one.symbol].origin}; put "
                        "each symbol into one file"
                    )
                bars[one.symbol] = one
            notes.update(dict.fromkeys(said))
            progress.advance(TASK, note=path.name)
    finally:
        progress.finish(TASK)
    return [bars[symbol] for symbol in sorted(bars)], tuple(notes)


def open_sheet(path: Path, source: str) -> Sheet:
    """Open a file as what the config says it is.

    Parameters
    ----------
    path : Path
    source : str
        ``csv`` or ``parquet``.

    Raises
    ------
    DataError
        If it is something else, damaged, or has no header.
    """
    head = head_of(path)
    if source == "parquet":
        check_parquet(path, head)
        return ParquetSheet.open(path)
    return CsvSheet.open(path, check_csv(path, head))


def stem(path: Path) -> str:
    """Name of a file without the endings that say what it is: its symbol, where it has no other."""
    name = path.name
    for suffix in (".gz", ".csv", ".tsv", ".txt", ".parquet", ".pq"):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
    return name


def paths_of(config: DataConfig) -> list[Path]:
    """Files to read; of a folder only those of the symbols asked for, where names tell."""
    path = config.path
    if path is None:
        raise DataError(f"data: source {config.source} needs data.path")
    if not path.is_dir():
        return [path]
    suffixes = SUFFIXES[config.source]
    files = sorted(
        p for p in path.iterdir() if p.name.lower().endswith(suffixes) and p.name[0] not in "._"
    )
    if not files:
        raise DataError(f"{path}: holds no file ending in {', '.join(suffixes)}; check data.path")
    if config.symbols == "all":
        return files
    wanted = {symbol.lower() for symbol in config.symbols}
    named = [p for p in files if stem(p).lower() in wanted]
    return named if len(named) == len(wanted) else files


def opened(path: Path, config: DataConfig) -> "File":
    """A file whose columns have been found; raises as :func:`read`."""
    sheet = open_sheet(path, config.source)
    wanted = None if config.symbols == "all" else frozenset(config.symbols)
    chosen = dict(config.columns)
    if config.prices == "raw":
        chosen.setdefault("adj_close", NOTHING)
    found = layout(sheet.names, chosen, str(path), wanted)
    if found.shape == "wide" and wanted is not None:
        fields = {name: columns for name, columns in found.fields.items() if name in wanted}
        found = replace(found, fields=fields or found.fields)
    return File(sheet, found, config)


@dataclass(frozen=True, slots=True)
class File:
    """One file whose columns are known."""

    sheet: Sheet
    layout: Layout
    config: DataConfig

    def bars(self) -> tuple[list[RawBars], tuple[str, ...]]:
        """Bars of every symbol in it, and what was taken for what."""
        one_by_one, notes = self.one_by_one()
        return list(one_by_one), notes

    def one_by_one(self) -> tuple[Iterator[RawBars], tuple[str, ...]]:
        """Do as :meth:`bars`, each symbol made when it is asked for."""
        found = self.layout
        numeric = {at for columns in found.fields.values() for at in columns.values()}
        text = [*found.time, *([] if found.symbol is None else [found.symbol])]
        taken = self.sheet.take(text, sorted(numeric), sorted(set(found.extra.values())))
        if not len(taken.row):
            raise DataError(f"{self.sheet.path}: has a header and no rows; wanted bars")
        ts = self.times(taken)
        bars: Iterator[RawBars]
        if found.shape == "wide":
            bars = (self._wide(name, columns, ts, taken) for name, columns in found.fields.items())
        elif found.shape == "long":
            bars = self._long(ts, taken)
        else:
            bars = iter([self._make(self.symbol, ts, found.fields[""], taken, slice(None))])
        return bars, self._notes(taken)

    @property
    def symbol(self) -> str:
        """File's name as the config spells the symbol."""
        name = stem(self.sheet.path)
        if self.config.symbols == "all":
            return name
        return next((s for s in self.config.symbols if s.lower() == name.lower()), name)

    def times(self, taken: Taken) -> Ints:
        """Stamp of every row; intraday bars are stamped by their close."""
        intraday = is_intraday(self.config.interval)
        dating = Dating(
            zone=self.config.timezone,
            date_format=self.config.date_format,
            daily=not intraday,
            where=lambda row: f"{self.sheet.path}:{taken.row[row]}",
        )
        ts = read_times(self._joined(taken), dating)
        if intraday and self.config.bar_label == "open":
            ts = ts + interval_ns(self.config.interval)
        return ts

    def _joined(self, taken: Taken) -> Any:
        """Column of times; a time of day beside a date is put behind it."""
        import pyarrow as pa
        import pyarrow.compute as pc

        date = taken.text[self.layout.time[0]]
        if len(self.layout.time) == 1 or not is_intraday(self.config.interval):
            return date
        clock = pc.utf8_trim_whitespace(taken.text[self.layout.time[1]].cast(pa.string()))
        if pc.all(pc.match_substring_regex(clock, r"^\d{5,6}$")).as_py():
            clock = pc.utf8_lpad(clock, 6, "0")  # 93000 is half past nine
        elif not pc.all(pc.match_substring_regex(clock, r"^(\d{1,2}:\d{2}|\d{4}$)")).as_py():
            return date
        day = date.cast(pa.date32()) if pa.types.is_temporal(date.type) else date
        return pc.binary_join_element_wise(day.cast(pa.string()), clock, " ")

    def coded(self, taken: Taken) -> tuple[list[str], Ints]:
        """Symbols of the rows of a long table, and which of them each row is of."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = taken.text[self.layout.symbol]  # type: ignore[index]
        names = pc.utf8_trim_whitespace(column.cast(pa.string()))
        blank = arrow.blank(names)
        if blank.any():
            row = taken.row[int(blank.argmax())]
            raise DataError(f"{self.sheet.path}:{row}: has no symbol; complete or remove the row")
        return arrow.coded(names)

    def _long(self, ts: Ints, taken: Taken) -> Iterator[RawBars]:
        symbols, code = self.coded(taken)
        wanted = symbols if self.config.symbols == "all" else self.config.symbols
        order = np.argsort(code, kind="stable")
        bounds = np.searchsorted(code[order], np.arange(len(symbols) + 1))
        chosen = [k for k, name in enumerate(symbols) if name in wanted] or range(len(symbols))
        fields = self.layout.fields[""]
        for k in chosen:
            yield self._make(symbols[k], ts, fields, taken, order[bounds[k] : bounds[k + 1]])

    def _wide(self, name: str, columns: Mapping[str, int], ts: Ints, taken: Taken) -> RawBars:
        """Bars of one symbol of a wide table, in which no price means no bar."""
        fields = PRICES if "close" in columns else QUOTES
        prices = np.stack([taken.numbers[columns[field]] for field in fields])
        return self._make(name, ts, columns, taken, np.flatnonzero(~np.isnan(prices).all(axis=0)))

    def _make(
        self, symbol: str, ts: Ints, columns: Mapping[str, int], taken: Taken, rows: Any
    ) -> RawBars:
        nothing = np.full(len(ts[rows]), np.nan)
        held = {
            name: taken.numbers[columns[name]][rows] if name in columns else nothing
            for name in BARS
        }
        quotes = {name: taken.numbers[columns[name]][rows] for name in QUOTES if name in columns}
        if quotes and "close" not in columns:
            held |= mids(quotes)
        if "adj_close" in columns:
            adj_close = taken.numbers[columns["adj_close"]][rows]
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = adj_close / held["close"]
            held |= {name: held[name] * factor for name in PRICES[:3]} | {"close": adj_close}
            quotes = {name: values * factor for name, values in quotes.items()}
        extra = {
            name: taken.numbers[at][rows]
            for name, at in self.layout.extra.items()
            if at in taken.numbers
        } | quotes
        own = [name for name in columns if name not in ALIASES]  # of a wide table
        extra |= {name: taken.numbers[columns[name]][rows] for name in own}
        origin = str(self.sheet.path)
        return RawBars(symbol, ts[rows], **held, origin=origin, row=taken.row[rows], columns=extra)

    def _notes(self, taken: Taken) -> tuple[str, ...]:
        """What a reader of the results should know about the columns."""
        notes = list(self.layout.notes)
        fields = [set(columns) for columns in self.layout.fields.values()]
        if any("adj_close" in columns for columns in fields):
            notes.append(
                "Open, high, low and close are multiplied by adjusted close / close, so that they "
                "are adjusted as the adjusted close is (dividends, usually, and splits); volume "
                "is as it stands. Raw prices: data.prices: raw."
            )
        if any(QUOTES[0] in columns and "close" not in columns for columns in fields):
            notes.append("Open, high, low and close are the mids of the bid and ask bars.")
        if not all("volume" in columns for columns in fields):
            chosen = self.config.columns.get("volume") == NOTHING
            why = "left out as the config says" if chosen else "not in the file"
            notes.append(f"Volume is {why}: unknown, so every bar counts as one that can fill.")
        if taken.left_out:
            dropped = ", ".join(repr(self.sheet.names[at]) for at in taken.left_out)
            notes.append(f"Columns without numbers are left out: {dropped}.")
        return tuple(notes)
