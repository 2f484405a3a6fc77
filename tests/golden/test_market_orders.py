"""Candle tables: bars, what is wished at their close, and the fills one can check by eye."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.markets import EXECUTORS, NO_BAR, Candle, candles, terms, trade
from tradewind.engine.types import Reason

_ = np.nan  # nothing wished


def flat(price: float) -> Candle:
    """Bar at one price."""
    return (price, price, price, price)


@dataclass(frozen=True)
class Case:
    """One rule: bars of symbol A (and B), wishes per bar, and what must be filled."""

    says: str
    bars: list[list[Candle]]
    wishes: list[Any]
    fills: list[tuple[str, int, float, float]]  # symbol, bar, qty, price
    given: dict[str, Any] = field(default_factory=dict)
    reasons: list[Reason] | None = None
    volume: Any = 1e6
    equity: float | None = None


ONE = [flat(100.0), flat(110.0), flat(120.0), flat(130.0)]

VOLATILE = [flat(100.0), flat(110.0), flat(100.0), flat(100.0)]
CASES = [
    Case(
        "a decision at the close fills at the next open",
        [[flat(100.0), (110.0, 112.0, 108.0, 111.0), flat(120.0)]],
        [0.5, _, _],
        [("A", 1, 5.0, 110.0)],  # 0.5 x 1,000 / 100 units, sized at the close of bar 0
        equity=1_000.0 + 5.0 * 10.0,
    ),
    Case(
        "half the 20 bps spread stands against us on both sides",
        [ONE],
        [0.5, _, 0.0, _],
        [("A", 1, 5.0, 110.11), ("A", 3, -5.0, 129.87)],
        {"spread_bps": 20.0},
        equity=1_000.0 - 5.0 * 110.11 + 5.0 * 129.87,
    ),
    Case(
        "slippage comes on top of the spread and is not hidden by a flat bar",
        [ONE],
        [0.5, _, _, _],
        [("A", 1, 5.0, 110.0 * 1.001 * 1.01)],
        {"spread_bps": 20.0, "slippage_bps": 100.0},
    ),
    Case(
        "the fee is charged on the traded value of each side",
        [ONE],
        [0.5, _, 0.0, _],
        [("A", 1, 5.0, 110.0), ("A", 3, -5.0, 130.0)],
        {"fee_bps": 100.0},
        equity=1_000.0 + 5.0 * 20.0 - 5.5 - 6.5,
    ),
    Case(
        "an order decided on the last bar never fills",
        [ONE],
        [_, _, _, 1.0],
        [],
        reasons=[Reason.END_OF_DATA],
        equity=1_000.0,
    ),
    Case(
        "a purchase that cannot be paid for is scaled to what can",
        [[flat(100.0), flat(125.0)]],
        [1.0, _],
        [("A", 1, 8.0, 125.0)],  # asked for 10, cash buys 8
        reasons=[Reason.PARTLY_FILLED],
    ),
    Case(
        "or refused, where the account says so",
        [[flat(100.0), flat(125.0)]],
        [1.0, _],
        [],
        {"reject": True},
        reasons=[Reason.REJECTED_CASH],
    ),
    Case(
        "the fee is part of what must be paid for",
        [[flat(100.0), flat(100.0)]],
        [1.0, _],
        [("A", 1, 1_000.0 / 101.0, 100.0)],
        {"fee_bps": 100.0},
        reasons=[Reason.PARTLY_FILLED],
    ),
    Case(
        "a leverage of 2 holds twice the equity and owes the rest",
        [[flat(100.0), flat(100.0), flat(90.0)]],
        [2.0, _, _],
        [("A", 1, 20.0, 100.0)],
        {"max_leverage": 2.0},
        equity=800.0,
    ),
    Case(
        "a short earns when the price falls",
        [[flat(100.0), flat(100.0), flat(90.0)]],
        [-0.5, _, _],
        [("A", 1, -5.0, 100.0)],
        equity=1_050.0,
    ),
    Case(
        "a short pays borrow for the days since the last bar, on its value at the last close",
        [[flat(100.0), flat(100.0), flat(100.0)]],
        [-0.5, _, _],
        [("A", 1, -5.0, 100.0)],
        {"borrow_annual": 0.365},
        equity=1_000.0 - 500.0 * 0.365 / 365.0,
    ),
    Case(
        "a reversal closes first and opens the other side with a second order",
        [[flat(100.0), flat(100.0), flat(100.0)]],
        [0.5, -0.5, _],
        [("A", 1, 5.0, 100.0), ("A", 2, -5.0, 100.0), ("A", 2, -5.0, 100.0)],
        reasons=[Reason.FILLED, Reason.FILLED, Reason.FILLED],
    ),
    Case(
        "reductions come before increases, because they free cash",
        [[flat(100.0)] * 3, [flat(100.0)] * 3],
        [[_, 1.0], [1.0, 0.0], [_, _]],
        [("B", 1, 10.0, 100.0), ("B", 2, -10.0, 100.0), ("A", 2, 10.0, 100.0)],
    ),
    Case(
        "a symbol without a bar waits for its next one",
        [[flat(100.0), NO_BAR, flat(105.0)], [flat(10.0)] * 3],
        [[0.5, _], [_, _], [_, _]],
        [("A", 2, 5.0, 105.0)],
    ),
    Case(
        "a bar in which nobody traded fills nothing",
        [ONE],
        [0.5, _, _, _],
        [("A", 2, 5.0, 120.0)],
        volume=[[1.0, 0.0, 1.0, 1.0]],
    ),
    Case(
        "a newer decision replaces an order that still waits",
        [[flat(100.0), NO_BAR, flat(100.0), flat(100.0)], [flat(10.0)] * 4],
        [[0.5, _], [0.2, _], [_, _], [_, _]],
        [("A", 2, 2.0, 100.0)],
        reasons=[Reason.CANCELLED_REBALANCE, Reason.FILLED],
    ),
    Case(
        "a delisted symbol leaves at its last close, without spread or fee",
        [[flat(100.0), flat(100.0), flat(80.0), NO_BAR], [flat(10.0)] * 4],
        [[0.5, _], [_, _], [_, _], [_, _]],
        [("A", 1, 5.0, 100.0), ("A", 2, -5.0, 80.0)],
        {"delisting_return": 0.0},
        reasons=[Reason.FILLED, Reason.DELISTED],
        equity=900.0,
    ),
    Case(
        "and loses the delisting return on the way",
        [[flat(100.0), flat(100.0), flat(80.0), NO_BAR], [flat(10.0)] * 4],
        [[0.5, _], [_, _], [_, _], [_, _]],
        [("A", 1, 5.0, 100.0), ("A", 2, -5.0, 40.0)],
        {"delisting_return": -0.5},
        equity=700.0,
    ),
    Case(
        "nothing can be bought of a symbol that is gone",
        [[flat(100.0), NO_BAR, NO_BAR], [flat(10.0)] * 3],
        [[_, _], [0.5, _], [_, _]],
        [],
        reasons=[Reason.DELISTED],
    ),
    Case(
        "whole shares are rounded toward zero",
        [[flat(300.0), flat(300.0)]],
        [-1.0, _],
        [("A", 1, -3.0, 300.0)],
        {"lot": 1.0},
    ),
    Case(
        "an order below the minimum is not sent, unless it closes the position",
        [[flat(100.0)] * 4],
        [0.5, 0.52, 0.0, _],
        [("A", 1, 5.0, 100.0), ("A", 3, -5.0, 100.0)],
        {"min_notional": 100.0},
        reasons=[Reason.FILLED, Reason.REJECTED_MINIMUM, Reason.FILLED],
    ),
    Case(
        "a reversal to the same size may close, but not open what is below the minimum",
        [[flat(100.0), flat(100.0), flat(50.0), flat(50.0)]],
        [0.5, _, -0.34, _],
        [("A", 1, 5.0, 100.0), ("A", 3, -5.0, 50.0)],
        {"min_notional": 300.0, "lot": 1.0},
        reasons=[Reason.FILLED, Reason.FILLED, Reason.REJECTED_MINIMUM],
    ),
    Case(
        "a wish for a halted symbol is sized with the volatility known before the halt",
        [[*VOLATILE, NO_BAR, flat(100.0)], [flat(10.0)] * 6],
        [[_, _], [_, _], [_, _], [_, _], [1.0, _], [_, _]],
        [("A", 5, 10.0, 100.0)],
        {"vol_target": 10.0, "lookback": 2, "max_weight": 1.0},
        reasons=[Reason.FILLED],
    ),
    Case(
        "a weight is capped where the sizing says so",
        [[flat(100.0), flat(100.0)]],
        [1.0, _],
        [("A", 1, 2.5, 100.0)],
        {"max_weight": 0.25},
    ),
    Case(
        "a volatility target without a volatility is no position",
        [[flat(100.0)] * 3],
        [1.0, _, _],
        [],
        {"vol_target": 0.01},
        reasons=[Reason.REJECTED_SIZING],
    ),
]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_rule(case: Case, executor: str) -> None:
    panel = candles(*case.bars, volume=case.volume)
    found = trade(executor, panel, case.wishes, terms(panel, **case.given))
    fills = [(panel.symbols[f["symbol"]], int(f["bar"]), f["qty"], f["price"]) for f in found.fills]
    assert [fill[:2] for fill in fills] == [fill[:2] for fill in case.fills]
    np.testing.assert_allclose(
        [fill[2:] for fill in fills], [fill[2:] for fill in case.fills], rtol=1e-12
    )
    if case.reasons is not None:
        assert [Reason(int(order["reason"])) for order in found.orders] == case.reasons
    if case.equity is not None:
        assert found.equity[-1] == pytest.approx(case.equity, rel=1e-12)
