"""What a backtrader strategy is given, what its run says besides, and what is refused."""

import json
from dataclasses import replace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tests.backtrader_runs import (
    FLAT,
    FREE,
    NO_BAR,
    candles,
    on,
    ran,
    reasons,
)
from tradewind.engine.errors import ConfigError, StrategyError
from tradewind.engine.executors.backtrader_feed import close_time, feeds_of
from tradewind.engine.executors.user_backtrader import run
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.types import Reason


def test_feeds_are_named_by_symbol_leave_gaps_out_and_bring_columns_along() -> None:
    panel = candles([FLAT[0], NO_BAR, FLAT[0]], FLAT[:3])
    mood = np.arange(6.0).reshape(3, 2)
    panel = Panel(
        panel.symbols, panel.ts, panel.open, panel.high, panel.low, panel.close, panel.volume,
        columns={"mood": mood, "close_": mood, "datetime": mood},
    )  # fmt: skip
    seen: list[Any] = []

    class Reader(bt.Strategy):  # type: ignore[misc]
        def prenext(self) -> None:
            self.next()

        def next(self) -> None:
            a = self.getdatabyname("A")
            seen.append((len(a), a.mood[0], self.data1.mood[0], a.datetime.date(0).day))

    found = run(BacktraderStrategy(Reader, {}, {}), panel, Signals(), FREE)
    assert seen == [(1, 0.0, 1.0, 1), (1, 0.0, 3.0, 1), (2, 4.0, 5.0, 3)]
    assert any("no lines: datetime" in note for note in found.notes)


def test_forecasts_are_lines() -> None:
    panel = candles(FLAT)
    mean = np.full(panel.shape, np.nan)
    mean[3:] = 0.5
    std = np.where(np.isnan(mean), np.nan, 2.0)
    seen = []

    class Reader(bt.Strategy):  # type: ignore[misc]
        def next(self) -> None:
            seen.append((self.data.forecast_mean[0], self.data.forecast_std[0]))

    run(BacktraderStrategy(Reader, {}, {}), panel, Signals(Forecasts(mean, std, 1)), FREE)
    assert seen[-1] == (0.5, 2.0)
    assert np.isnan(seen[2]).all()


@pytest.mark.parametrize(
    ("ts", "daily", "said"),
    [
        (DAY_NS, True, "1970-01-01 23:59:59.999990"),
        (DAY_NS, False, "1970-01-02 00:00:00"),
        (21 * 3_600 * 10**9, True, "1970-01-01 21:00:00"),
        (-DAY_NS + 3_600 * 10**9, False, "1969-12-31 01:00:00"),
    ],
)
def test_a_bar_is_dated_when_it_closed_and_a_day_on_itself(ts: int, daily: bool, said: str) -> None:
    assert str(close_time(ts, daily=daily)) == said


@pytest.mark.parametrize(
    ("interval", "timeframe", "compression"),
    [("1d", bt.TimeFrame.Days, 1), ("5min", bt.TimeFrame.Minutes, 5),
     ("2h", bt.TimeFrame.Minutes, 120), ("1wk", bt.TimeFrame.Weeks, 1),
     ("1mo", bt.TimeFrame.Months, 1)],
)  # fmt: skip
def test_feeds_know_the_length_of_their_bars(
    interval: str, timeframe: int, compression: int
) -> None:
    (feed,), _ = feeds_of(replace(candles(FLAT), interval=interval), Signals())
    assert (feed.p.timeframe, feed.p.compression) == (timeframe, compression)


def test_a_symbol_that_stops_trading_is_held_on_and_its_orders_end_with_it() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.buy(strategy.data0, size=2)
        if on(3)(strategy):
            strategy.close(strategy.data0)

    panel = candles([*FLAT[:3], *[NO_BAR] * 5], FLAT)
    found = ran(next_, replace(panel, ends=np.array([2, -1])))
    assert reasons(found) == [Reason.FILLED, Reason.DELISTED]
    assert found.simulation.gross[-1] == 20.0


def test_a_strategy_that_ends_the_run_leaves_what_it_holds_to_the_market() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.buy(size=10)
        if on(3)(strategy):
            strategy.env.runstop()

    rises = [(10.0 + i, 10.5 + i, 9.5 + i, 10.0 + i) for i in range(8)]
    found = ran(next_, rises)
    np.testing.assert_allclose(found.simulation.equity[3:], [1020, 1030, 1040, 1050, 1060])
    assert any("stopped the run at 1970-01-04" in note for note in found.notes)


def test_rows_without_any_bar_keep_the_value_of_the_row_before() -> None:
    found = ran(
        lambda s: s.buy(size=1) if on(0)(s) else None,
        [NO_BAR, NO_BAR, FLAT[0], NO_BAR, (10.0, 12.0, 9.0, 12.0), NO_BAR],
    )
    np.testing.assert_array_equal(found.simulation.equity, [1_000.0] * 4 + [1_002.0] * 2)
    assert found.simulation.orders["bar"].tolist() == [2]
    assert found.simulation.fills["bar"].tolist() == [4]


