"""Where a live run departed from its backtest, in money, split by cause.

Both are valued at the same last closes: equity is the cash that was begun with, less what was paid,
plus what is held. Orders of both are matched by symbol, side and the close they were decided at.
With q, p and b the units, mean price and bar of an order's fills, C the last close and m the open
of a bar, each in the backtest's data unless marked live::

    units   sum of (q_live - q)(C - p) over matched orders, q(C - p) of those that only one has
    data    units, but for those of interventions, and q_live (C_live - C)
    timing  q_live (m[b] - m[b_live]), where both filled on different bars
    price   q_live (p - p_live), less what timing explains
    fee     fees and carry of the backtest less those of the run
    intervention  units that follow from what people and the risk gate did
                  (:mod:`tradewind.engine.live.causes`)

The parts add up to the difference of the equities but for dividends, splits and rates of exchange,
which stand apart as ``other``.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.live.causes import DATA, Causes, Key
from tradewind.engine.live.intervening import Interventions
from tradewind.engine.records import Floats, Panel, Records


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
    interventions : Interventions
        None in a backtest.
    """

    panel: Panel
    orders: Records
    fills: Records
    happenings: Records
    equity: float
    cash: float
    interventions: Interventions = Interventions()


@dataclass(frozen=True, slots=True)
class Parts:
    """Difference by cause, account currency; positive where the live run has more."""

    data: float = 0.0
    timing: float = 0.0
    price: float = 0.0
    fee: float = 0.0
    intervention: float = 0.0

    def plus(self, other: "Parts") -> "Parts":
        """Sum of two."""
        return Parts(*(a + b for a, b in zip(self.values, other.values, strict=True)))

    @property
    def values(self) -> tuple[float, ...]:
        """The parts, in their order."""
        return self.data, self.timing, self.price, self.fee, self.intervention

    @property
    def total(self) -> float:
        """Their sum."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Followed:
    """What followed from one kind of intervention.

    Attributes
    ----------
    what : str
        As ``flatten by page`` or ``refused: max_weight``.
    difference : float
        Account currency.
    orders : int
        Orders that only one has, or with other units.
    """

    what: str
    difference: float
    orders: int


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
    interventions : tuple of Followed
        What the part of that name is made of, the largest first.
    matched, only_live, only_backtest : int
        Orders that filled.
    """

    difference: float
    parts: Parts
    other: float
    by_symbol: Mapping[str, Parts]
    interventions: tuple[Followed, ...]
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
    ends = _last(live.panel), _last(backtest.panel)
    parts, followed = [Parts() for _ in range(n)], dict[str, Followed]()
    rows = {int(ts): t for t, ts in enumerate(backtest.panel.ts)}
    causes = Causes(live, backtest.panel)
    for key in sorted(ours.keys() | theirs.keys()):
        k, one, other = key[1], ours.get(key), theirs.get(key)
        cause = causes.of(key, one.qty if one else 0.0, other.qty if other else 0.0)
        units = _of_units(one, other, ends[1][k])
        if cause != DATA and units:
            was = followed.get(cause, Followed(cause, 0.0, 0))
            followed[cause] = Followed(cause, was.difference + units, was.orders + 1)
            parts[k] = parts[k].plus(Parts(intervention=units))
        else:
            parts[k] = parts[k].plus(Parts(data=units))
        if one is not None:
            parts[k] = parts[k].plus(Parts(data=float(one.qty * (ends[0][k] - ends[1][k]))))
        if one is not None and other is not None:
            parts[k] = parts[k].plus(_of_fills(one, other, backtest.panel.open[:, k], rows))
    fees = _fees(live, n), _fees(backtest, n)
    parts = [one.plus(Parts(fee=float(fees[1][k] - fees[0][k]))) for k, one in enumerate(parts)]
    return _summed(live, backtest, parts, followed.values(), (ours.keys(), theirs.keys()))


def _summed(
    live: Books,
    backtest: Books,
    parts: Sequence[Parts],
    followed: Collection[Followed],
    keys: tuple[Set[Key], Set[Key]],
) -> Departure:
    """Departure whose symbols have these parts."""
    whole = Parts(fee=_carry(live) - _carry(backtest))
    for one in parts:
        whole = whole.plus(one)
    difference = (live.equity - live.cash) - (backtest.equity - backtest.cash)
    named = {
        name: one for name, one in zip(live.panel.symbols, parts, strict=True) if any(one.values)
    }
    ours, theirs = keys
    return Departure(
        difference, whole, difference - whole.total, named,
        tuple(sorted(followed, key=lambda one: -abs(one.difference))),
        len(ours & theirs), len(ours - theirs), len(theirs - ours),
    )  # fmt: skip


def _of_units(ours: _Filled | None, theirs: _Filled | None, then: float) -> float:
    """Difference that other units of an order make, at the backtest's prices where it has them."""
    if theirs is None:
        assert ours is not None  # one of the two has it
        return float(ours.qty * (then - ours.price))
    more = (ours.qty if ours else 0.0) - theirs.qty
    return float(more * (then - theirs.price))


def _of_fills(
    ours: _Filled, theirs: _Filled, opens: Floats, rows: Mapping[int, int]
) -> Parts:  # fmt: skip
    """Difference that other bars and prices of an order's fills make."""
    slipped = ours.qty * (theirs.price - ours.price)
    timing, at = 0.0, rows.get(ours.ts)
    if ours.ts != theirs.ts and at is not None:
        shift = ours.qty * (opens[theirs.bar] - opens[at])
        timing = float(shift) if np.isfinite(shift) else 0.0
    return Parts(timing=timing, price=float(slipped - timing))


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
