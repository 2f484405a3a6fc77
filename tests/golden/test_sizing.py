"""Candle tables of the sizing: what is wished, what is filled, and which cap is said to have cut.

An account of 1,000, prices around 100, nothing costs anything; both executors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np
import pytest

from tests.golden.tables import Asks, flat, plain_terms
from tests.markets import EXECUTORS, Candle, candles
from tradewind.engine.series import Series, series
from tradewind.engine.sizing import KELLY, NOTIONAL, PARITY, RISK, UNITS
from tradewind.engine.types import Action, Cut, Happening, Intent, OrderType, Reason

A, B, C = 0, 1, 2
LEVEL = [flat(100.0)] * 6


@dataclass(frozen=True)
class Case:
    """One rule."""

    says: str
    lines: Mapping[int, Sequence[Intent]]
    fills: Sequence[tuple[int, int, float]]  # bar, symbol, units
    given: Mapping[str, Any] = field(default_factory=dict)  # fields of the terms
    cuts: Sequence[tuple[int, int, Cut]] = ()  # bar, symbol, cap
    ends: Sequence[Reason] | None = None
    bars: Sequence[Sequence[Candle]] = (LEVEL,)


def hold(symbol: int, strength: float, **more: Any) -> Intent:
    return Intent(symbol, strength, **more)


def send(symbol: int, qty: float = nan, strength: float = 0.0, **more: Any) -> Intent:
    return Intent(symbol, strength, Action.ORDER, qty, **more)


def by_symbol(*values: float) -> Series:
    return series(values, 6, len(values), "test")


TWO, THREE = (LEVEL, LEVEL), (LEVEL, LEVEL, LEVEL)
FALL = [flat(100.0), flat(100.0), flat(85.0), flat(85.0), flat(85.0), flat(85.0)]
PAIR = {"group": np.array([0, 0, -1]), "max_group": 0.7}

CASES = [
    Case("a weight is a part of equity", {0: [hold(A, 0.5)]}, [(1, A, 5.0)]),
    Case(
        "units are units",
        {0: [hold(A, -1.0)]},
        [(1, A, -3.0)],
        {"kind": UNITS, "full": 3.0},
    ),
    Case(
        "a notional buys what it buys at the close of the decision",
        {0: [hold(A, 1.0)]},
        [(1, A, 2.5)],
        {"kind": NOTIONAL, "full": 250.0},
        bars=[[flat(100.0), flat(110.0), flat(110.0)]],
    ),
    Case(
        "one percent of 1,000 is lost at a stop ten away",
        {0: [hold(A, 1.0, stop_loss=90.0)]},
        [(1, A, 1.0)],
        {"kind": RISK, "full": 0.01, "distance": 0.05},
    ),
    Case(
        "the stop of an order at a limit is measured from the limit",
        {0: [send(A, strength=1.0, order_type=OrderType.LIMIT, limit=100.0, stop_loss=95.0)]},
        [(1, A, 2.0)],
        {"kind": RISK, "full": 0.01},
    ),
    Case(
        "else from what a buyer sees: with a spread of 2 % an ask of 101",
        {0: [hold(A, 1.0, stop_loss=91.0)]},
        [(1, A, 1.0)],
        {"kind": RISK, "full": 0.01, "half_spread": 0.01},
    ),
    Case(
        "of half a strength the whole spread is seen: half of the units",
        {0: [hold(A, 0.5, stop_loss=91.0, take_profit=103.0)]},
        [(1, A, 0.5)],
        {"kind": RISK, "full": 0.01, "half_spread": 0.01},
    ),
    Case(
        "protection is judged from the price of one unit, however many are bought",
        {0: [hold(A, 1.0, stop_loss=91.0, take_profit=103.0)]},
        [(1, A, 20.0)],
        {"kind": UNITS, "full": 20.0, "half_spread": 0.01},
    ),
    Case(
        "a trail is a distance as well",
        {0: [hold(A, -1.0, stop_trail=4.0)]},
        [(1, A, -2.5)],
        {"kind": RISK, "full": 0.01},
    ),
    Case(
        "and so is a trail that is a fraction",
        {0: [hold(A, 1.0, stop_trail_fraction=0.04)]},
        [(1, A, 2.5)],
        {"kind": RISK, "full": 0.01},
    ),
    Case(
        "without a stop the estimate stands in, 5 % of the close",
        {0: [hold(A, 1.0)]},
        [(1, A, 2.0)],
        {"kind": RISK, "full": 0.01, "distance": 0.05},
    ),
    Case(
        "with neither there is no number",
        {0: [hold(A, 1.0)]},
        [],
        {"kind": RISK, "full": 0.01},
        ends=[Reason.REJECTED_SIZING],
    ),
    Case(
        "a third of the volatility gets three times the weight, together the budget",
        {0: [hold(A, 1.0), hold(B, 1.0)]},
        [(1, A, 6.0), (1, B, 2.0)],
        {"kind": PARITY, "full": 0.8, "vol": by_symbol(0.01, 0.03)},
        bars=TWO,
    ),
    Case(
        "what is held and not named has its share of the budget, and stays as it is",
        {0: [hold(A, 1.0)], 2: [hold(B, 1.0)]},
        [(1, A, 8.0), (3, B, 2.0)],
        {"kind": PARITY, "full": 0.8, "vol": by_symbol(0.01, 0.03)},
        bars=TWO,
    ),
    Case(
        "what is let go has none",
        {0: [hold(A, 1.0)], 2: [hold(B, 1.0), hold(A, 0.0)]},
        [(1, A, 8.0), (3, A, -8.0), (3, B, 8.0)],
        {"kind": PARITY, "full": 0.8, "vol": by_symbol(0.01, 0.03)},
        bars=TWO,
    ),
    Case(
        "an order by strength takes part in the sharing",
        {0: [send(A, strength=1.0)]},
        [(1, A, 8.0)],
        {"kind": PARITY, "full": 0.8, "vol": by_symbol(0.01)},
    ),
    Case(
        "the forecast gives the size, the strategy the direction",
        {0: [hold(A, 1.0), hold(B, -1.0)]},
        [(1, A, 4.0), (1, B, -3.0)],
        {"kind": KELLY, "full": by_symbol(0.4, -0.3)},
        bars=TWO,
    ),
    Case(
        "a target against the forecast is flat",
        {0: [send(A, 2.0)], 2: [hold(A, -1.0)]},
        [(1, A, 2.0), (3, A, -2.0)],
        {"kind": KELLY, "full": 0.4},
    ),
    Case(
        "the cap per name",
        {0: [hold(A, 1.0)]},
        [(1, A, 6.0)],
        {"max_weight": 0.6},
        [(0, A, Cut.NAME)],
    ),
    Case(
        "a position that grew beyond the cap per name is sold down when it is named",
        {0: [hold(A, 1.0)], 2: [hold(A, 1.0)]},
        [(1, A, 6.0), (3, A, -1.8)],  # equity 400 + 6 x 400, of which 60 % are 4.2 units
        {"kind": UNITS, "full": 6.0, "max_weight": 0.6},
        [(2, A, Cut.NAME)],
        bars=[[flat(100.0), flat(100.0), flat(400.0), flat(400.0)]],
    ),
    Case(
        "the cap per group, in the order of the wishes; who is in no group has none",
        {0: [hold(B, 0.5), hold(A, 0.5), hold(C, 0.9)]},
        [(1, B, 5.0), (1, A, 2.0), (1, C, 9.0)],
        PAIR,
        [(0, A, Cut.GROUP)],
        bars=THREE,
    ),
    Case(
        "the cap on the gross counts shorts",
        {0: [hold(A, -0.5), hold(B, 0.5)]},
        [(1, A, -5.0), (1, B, 3.0)],
        {"max_gross": 0.8},
        [(0, B, Cut.GROSS)],
        bars=TWO,
    ),
    Case(
        "what is let go makes room at once, wherever it is named",
        {0: [hold(A, 0.8)], 2: [hold(B, 0.8), hold(A, 0.0)]},
        [(1, A, 8.0), (3, A, -8.0), (3, B, 8.0)],
        {"max_gross": 0.8},
        bars=TWO,
    ),
    Case(
        "a full book leaves nothing",
        {0: [hold(A, 0.8)], 2: [hold(B, 0.5)]},
        [(1, A, 8.0)],
        {"max_gross": 0.8},
        [(2, B, Cut.GROSS)],
        ends=[Reason.FILLED, Reason.REJECTED_CAP],
        bars=TWO,
    ),
    Case(
        "a cap on the sum sells nothing that is held",
        {0: [hold(A, 0.4), hold(B, 0.4)], 2: [hold(A, 0.7)]},
        [(1, A, 4.0), (1, B, 4.0)],
        {"max_gross": 0.8},
        [(2, A, Cut.GROSS)],
        bars=TWO,
    ),
    Case(
        "one addition and no second",
        {0: [hold(A, 0.2)], 1: [hold(A, 0.4)], 2: [hold(A, 0.6)], 3: [hold(A, 0.1)]},
        [(1, A, 2.0), (2, A, 2.0), (4, A, -3.0)],
        {"max_adds": 1},
        [(2, A, Cut.PYRAMIDING)],
    ),
    Case(
        "a new position may be added to again",
        {0: [hold(A, 0.2)], 1: [hold(A, 0.4)], 2: [hold(A, -0.2)], 3: [hold(A, -0.4)]},
        [(1, A, 2.0), (2, A, 2.0), (3, A, -4.0), (3, A, -2.0), (4, A, -2.0)],
        {"max_adds": 1},
    ),
    Case(
        "a drawdown of 15 % leaves half of the strength",
        {0: [hold(A, 1.0)], 2: [hold(A, 1.0)]},
        [(1, A, 10.0), (3, A, -5.0)],
        {"throttle_from": 0.1, "throttle_to": 0.2},
        [(2, A, Cut.DRAWDOWN)],
        bars=[FALL],
    ),
    Case(
        "an order against the position is not throttled",
        {0: [hold(A, 1.0)], 2: [send(A, strength=-0.4)]},
        [(1, A, 10.0), (3, A, -4.0)],
        {"throttle_from": 0.1, "throttle_to": 0.2},
        bars=[FALL],
    ),
    Case(
        "an order for units is capped where it adds",
        {0: [send(A, 8.0)]},
        [(1, A, 5.0)],
        {"max_weight": 0.5},
        [(0, A, Cut.NAME)],
    ),
    Case(
        "and not where it reduces",
        {0: [hold(A, 0.8)], 2: [send(A, -1.0)]},
        [(1, A, 8.0), (3, A, -1.0)],
        {"max_gross": 0.8, "max_adds": 0},
    ),
    Case(
        "orders of one decision count as if those before them were filled",
        {0: [send(A, 4.0), send(A, 4.0), send(B, 4.0)]},
        [(1, A, 4.0), (1, A, 1.0), (1, B, 2.0)],
        {"max_weight": 0.5, "max_gross": 0.7},
        [(0, A, Cut.NAME), (0, B, Cut.GROSS)],
        bars=TWO,
    ),
    Case(
        "what a cap leaves is rounded to the lot",
        {0: [hold(A, 1.0)]},
        [(1, A, 5.0)],
        {"max_weight": 0.59, "lot": 1.0},
        [(0, A, Cut.NAME)],
    ),
]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_what_is_wished_is_sized_and_capped(case: Case, executor: str) -> None:
    panel = candles(*case.bars)
    given = plain_terms(panel, **case.given)
    found = EXECUTORS[executor](Asks(case.lines), None, panel, given, start=0)
    fills = [(int(f["bar"]), int(f["symbol"]), float(f["qty"])) for f in found.fills]
    assert [fill[:2] for fill in fills] == [want[:2] for want in case.fills]
    np.testing.assert_allclose([f[2] for f in fills], [w[2] for w in case.fills], rtol=1e-12)
    events = found.events[found.events["kind"] == Happening.CUT]
    cuts = [(int(e["bar"]), int(e["symbol"]), Cut(int(e["amount"]))) for e in events]
    assert cuts == list(case.cuts)
    if case.ends is not None:
        assert [Reason(int(order["reason"])) for order in found.orders] == list(case.ends)
