"""Messages whose schema has drifted: a field that is missing, renamed, or of another type."""

import time
from collections.abc import Sequence
from typing import Any

VARINT, EIGHT_BYTES = 0, 1  # how protobuf writes a field
UNKNOWN_FIELD = b"\xfa\x3f\x03new"  # number 1023


def bent_fields(message: dict[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The message without each of these fields, with it under another name, and of other types."""
    found = []
    for name in names:
        rest = {key: value for key, value in message.items() if key != name}
        found += [rest, rest | {f"{name}2": message[name]}]
        found += [rest | {name: other} for other in ({"value": 1}, [1], None, "much")]
    return found


def bent_pricing(symbol: str) -> list[bytes]:
    """Yahoo's protobuf without name, price or time, with it elsewhere, and written otherwise."""
    from yfinance.pricing_pb2 import PricingData

    found = []
    given: dict[str, Any] = {"id": symbol, "price": 50.0, "time": time.time_ns() // 1_000_000}
    for name in given:
        rest = {key: value for key, value in given.items() if key != name}
        bare = PricingData(**rest).SerializeToString()
        number = PricingData.DESCRIPTOR.fields_by_name[name].number
        other = EIGHT_BYTES if name == "time" else VARINT  # where neither is expected
        strange = bytes([number << 3 | other, 5]) + other * bytes(7)
        found += [bare, bare + UNKNOWN_FIELD, bare + strange]
    return found
