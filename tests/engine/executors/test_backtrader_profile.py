"""``rules: backtrader``: its door, its errors, its settings, and a run from a config."""

from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tests.golden.tables import Asks, buy, sell
from tests.markets import candles
from tradewind.engine import runner
from tradewind.engine.config.backtrader import (
    BacktraderConfig,
    CommissionConfig,
    FillerConfig,
)
from tradewind.engine.config.file import checked, parse
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, DataError, StrategyError, UnknownSymbolError
from tradewind.engine.executors import backtrader_profile, plain_backtrader
from tradewind.engine.executors.backtrader_options import Options, check, options_of
from tradewind.engine.executors.plain_parts import PlainFeed, broker_of
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import Panel, Simulation
from tradewind.engine.types import Action, Intent, OrderType, Reason, TimeInForce
from tradewind.strategies.sma_cross import SmaCross

PANEL = candles([(100.0, 102.0, 98.0, 101.0)] * 6)
PLAIN = Options(cash=10_000.0)


def run(*wishes: Intent, panel: Panel = PANEL, options: Options = PLAIN) -> Simulation:
    """Ask for something at the close of the first bar."""
    return backtrader_profile.simulate(Asks({0: wishes}), None, panel, options, start=0)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (buy(1, symbol=3), "named column 3"),
        (Intent(0, np.nan), "weight of A that is not a finite number"),
        (Intent(0, np.inf), "weight of A that is not a finite number"),
        (Intent(0, action=Action.REPLACE, order=0), "cancel it and send another"),
        (Intent(0, action=Action.CANCEL, order=-2), "number of an order or -1"),
        (buy(1, tif=TimeInForce.BARS, until=3), "wanted GTC, DAY or GTD"),
        (buy(1, tif=TimeInForce.IOC), "wanted GTC, DAY or GTD"),
        (buy(1, reduce_only=True), "backtrader has none"),
        (Intent(0, 1.0, stop_loss=90.0), "send an ORDER with them"),
        (buy(1, limit=99.0), "its type does not look at"),
        (buy(1, OrderType.LIMIT, limit=99.0, stop=98.0), "its type does not look at"),
        (buy(1, OrderType.STOP, stop=np.inf), "a price that is infinite"),
        (buy(1, trail=2.0), "its type does not look at"),
        (buy(np.inf), "without a finite quantity"),
        (buy(np.nan), "give qty, or NaN and a weight of 1 or -1"),
        (buy(1, oco=-1), "OCO number below 0"),
    ],
)
def test_what_backtrader_could_not_be_asked_for_is_an_error(wish: Intent, why: str) -> None:
    with pytest.raises(StrategyError, match=why) as caught:
        run(wish)
    assert "Asks: at bar 0 (1970-01-01)" in str(caught.value)


def test_an_exception_in_a_decision_is_the_strategys_own() -> None:
    class Broken(Asks):
        def decide(self, view: View) -> Any:
            raise ZeroDivisionError("in decide")

    with pytest.raises(ZeroDivisionError, match="in decide"):
        backtrader_profile.simulate(Broken({}), None, PANEL, PLAIN, start=0)


def test_a_filler_needs_volumes() -> None:
    volume = PANEL.volume.copy()
    volume[2] = np.nan
    holed = Panel(
        PANEL.symbols, PANEL.ts, PANEL.open, PANEL.high, PANEL.low, PANEL.close, volume
    )  # fmt: skip
    options = Options(BacktraderConfig(filler=FillerConfig(kind="fixed_bar_perc")), 1_000.0)
    with pytest.raises(DataError, match=r"1 bars have none, the first of A on 1970-01-03"):
        run(buy(1), panel=holed, options=options)
    assert len(run(buy(1), panel=holed).fills) == 1


def test_an_order_for_a_symbol_without_a_bar_is_refused() -> None:
    flat = (10.0, 10.0, 10.0, 10.0)
    late = candles([(np.nan,) * 4, flat, flat], [flat] * 3)
    found = run(buy(5), sell(1, symbol=1), Intent(0, 0.5), panel=late)
    told = [Reason(int(reason)) for reason in found.orders["reason"]]
    assert told == [Reason.REJECTED_SIZING, Reason.FILLED, Reason.REJECTED_SIZING]
    assert found.fills["order"].tolist() == [1]
    plain = plain_backtrader.simulate(
        Asks({0: [buy(5), sell(1, symbol=1), Intent(0, 0.5)]}), None, late, PLAIN, start=0
    )
    assert plain.orders["reason"].tolist() == found.orders["reason"].tolist()


