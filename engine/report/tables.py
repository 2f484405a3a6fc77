"""A run as Parquet tables, and back: the same run gives the same bytes.

Symbols, reasons and order types are stored as words, bars both by number and by time, so that a
table can be read without this package. A field added to ``ORDER``, ``FILL`` or ``TRADE`` is stored
and read back without a change here.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import RunError
from tradewind.engine.records import EVENT, FILL, ORDER, TRADE, Ints, Panel, Records
from tradewind.engine.report.run import Run
from tradewind.engine.types import Happening, OrderType, Reason, TimeInForce

Table = Any
"""A ``pyarrow.Table``; pyarrow is imported where it is used, because it costs 0.2 s."""

WORDS: Mapping[str, type[IntEnum]] = {
    "reason": Reason,
    "order_type": OrderType,
    "tif": TimeInForce,
    "kind": Happening,
}


def equity_table(run: Run) -> Table:
    """One row a bar; ``benchmark`` is what the same cash would be worth in the benchmark.

    ``equity_worst`` and ``equity_best`` are there where a bar was ambiguous.
    """
    import pyarrow as pa

    sim, cash = run.simulation, run.config.account.cash
    bounds = {f"equity_{n}": c for n, c in (run.bounds._asdict() if run.bounds else {}).items()}
    return pa.table(
        {
            "ts": times(run.panel.ts),
            "date": pa.array(run.panel.dates.astype("datetime64[D]")),
            "equity": sim.equity,
            "cash": sim.cash,
            "gross": sim.gross,
            "borrow": sim.borrow,
            "benchmark": cash * np.cumprod(1.0 + run.benchmark),
            "benchmark_return": run.benchmark,
            **bounds,
        }
    )


def orders_table(run: Run) -> Table:
    """One row an order, in order of submission."""
    return _records_table(run.simulation.orders, run.panel)


def fills_table(run: Run) -> Table:
    """One row a fill, in order of execution."""
    return _records_table(run.simulation.fills, run.panel)


def events_table(run: Run) -> Table:
    """One row an event, in order of time; ``symbol`` is null where it concerns the account."""
    return _records_table(run.simulation.events, run.panel)


def trades_table(run: Run) -> Table:
    """One row a round trip; ``exit_bar`` is -1 and ``exit_ts`` null while it is open."""
    return _records_table(run.trades, run.panel)


def _records_table(rows: Records, panel: Panel) -> Table:
    """Record array to a table: names for symbols, words for enums, a time beside each bar."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name in rows.dtype.names or ():
        values = np.ascontiguousarray(rows[name])
        if name == "symbol":
            columns[name] = words(values, panel.symbols)
        elif name in WORDS:
            columns[name] = words(values, _names(WORDS[name]))
        else:
            columns[name] = values
        if name == "bar" or name.endswith("_bar"):
            at = panel.ts[np.maximum(values, 0)] if len(values) else values
            columns[f"{name[:-3]}ts"] = times(at, values < 0)
    return pa.table(columns)


def _names(members: type[IntEnum]) -> list[str]:
    """Word of each code from 0 to the largest."""
    known = {int(member): member.name.lower() for member in members}
    return [known.get(code, f"code_{code}") for code in range(max(known) + 1)]


def words(positions: npt.NDArray[Any], names: Sequence[str]) -> Any:
    """Positions in ``names`` as a dictionary array, null below 0."""
    import pyarrow as pa

    indices = pa.array(positions.astype(np.int32), mask=positions < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def times(ts: Ints, missing: npt.NDArray[np.bool_] | None = None) -> Any:
    """UTC nanoseconds as timestamps, null where ``missing``."""
    import pyarrow as pa

    return pa.array(ts.astype("datetime64[ns]"), pa.timestamp("ns", "UTC"), mask=missing)


def write_tables(parts: Iterable[Table], path: Path) -> None:
    """Write tables of one schema as one file, with all pinned that could change its bytes."""
    parts = iter(parts)
    first = next(parts)
    with _writer(first.schema, path) as writer:
        for table in chain([first], parts):
            writer.write_table(table, row_group_size=1 << 20)


def _writer(schema: Any, path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = list(schema)
    reals = [f.name for f in fields if pa.types.is_floating(f.type)]
    named = [f.name for f in fields if pa.types.is_dictionary(f.type)]
    return pq.ParquetWriter(
        path,
        schema.remove_metadata(),
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=named,
        # Bytes of equal weight stand together: prices shrink to half of what zstd alone reaches.
        use_byte_stream_split=reals,
    )


def read_table(path: Path) -> Table:
    """Read one table; raises RunError where it is no Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{path}: cannot be read as Parquet: {first}") from None


def column(table: Table, name: str, path: Path) -> Any:
    """Column as one array; raises RunError naming what the file lacks."""
    if name not in table.column_names:
        raise RunError(
            f"{path}: has no column {name!r}, found {', '.join(table.column_names)}; "
            "the file is damaged or of another version: run the config again"
        )
    return table[name].combine_chunks()


def floats(table: Table, name: str, path: Path) -> npt.NDArray[np.float64]:
    """Numeric column as float64."""
    return np.array(column(table, name, path).to_numpy(zero_copy_only=False), np.float64)


def bars_of(table: Table, path: Path, ts: Ints) -> Ints:
    """Row in the panel of each ``ts``; raises RunError for a time that is no bar of the run."""
    import pyarrow as pa

    wanted = np.asarray(column(table, "ts", path).cast(pa.int64()))
    rows = np.searchsorted(ts, wanted).clip(0, max(len(ts) - 1, 0))
    if len(wanted) and not (len(ts) and np.array_equal(ts[rows], wanted)):
        raise RunError(f"{path}: holds a time that equity.parquet does not; run the config again")
    return rows.astype(np.int64)


def codes(table: Table, name: str, path: Path, names: Sequence[str]) -> Ints:
    """Word column as positions in ``names``, -1 for null; RunError for a word not among them."""
    values = column(table, name, path).dictionary_encode()
    known = {word: i for i, word in enumerate(names)}
    said = values.dictionary.to_pylist()
    used = np.asarray(values.indices.fill_null(len(said)), dtype=np.int64)
    strange = [said[i] for i in np.unique(used) if i < len(said) and said[i] not in known]
    if strange:
        raise RunError(f"{path}: {name} {strange[0]!r} is unknown; the file belongs elsewhere")
    lookup = np.array([*(known.get(word, -1) for word in said), -1], np.int64)
    return lookup[used]


def read_records(path: Path, dtype: np.dtype[Any], symbols: Sequence[str]) -> Records:
    """Record array of ``dtype`` from a table written by this module."""
    table = read_table(path)
    rows = np.zeros(table.num_rows, dtype)
    for name in dtype.names or ():
        if name == "symbol":
            rows[name] = codes(table, name, path, symbols)
        elif name in WORDS:
            rows[name] = codes(table, name, path, _names(WORDS[name]))
        else:
            rows[name] = column(table, name, path).to_numpy(zero_copy_only=False)
    return rows


RECORDS: Mapping[str, np.dtype[Any]] = {
    "orders": ORDER,
    "fills": FILL,
    "events": EVENT,
    "trades": TRADE,
}
