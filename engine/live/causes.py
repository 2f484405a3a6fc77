"""Which cause an order has that only a run or only its backtest has, or with other units.

What an intervention made, refused or withdrew is its own doing, and so is what a backtest decided
while the run was not asked. What follows is laid to the last cause there was: to the intervention
that moved the symbol apart, until both hold the same again; to the data, once any bar of the two
has other prices; where all bars are the same, to the last intervention anywhere, because the money
is no longer that of the backtest. Without any it is the data: forecasts may differ over equal bars.
"""

from math import inf
from typing import Any, Protocol

import numpy as np

from tradewind.engine.live.intervening import Interventions
from tradewind.engine.records import FIELDS, Panel, Records

Key = tuple[int, int, int]  # close of the decision, symbol, side
DATA = ""
SAME = 0.02  # of the larger: positions this near differ as the accounts do, not by what is held


class Live(Protocol):
    """What is looked at of a run."""

    @property
    def panel(self) -> Panel:
        """Its bars."""
        ...

    @property
    def orders(self) -> Records:
        """Its orders."""
        ...

    @property
    def interventions(self) -> Interventions:
        """What was done to it."""
        ...


class Causes:
    """Lays orders to causes, asked in the order of their keys.

    Parameters
    ----------
    live : Live
    then : Panel
        Bars of the backtest.
    """

    def __init__(self, live: Live, then: Panel) -> None:
        done, ts = live.interventions, live.panel.ts
        n = live.panel.n_symbols
        self._direct: dict[Key, str] = {}
        for order in live.orders:
            line = done.orders.get(int(order["id"]))
            if line and order["bar"] < len(ts):
                key = _key(int(ts[order["bar"]]), order)
                self._direct[key] = line
        self._silent = {int(ts[t]): line for t, line in done.silent.items() if t < len(ts)}
        names = {name: k for k, name in enumerate(live.panel.symbols)}
        self._delisted = [
            (int(ts[t]) if t >= 0 else 0, names[name], line)
            for t, name, line in done.delisted
            if t < len(ts)
        ]
        self._differs = first_difference(live.panel, then)
        self._held = np.zeros((n, 2))
        self._moved: list[str] = [DATA] * n
        self._last = DATA

    def of(self, key: Key, ours: float, theirs: float) -> str:
        """What the units of an order that differ are laid to; :data:`DATA`, or an intervention.

        Parameters
        ----------
        key : Key
            Not before the one that was asked before.
        ours, theirs : float
            Units filled.
        """
        ts, k, _ = key
        self._delist(ts)
        line = self._direct.get(key) or ("" if ours else self._silent.get(ts, ""))
        if line:
            self._moved[k] = self._last = line
        elif not self._moved[k] and ts < self._differs:
            line = self._last
        cause = line or self._moved[k]
        self._held[k] += ours, theirs
        one, other = self._held[k]
        if abs(one - other) <= SAME * max(abs(one), abs(other)):
            self._moved[k] = DATA
        return cause

    def _delist(self, ts: int) -> None:
        while self._delisted and self._delisted[0][0] <= ts:
            _, k, line = self._delisted.pop(0)
            self._moved[k] = self._last = line


def _key(ts: int, order: Any) -> Key:
    return ts, int(order["symbol"]), 1 if order["qty"] > 0.0 else -1


def first_difference(one: Panel, other: Panel) -> float:
    """Close of the first bar whose prices are not the same in both, or that one lacks; infinite."""
    begun = max(int(one.ts[0]), int(other.ts[0]))
    first, second = (int(np.searchsorted(panel.ts, begun)) for panel in (one, other))
    apart = np.setxor1d(one.ts[first:], other.ts[second:])
    found = min((int(ts) for ts in apart[:1]), default=inf)
    _, mine, its = np.intersect1d(one.ts[first:], other.ts[second:], return_indices=True)
    for name in FIELDS[:4]:
        a, b = getattr(one, name)[first + mine], getattr(other, name)[second + its]
        rows = np.flatnonzero(((a != b) & ~(np.isnan(a) & np.isnan(b))).any(axis=1))
        if len(rows):
            found = min(found, int(one.ts[first + mine[rows[0]]]))
    return found
