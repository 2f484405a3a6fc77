"""What a strategy may not ask is an error on both executors, and names the bar."""

from typing import Any

import numpy as np
import pytest

from tests.golden.tables import Asks, on_both, plain_terms
from tests.markets import EXECUTORS, candles
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.state import market_of
from tradewind.engine.types import Action, Intent

FAULTS: dict[str, list[Any]] = {
    "a weight that is not a number": [Intent(0, np.nan)],
    "an endless weight": [Intent(0, np.inf)],
    "endless units": [Intent(0, action=Action.ORDER, qty=np.inf)],
    "a column that is not there": [Intent(2, 0.5)],
    "a column before the first": [Intent(-1, 0.5)],
    "an unknown order type": [Intent(0, 0.5, order_type=6)],  # type: ignore[arg-type]
    "an unknown action": [Intent(0, 0.5, action=4)],  # type: ignore[arg-type]
    "an unknown time in force": [Intent(0, 0.5, tif=5)],  # type: ignore[arg-type]
    "two targets for one symbol": [Intent(0, 0.5), Intent(1, 0.5), Intent(0, 0.2)],
    "more wishes than there is room for": [Intent(0, action=Action.ORDER, qty=1.0)] * 100,
}


@on_both
@pytest.mark.parametrize("wishes", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_strategy_is_an_error(wishes: list[Any], executor: str) -> None:
    panel = candles([(100.0, 100.0, 100.0, 100.0)] * 5, [(100.0, 100.0, 100.0, 100.0)] * 5)
    simulate = EXECUTORS[executor]
    with pytest.raises(StrategyError, match=r"Asks: at bar 3"):
        simulate(
            Asks({3: wishes}), None, panel, plain_terms(panel), start=0, market=market_of(panel)
        )
