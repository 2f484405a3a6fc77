"""A rule as a candle table: bars, what is asked at their close, and the fills one can check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.markets import EXECUTORS, Candle, candles
from tradewind.engine.costs import costs
from tradewind.engine.executors.state import PLAIN_EXECUTION, Account, Market, Terms, market_of
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import Panel, Simulation
from tradewind.engine.series import Series, constant
from tradewind.engine.sizing import fixed_weight
from tradewind.engine.types import Action, Happening, Intent, OrderType, Reason

LIMIT, STOP, STOP_LIMIT = OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT
TRAILING_STOP, ON_CLOSE = OrderType.TRAILING_STOP, OrderType.MARKET_ON_CLOSE
STARTED = (100.0, 100.0, 100.0, 100.0)  # the bar of the first decision


def flat(price: float) -> Candle:
    """Bar at one price."""
    return (price, price, price, price)


def buy(qty: float, kind: OrderType = OrderType.MARKET, symbol: int = 0, **wish: Any) -> Intent:
    """An order for ``qty`` units."""
    return Intent(symbol, action=Action.ORDER, qty=qty, order_type=kind, **wish)


def sell(qty: float, kind: OrderType = OrderType.MARKET, symbol: int = 0, **wish: Any) -> Intent:
    """An order for ``-qty`` units."""
    return buy(-qty, kind, symbol, **wish)


def target(weight: float, symbol: int = 0, **wish: Any) -> Intent:
    """A weight to hold."""
    return Intent(symbol, weight, **wish)


@dataclass(frozen=True)
class Asks:
    """A strategy that asks what a table says."""

    table: Mapping[int, Sequence[Intent]]
    warmup: int = 1

    def prepare(self, panel: Panel, signals: Signals) -> None:
        """Nothing is needed."""
        del panel, signals

    def decide(self, view: View) -> Sequence[Intent]:
        """This bar's wishes."""
        return self.table.get(view.bar, ())


@dataclass(frozen=True)
class Case:
    """One rule."""

    says: str
    bars: list[Candle] | list[list[Candle]]
    asks: Mapping[int, Sequence[Intent]]
    fills: list[tuple[float, ...]]  # bar, qty, price; a symbol may come fourth
    reasons: list[Reason] | None = None
    events: list[tuple[Happening, int, float]] | None = None  # kind, bar, amount
    given: Mapping[str, Any] = field(default_factory=dict)
    market: Mapping[str, Any] = field(default_factory=dict)
    volume: Any = 1e6
    equity: float | None = None
    fees: list[float] | None = None


def plain_terms(panel: Panel, **changes: Any) -> Terms:
    """Everything free, cash 1,000 and leverage 10, but for what is changed by field name."""
    everything = Terms(
        costs(0.0, 0.0, 0.0, 0.0),
        fixed_weight(1.0, panel.n_symbols, max_weight=10.0),
        Account(1_000.0, 10.0, False, 0.0, False, 0.0, np.ones(panel.n_symbols, bool)),
        PLAIN_EXECUTION,
    )
    for name, value in changes.items():
        for part in Terms._fields:
            block = getattr(everything, part)
            if name in block._fields:
                old = getattr(block, name)
                new = (
                    constant(value)
                    if isinstance(old, Series) and isinstance(value, float)
                    else value
                )
                everything = everything._replace(**{part: block._replace(**{name: new})})
                break
        else:
            raise KeyError(name)
    return everything


def traded(case: Case, executor: str) -> Simulation:
    """Run a case."""
    columns = case.bars if isinstance(case.bars[0], list) else [case.bars]
    panel = candles(*columns, volume=case.volume)
    market: Market = market_of(panel)._replace(**case.market)
    given = plain_terms(panel, **case.given)
    return EXECUTORS[executor](Asks(case.asks), None, panel, given, start=0, market=market)


def check(case: Case, executor: str) -> None:
    """Compare what was filled with what the table says."""
    found = traded(case, executor)
    told = [(f["bar"], f["qty"], f["price"], f["symbol"]) for f in found.fills]
    wanted = [(*fill, 0)[:4] for fill in case.fills]
    np.testing.assert_allclose(
        np.array(told, float).reshape(-1, 4), np.array(wanted, float).reshape(-1, 4), rtol=1e-12
    )
    if case.reasons is not None:
        assert [Reason(int(order["reason"])) for order in found.orders] == case.reasons
    if case.events is not None:
        events = [(Happening(int(e["kind"])), int(e["bar"]), e["amount"]) for e in found.events]
        assert [event[:2] for event in events] == [event[:2] for event in case.events]
        amounts = [event[2] for event in case.events]
        np.testing.assert_allclose([event[2] for event in events], amounts, rtol=1e-12)
    if case.fees is not None:
        np.testing.assert_allclose(found.fills["fee"], case.fees, rtol=1e-12, atol=1e-12)
    if case.equity is not None:
        assert found.equity[-1] == pytest.approx(case.equity, rel=1e-12)


def by_case(cases: list[Case]) -> pytest.MarkDecorator:
    """A test of every case, by the sentence it says."""
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.says)


on_both = pytest.mark.parametrize("executor", EXECUTORS)
