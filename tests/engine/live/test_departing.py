"""Where a run departed from its backtest: each cause alone has its own part, and all add up."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.live.departing import Books, departure
from tradewind.engine.records import EVENT, FILL, ORDER, Floats, Panel

OPEN = np.array([[10.0, 20.0], [11.0, 21.0], [12.0, 22.0], [13.0, 23.0], [14.0, 24.0]])
CLOSE = OPEN + 0.5
CASH = 10_000.0
Fill = tuple[int, int, float, float, float, int]  # decided, symbol, qty, price, fee, bar


def panel(close: Floats = CLOSE) -> Panel:
    """Five bars of two symbols."""
    return Panel(
        ("A", "B"), np.arange(1, 6, dtype=np.int64), OPEN, np.maximum(OPEN, close) + 1.0,
        np.minimum(OPEN, close) - 1.0, close, np.ones_like(close),
    )  # fmt: skip


def books(fills: list[Fill], bars: Panel | None = None, carry: float = 0.0) -> Books:
    """Books that these fills make; what is held is worth its last close."""
    bars = panel() if bars is None else bars
    orders, rows = np.zeros(len(fills), ORDER), np.zeros(len(fills), FILL)
    cash, held = CASH + carry, np.zeros(2)
    for n, (decided, k, qty, price, fee, bar) in enumerate(fills):
        orders[n]["id"], orders[n]["symbol"], orders[n]["bar"] = n, k, decided
        row: Any = rows[n]
        row["order"], row["symbol"], row["bar"], row["qty"] = n, k, bar, qty
        row["price"], row["fee"], row["fx"] = price, fee, 1.0
        cash -= qty * price + fee
        held[k] += qty
    events = np.zeros(1, EVENT)
    events[0] = (4, -1, 0, carry)
    return Books(bars, orders, rows, events, cash + float(held @ bars.close[-1]), CASH)


SAME: list[Fill] = [(0, 0, 10.0, 11.0, 1.0, 1), (1, 1, -5.0, 22.0, 1.0, 2)]


@pytest.mark.parametrize(
    ("live", "data", "timing", "price", "fee"),
    [
        (SAME, 0.0, 0.0, 0.0, 0.0),
        # filled a bar later at that bar's open: 10 units, 1 dearer
        ([(0, 0, 10.0, 12.0, 1.0, 2), SAME[1]], 0.0, -10.0, 0.0, 0.0),
        # filled on the same bar, 0.25 dearer
        ([(0, 0, 10.0, 11.25, 1.0, 1), SAME[1]], 0.0, 0.0, -2.5, 0.0),
        # later and 0.25 dearer than that open
        ([(0, 0, 10.0, 12.25, 1.0, 2), SAME[1]], 0.0, -10.0, -2.5, 0.0),
        ([(0, 0, 10.0, 11.0, 3.5, 1), SAME[1]], 0.0, 0.0, 0.0, -2.5),
        # the sale was missed: 5 units sold at 22, worth 24.5 now
        ([SAME[0]], 12.5, 0.0, 0.0, 1.0),
        # twice as many units bought at 11, worth 14.5 now
        ([(0, 0, 20.0, 11.0, 1.0, 1), SAME[1]], 35.0, 0.0, 0.0, 0.0),
    ],
)
def test_each_cause_alone_lands_in_its_own_part(
    live: list[Fill], data: float, timing: float, price: float, fee: float
) -> None:
    found = departure(books(live), books(SAME))
    assert found.parts.values == pytest.approx((data, timing, price, fee, 0.0))
    assert found.difference == pytest.approx(found.parts.total)
    assert found.other == pytest.approx(0.0, abs=1e-9)


def test_another_last_close_is_a_matter_of_data() -> None:
    other = CLOSE.copy()
    other[-1, 0] += 1.0
    found = departure(books(SAME, panel(other)), books(SAME))
    assert found.parts.values == pytest.approx((10.0, 0.0, 0.0, 0.0, 0.0))


def test_carry_is_a_fee() -> None:
    found = departure(books(SAME, carry=-3.0), books(SAME))
    assert found.parts.values == pytest.approx((0.0, 0.0, 0.0, -3.0, 0.0))


FILLS = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 1),
        st.floats(-50, 50).filter(lambda q: abs(q) > 0.01), st.floats(5, 30), st.floats(0, 5),
        st.integers(1, 4),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(FILLS, FILLS, st.floats(-20, 20))
def test_the_parts_add_up_whatever_was_filled(
    live: list[Fill], backtest: list[Fill], carry: float
) -> None:
    found = departure(books(live, carry=carry), books(backtest))
    assert found.other == pytest.approx(0.0, abs=1e-6)
    assert sum(one.total for one in found.by_symbol.values()) + carry == pytest.approx(
        found.parts.total, abs=1e-6
    )
