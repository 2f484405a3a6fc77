"""What must hold for every simulation, whatever the market and the wishes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.markets import random_panel, random_terms, random_wishes, terms, trade
from tradewind.engine.books.round_trips import round_trips
from tradewind.engine.config.run import RunConfig
from tradewind.engine.executors import reference
from tradewind.engine.executors.terms import bars_needed
from tradewind.engine.executors.terms import terms as terms_of
from tradewind.engine.protocols import Signals
from tradewind.engine.records import FIELDS, Panel
from tradewind.strategies.sma_cross import SmaCross

SEEDS = st.integers(0, 2**31)
EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


@EXAMPLES
@given(SEEDS)
def test_money_is_conserved(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 50, int(rng.integers(1, 6)))
    found = trade("kernel", panel, random_wishes(rng, panel), random_terms(rng, panel))
    trades = round_trips(found.fills, panel)
    gain = trades["pnl"].sum() - found.borrow.sum()
    assert found.equity[-1] - 1e5 == pytest.approx(gain, rel=1e-9, abs=1e-6)


@EXAMPLES
@given(SEEDS)
def test_fills_come_after_their_decision_and_at_the_open_of_their_bar(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 50, 3)
    found = trade("kernel", panel, random_wishes(rng, panel), random_terms(rng, panel))
    orders = found.orders[found.fills["order"]]
    left = orders["bar"] == found.fills["bar"]  # delisted: at the close of the last bar
    assert (panel.ends[found.fills["symbol"][left]] == found.fills["bar"][left]).all()
    traded = found.fills[~left]
    assert (traded["bar"] > orders["bar"][~left]).all()
    np.testing.assert_array_equal(traded["mid"], panel.open[traded["bar"], traded["symbol"]])
    assert (panel.volume[traded["bar"], traded["symbol"]] > 0).all()
    against = np.sign(traded["qty"])
    assert (against * (traded["quote"] - traded["mid"]) >= 0).all()
    assert (against * (traded["price"] - traded["quote"]) >= 0).all()


@EXAMPLES
@given(SEEDS)
def test_a_long_only_cash_account_never_owes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 50, 4)
    wishes = np.abs(random_wishes(rng, panel))
    found = trade("kernel", panel, wishes, terms(panel, cash=1e5, fee_bps=20, spread_bps=30))
    assert len(found.fills)
    assert found.cash.min() >= -1e-9 * 1e5


@EXAMPLES
@given(SEEDS, st.integers(5, 45))
def test_orders_and_fills_before_a_cut_do_not_depend_on_bars_after_it(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 50, 3)
    wishes, given_terms = random_wishes(rng, panel), random_terms(rng, panel)
    whole = trade("kernel", panel, wishes, given_terms)
    short = trade("kernel", panel.past(cut), wishes[:cut], given_terms)
    np.testing.assert_array_equal(whole.equity[:cut], short.equity)
    n = int((whole.fills["bar"] < cut).sum())
    assert whole.fills[:n].tobytes() == short.fills.tobytes()
    other = tampered(panel, cut, rng)
    again = trade("kernel", other, wishes, given_terms)
    np.testing.assert_array_equal(whole.equity[:cut], again.equity[:cut])
    assert whole.fills[:n].tobytes() == again.fills[again.fills["bar"] < cut].tobytes()


def tampered(panel: Panel, cut: int, rng: np.random.Generator) -> Panel:
    """Panel with other prices from row ``cut`` on; who lives and who ends stays as it was."""
    factor = np.exp(rng.normal(0, 0.3, panel.shape))
    factor[:cut] = 1.0
    fields = {name: getattr(panel, name) * factor for name in FIELDS}
    return Panel(panel.symbols, panel.ts, **fields, ends=panel.ends)


@EXAMPLES
@given(SEEDS)
def test_more_costs_never_leave_more_money_for_the_same_trades(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 40, 2)
    wishes = random_wishes(rng, panel)
    cheap = terms(panel, cash=1e5, weight=0.01, max_leverage=5.0)
    dear = terms(panel, cash=1e5, weight=0.01, max_leverage=5.0, fee_bps=5, spread_bps=10)
    a, b = (trade("kernel", panel, wishes, given_terms) for given_terms in (cheap, dear))
    assert b.equity[-1] <= a.equity[-1] + 1e-9
    assert (b.equity[-1] < a.equity[-1]) == (len(b.fills) > 0)


@pytest.mark.parametrize("kind", ["target_weight", "volatility_target"])
@pytest.mark.parametrize("seed", range(6))
def test_indicators_sizing_and_fills_do_not_know_bars_after_a_cut(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 120, 3)
    cut = int(rng.integers(70, 110))
    sizing = {"kind": kind} if kind == "target_weight" else {"kind": kind, "lookback": 10}
    config = RunConfig.model_validate({"strategy": {"kind": "sma_cross"}, "sizing": sizing})
    strategy = SmaCross(fast=2, slow=5, short=True)

    def fills(market: Panel) -> np.ndarray:
        given_terms = terms_of(config, market, 252.0)
        inputs = strategy.prepare(market, Signals())
        start = bars_needed(strategy, config)
        found = reference.simulate(strategy, inputs, market, given_terms, start=start)
        return found.fills[found.fills["bar"] < cut]

    whole = fills(panel)
    assert len(whole) > 10
    for other in (tampered(panel, cut, rng), panel.past(cut)):
        assert fills(other).tobytes() == whole.tobytes()
