"""In a market that stands still a cap is exact: nothing wished takes a position beyond it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.tables import Asks, flat, plain_terms
from tests.markets import EXECUTORS, candles
from tradewind.engine.records import Floats, Simulation
from tradewind.engine.types import Action, Cut, Happening, Intent, Reason

CASH, PRICE, N_BARS = 1_000.0, 100.0, 6
GROUP = np.array([0, 0, -1])
PANEL = candles(*[[flat(PRICE)] * N_BARS] * 3)


@st.composite
def decisions(draw: st.DrawFn) -> list[Intent]:
    """Targets of some symbols, then orders by units or by strength, in any order."""
    wishes = [
        Intent(symbol, draw(st.floats(-1.5, 1.5)))
        for symbol in draw(st.permutations([0, 1, 2]))[: draw(st.integers(0, 3))]
    ]
    for _ in range(draw(st.integers(0, 2))):
        by_units = draw(st.booleans())
        wishes.append(
            Intent(
                draw(st.integers(0, 2)),
                0.0 if by_units else draw(st.floats(-1.0, 1.0)),
                Action.ORDER,
                draw(st.floats(-9.0, 9.0)) if by_units else float("nan"),
            )
        )
    return draw(st.permutations(wishes))


# fmt: off
CAPS = st.fixed_dictionaries({
    "max_weight": st.floats(0.1, 1.2), "max_group": st.floats(0.1, 1.5),
    "max_gross": st.floats(0.1, 2.0), "max_adds": st.sampled_from([0, 1, 100]),
})
# fmt: on
LINES = st.lists(decisions(), min_size=N_BARS, max_size=N_BARS)


def run(executor: str, caps: dict[str, Any], lines: Sequence[Sequence[Intent]]) -> Simulation:
    terms = plain_terms(PANEL, group=GROUP, max_leverage=1e3, **caps)
    return EXECUTORS[executor](Asks(dict(enumerate(lines))), None, PANEL, terms, start=0)


def weights(found: Simulation) -> Floats:
    """Weight of each symbol after each bar, shape (n_bars, n_symbols)."""
    units = np.zeros(PANEL.shape)
    for fill in found.fills:
        units[fill["bar"] :, fill["symbol"]] += fill["qty"]
    return units * PRICE / CASH


@pytest.mark.parametrize("executor", EXECUTORS)
@given(caps=CAPS, lines=LINES)
@settings(max_examples=60, deadline=None)
def test_no_cap_is_ever_exceeded(
    executor: str, caps: dict[str, Any], lines: list[list[Intent]]
) -> None:
    gross = np.abs(weights(run(executor, caps, lines)))
    slack = 1.0 + 1e-9
    assert (gross <= caps["max_weight"] * slack).all()
    assert (gross[:, :2].sum(axis=1) <= caps["max_group"] * slack).all()
    assert (gross.sum(axis=1) <= caps["max_gross"] * slack).all()


@pytest.mark.parametrize("executor", EXECUTORS)
@given(caps=CAPS, lines=LINES)
@settings(max_examples=60, deadline=None)
def test_what_was_not_cut_is_what_was_wished(
    executor: str, caps: dict[str, Any], lines: list[list[Intent]]
) -> None:
    """The last target of a bar without any cut is held one bar later, to the unit."""
    found = run(executor, caps, lines)
    held = weights(found)
    cut = {int(e["bar"]) for e in found.events if e["kind"] == Happening.CUT}
    for bar, wishes in enumerate(lines[:-1]):
        ordered = {wish.symbol for wish in wishes if wish.action == Action.ORDER}
        for wish in wishes:
            if wish.action == Action.TARGET and wish.symbol not in ordered and bar not in cut:
                assert held[bar + 1, wish.symbol] == pytest.approx(wish.weight, abs=1e-9)


@pytest.mark.parametrize("executor", EXECUTORS)
@given(lines=LINES)
@settings(max_examples=30, deadline=None)
def test_caps_that_are_not_set_cut_nothing(executor: str, lines: list[list[Intent]]) -> None:
    found = run(executor, {"max_weight": np.inf}, lines)
    assert not (found.events["kind"] == Happening.CUT).any()
    assert not (found.orders["reason"] == Reason.REJECTED_CAP).any()


@given(caps=CAPS, lines=LINES)
@settings(max_examples=60, deadline=None)
def test_both_executors_cut_the_same(caps: dict[str, Any], lines: list[list[Intent]]) -> None:
    kernel, cerebro = (run(name, caps, lines) for name in ("kernel", "cerebro"))
    np.testing.assert_allclose(weights(kernel), weights(cerebro), rtol=1e-9, atol=1e-12)
    told = [
        [(int(e["bar"]), int(e["symbol"]), Cut(int(e["amount"]))) for e in found.events]
        for found in (kernel, cerebro)
    ]
    assert told[0] == told[1]
