"""At every formation, whatever the method: sums, caps, sectors, count, gross and net."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.allocating.portfolios import formed, walks
from tradewind.contracts.strategy_contract import CHECKS, Check
from tradewind.engine.audit.made_up import signals
from tradewind.engine.causality import first_difference
from tradewind.engine.protocols import Strategy
from tradewind.engine.records import GROUP, Panel
from tradewind.engine.tampering import TAMPERINGS, tampered
from tradewind.strategies.allocating.fallback import Outcome
from tradewind.strategies.allocation import JOINT, WITH_MEAN, WITHOUT_RETURNS, Allocation
from tradewind.strategies.weighting.methods import METHODS

SECTORS = (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, np.nan)
CLOSE = 1e-6
KINDS = sorted(METHODS)


def market(seed: int) -> Panel:
    """Ten names in three sectors, one of them in none."""
    return walks(seed, 110, len(SECTORS), SECTORS)


@pytest.mark.parametrize("method", KINDS)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.floats(0.15, 0.6), st.floats(0.4, 0.9), st.floats(0.3, 1.5))
def test_a_long_portfolio_keeps_every_limit(
    method: str, seed: int, cap: float, sector: float, gross: float
) -> None:
    panel = market(seed)
    strategy = Allocation(
        method=method, lookback=40, cap=cap * gross, sector_cap=sector, gross=gross,
        rebalance="week",
    )  # fmt: skip
    inputs = formed(strategy, panel, signals(panel))
    assert len(inputs.weights) > 5, strategy.remarks(inputs, panel)
    assert np.allclose(inputs.weights.sum(axis=1), gross, atol=CLOSE)
    assert inputs.weights.min() >= -CLOSE
    assert inputs.weights.max() <= cap * gross + CLOSE
    keeps_sectors(inputs.weights, sector * gross)


def keeps_sectors(weights: Any, most: float) -> None:
    for number in (0.0, 1.0, 2.0):
        held = np.abs(weights[:, np.array(SECTORS) == number]).sum(axis=1)
        assert (held <= most + CLOSE).all()


@pytest.mark.parametrize("method", KINDS)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.4]), st.sampled_from([None, 4]))
def test_a_portfolio_of_both_sides_keeps_every_limit(
    method: str, seed: int, net: float, count: int | None
) -> None:
    panel = market(seed)
    strategy = Allocation(
        method=method, lookback=40, side="long_short" if net else "neutral", net=net or None,
        gross=1.4, cap=0.6, sector_cap=0.8, count=count, take={"top": 0.4, "bottom": 0.4},
        rebalance="week",
    )  # fmt: skip
    inputs = formed(strategy, panel, signals(panel))
    assert len(inputs.weights) > 5, strategy.remarks(inputs, panel)
    assert np.allclose(inputs.weights.sum(axis=1), net, atol=CLOSE)
    assert np.abs(inputs.weights).max() <= 0.6 + CLOSE
    gross = np.abs(inputs.weights).sum(axis=1)
    assert (gross <= 1.4 + CLOSE).all()
    if method not in JOINT:
        assert np.allclose(gross, 1.4, atol=CLOSE)
    keeps_sectors(inputs.weights, 0.8 * 1.4)
    if count:
        assert (np.count_nonzero(np.abs(inputs.weights) > CLOSE, axis=1) <= count).all()


@pytest.mark.parametrize("method", KINDS)
def test_a_method_mostly_finds_weights_by_itself(method: str) -> None:
    panel = market(4)
    strategy = Allocation(method=method, lookback=40, cap=0.5, rebalance="week")
    inputs = formed(strategy, panel, signals(panel))
    assert (inputs.outcome == Outcome.MEANT).mean() > 0.8, strategy.remarks(inputs, panel)


@pytest.mark.parametrize("how", TAMPERINGS)
def test_no_target_depends_on_bars_after_its_own(how: str) -> None:
    panel = market(9)
    strategy = Allocation(
        method="risk_parity", lookback=40, take={"top": 0.5}, sector_cap=0.8, rebalance="week"
    )
    whole = by_bar(strategy, panel)
    for cut in (60, 90):
        other = tampered(panel, cut, how)
        other.columns.update({GROUP: panel.columns[GROUP][: other.n_bars]})  # type: ignore[attr-defined]
        assert first_difference(by_bar(strategy, other), whole, cut) is None
    assert np.isfinite(whole).any()


def by_bar(strategy: Allocation, panel: Panel) -> Any:
    """Target weights on the bars that form them, NaN elsewhere."""
    scores = np.random.default_rng(1).normal(size=(200, panel.n_symbols))[: panel.n_bars]
    from tradewind.engine.protocols import Signals

    inputs = formed(strategy, panel, Signals(None, scores))
    table = np.full(panel.shape, np.nan)
    made = inputs.row >= 0
    table[made] = inputs.weights[inputs.row[made]]
    return table


FORMS: list[dict[str, Any]] = [
    {},
    {"method": "risk_parity", "lookback": 60, "rebalance": "week"},
    {"method": "minimum_variance", "lookback": 40, "cap": 0.6, "band": 0.02, "trade_to": "edge",
     "turnover": 0.3, "speed": 0.7, "cost_bps": 10.0, "rebalance": "week"},
    {"side": "neutral", "take": {"top": 1, "bottom": 1}, "rebalance": "week", "band": 0.1,
     "band_of": "target"},
    {"side": "long_short", "gross": 1.4, "net": 0.6, "method": "inverse_volatility",
     "lookback": 40, "rebalance": "signals", "turnover": 0.5},
    {"method": "mean_variance", "side": "neutral", "lookback": 40, "rebalance": "week"},
    {"weights": {"P0": 0.5, "P1": 0.4}, "rebalance": "week", "band": 0.05},
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_every_form_keeps_the_contract_of_strategies(form: dict[str, Any], check: Check) -> None:
    def make() -> Strategy:
        return Allocation(**form)

    check(make)


def test_what_is_said_of_methods_here_is_said_of_methods_that_exist() -> None:
    assert set(METHODS) >= JOINT | WITH_MEAN | WITHOUT_RETURNS
