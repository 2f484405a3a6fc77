"""Arrays and plain facts as one text of bytes, the same bytes for the same content."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tradewind.engine.errors import JournalError

FACTS = "facts"


def packed(facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """Pack facts and arrays.

    Parameters
    ----------
    facts : mapping
        Plain JSON values.
    arrays : mapping of str to ndarray
        Of numbers or of records.
    """
    out = io.BytesIO()
    text = np.frombuffer(json.dumps(facts, sort_keys=True).encode(), np.uint8)
    np.savez(out, allow_pickle=False, **{FACTS: text}, **arrays)
    return out.getvalue()


def unpacked(blob: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """(facts, arrays) of what was packed.

    Raises
    ------
    JournalError
        If the bytes are not what :func:`packed` makes.
    """
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop(FACTS).tobytes())
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise JournalError(
            f"journal: a snapshot cannot be read ({error}); go on from an earlier one"
        ) from None
    return facts, arrays
