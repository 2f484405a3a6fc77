"""Tests of the strategy, small enough to check by eye: python -m pytest runs them."""

import numpy as np
from strategy import Momentum

from tradewind.engine.protocols import Book, Signals, View
from tradewind.engine.records import DAY_NS, Panel

RISING = [100.0, 101.0, 103.0, 106.0, 110.0]
FALLING = [100.0, 99.0, 97.0, 94.0, 90.0]


def panel_of(closes: list[list[float]]) -> Panel:
    """Build a daily panel whose bars are flat at the given closes, one list a symbol."""
    close = np.array(closes, np.float64).T
    ts = (np.arange(len(close)) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(close.shape[1]))
    return Panel(names, ts, close, close, close, close, np.ones_like(close))


def wishes(strategy: Momentum, panel: Panel, bar: int, qty: list[float]) -> list[tuple[int, float]]:
    """Ask the strategy at the close of ``bar``; one (symbol, weight) per wish."""
    inputs = strategy.prepare(panel, Signals())
    view = View(bar, inputs, Book(np.array(qty, np.float64), np.array([100_000.0])))
    return [(intent.symbol, intent.weight) for intent in strategy.decide(view)]


def test_it_buys_what_has_risen_and_sells_what_has_fallen() -> None:
    panel = panel_of([RISING, FALLING])
    strategy = Momentum(lookback=2, buffer=0.01)
    assert wishes(strategy, panel, 4, [0.0, 50.0]) == [(0, 1.0), (1, 0.0)]


def test_it_stays_as_it_is_while_nothing_changes() -> None:
    panel = panel_of([RISING, FALLING])
    strategy = Momentum(lookback=2, buffer=0.01)
    assert wishes(strategy, panel, 4, [50.0, 0.0]) == []


def test_it_asks_for_nothing_before_its_warm_up() -> None:
    panel = panel_of([RISING])
    strategy = Momentum(lookback=3)
    assert strategy.warmup == 4
    assert wishes(strategy, panel, 2, [0.0]) == []


def test_what_it_knows_does_not_depend_on_later_bars() -> None:
    strategy = Momentum(lookback=2)
    whole = strategy.prepare(panel_of([RISING, FALLING]), Signals())
    cut = strategy.prepare(panel_of([RISING[:4], FALLING[:4]]), Signals())
    np.testing.assert_array_equal(whole.momentum[:4], cut.momentum)