def test_a_cancel_finds_orders_of_the_queue_and_of_the_symbol() -> None:
    far = buy(1, OrderType.LIMIT, limit=50.0)
    asks = {
        0: [far, far, Intent(0, action=Action.CANCEL, order=0)],  # not in the queue yet
        2: [Intent(0, action=Action.CANCEL, order=0), Intent(0, action=Action.CANCEL, order=9)],
        3: [Intent(0, action=Action.CANCEL)],
    }
    for executor in (backtrader_profile, plain_backtrader):
        found = executor.outcome(Asks(asks), None, PANEL, PLAIN, start=0)
        assert found.statuses.tolist() == [bt.Order.Canceled, bt.Order.Canceled]
        assert (found.simulation.orders["reason"] == Reason.CANCELLED_USER).all()


def test_a_fill_keeps_the_price_before_slippage_and_the_part_that_is_spread() -> None:
    config = settings("costs: {fee_bps: 0, spread: {bps: 60}, slippage_bps: 70}")
    (fill,) = run(buy(1), options=options_of(config, PANEL)).fills
    assert fill["mid"] == 100.0
    assert fill["price"] == 100.0 * 1.01
    assert fill["quote"] == pytest.approx(100.3, rel=1e-12)


def test_a_thousand_orders_outgrow_the_first_records() -> None:
    panel = candles([(100.0, 102.0, 98.0, 101.0)] * 300)
    asks = {t: [buy(1), sell(1), buy(1, OrderType.LIMIT, limit=1.0, oco=t + 1)] * 2
            for t in range(290)}  # fmt: skip
    ours = backtrader_profile.outcome(Asks(asks), None, panel, PLAIN, start=0)
    theirs = plain_backtrader.outcome(Asks(asks), None, panel, PLAIN, start=0)
    assert len(ours.simulation.orders) == 6 * 290
    assert ours.statuses.tolist() == theirs.statuses.tolist()
    assert ours.simulation.equity.tobytes() == theirs.simulation.equity.tobytes()


BASE = "strategy: {kind: sma_cross}\nrules: backtrader\n"


def settings(text: str = "") -> RunConfig:
    """Config of a run under backtrader's rules."""
    document = parse(BASE + text, where="run.yaml", folder=Path())
    config = checked(RunConfig, document.values, document)
    check(config, document)
    return config


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("execution: {participation: 0.1}", "execution.participation"),
        ("account: {max_leverage: 2}", "account.max_leverage"),
        ("sizing: {kind: fixed_units, units: 5}", "sizing.kind"),
        ("data: {delisting_return: -0.5}", "data.delisting_return"),
        ("costs: {fee_bps: 3}\nbacktrader: {commission: {commission: 0.001}}", "costs are not"),
        ("costs: {fee_bps: 3}\nbacktrader: {slippage: {slip_perc: 0.001}}", "costs are not"),
        ("backtrader: {slippage: {slip_perc: 0.1, slip_fixed: 1.0}}", "exclude each other"),
        ("backtrader: {commission: {margin: 10.0, stocklike: true}}", "not read by backtrader"),
        ("backtrader: {session_end: '25:00'}", "session_end"),
        ("backtrader: {filler: {kind: volume}}", "filler.kind"),
        ("backtrader: {comission: {}}", "did you mean 'commission'"),
    ],
)
def test_a_setting_that_cannot_be_had_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        settings(text)


def test_a_commission_of_an_unknown_symbol_is_refused() -> None:
    config = settings("backtrader: {schemes: {ES: {margin: 2000.0, mult: 50.0}}}")
    with pytest.raises(UnknownSymbolError, match=r"backtrader\.schemes\.ES: .* one of A"):
        options_of(config, PANEL)


