"""What candle tables are written with in tests: bars at one price, wishes, free terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.markets import EXECUTORS, Candle
from tradewind.engine.costs import costs
from tradewind.engine.executors.state import PLAIN_EXECUTION, Account, Terms
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import Panel
from tradewind.engine.series import Series, constant
from tradewind.engine.sizing import fixed_weight
from tradewind.engine.types import Action, Intent, OrderType


def flat(price: float) -> Candle:
    """Bar at one price."""
    return (price, price, price, price)


def buy(qty: float, kind: OrderType = OrderType.MARKET, symbol: int = 0, **wish: Any) -> Intent:
    """An order for ``qty`` units."""
    return Intent(symbol, action=Action.ORDER, qty=qty, order_type=kind, **wish)


def sell(qty: float, kind: OrderType = OrderType.MARKET, symbol: int = 0, **wish: Any) -> Intent:
    """An order for ``-qty`` units."""
    return buy(-qty, kind, symbol, **wish)


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


on_both = pytest.mark.parametrize("executor", EXECUTORS)
