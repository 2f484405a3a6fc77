"""Random markets, terms and wishes for both executors: everything the rule book knows, mixed.

The strategy is one plain rule over a table made beforehand, so that it is compiled once. It names
orders through the book alone: a number in the table says which of those that work is meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tests.parity.random_markets import random_market, random_terms
from tradewind.engine.executors.state import ASLEEP, Market, Terms
from tradewind.engine.intents import (
    CANCEL,
    INTENT,
    IntentRows,
)
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.engine.types import Action, Intent, OrderType, TimeInForce
from tradewind.strategies.deciding import decide_by


class Table(NamedTuple):
    """Wishes made beforehand."""

    rows: IntentRows  # (n_bars, most) INTENT
    written: Ints  # (n_bars,)


class NoParams(NamedTuple):
    """A table has nothing to vary."""

    unused: float = 0.0


PLAIN = NoParams()


def rule(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """Write the wishes of this bar; a cancel or replace picks from what works for its symbol."""
    n = 0
    for i in range(inputs.written[bar]):
        intents[n] = inputs.rows[bar, i]
        row = intents[n]
        if row["action"] >= CANCEL and row["order"] >= 0:
            found, there = -1, 0
            for j in range(book.n_working[0]):
                order = book.orders[book.working[j]]
                if order["symbol"] == row["symbol"] and order["triggered"] != ASLEEP:
                    if there <= row["order"]:
                        found = book.working[j]
                    there += 1
            if found < 0:
                continue
            old = book.orders[found]
            row["order"] = found
            # factors in the table; NaN where the type has no such price
            row["limit"] *= old["limit"]
            row["stop"] *= old["stop"]
            row["trail"] *= old["trail"]
            row["trail_fraction"] *= old["trail_fraction"]
            row["qty"] *= 1.0 if old["qty"] > 0.0 else -1.0
        n += 1
    return n


@dataclass(frozen=True)
class Tabled:
    """The strategy of :func:`rule`, compiled by the simulator, run as it stands by Cerebro."""

    warmup: int = 1
    params: NoParams = PLAIN

    @property
    def rule(self) -> Any:
        """The decision."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> Table:
        """Nothing: the table is handed over."""
        raise NotImplementedError

    def decide(self, view: View) -> Sequence[Intent]:
        """Run the rule as plain Python; rows become facts."""
        return decide_by(rule, self.params, view)


class Run(NamedTuple):
    """One random run."""

    panel: Panel
    market: Market
    terms: Terms
    table: Table


def random_run(seed: int) -> Run:
    """Everything of the run with this number."""
    rng = np.random.default_rng(seed)
    n_symbols = int(rng.choice([1, 1, 2, 3, 5, 8]))
    panel, market = random_market(rng, int(rng.integers(20, 60)), n_symbols)
    terms = random_terms(rng, panel, market)
    return Run(panel, market, terms, random_table(rng, panel))


def random_table(rng: np.random.Generator, panel: Panel) -> Table:
    """Wishes of all kinds on about half of the bars."""
    most = 5
    rows = np.zeros((panel.n_bars, most), INTENT)
    count = np.zeros(panel.n_bars, np.int64)
    close = _last_close(panel.close)
    taste = rng.dirichlet([1.0, 2.0, 0.3, 0.5])  # of targets, orders, cancels, replacements
    for t in range(panel.n_bars):
        if rng.random() < 0.45:
            continue
        targets: set[int] = set()
        for _ in range(int(rng.integers(1, most + 1))):
            k, action = int(rng.integers(panel.n_symbols)), int(rng.choice(4, p=taste))
            if action == Action.TARGET and k in targets:
                action = Action.ORDER
            if action == Action.TARGET:
                targets.add(k)
            row = _blank(k, action)
            if action == Action.REPLACE:
                _replacement(rng, row)
            elif action == Action.CANCEL:
                row["order"] = rng.choice([-1, 0, 1, 2])
            elif not _wish(rng, row, panel, t, float(close[t, k])):
                continue
            rows[t, count[t]] = row
            count[t] += 1
    return Table(rows, count)


def _last_close(close: Floats) -> Floats:
    rows = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    return np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)