def test_costs_become_settings_of_the_broker() -> None:
    config = settings(
        "costs: {fee_bps: 12, spread: {bps: 6}, slippage_bps: 2, borrow_annual: 0.05}"
    )
    broker = broker_of(options_of(config, PANEL), ())
    assert broker.p.slip_perc == 0.0003 + 0.0002
    assert (broker.p.slip_open, broker.p.slip_out) == (True, True)
    scheme = broker.comminfo[None]
    assert scheme.stocklike
    assert scheme.getcommission(-7.0, 13.0) == 7.0 * 0.0012 * 13.0
    assert scheme._creditrate == 0.05 / 365.0
    exact = settings("backtrader: {slippage: {slip_fixed: 0.5}}")
    broker = broker_of(options_of(exact, PANEL), ())
    assert (broker.p.slip_perc, broker.p.slip_fixed, broker.p.slip_out) == (0.0, 0.5, False)
    assert broker.comminfo[None].getcommission(7.0, 13.0) == 0.0


@pytest.mark.parametrize(
    "given",
    [
        CommissionConfig(),
        CommissionConfig(commission=0.001),
        CommissionConfig(margin=10.0, mult=5.0, commission=2.0),
        CommissionConfig(commtype="percent", commission=0.001),
        CommissionConfig(commtype="fixed", stocklike=True, commission=0.5),
        CommissionConfig(commtype="percent", margin=7.0, commission=0.001, automargin=-1.0),
    ],
)
def test_a_commission_means_what_setcommission_makes_of_it(given: CommissionConfig) -> None:
    made = broker_of(Options(BacktraderConfig(commission=given), 1.0), ()).comminfo[None]
    assert given.is_stock == made.stocklike
    assert given.is_percent == (made._commtype == bt.CommInfoBase.COMM_PERC)


CONFIG = """
name: twin
data: {source: embedded, symbols: [MSFT, KO], start: 2016-01-04, end: 2017-06-30}
strategy: {kind: sma_cross, fast: 5, slow: 20, short: true}
sizing: {kind: target_weight, weight: 0.4}
rules: backtrader
backtrader: {commission: {commission: 0.001, interest: 0.02}, slippage: {slip_perc: 0.0005}}
"""


@pytest.mark.parametrize("executor", ["kernel", "cerebro"])
def test_a_run_agrees_with_plain_backtrader_and_gives_itself_again(
    executor: str, tmp_path: Path
) -> None:
    document = parse(CONFIG + f"executor: {executor}\n", where="twin.yaml", folder=tmp_path)
    ran = runner.backtest(
        checked(RunConfig, document.values, document), document, results=tmp_path / "results"
    )
    folder = tmp_path / "results" / ran.name
    assert len(ran.simulation.fills) > 20
    assert len(ran.trades) > 10
    verified = runner.verify(folder)
    assert verified.identical, verified.differences
    assert {verified.executor, verified.against} == {"kernel", "cerebro"}
    again = runner.reproduce(folder)
    assert again.identical, again.differences


def test_the_backtrader_block_belongs_to_its_rules(tmp_path: Path) -> None:
    text = "strategy: {kind: sma_cross}\nbacktrader: {coc: true}\n"
    document = parse(text, where="run.yaml", folder=tmp_path)
    with pytest.raises(ConfigError, match="read under rules: backtrader alone"):
        runner.compute(checked(RunConfig, document.values, document), document)


def test_a_strategy_of_backtraders_users_ends_with_the_same_money() -> None:
    """An SMA cross as a script writes it, with backtrader's own indicator and sizing."""
    rng = np.random.default_rng(3)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, 400))), 2)
    bars = [(c, c * 1.01, c * 0.99, c) for c in close]
    panel = candles(bars)
    options = Options(BacktraderConfig(commission=CommissionConfig(commission=0.001)), 1e5, 0.9)
    strategy = SmaCross(fast=5, slow=20)
    inputs = strategy.prepare(panel, Signals())
    ours = backtrader_profile.simulate(strategy, inputs, panel, options, start=19)

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fast, self.slow = bt.ind.SMA(period=5), bt.ind.SMA(period=20)

        def next(self) -> None:
            if self.fast[0] > self.slow[0] and not self.position:
                self.order_target_percent(target=0.9)
            elif self.fast[0] <= self.slow[0] and self.position:
                self.order_target_percent(target=0.0)

    brain = bt.Cerebro(stdstats=False)
    brain.broker.set_cash(1e5)
    brain.broker.setcommission(0.001)
    stamps = panel.dates.astype("datetime64[us]").astype(np.int64)
    brain.adddata(PlainFeed(panel=panel, column=0, stamps=stamps))
    brain.addstrategy(Cross)
    brain.run()
    assert len(ours.fills) > 20
    assert ours.equity[-1] == brain.broker.getvalue()
