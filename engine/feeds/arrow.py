"""Arrow columns as numpy arrays without pandas.

pyarrow imports pandas in ``to_numpy`` and whenever it makes a scalar of a Python value, which costs
a third of a second; the buffers below say the same.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.records import Bools, Floats, Ints


def floats(column: Any) -> Floats:
    """Numbers of any type as float64; NaN where there is none."""
    import pyarrow as pa

    whole = _whole(column.cast(pa.float64(), safe=False))
    values = _values(whole, np.float64)
    return np.where(_valid(whole), values, np.nan) if whole.null_count else values


def ints(column: Any) -> Ints:
    """Integers, dates or times without nulls as int64; raises pyarrow.ArrowInvalid on nulls."""
    import pyarrow as pa

    if column.null_count:
        raise pa.ArrowInvalid("a null has no integer value")
    whole = _whole(column)
    widths = {32: pa.int32(), 64: pa.int64()}
    if pa.types.is_temporal(whole.type):
        whole = whole.view(widths[whole.type.bit_width])
    return _values(whole.cast(pa.int64()), np.int64)


def bools(mask: Any) -> Bools:
    """Truth values; a null is false."""
    whole = _whole(mask)
    return _bits(whole.buffers()[1], whole) & _valid(whole)


def first(mask: Any) -> int:
    """Row of the first true value of a mask that has one."""
    return int(bools(mask).argmax())


def absent(column: Any) -> Bools:
    """Where a column of any type is null."""
    return ~_valid(_whole(column))


def blank(text: Any) -> Bools:
    """Where a column of text is empty or null."""
    import pyarrow.compute as pc

    return np.asarray((floats(pc.binary_length(text)) == 0) | absent(text))


def coded(column: Any) -> tuple[list[str], Ints]:
    """Distinct texts of a column without nulls, and for each row which of them it is."""
    import pyarrow as pa

    encoded = _whole(column).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):  # more text than one Arrow array can hold
        encoded = encoded.unify_dictionaries()
        codes = np.concatenate([ints(chunk.indices) for chunk in encoded.chunks])
        return encoded.chunk(0).dictionary.to_pylist(), codes
    return encoded.dictionary.to_pylist(), ints(encoded.indices)


def _whole(column: Any) -> Any:
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _values(whole: Any, kind: Any) -> npt.NDArray[Any]:
    """Content of an array of numbers; whatever stands in its nulls is meaningless."""
    buffer = whole.buffers()[1]
    if buffer is None or not len(whole):
        return np.zeros(len(whole), kind)
    return np.frombuffer(buffer, kind)[whole.offset : whole.offset + len(whole)]


def _valid(whole: Any) -> Bools:
    return _bits(whole.buffers()[0], whole) if whole.null_count else np.ones(len(whole), bool)


def _bits(buffer: Any, whole: Any) -> Bools:
    """One truth value a row from a bitmap; no bitmap means that there is no row."""
    if buffer is None:
        return np.zeros(len(whole), bool)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
    return np.asarray(bits[whole.offset : whole.offset + len(whole)].astype(bool))
