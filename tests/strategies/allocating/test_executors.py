"""The same portfolio in the kernel, interpreted and in Cerebro: fills to the cent."""

from typing import Any

import numpy as np
import pytest

from tests.strategies.allocating.portfolios import ranks, walks
from tradewind.engine.costs import costs
from tradewind.engine.executors import cerebro, reference, state
from tradewind.engine.executors.interpreted import interpreted
from tradewind.engine.records import Panel
from tradewind.engine.sizing import fixed_weight
from tradewind.strategies.allocation import Allocation

SECTORS = (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0)
FORMS: list[dict[str, Any]] = [
    {"method": "risk_parity", "band": 0.1, "band_of": "target", "trade_to": "edge"},
    {"method": "minimum_variance", "take": {"top": 0.5}, "cap": 0.4, "turnover": 0.3},
    {"method": "by_score", "side": "neutral", "take": {"top": 3, "bottom": 3}, "speed": 0.5},
    {"method": "mean_variance", "side": "long_short", "net": 0.4, "gross": 1.4, "sector_cap": 0.6},
    {"weights": {"A": 0.5, "D": -0.3}, "side": "long_short", "cost_bps": 20.0},
]


def terms(panel: Panel) -> state.Terms:
    return state.Terms(
        costs(1.0, 4.0, 1.0, 0.01),
        fixed_weight(1.0, panel.n_symbols, max_weight=1.0),
        state.Account(100_000.0, 2.0, False, 0.0, False, 0.0, np.ones(panel.n_symbols, np.bool_)),
        state.PLAIN_EXECUTION,
    )


@pytest.mark.parametrize("keys", FORMS, ids=range(len(FORMS)))
def test_executors_agree_on_every_fill(keys: dict[str, Any]) -> None:
    panel = walks(3, 140, len(SECTORS), SECTORS)  # gaps, a late start, an early end
    strategy = Allocation(lookback=30, rebalance="week", **keys)
    inputs = strategy.prepare(panel, ranks(panel))
    start = max(strategy.warmup - 1, 5)
    ours = reference.simulate(strategy, inputs, panel, terms(panel), start=start)
    assert len(ours.fills) > 5
    for other in (
        reference.simulate(interpreted(strategy), inputs, panel, terms(panel), start=start),
        cerebro.simulate(strategy, inputs, panel, terms(panel), start=start),
    ):
        assert len(other.fills) == len(ours.fills)
        for name in ("bar", "symbol"):
            np.testing.assert_array_equal(other.fills[name], ours.fills[name])
        for name in ("qty", "price", "fee"):
            np.testing.assert_allclose(other.fills[name], ours.fills[name], rtol=1e-9)
        np.testing.assert_allclose(other.equity, ours.equity, rtol=1e-9)