def test_analyzers_and_prints_are_kept() -> None:
    def setup(cerebro: Any) -> None:
        cerebro.addanalyzer(bt.analyzers.TimeReturn, _name="returns")
        print("prepared")

    found = ran(lambda s: print("bar", len(s)), FLAT, setup=setup)
    assert found.printed == ("prepared", *(f"bar {i}" for i in range(1, 9)))
    assert len(found.analyses["returns"]) == 8
    json.dumps(found.analyses)


def test_prenext_may_trade_and_then_the_evaluation_begins_there() -> None:
    class Early(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            bt.ind.SMA(period=5)

        def prenext(self) -> None:
            if len(self) == 2:
                self.buy(size=1)

    found = run(BacktraderStrategy(Early, {}, {}), candles(FLAT), Signals(), FREE)
    assert found.first_bar == 1


def test_the_evaluation_begins_where_next_is_called_first() -> None:
    class Late(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            bt.ind.SMA(period=5)

    found = run(BacktraderStrategy(Late, {}, {}), candles(FLAT), Signals(), FREE)
    assert found.first_bar == 4


def test_a_history_too_short_for_one_decision_is_refused() -> None:
    class Late(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            bt.ind.SMA(period=8)

    with pytest.raises(ConfigError, match=r"Late: needs 8 bars .* the data has 8"):
        run(BacktraderStrategy(Late, {}, {}), candles(FLAT), Signals(), FREE)


def skips(cerebro: Any) -> None:
    class Skipping(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            raise bt.errors.StrategySkipError

    cerebro.strats.clear()
    cerebro.addstrategy(Skipping)


@pytest.mark.parametrize(
    ("setup", "says"),
    [
        (lambda c: c.broker.setcash(5.0), "cash, commission or slippage of the broker"),
        (lambda c: c.broker.setcommission(0.1), "say them in the config"),
        (lambda c: c.broker.setcommission(0.1, name="A"), "say them in the config"),
        (lambda c: c.broker.set_slippage_fixed(1.0), "costs.slippage_bps"),
        (lambda c: c.broker.set_shortcash(False), "say them in the config"),
        (lambda c: c.setbroker(bt.brokers.BackBroker()), "another broker was put in"),
        (lambda c: c.optstrategy(bt.Strategy), "optstrategy: a run is one strategy"),
        (lambda c: c.datas[0].addfilter(bt.filters.HeikinAshi), "a filter changes the bars of A"),
        (lambda c: c.run(), "the setup ran the Cerebro itself; leave cerebro.run"),
        (lambda c: c.broker.add_cash(5.0), "moves 5.0 in or out of the account"),
        (skips, "skipped itself"),
    ],
)
def test_a_setup_that_would_make_the_config_untrue_is_refused(setup: Any, says: str) -> None:
    with pytest.raises(StrategyError, match=says):
        ran(lambda s: None, FLAT, setup=setup)


def test_the_strategy_itself_may_not_change_the_costs_either() -> None:
    with pytest.raises(StrategyError, match="cash, commission or slippage of the broker"):
        ran(lambda s: s.broker.setcommission(0.5), FLAT)


def test_an_order_for_a_feed_that_is_no_symbol_is_refused_with_its_line() -> None:
    def setup(cerebro: Any) -> None:
        cerebro.resampledata(cerebro.datas[0], timeframe=bt.TimeFrame.Weeks, name="weekly")

    with pytest.raises(StrategyError, match=r"test_user_runs.py:\d+: .*an order for the feed"):
        ran(lambda s: s.buy(s.data1, size=1), FLAT, setup=setup)


def test_a_feed_that_a_setup_adds_may_begin_earlier_and_is_only_looked_at() -> None:
    frame = pd.DataFrame(
        {"open": 5.0, "high": 6.0, "low": 4.0, "close": 5.0, "volume": 9.0},
        index=pd.date_range("1969-12-20", "1970-01-08"),
    )

    def setup(cerebro: Any) -> None:
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name="other")

    def next_(strategy: Any) -> None:
        if strategy.data1.close[0] == 5.0 and not getattr(strategy, "sent", None):
            strategy.sent = strategy.buy(size=1)

    found = ran(next_, FLAT, setup=setup)
    assert found.simulation.fills["bar"].tolist() == [1]
    assert found.simulation.equity.tolist() == [1_000.0] * 8


def test_fills_on_a_bar_that_was_over_are_counted() -> None:
    def next_(strategy: Any) -> None:
        if on(1)(strategy):
            strategy.buy(strategy.data0, size=1, exectype=bt.Order.Limit, price=9.6)

    gap = [*FLAT[:2], NO_BAR, *FLAT[:5]]
    found = ran(next_, gap, FLAT)
    assert found.simulation.fills["bar"].tolist() == [2]
    assert found.simulation.fills["price"].tolist() == [9.6]
    assert any(note.startswith("fills on a bar that was over before: 1;") for note in found.notes)
