"""Where a live run departed from its backtest, in money, split by cause.

Both are valued at the same last closes: equity is the cash that was begun with, less what was paid,
plus what is held. Orders of both are matched by symbol, side and the close they were decided at.
With q, p and b the units, mean price and bar of an order's fills, C the last close and m the open
of a bar, each in the backtest's data unless marked live::

    data    sum of (q_live - q)(C - p) over matched orders, q(C - p) of those that only one has,
            and q_live (C_live - C)
    timing  q_live (m[b] - m[b_live]), where both filled on different bars
    price   q_live (p - p_live), less what timing explains
    fee     fees and carry of the backtest less those of the run

The four add up to the difference of the equities but for dividends, splits and rates of exchange,
which stand apart as ``other``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.records import Floats, Panel, Records

Key = tuple[int, int, int]


class Books(NamedTuple):
    """What one side saw and did.

    Attributes
    ----------
    panel : Panel
    orders, fills, happenings : record arrays
    equity : float
        At the last close compared.
    cash : float
        At the start.
    """

    panel: Panel
    orders: Records
    fills: Records
    happenings: Records
    equity: float
    cash: float


@dataclass(frozen=True, slots=True)
class Parts:
    """Difference by cause, account currency; positive where the live run has more."""

    data: float = 0.0
    timing: float = 0.0
    price: float = 0.0
    fee: float = 0.0

    def plus(self, other: "Parts") -> "Parts":
        """Sum of two."""
        return Parts(*(a + b for a, b in zip(self.values, other.values, strict=True)))

    @property
    def values(self) -> tuple[float, float, float, float]:
        """The four parts."""
        return self.data, self.timing, self.price, self.fee

    @property
    def total(self) -> float:
        """Their sum."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Departure:
    """What a comparison found.

    Attributes
    ----------
    difference : float
        Equity of the run less that of the backtest.
    parts : Parts
    other : float
        What the parts do not explain.
    by_symbol : mapping of str to Parts
    matched, only_live, only_backtest : int
        Orders that filled.
    """

    difference: float
    parts: Parts
    other: float
    by_symbol: Mapping[str, Parts]
    matched: int
    only_live: int
    only_backtest: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class _Filled(NamedTuple):
    """Fills of one order together."""

    qty: float
    price: float
    bar: int
    ts: int


def departure(live: Books, backtest: Books) -> Departure:
    """Compare a run with its backtest.

    Parameters
    ----------
    live, backtest : Books
        Of the same symbols; bars of both end with the same close.
    """
    ours, theirs = _by_order(live), _by_order(backtest)
    n = live.panel.n_symbols
    now, then = _last(live.panel), _last(backtest.panel)
    parts = [Parts() for _ in range(n)]
    rows = {int(ts): t for t, ts in enumerate(backtest.panel.ts)}
    for key in ours.keys() | theirs.keys():
        k = key[1]
        parts[k] = parts[k].plus(
            _of_order(ours.get(key), theirs.get(key), now[k], then[k], backtest.panel.open[:, k],
                      rows)
        )  # fmt: skip
    fees = _fees(live, n), _fees(backtest, n)
    parts = [one.plus(Parts(fee=float(fees[1][k] - fees[0][k]))) for k, one in enumerate(parts)]
    whole = Parts()
    for one in parts:
        whole = whole.plus(one)
    carried = _carry(live) - _carry(backtest)
    whole = whole.plus(Parts(fee=carried))
    difference = (live.equity - live.cash) - (backtest.equity - backtest.cash)
    named = {
        name: one for name, one in zip(live.panel.symbols, parts, strict=True) if any(one.values)
    }
    return Departure(
        difference, whole, difference - whole.total, named, len(ours.keys() & theirs.keys()),
        len(ours.keys() - theirs.keys()), len(theirs.keys() - ours.keys()),
    )  # fmt: skip


def _of_order(
    ours: _Filled | None,
    theirs: _Filled | None,
    now: float,
    then: float,
    opens: Floats,
    rows: Mapping[int, int],
) -> Parts:
    """Difference that one order of one or both makes."""
    if ours is None:
        assert theirs is not None  # one of the two has it
        return Parts(data=-theirs.qty * (then - theirs.price))
    moved = ours.qty * (now - then)
    if theirs is None:
        return Parts(data=ours.qty * (then - ours.price) + moved)
    data = (ours.qty - theirs.qty) * (then - theirs.price) + moved
    slipped = ours.qty * (theirs.price - ours.price)
    timing, at = 0.0, rows.get(ours.ts)
    if ours.ts != theirs.ts and at is not None:
        shift = ours.qty * (opens[theirs.bar] - opens[at])
        timing = float(shift) if np.isfinite(shift) else 0.0
    return Parts(data=float(data), timing=timing, price=float(slipped - timing))


def _by_order(books: Books) -> dict[Key, _Filled]:
    """Fills by (close of the decision, symbol, side)."""
    found: dict[Key, list[Any]] = {}
    decided = {int(order["id"]): int(order["bar"]) for order in books.orders}
    ts = books.panel.ts
    for fill in books.fills:
        asked = int(ts[decided.get(int(fill["order"]), int(fill["bar"]))])
        key = asked, int(fill["symbol"]), 1 if fill["qty"] > 0.0 else -1
        found.setdefault(key, []).append(fill)
    return {key: _together(fills, ts) for key, fills in found.items()}


def _together(fills: list[Any], ts: Any) -> _Filled:
    qty = float(sum(fill["qty"] for fill in fills))
    paid = float(sum(fill["qty"] * fill["price"] * fill["fx"] for fill in fills))
    bar = int(fills[0]["bar"])
    return _Filled(qty, paid / qty, bar, int(ts[bar]))


def _last(panel: Panel) -> Floats:
    """Last close of each symbol; 0 for one that never traded."""
    found = np.zeros(panel.n_symbols)
    for k in range(panel.n_symbols):
        traded = panel.close[~np.isnan(panel.close[:, k]), k]
        found[k] = traded[-1] if traded.size else 0.0
    return found


def _fees(books: Books, n: int) -> Floats:
    fees = np.zeros(n)
    np.add.at(fees, books.fills["symbol"], books.fills["fee"])
    return fees


def _carry(books: Books) -> float:
    """Borrow and interest, positive where they were earned."""
    from tradewind.engine.types import Happening

    kinds = (int(Happening.BORROW), int(Happening.INTEREST))
    mine = np.isin(books.happenings["kind"], kinds)
    return float(books.happenings["amount"][mine].sum())
