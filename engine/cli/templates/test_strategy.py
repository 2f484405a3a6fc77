"""Tests of the strategy, small enough to check by eye: python -m pytest runs them."""

from collections.abc import Sequence

import numpy as np
import pytest
from strategy import Momentum

from tradewind.contracts.strategy_contract import CHECKS, Check
from tradewind.engine.protocols import Book, Signals, View
from tradewind.engine.records import DAY_NS, ORDER, Panel, empty
from tradewind.engine.types import Intent

RISING = [100.0, 101.0, 103.0, 106.0, 110.0]
FALLING = [100.0, 99.0, 97.0, 94.0, 90.0]


def panel_of(closes: list[list[float]]) -> Panel:
    """Build a daily panel whose bars are flat at the given closes, one list a symbol."""
    close = np.array(closes, np.float64).T
    ts = (np.arange(len(close)) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(close.shape[1]))
    return Panel(names, ts, close, close, close, close, np.ones_like(close))


def book_of(qty: list[float], bought: float = 0.0) -> Book:
    """Build a book in which nothing works on the market."""
    held = np.array(qty, np.float64)
    nothing = np.zeros(1, np.int64)
    return Book(
        held, np.full(1, 1e5), np.zeros(len(qty)), empty(ORDER), nothing[:0], nothing,
        np.full((len(qty), 1), bought),
    )  # fmt: skip


def wishes(strategy: Momentum, panel: Panel, bar: int, book: Book) -> Sequence[Intent]:
    """Ask the strategy at the close of ``bar``."""
    inputs = strategy.prepare(panel, Signals())
    found: Sequence[Intent] = strategy.decide(View(bar, inputs, book))
    return found


def test_it_buys_what_has_risen_with_a_stop_and_a_target() -> None:
    strategy = Momentum(lookback=2, buffer=0.01, stop=0.1, profit=0.2)
    book = book_of([0.0])
    (wish,) = wishes(strategy, panel_of([RISING]), 4, book)
    assert (wish.symbol, wish.weight) == (0, 1.0)
    assert wish.stop_loss == pytest.approx(99.0)
    assert wish.take_profit == pytest.approx(132.0)
    assert wishes(strategy, panel_of([RISING]), 4, book) == [], "once per rise"


def test_it_sells_what_has_fallen() -> None:
    strategy = Momentum(lookback=2, buffer=0.01)
    (wish,) = wishes(strategy, panel_of([FALLING]), 4, book_of([50.0], bought=1.0))
    assert (wish.symbol, wish.weight) == (0, 0.0)


def test_it_stays_as_it_is_while_nothing_changes() -> None:
    strategy = Momentum(lookback=2, buffer=0.01)
    assert wishes(strategy, panel_of([RISING, FALLING]), 4, book_of([50.0, 0.0])) == []


def test_it_asks_for_nothing_before_its_warm_up() -> None:
    strategy = Momentum(lookback=3)
    assert strategy.warmup == 4
    assert wishes(strategy, panel_of([RISING]), 2, book_of([0.0])) == []


def test_what_it_knows_does_not_depend_on_later_bars() -> None:
    strategy = Momentum(lookback=2)
    whole = strategy.prepare(panel_of([RISING, FALLING]), Signals())
    cut = strategy.prepare(panel_of([RISING[:4], FALLING[:4]]), Signals())
    np.testing.assert_array_equal(whole.momentum[:4], cut.momentum)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_to_what_every_strategy_must(check: Check) -> None:
    check(lambda: Momentum(lookback=10))
