"""Orders and situations for tests of the gate: short to write, plain to read."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.risk.facts import Asked, Situation
from tradewind.engine.risk.gate import Gate
from tradewind.engine.types import OrderType

SYMBOLS = ("AA", "BB", "CC")
NAN = float("nan")
S = 1_000_000_000
NOON = 1_700_000_000 * S
MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING = (
    OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT,
    OrderType.TRAILING_STOP,
)  # fmt: skip


def gate(**limits: Any) -> Gate:
    """Gate in front of AA, BB and CC."""
    return Gate(RiskConfig(**limits), SYMBOLS)


def order(
    number: int,
    qty: float,
    symbol: str = "AA",
    *,
    limit: float = NAN,
    stop: float = NAN,
    reduce_only: bool = False,
    parent: int = -1,
    oco: int = 0,
    kind: OrderType | None = None,
) -> Asked:
    """Order whose type follows from the prices that it has."""
    if kind is None:
        kind = (MARKET, LIMIT, STOP, STOP_LIMIT)[(limit == limit) + 2 * (stop == stop)]
    return Asked(
        number, SYMBOLS.index(symbol) if symbol in SYMBOLS else -1, qty, kind, limit, stop,
        reduce_only, parent, f"run-{number}", oco,
    )  # fmt: skip


def seen(
    held: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    equity: float = 1_000.0,
    price: Sequence[float] = (10.0, 10.0, 10.0),
    working: Sequence[Asked] = (),
    at: float = 0.0,
    day: int = 1,
    tick: Sequence[float] = (0.0, 0.0, 0.0),
    quote: Sequence[float] | None = None,
) -> Situation:
    """What is known ``at`` seconds after noon; ``tick`` in the same seconds, NaN = never."""
    quoted = [0 if t != t else NOON + int(t * S) for t in tick]
    return Situation(
        NOON + int(at * S), day, equity, np.array(held, float), np.array(price, float),
        np.array(quoted, np.int64), list(working),
        None if quote is None else np.array(quote, float),
    )  # fmt: skip


def refused(one: Gate, asked: Sequence[Asked], **situation: Any) -> dict[int, str]:
    """Number of each refused order -> rule."""
    held = situation.pop("held", (0.0, 0.0, 0.0))
    return {no.number: no.rule for no in one.check(asked, seen(held, **situation))}
