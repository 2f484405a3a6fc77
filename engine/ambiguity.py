"""What the bars whose path nobody knows could have changed: a run at its worst and at its best.

Section 5 of docs/broker-rules.md says which bars are ambiguous; docs/metrics.md says what each
number means.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.books.round_trips import round_trips
from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats, Panel, Records, Simulation
from tradewind.engine.scoring.metrics import growth
from tradewind.engine.types import Happening

SAME = 1e-9  # relative: prices of one trade in two runs
FIGURES = ("final_equity", "total_return", "sharpe")

Again = Callable[[bool], Simulation]
"""Trades a run once more, with every ambiguous bar gone the best way (True) or the worst."""


class Bounds(NamedTuple):
    """Account value at each close had every ambiguous bar gone one way, shape (n_bars,)."""

    worst: Floats
    best: Floats


def ambiguous_bars(events: Records) -> int:
    """Bars of one symbol in which the path would have decided what was filled."""
    found = events[events["kind"] == Happening.AMBIGUOUS]
    return len(np.unique(np.stack([found["bar"], found["symbol"]]), axis=1).T)


def measured(
    worst: Simulation, best: Simulation, panel: Panel, first_bar: int, bars_per_year: float
) -> dict[str, Any]:
    """Compare a run at its worst with the same at its best.

    Returns
    -------
    dict
        ``trades_decided``: closed trades that begin alike in both and end otherwise;
        ``trades_changed``: closed trades of the worst that the best does not hold as they are, what
        followed from a decided one included; ``worst`` and ``best``: final equity, total return
        and Sharpe ratio. Plain JSON.
    """
    decided, changed = 0, 0
    if worst is not best:
        trades = [round_trips(run.fills, panel, run.events) for run in (worst, best)]
        decided, changed = differences(*trades)
    found = {
        "trades_decided": decided,
        "trades_changed": changed,
        "worst": _figures(worst, first_bar, bars_per_year),
        "best": _figures(best, first_bar, bars_per_year),
    }
    return jsonable(found)  # type: ignore[no-any-return]


def differences(worst: Records, best: Records) -> tuple[int, int]:
    """(closed trades that begin alike and end otherwise, all closed ones of ``worst`` that differ).

    Parameters
    ----------
    worst, best : ndarray of TRADE
        A symbol has at most one trade that begins on a bar in one direction and is held beyond it;
        of those that do not last longer than their bar the order tells them apart.
    """
    theirs: dict[tuple[int, int, bool, int], Any] = _begun(best)
    decided = changed = 0
    for key, trade in _begun(worst).items():
        if trade["exit_bar"] < 0:
            continue
        other = theirs.get(key)
        if other is None or not _alike(trade["entry_price"], other["entry_price"]):
            changed += 1
        elif trade["exit_bar"] != other["exit_bar"] or not _alike(
            trade["exit_price"], other["exit_price"]
        ):
            decided += 1
            changed += 1
    return decided, changed


def _begun(trades: Records) -> dict[tuple[int, int, bool, int], Any]:
    """Trades by symbol, bar and direction of their entry, and their number among such."""
    found: dict[tuple[int, int, bool, int], Any] = {}
    for trade in trades:
        begun = int(trade["symbol"]), int(trade["entry_bar"]), bool(trade["qty"] > 0.0)
        number = 0
        while (*begun, number) in found:
            number += 1
        found[(*begun, number)] = trade
    return found


def _alike(a: float, b: float) -> bool:
    return bool(abs(a - b) <= SAME * max(abs(a), abs(b)))


def _figures(run: Simulation, first_bar: int, bars_per_year: float) -> dict[str, Any]:
    numbers = growth(run.equity[first_bar:], bars_per_year)
    return {name: numbers[name] for name in FIGURES}
