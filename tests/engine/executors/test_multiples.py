"""A run at multiples of its spread equals the runs of configs with such spreads."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from tests.known_spreads import bars_of_trades, panel_of
from tradewind.engine import trading
from tradewind.engine.books.break_even import break_even
from tradewind.engine.executors import multiples, reference
from tradewind.engine.executors.interpreted import interpreted
from tradewind.engine.executors.multiples import Task, around_mids, at_multiples
from tradewind.engine.executors.state import Terms, market_of
from tradewind.engine.pipeline import Diary
from tradewind.engine.protocols import Signals, Strategy, View
from tradewind.engine.quotes import QUOTES
from tradewind.engine.records import Panel
from tradewind.engine.scoring.metrics import growth
from tradewind.engine.series import constant
from tradewind.engine.trading import Traded
from tradewind.engine.types import Intent
from tradewind.strategies.sma_cross import SmaCross

START, YEAR = 30, 252.0
CROSS = SmaCross(fast=3, slow=12, short=True)


def market(n_bars: int = 300) -> Panel:
    rng = np.random.default_rng(3)
    return panel_of(*(bars_of_trades(rng, n_bars, 0.0) for _ in range(3)))


def terms(panel: Panel, spread_bps: float) -> Terms:
    from tests.markets import terms as plain_terms

    return plain_terms(panel, fee_bps=1.0, spread_bps=spread_bps, slippage_bps=1.0, weight=0.3)


def task(panel: Panel, spread_bps: float = 10.0, strategy: Strategy = CROSS) -> Task:
    inputs = strategy.prepare(panel, Signals())
    mids = around_mids(panel)
    return Task(strategy, inputs, mids, terms(panel, spread_bps), market_of(mids), START, YEAR)


def run(panel: Panel, spread_bps: float) -> dict[str, Any]:
    """Growth figures of a whole run with that spread."""
    inputs = CROSS.prepare(panel, Signals())
    found = reference.simulate(CROSS, inputs, panel, terms(panel, spread_bps), start=START)
    assert len(found.fills) > 50
    return growth(found.equity[START:], YEAR)


def test_each_multiple_is_the_run_with_that_spread() -> None:
    panel = market()
    simulate = at_multiples(task(panel))
    assert simulate is not None
    scales = np.array([0.0, 0.5, 1.0, 3.25, 5.0])
    found = simulate(scales)
    for i, scale in enumerate(scales):
        wanted = run(panel, 10.0 * float(scale))
        assert found.final_equity[i] == wanted["final_equity"]
        assert found.sharpe[i] == pytest.approx(wanted["sharpe"], rel=1e-9)
    assert (np.diff(found.final_equity) < 0).all()


def test_a_strategy_in_plain_python_has_the_same_curve() -> None:
    panel = market(120)
    ours, theirs = (at_multiples(task(panel, strategy=s)) for s in (CROSS, interpreted(CROSS)))
    assert ours is not None and theirs is not None
    assert break_even(ours) == break_even(theirs)


def test_a_long_run_in_plain_python_has_no_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = market(120)
    monkeypatch.setattr(multiples, "MAX_CALLED_BARS", 119)
    assert at_multiples(task(panel, strategy=interpreted(CROSS))) is None
    assert at_multiples(task(panel)) is not None


def test_without_a_spread_there_is_nothing_to_multiply() -> None:
    assert at_multiples(task(market(120), spread_bps=0.0)) is None


def test_quotes_are_traded_as_mids_with_the_spread_of_each_open() -> None:
    panel = market()
    half = {"ask": 1.0005, "bid": 0.9995}
    columns = {name: getattr(panel, name[4:]) * half[name[:3]] for name in QUOTES}
    quoted = replace(panel, columns={**columns, "mine": panel.close})
    mids = around_mids(quoted)
    assert list(mids.columns) == ["mine"]
    np.testing.assert_allclose(mids.open, panel.open)
    given = task(quoted)
    given = given._replace(
        terms=given.terms._replace(costs=given.terms.costs._replace(half_spread=constant(0.0005)))
    )
    simulate = at_multiples(given)
    assert simulate is not None
    inputs = CROSS.prepare(quoted, Signals())
    found = reference.simulate(CROSS, inputs, quoted, given.terms, start=START)
    assert simulate(np.ones(1)).final_equity[0] == pytest.approx(found.equity[-1], rel=1e-9)


@dataclass
class Failing:
    """Buys once, and fails where that cost more than it has patience for."""

    warmup: int = 1

    def prepare(self, panel: Panel, signals: Signals) -> None:
        return None

    def decide(self, view: View) -> list[Intent]:
        if view.book.equity[0] < 999.5:
            raise RuntimeError("too expensive")
        return [Intent(0, 0.5)] if view.bar == START else []


def test_a_strategy_that_fails_at_one_multiple_has_a_gap_there() -> None:
    flat = np.full(60, 10.0)
    simulate = at_multiples(task(panel_of((flat,) * 4), spread_bps=20.0, strategy=Failing()))
    assert simulate is not None
    found = simulate(np.array([0.0, 1.0, 5.0]))
    assert np.isfinite(found.final_equity[:2]).all()
    assert np.isnan(found.final_equity[2])
    assert np.isnan(found.sharpe[2])


class Counting(Failing):
    """Remembers in an attribute of its own how often it was asked: in no run but the first is it
    asked for the first time.
    """

    asked = 0

    def decide(self, view: View) -> list[Intent]:
        self.asked += 1
        return [Intent(0, 0.5)] if self.asked == 1 else []


def test_a_strategy_that_is_another_one_when_asked_again_has_no_curve() -> None:
    rng = np.random.default_rng(2)
    panel, diary = panel_of(bars_of_trades(rng, 60, 0.0)), Diary()
    strategy = Counting()
    given = task(panel, strategy=strategy)
    found = reference.simulate(strategy, None, given.panel, given.terms, start=START)
    assert trading.break_even_of(Traded(found, START, at_multiples(given)), diary) is None
    assert diary.events[0]["event"] == "no_break_even"
    steady = task(panel)
    found = reference.simulate(CROSS, steady.inputs, panel, steady.terms, start=START)
    assert trading.break_even_of(Traded(found, START, at_multiples(steady)), Diary()) is not None
