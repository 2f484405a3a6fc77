"""Many settings in one call end as each of them does alone, to the last bit."""

from typing import Any

import numpy as np
import pytest

from tests.markets import candles, terms
from tradewind.engine.causality import probe
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import reference
from tradewind.engine.executors.batch import Batch, simulate_many
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Panel
from tradewind.engine.scoring.metrics import traded_value
from tradewind.strategies.sma_cross import SmaCross
from tradewind.strategies.timing import Timing

WINDOWS = ((1, 2, True), (3, 20, False), (5, 40, True), (2, 7, False), (4, 300, False))
SETTINGS = [SmaCross(fast=fast, slow=slow, short=short) for fast, slow, short in WINDOWS]


class Interpreted:
    """A cross without a rule."""

    def __init__(self, cross: SmaCross) -> None:
        self.warmup, self.prepare, self.decide = cross.warmup, cross.prepare, cross.decide


def market(n_bars: int = 600) -> Panel:
    return probe(seed=3, n_bars=n_bars, n_symbols=3)


def together(panel: Panel, strategies: Any = SETTINGS, **given: Any) -> Batch:
    inputs = SETTINGS[0].prepare(panel, Signals())
    costs = terms(panel, cash=10_000.0, fee_bps=2.0, spread_bps=5.0, borrow_annual=0.02, weight=0.3)
    starts = [strategy.warmup - 1 for strategy in strategies]
    return simulate_many(strategies, inputs, panel, costs, **{"start": starts, **given})


def alone(panel: Panel, strategy: SmaCross) -> tuple[float, int, int, bytes]:
    inputs = strategy.prepare(panel, Signals())
    costs = terms(panel, cash=10_000.0, fee_bps=2.0, spread_bps=5.0, borrow_annual=0.02, weight=0.3)
    found = reference.simulate(strategy, inputs, panel, costs, start=strategy.warmup - 1)
    sums: Any = found.sums
    return float(found.equity[-1]), len(found.orders), len(found.fills), sums.tobytes()


def rows(found: Batch) -> list[tuple[float, int, int, bytes]]:
    return [
        (float(e), int(o), int(f), s.tobytes())
        for e, o, f, s in zip(found.equity, found.orders, found.fills, found.sums, strict=True)
    ]


def test_every_setting_ends_as_it_does_alone_and_leaves_nothing_to_the_next() -> None:
    panel = market()
    expected = [alone(panel, strategy) for strategy in SETTINGS]
    assert all(fills for _, _, fills, _ in expected), "a setting that never trades shows nothing"
    assert rows(together(panel)) == expected
    assert rows(together(panel, SETTINGS[::-1])) == expected[::-1]


def test_threads_change_no_bit() -> None:
    panel = market()
    one = together(panel, SETTINGS * 3)
    for threads in (2, 3):
        assert rows(together(panel, SETTINGS * 3, threads=threads)) == rows(one)


def test_records_that_get_full_are_made_larger_without_a_trace() -> None:
    panel = market(4_000)
    found = together(panel)
    assert found.orders[0] > 2_000, "too few orders to fill anything"
    assert rows(found)[0] == alone(panel, SETTINGS[0])


def test_a_strategy_in_plain_python_runs_one_setting_after_the_other() -> None:
    panel = market(300)
    plain = [Interpreted(strategy) for strategy in SETTINGS[:2]]
    assert rows(together(panel, plain)) == rows(together(panel, SETTINGS[:2]))


def test_sharpe_and_drawdown_are_those_of_the_curve() -> None:
    panel = market()
    found = together(panel)
    for i, strategy in enumerate(SETTINGS):
        inputs = strategy.prepare(panel, Signals())
        given = terms(
            panel, cash=10_000.0, fee_bps=2.0, spread_bps=5.0, borrow_annual=0.02, weight=0.3
        )
        equity = reference.simulate(
            strategy, inputs, panel, given, start=strategy.warmup - 1
        ).equity[strategy.warmup - 1 :]
        steps = equity[1:] / equity[:-1] - 1
        assert found.sharpe[i] == pytest.approx(steps.mean() / steps.std(ddof=1))
        peaks = np.maximum.accumulate(equity)
        assert found.drawdown[i] == pytest.approx((1 - equity / peaks).max())


def test_value_traded_is_that_of_all_fills_compiled_or_not() -> None:
    panel = market(300)
    plain = [Interpreted(strategy) for strategy in SETTINGS[:2]]
    given = terms(panel, cash=10_000.0, fee_bps=2.0, spread_bps=5.0, borrow_annual=0.02, weight=0.3)
    for found in (together(panel, SETTINGS[:2]), together(panel, plain)):
        for i, strategy in enumerate(SETTINGS[:2]):
            inputs = strategy.prepare(panel, Signals())
            one = reference.simulate(strategy, inputs, panel, given, start=strategy.warmup - 1)
            assert found.traded[i] == pytest.approx(traded_value(one.fills), rel=1e-12)
            assert found.traded[i] > 10_000.0


