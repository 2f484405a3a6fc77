"""What the store keeps of one symbol: bars as they were traded, and the events beside them.

Parquet in memory: a file is hashed as the bytes that reach the disk, and read from bytes already
verified.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.feeds.arrow import coded, floats, ints
from tradewind.engine.records import FIELDS, Floats, Ints

Names = npt.NDArray[np.str_]

DIVIDEND, SPLIT, CAPITAL_GAIN = "dividend", "split", "capital_gain"
KINDS = (DIVIDEND, SPLIT, CAPITAL_GAIN)


@dataclass(frozen=True, slots=True)
class Prices:
    """Bars, oldest first, one of each time.

    Attributes
    ----------
    ts : ndarray of int64, shape (n_rows,)
        UTC nanoseconds: midnight of the day for daily bars, else the close of the bar.
    values : ndarray of float64, shape (n_rows, 5)
        Open, high, low, close in the currency of the listing; volume in shares.
    """

    ts: Ints
    values: Floats

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.ts)

    def take(self, rows: Any) -> "Prices":
        """Return the bars that an index, a mask or a slice names."""
        return Prices(self.ts[rows], self.values[rows])


@dataclass(frozen=True, slots=True)
class Events:
    """Dividends, splits and capital gains, oldest first.

    Attributes
    ----------
    ts : ndarray of int64, shape (n_events,)
        UTC nanoseconds at which the day begins from which the share trades without the payment, or
        in new units: midnight UTC beside daily bars, else midnight of the exchange.
    kind : ndarray of str, shape (n_events,)
        One of :data:`KINDS`.
    value : ndarray of float64, shape (n_events,)
        Currency per share, or new shares per old share.
    """

    ts: Ints
    kind: Names
    value: Floats

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.ts)

    def take(self, rows: Any) -> "Events":
        """Return the events that an index, a mask or a slice names."""
        return Events(self.ts[rows], self.kind[rows], self.value[rows])

    def of(self, *kinds: str) -> "Events":
        """Return the events of these kinds."""
        return self.take(np.isin(self.kind, kinds))


@dataclass(frozen=True, slots=True)
class Series:
    """Everything kept of one symbol at one interval."""

    prices: Prices
    events: Events


def no_prices() -> Prices:
    """Return no bars."""
    return Prices(np.empty(0, np.int64), np.empty((0, len(FIELDS))))


def no_events() -> Events:
    """Return no events."""
    return Events(np.empty(0, np.int64), np.empty(0, "U12"), np.empty(0))


def join_prices(first: Prices, second: Prices) -> Prices:
    """Merge two sets of bars by time; where both have one, the first set's is kept."""
    new = second.take(~np.isin(second.ts, first.ts))
    ts = np.concatenate((first.ts, new.ts))
    order = np.argsort(ts, kind="stable")
    return Prices(ts[order], np.concatenate((first.values, new.values))[order])


def join_events(first: Events, second: Events) -> Events:
    """Merge two sets of events by time and kind; where both have one, the first set's is kept."""
    known = set(event_keys(first))
    new = second.take(np.array([key not in known for key in event_keys(second)], dtype=bool))
    ts = np.concatenate((first.ts, new.ts))
    kind = np.concatenate((first.kind, new.kind))
    order = np.lexsort((kind, ts))
    return Events(ts[order], kind[order], np.concatenate((first.value, new.value))[order])


def event_keys(events: Events) -> list[tuple[int, str]]:
    """Return what identifies each event: its time and kind."""
    return [(int(ts), str(kind)) for ts, kind in zip(events.ts, events.kind, strict=True)]


def encode_prices(prices: Prices) -> bytes:
    """Write bars as the bytes of a Parquet file."""
    columns = dict(zip(FIELDS, prices.values.T, strict=True))
    return _encode({"ts": prices.ts, **columns})


def encode_events(events: Events) -> bytes:
    """Write events as the bytes of a Parquet file."""
    return _encode({"ts": events.ts, "kind": events.kind, "value": events.value})


def decode_prices(content: bytes) -> Prices:
    """Read what :func:`encode_prices` wrote."""
    table = _decode(content)
    return Prices(ints(table["ts"]), np.column_stack([floats(table[name]) for name in FIELDS]))


def decode_events(content: bytes) -> Events:
    """Read what :func:`encode_events` wrote."""
    table = _decode(content)
    names, codes = coded(table["kind"])
    kind = np.array(names, dtype="U12")[codes]
    return Events(ints(table["ts"]), kind, floats(table["value"]))


def _encode(columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    arrays = {name: pa.array(np.ascontiguousarray(array)) for name, array in columns.items()}
    pq.write_table(pa.table(arrays), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _decode(content: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # read_table would import pandas, by way of pyarrow's data sets
    return pq.ParquetFile(pa.BufferReader(content)).read()
