"""What the sizing knows of a symbol that has no bar at the decision."""

import numpy as np
import pytest

from tests.markets import EXECUTORS, NO_BAR, Candle, candles, terms, trade
from tradewind.engine.types import Reason


def flat(price: float) -> Candle:
    return (price, price, price, price)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_halted_symbol_is_sized_with_the_volatility_known_before_the_halt(executor: str) -> None:
    before = [flat(100.0), flat(110.0), flat(100.0), flat(100.0)]
    panel = candles([*before, NO_BAR, flat(100.0)], [flat(10.0)] * 6)
    wishes = np.full(panel.shape, np.nan)
    wishes[4, 0] = 1.0
    given = terms(panel, vol_target=10.0, lookback=2, max_weight=1.0)
    found = trade(executor, panel, wishes, given)
    assert found.fills[["bar", "qty", "price"]].tolist() == [(5, 10.0, 100.0)]
    assert found.orders["reason"].tolist() == [Reason.FILLED]
