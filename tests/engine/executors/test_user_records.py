"""What a backtrader strategy's run says of itself: orders, reasons, fills, notes, log."""

import json
from dataclasses import replace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tradewind.engine.config_backtrader import BacktraderConfig, CommissionConfig, SlippageConfig
from tradewind.engine.errors import ConfigError, StrategyError
from tradewind.engine.executors.backtrader_feed import close_time, feeds_of
from tradewind.engine.executors.backtrader_options import Options
from tradewind.engine.executors.user_backtrader import UserRun, run
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.types import OrderType, Reason


def options(slippage: SlippageConfig | None = None, share: float = 0.0, **more: Any) -> Options:
    """A thousand in cash, and what is said of costs."""
    costs = CommissionConfig(**more)
    given = BacktraderConfig(commission=costs, slippage=slippage or SlippageConfig(slip_out=True))
    return Options(given, 1_000.0, 1.0, share)


FREE = options()
NO_BAR = (np.nan,) * 4
FLAT = [(10.0, 10.5, 9.5, 10.0)] * 8


def candles(*columns: Any) -> Panel:
    """Panel of symbols A, B ..., one list of (open, high, low, close) each."""
    prices = np.array(columns, float)  # (n_symbols, n_bars, 4)
    open_, high, low, close = (np.ascontiguousarray(prices[:, :, i].T) for i in range(4))
    volume = np.where(np.isnan(close), np.nan, 1e6)
    ts = np.arange(1, prices.shape[1] + 1, dtype=np.int64) * DAY_NS
    return Panel(tuple("ABC"[: len(columns)]), ts, open_, high, low, close, volume)


def ran(next_: Any, *columns: Any, settings: Options = FREE, setup: Any = None) -> UserRun:
    """Run ``next_(strategy)`` at every bar."""
    Script = type("Script", (bt.Strategy,), {"next": next_})
    panel = columns[0] if isinstance(columns[0], Panel) else candles(*columns)
    return run(BacktraderStrategy(Script, {}, {}, setup), panel, Signals(), settings)


def reasons(found: UserRun) -> list[Reason]:
    return [Reason(int(row["reason"])) for row in found.simulation.orders]


def on(*bars: int) -> Any:
    """Whether a strategy stands on one of the bars, counted from 0."""
    return lambda strategy: len(strategy) - 1 in bars


def test_an_order_is_recorded_with_the_bar_it_was_decided_on_and_filled_on_the_next() -> None:
    found = ran(lambda s: s.buy(size=3) if on(2)(s) else None, FLAT)
    (order,), (fill,) = found.simulation.orders, found.simulation.fills
    assert (order["bar"], order["qty"], order["filled_qty"]) == (2, 3.0, 3.0)
    assert (fill["bar"], fill["qty"], fill["price"], fill["mid"]) == (3, 3.0, 10.0, 10.0)
    assert reasons(found) == [Reason.FILLED]
    assert found.first_bar == 0
    np.testing.assert_array_equal(found.simulation.cash, [1_000.0] * 3 + [970.0] * 5)


@pytest.mark.parametrize(
    ("asked", "type_", "limit", "stop"),
    [
        ({}, OrderType.MARKET, np.nan, np.nan),
        ({"exectype": bt.Order.Close}, OrderType.MARKET_ON_CLOSE, np.nan, np.nan),
        ({"exectype": bt.Order.Limit, "price": 5.0}, OrderType.LIMIT, 5.0, np.nan),
        ({"exectype": bt.Order.Stop, "price": 20.0}, OrderType.STOP, np.nan, 20.0),
        ({"exectype": bt.Order.StopLimit, "price": 20.0, "plimit": 21.0},
         OrderType.STOP_LIMIT, 21.0, 20.0),
        ({"exectype": bt.Order.StopTrail, "trailamount": 4.0},
         OrderType.TRAILING_STOP, np.nan, 14.0),
        ({"exectype": bt.Order.StopTrailLimit, "trailpercent": 0.5, "price": 10.0, "plimit": 10.5},
         OrderType.TRAILING_STOP, 15.5, 15.0),
    ],
)  # fmt: skip
def test_every_order_type_of_backtrader_has_its_name_and_prices_here(
    asked: dict[str, Any], type_: OrderType, limit: float, stop: float
) -> None:
    found = ran(lambda s: s.buy(size=1, **asked) if on(0)(s) else None, FLAT)
    (row,) = found.simulation.orders
    assert row["order_type"] == type_
    np.testing.assert_array_equal([row["limit"], row["stop"]], [limit, stop])


def bracket(strategy: Any) -> None:
    if on(0)(strategy):
        strategy.buy_bracket(size=1, exectype=bt.Order.Market, stopprice=9.0, limitprice=11.0)


def test_a_target_filled_ends_the_stop_as_a_bracket_does() -> None:
    found = ran(bracket, [*FLAT[:3], (10.0, 12.0, 9.5, 11.5), *FLAT[:3]])
    assert reasons(found) == [Reason.FILLED, Reason.CANCELLED_BRACKET, Reason.FILLED]
    orders = found.simulation.orders
    assert orders["parent"].tolist() == [-1, 0, 0]
    assert orders["stop"][1] == 9.0
    assert orders["limit"][2] == 11.0


