"""Small clean markets, in every shape a file can have."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.feeds.history import History

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Market:
    """Bars of a few symbols on weekdays, as plain columns."""

    symbols: tuple[str, ...]
    days: np.ndarray
    values: dict[str, dict[str, np.ndarray]]

    def long(self) -> pa.Table:
        tables = [
            pa.table(
                {
                    "symbol": pa.array([symbol] * len(self.days)),
                    "date": pa.array(self.days),
                    **{field: self.values[symbol][field] for field in FIELDS},
                }
            )
            for symbol in self.symbols
        ]
        return pa.concat_tables(tables)

    def single(self, symbol: str) -> pa.Table:
        return pa.table({"date": pa.array(self.days), **self.values[symbol]})

    def wide(self, name: Callable[[str, str], str]) -> pa.Table:
        columns = {name(s, f): self.values[s][f] for f in FIELDS for s in self.symbols}
        return pa.table({"date": pa.array(self.days), **columns})


def weekdays(first: str, n: int) -> np.ndarray:
    days = np.arange(np.datetime64(first), np.datetime64(first) + 2 * n)
    return days[np.is_busday(days)][:n]


@pytest.fixture
def market() -> Callable[..., Market]:
    """Make a market: clean bars, different for every symbol, the same each time."""

    def make(
        n_bars: int = 30, symbols: tuple[str, ...] = ("AAA", "BBB"), first: str = "2017-01-09"
    ) -> Market:
        values = {}
        for k, symbol in enumerate(symbols):
            step = np.arange(n_bars, dtype=float)
            close = np.round(20.0 + 3 * k + 0.2 * np.sin(step + k) + 0.05 * step, 4)
            opened = np.round(close + 0.1 * np.cos(step * 2), 4)
            values[symbol] = {
                "open": opened,
                "high": np.round(np.maximum(opened, close) + 0.2, 4),
                "low": np.round(np.minimum(opened, close) - 0.2, 4),
                "close": close,
                "volume": 1_000.0 + 10 * step + k,
            }
        return Market(symbols, weekdays(first, n_bars), values)

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a table or text below a temporary folder and return where."""

    def put(content: pa.Table | str | bytes, name: str = "bars.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, "utf-8")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        elif name.endswith(".parquet"):
            pq.write_table(content, path)
        else:
            pa_csv.write_csv(content, path)
        return path

    return put


@pytest.fixture
def look() -> Callable[..., History]:
    """Inspect a file, at a fixed time of day."""

    def at(path: Path, **keys: object) -> History:
        kind = "parquet" if path.suffix == ".parquet" else "csv"
        config = DataConfig.model_validate({"source": kind, "path": path, **keys})
        return feeds.inspect(config, now=NOW)

    return at


@pytest.fixture
def csv_of() -> Callable[..., str]:
    """Text of a CSV file with one symbol: a header and rows."""

    def text(*rows: str, header: str = "date,open,high,low,close,volume") -> str:
        return "\n".join((header, *rows)) + "\n"

    return text