def _blank(k: int, action: int) -> Any:
    plain = Intent(k, action=Action(action))
    return np.array([tuple(getattr(plain, name) for name in INTENT.names or ())], INTENT)[0]


def _replacement(rng: np.random.Generator, row: Any) -> None:
    row["order"] = rng.integers(0, 3)
    for name in ("limit", "stop", "trail", "trail_fraction"):
        if rng.random() < 0.6:
            row[name] = rng.choice([0.99, 0.998, 1.002, 1.01])
    if rng.random() < 0.4:
        row["qty"] = rng.choice([10.0, 100.0, 333.3])


def _wish(rng: np.random.Generator, row: Any, panel: Panel, t: int, close: float) -> bool:
    """Fill in a target or an order; False where there is no price to think about yet."""
    gone = 0 <= panel.ends[row["symbol"]] <= t
    if not close > 0.0 or (gone and rng.random() < 0.9):
        return False
    if row["action"] == Action.TARGET or rng.random() < 0.3:
        row["weight"] = rng.choice([-1.0, -0.5, -0.2, 0.0, 0.2, 0.3, 0.6, 1.0])
        side = np.sign(row["weight"])
    else:
        row["qty"] = rng.choice([-1.0, 1.0]) * rng.choice([1.0, 10.0, 77.7, 300.0, 1000.0, 9000.0])
        side = np.sign(row["qty"])
        row["reduce_only"] = int(rng.random() < 0.15)
    if row["action"] == Action.ORDER or rng.random() < 0.2:
        _type(rng, row, side, close)
        row["oco"] = rng.choice([0, 0, 0, 1, 2, 3])
    row["tif"] = rng.choice(5, p=[0.55, 0.12, 0.11, 0.11, 0.11])
    if row["tif"] == TimeInForce.BARS:
        row["until"] = rng.integers(1, 6)
    elif row["tif"] == TimeInForce.GTD:
        row["until"] = panel.ts[min(t + int(rng.integers(0, 6)), panel.n_bars - 1)]
    if rng.random() < 0.45:
        _protect(rng, row, side, close)
    return True


def _type(rng: np.random.Generator, row: Any, side: float, close: float) -> None:
    kind = rng.choice(6)
    row["order_type"] = kind
    near = rng.choice([0.0, 0.002, 0.005, 0.01, 0.02])
    wrong = -1.0 if rng.random() < 0.06 else 1.0
    if kind == OrderType.LIMIT:
        row["limit"] = close * (1.0 - side * near * rng.choice([1.0, 1.0, 1.0, -1.0]))
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
        row["stop"] = close * (1.0 + wrong * side * max(near, 0.004))
    if kind == OrderType.STOP_LIMIT:
        row["limit"] = row["stop"] * (1.0 + side * rng.choice([-0.006, -0.002, 0.0, 0.002, 0.01]))
    if kind == OrderType.TRAILING_STOP:
        _trail(rng, row, "trail", "trail_fraction", close, wrong)
    if rng.random() < 0.01:
        row["limit"] = row["stop"] = np.nan


def _trail(
    rng: np.random.Generator, row: Any, units: str, fraction: str, close: float, sign: float
) -> None:
    distance = sign * rng.choice([0.002, 0.005, 0.01, 0.03])
    if rng.random() < 0.5:
        row[units] = distance * close
    else:
        row[fraction] = distance


def _protect(rng: np.random.Generator, row: Any, side: float, close: float) -> None:
    """A stop, a target or both, around the entry's own price or the close."""
    own = [row[name] for name in ("stop", "limit") if row[name] == row[name]]
    entry = own[0] if own else close
    wrong = -1.0 if rng.random() < 0.03 else 1.0
    which = rng.random()
    if which < 0.75:
        if rng.random() < 0.3:
            _trail(rng, row, "stop_trail", "stop_trail_fraction", close, wrong)
        else:
            row["stop_loss"] = entry * (1.0 - wrong * side * rng.choice([0.004, 0.008, 0.02, 0.05]))
    if which > 0.25:
        row["take_profit"] = entry * (1.0 + wrong * side * rng.choice([0.004, 0.008, 0.02, 0.05]))