def group(strategy: Any) -> None:
    if on(0)(strategy):
        first = strategy.buy(size=1, exectype=bt.Order.Limit, price=9.0)
        strategy.buy(size=2, exectype=bt.Order.Limit, price=8.0, oco=first)
    if on(2)(strategy):
        strategy.mine = strategy.buy(size=1, exectype=bt.Order.Limit, price=1.0)
    if on(4)(strategy):
        strategy.cancel(strategy.mine)


def test_who_cancelled_an_order_is_told_apart() -> None:
    found = ran(group, [*FLAT[:2], (10.0, 10.0, 8.9, 10.0), *FLAT])
    assert reasons(found) == [Reason.FILLED, Reason.CANCELLED_OCO, Reason.CANCELLED_USER]
    oco = found.simulation.orders["oco"]
    assert oco[0] == oco[1] != 0
    assert oco[2] == 0


def test_margin_expiry_and_the_end_of_data_have_their_reasons() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.buy(size=1_000)  # cannot be paid for
        if on(1)(strategy):
            tomorrow = strategy.data.datetime.datetime(0) + bt.datetime.timedelta(days=1)
            strategy.buy(size=1, exectype=bt.Order.Limit, price=1.0, valid=tomorrow)
            strategy.buy(size=1, exectype=bt.Order.Limit, price=1.0)

    found = ran(next_, FLAT)
    assert reasons(found) == [Reason.REJECTED_CASH, Reason.EXPIRED, Reason.END_OF_DATA]
    assert len(found.simulation.fills) == 0


def test_an_order_whose_fill_cannot_be_paid_ends_partly_filled_or_rejected() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.sell(size=50)
        if on(2)(strategy):
            strategy.buy(size=140)  # 50 close, 90 open and cost more than there is by then

    jump = [*FLAT[:3], *[(20.0, 20.5, 19.5, 20.0)] * 5]
    found = ran(next_, jump)
    assert reasons(found) == [Reason.FILLED, Reason.PARTLY_FILLED]
    assert found.simulation.orders["filled_qty"].tolist() == [-50.0, 50.0]


def test_a_fill_through_zero_is_two_and_each_pays_its_own_fee() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.buy(size=4)
        if on(2)(strategy):
            strategy.sell(size=10)

    found = ran(next_, FLAT, settings=options(commission=0.01))
    fills = found.simulation.fills
    assert fills["qty"].tolist() == [4.0, -4.0, -6.0]
    np.testing.assert_allclose(fills["fee"], [0.4, 0.4, 0.6])
    assert fills["order"].tolist() == [0, 1, 1]


def test_a_filler_fills_in_parts() -> None:
    def setup(cerebro: Any) -> None:
        cerebro.broker.set_filler(bt.broker.fillers.FixedSize(size=2))

    found = ran(lambda s: s.buy(size=5) if on(0)(s) else None, FLAT, setup=setup)
    assert found.simulation.fills["qty"].tolist() == [2.0, 2.0, 1.0]
    assert found.simulation.fills["bar"].tolist() == [1, 2, 3]
    assert any("set filler of the broker to FixedSize" in note for note in found.notes)


def test_spread_and_slippage_of_a_fill_are_told_apart() -> None:
    settings = options(SlippageConfig(slip_perc=0.02, slip_out=True), share=0.75)
    found = ran(lambda s: s.buy(size=1) if on(0)(s) else None, FLAT, settings=settings)
    (fill,) = found.simulation.fills
    assert (fill["mid"], fill["price"]) == (10.0, 10.2)
    assert fill["quote"] == pytest.approx(10.15)


def test_interest_on_a_short_is_paid_as_borrow_and_not_as_a_fee() -> None:
    def next_(strategy: Any) -> None:
        if on(0)(strategy):
            strategy.sell(size=10)
        if on(3)(strategy):
            strategy.close()

    found = ran(next_, FLAT, settings=options(interest=0.365, commission=0.001))
    sim = found.simulation
    np.testing.assert_allclose(sim.borrow, [0, 0, 0.1, 0.1, 0.1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(sim.fills["fee"], [0.1, 0.1])
    assert sim.equity[-1] == pytest.approx(1_000.0 - 0.3 - 0.2)


def test_commission_can_be_so_much_a_unit() -> None:
    settings = options(commission=0.25, commtype="fixed", stocklike=True)
    found = ran(lambda s: s.buy(size=4) if on(0)(s) else None, FLAT, settings=settings)
    assert found.simulation.fills["fee"].tolist() == [1.0]


def test_slippage_can_be_so_much_a_fill() -> None:
    settings = options(SlippageConfig(slip_fixed=0.25, slip_out=True))
    found = ran(lambda s: s.buy(size=4) if on(0)(s) else None, FLAT, settings=settings)
    assert found.simulation.fills["price"].tolist() == [10.25]


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

    with pytest.raises(StrategyError, match=r"test_user_records.py:\d+: .*an order for the feed"):
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
