"""What fills paid for the spread, beside what quotes and estimators say of their bars."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.known_spreads import bars_of_trades, panel_of
from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.books import spread_paid
from tradewind.engine.config.spread import ConstantSpreadConfig, EstimatedSpreadConfig
from tradewind.engine.quotes import QUOTES
from tradewind.engine.records import EVENT, FILL, ORDER, Panel, Simulation, empty
from tradewind.engine.spread_estimators import known_before
from tradewind.engine.types import Reason

Trade = tuple[int, int, float, float, float]  # symbol, bar, qty, mid, quote


def simulated(panel: Panel, trades: Sequence[Trade], fx: float = 1.0) -> Simulation:
    fills, orders = np.zeros(len(trades), FILL), np.zeros(len(trades), ORDER)
    orders["reason"] = Reason.FILLED
    for i, (symbol, bar, qty, mid, quote) in enumerate(trades):
        fills[i] = (i, symbol, bar, qty, quote * 1.01, mid, quote, 0.0, fx)
    flat = np.full(panel.n_bars, 1e5)
    return Simulation.with_curves(flat, flat, flat * 0, flat * 0, orders, fills, empty(EVENT))


def market(n_bars: int = 60, spread: float = 0.01) -> Panel:
    rng = np.random.default_rng(8)
    return panel_of(*(bars_of_trades(rng, n_bars, spread) for _ in range(2)))


@pytest.mark.parametrize("fx", [1.0, 0.25])
def test_paid_is_twice_the_way_to_the_quote_averaged_by_value(fx: float) -> None:
    panel = market()
    # 1 % from mid on 1,000 bought and 0.5 % on 3,000 sold: 2 % and 1 % full, weighted 1 to 3
    trades = [(0, 10, 10.0, 100.0, 101.0), (0, 20, -30.0, 100.0, 99.5)]
    found = spread_paid.spread_numbers(simulated(panel, trades, fx), panel, ConstantSpreadConfig())
    assert found["total"]["paid_bps"] == pytest.approx((200 * 1 + 100 * 3) / 4)
    assert found["total"]["value"] == pytest.approx(4_000 * fx)
    assert list(found["by_symbol"]) == ["A"]
    assert found["total"]["quotes_bps"] is None
    assert found["total"]["edge_bps"] is None, "252 bars before the fill are not there"
    assert json.loads(json.dumps(found)) == found


def test_estimates_are_those_of_the_bars_before_each_fill() -> None:
    panel = market()
    rule = EstimatedSpreadConfig(kind="estimated", window=30)
    trades = [(0, 10, 5.0, 100.0, 100.0), (1, 40, 2.0, 100.0, 100.0), (1, 50, -6.0, 100.0, 100.0)]
    found = spread_paid.spread_numbers(simulated(panel, trades), panel, rule)
    assert found["window"] == 30
    assert found["by_symbol"]["A"]["abdi_ranaldo_bps"] is None, "only 10 bars lie before it"
    for name in ("edge", "abdi_ranaldo"):
        one, two = 1e4 * known_before(panel, name, 30)[[40, 50], 1]
        assert (one > 0, two > 0) == (True, True)
        wanted = np.sqrt((2 * one**2 + 6 * two**2) / 8)
        assert found["by_symbol"]["B"][f"{name}_bps"] == pytest.approx(wanted)
        assert found["total"][f"{name}_bps"] == pytest.approx(wanted)
    one, two = 1e4 * known_before(panel, "corwin_schultz", 30)[[40, 50], 1]
    wanted = (2 * one + 6 * two) / 8
    assert found["by_symbol"]["B"]["corwin_schultz_bps"] == pytest.approx(wanted)


def test_quotes_say_what_their_bars_say_at_the_open() -> None:
    panel = market()
    half = {"ask": 1.001, "bid": 0.999}
    columns = {name: panel.open * half[name[:3]] for name in QUOTES}
    panel = replace(panel, columns=columns)
    found = spread_paid.spread_numbers(
        simulated(panel, [(0, 10, 1.0, 1.0, 1.0)]), panel, ConstantSpreadConfig()
    )
    assert found["total"]["quotes_bps"] == pytest.approx(20.0)


def test_a_symbol_that_leaves_pays_no_spread_and_does_not_count() -> None:
    panel = market()
    run = simulated(panel, [(0, 10, 1.0, 100.0, 101.0), (0, 59, -1.0, 100.0, 100.0)])
    run.orders["reason"][1] = Reason.DELISTED
    found = spread_paid.spread_numbers(run, panel, ConstantSpreadConfig())
    assert (found["total"]["n_fills"], found["total"]["paid_bps"]) == (1, pytest.approx(200.0))


def test_a_split_of_raw_prices_is_no_spread() -> None:
    panel = market(spread=0.001)
    rule = EstimatedSpreadConfig(kind="estimated", window=30)
    later = np.arange(panel.n_bars)[:, None] >= 30
    factor = np.where(later, 0.25, 1.0)
    prices = {name: getattr(panel, name) * factor for name in ("open", "high", "low", "close")}
    nothing = np.full(panel.shape, np.nan)
    split = np.where(np.arange(panel.n_bars)[:, None] == 30, 4.0, nothing)
    raw = replace(panel, **prices, columns={SPLIT: split, DIVIDEND: nothing})
    trades = [(0, 45, 1.0, 100.0, 100.0)]
    ours, theirs = (
        spread_paid.spread_numbers(simulated(p, trades), p, rule)["total"] for p in (panel, raw)
    )
    for name in ("edge_bps", "corwin_schultz_bps", "abdi_ranaldo_bps"):
        assert theirs[name] == pytest.approx(ours[name], rel=1e-6)


def test_of_a_large_market_the_most_traded_symbols_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = market()
    monkeypatch.setattr(spread_paid, "MAX_BARS", panel.n_bars)
    trades = [(0, 10, 1.0, 100.0, 101.0), (1, 10, 5.0, 100.0, 101.0)]
    found = spread_paid.spread_numbers(simulated(panel, trades), panel, ConstantSpreadConfig())
    assert list(found["by_symbol"]) == ["B"]
    assert (found["n_symbols_compared"], found["total"]["n_fills"]) == (1, 2)


def test_a_run_without_fills_has_a_count_of_zero_and_no_averages() -> None:
    panel = market()
    found = spread_paid.spread_numbers(simulated(panel, []), panel, ConstantSpreadConfig())
    assert found["by_symbol"] == {}
    assert set(found["total"].values()) == {0, None}