def test_a_setting_that_never_trades_has_no_sharpe_ratio() -> None:
    panel = candles([(10.0,) * 4] * 50)
    found = together(panel, [SmaCross(fast=2, slow=5)])
    assert found.fills.tolist() == [0]
    assert np.isnan(found.sharpe).all()
    assert found.drawdown.tolist() == [0.0]


def test_no_settings_end_in_no_rows() -> None:
    assert len(together(market(100), [], start=0).equity) == 0


@pytest.mark.parametrize(
    ("strategies", "given", "message"),
    [
        (SETTINGS, {"threads": 0}, "batch: 0 threads; wanted at least one"),
        ([SETTINGS[0], Timing()], {}, "batch: 2 rules of SmaCross, Timing; wanted settings of one"),
    ],
)
def test_what_is_no_batch_is_refused(strategies: Any, given: Any, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        together(market(50), strategies, **given)


def test_the_curves_asked_for_are_those_of_single_runs() -> None:
    panel = market()
    curves = np.empty((len(SETTINGS), panel.n_bars))
    assert rows(together(panel, curves=curves)) == rows(together(panel))
    given = terms(panel, cash=10_000.0, fee_bps=2.0, spread_bps=5.0, borrow_annual=0.02, weight=0.3)
    for curve, strategy in zip(curves, SETTINGS, strict=True):
        inputs = strategy.prepare(panel, Signals())
        one = reference.simulate(strategy, inputs, panel, given, start=strategy.warmup - 1)
        assert curve.tobytes() == one.equity.tobytes()


def test_a_setting_that_falls_too_far_stops_there_and_the_others_keep_every_bit() -> None:
    panel = market()
    free = together(panel)
    limit = float(np.median(free.drawdown))
    curves, stopped = np.empty((len(SETTINGS), panel.n_bars)), np.empty((5, panel.n_bars))
    together(panel, curves=curves)
    found = together(panel, curves=stopped, max_drawdown=limit, threads=2)
    assert found.breached.tolist() == (free.drawdown > limit).tolist()
    assert 0 < found.breached.sum() < len(SETTINGS)
    for i, breached in enumerate(found.breached):
        if not breached:
            assert rows(found)[i] == rows(free)[i]
            assert stopped[i].tobytes() == curves[i].tobytes()
            continue
        begun = SETTINGS[i].warmup - 1
        high = np.maximum.accumulate(curves[i, begun:])
        first = begun + int(np.argmax(1.0 - curves[i, begun:] / high > limit))
        assert np.array_equal(stopped[i, : first + 1], curves[i, : first + 1])
        assert np.isnan(stopped[i, first + 1 :]).all()
        assert limit < found.drawdown[i] <= free.drawdown[i]


def test_each_setting_may_have_a_limit_of_its_own_compiled_or_not() -> None:
    panel = market(300)
    free = together(panel, SETTINGS[:3])
    limits = [free.drawdown[0] / 2, np.inf, free.drawdown[2]]
    plain = [Interpreted(strategy) for strategy in SETTINGS[:3]]
    for asked in (SETTINGS[:3], plain):
        found = together(panel, asked, max_drawdown=limits)
        assert found.breached.tolist() == [True, False, False]


def test_what_is_said_of_spans_is_what_the_curves_did_there() -> None:
    panel = market()
    spans = np.array([[310, 400], [400, 600]])
    parts, curves = np.empty((len(SETTINGS), 2, 5)), np.empty((len(SETTINGS), panel.n_bars))
    found = together(panel, spans=spans, parts=parts)
    assert rows(found) == rows(together(panel, curves=curves))
    plain = np.empty_like(parts)
    together(panel, [Interpreted(one) for one in SETTINGS], spans=spans, parts=plain)
    np.testing.assert_allclose(parts, plain, rtol=1e-9)
    for curve, part in zip(curves, parts, strict=True):
        for (first, stop), row in zip(spans, part, strict=True):
            cut = curve[first - 1 : stop]
            steps = cut[1:] / cut[:-1] - 1.0
            fall = (1.0 - cut / np.maximum.accumulate(cut)).max()
            told = [len(steps), steps.sum(), (steps**2).sum(), fall, cut[-1] / cut[0]]
            np.testing.assert_allclose(row, told, rtol=1e-10, atol=1e-15)
