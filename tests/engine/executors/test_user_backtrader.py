"""A strategy of backtrader's, by plain Cerebro and through tradewind: the same money."""

import json
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tradewind.engine import registry, runner
from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.registry import load_file
from tradewind.engine.report.run import Run

SAMPLES = [Path(__file__).with_name(f"backtrader_{name}.py") for name in ("samples", "unusual")]
CASH, FEE, SPREAD, SLIPPAGE, BORROW = 10_000.0, 0.0012, 0.0006, 0.0002, 0.05


@dataclass(frozen=True)
class Case:
    """What is run twice."""

    strategy: str
    params: dict[str, Any] = field(default_factory=dict)
    setup: str = ""
    symbols: tuple[str, ...] = ("AAA",)

    def __str__(self) -> str:
        return "-".join(filter(None, [self.strategy, self.setup, *map(str, self.params.values())]))


CASES = [
    Case("MA_CrossOver"),
    Case("MA_CrossOver", {"fast": 4, "slow": 9}, symbols=("AAA", "BBB")),
    Case("Crossing"),
    Case("Crossing", {"period": 4, "stake": 30, "loud": False}),
    Case("Crossing", setup="in_parts", params={"stake": 40}),
    Case("Crossing", setup="step_by_step"),
    Case("Crossing", setup="replayed"),
    Case("Crossing", setup="written"),
    Case("Crossing", setup="analysed", symbols=("AAA", "BBB")),
    Case("Bracketed"),
    Case("Bracketed", {"distance": 0.01, "days": 1}),
    Case("Bracketed", {"size": 90}),
    Case("OneCancelsOthers"),
    Case("Trailing"),
    Case("Rotation", symbols=("AAA", "BBB", "CCC")),
    Case("Rotation", {"share": 0.995, "every": 5}, symbols=("AAA", "BBB", "CCC")),
    Case("Monthly"),
    Case("Sized", setup="a_fifth"),
    Case("Sized", setup="all_in"),
    Case("Weekly", setup="weeks"),
    Case("Every"),
    Case("Every", setup="unchecked"),
    Case("TooMuch"),
    Case("Shorting"),
    Case("Signalled"),
    Case("AtTheOpen", setup="at_the_open"),
    Case("Crossing", setup="at_the_close", params={"period": 6}),
    Case("Watching"),
    Case("Averages", {"ma": "EMA", "levels": [0.99, 1.0]}),
    Case("Lots"),
    Case("Outbreak", setup="risk"),
    Case("Outbreak", {"period": 5}, "saving"),
    Case("Coupled", setup="weeks"),
    Case("Idle", setup="above"),
    Case("Monthly", setup="two"),
    Case("Monthly", {"monthday": 20}, "from_history"),
    *(
        Case("Haphazard", {"seed": seed}, setup, ("AAA", "BBB", "CCC"))
        for seed, setup in enumerate(["", "", "unchecked", "in_parts", "step_by_step", ""])
    ),
]


def place(name: str) -> str:
    """``file.py:name`` of a strategy or a setup."""
    return next(f"{path}:{name}" for path in SAMPLES if hasattr(load_file(path), name))


def sample(name: str) -> Any:
    return next(found for path in SAMPLES if (found := getattr(load_file(path), name, None)))


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some years of three symbols in one CSV file: listed at different times, with gaps."""
    rng = np.random.default_rng(5)
    days = pd.bdate_range("2019-01-01", periods=420)
    parts = []
    for k, symbol in enumerate(["AAA", "BBB", "CCC"]):
        close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.012, len(days))))
        open_ = np.roll(close, 1) * np.exp(rng.normal(0, 0.004, len(days)))
        open_[0] = 100.0
        high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.004, len(days))))
        low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.004, len(days))))
        part = pd.DataFrame(
            {"date": days, "symbol": symbol, "open": open_, "high": high, "low": low,
             "close": close, "volume": rng.integers(100, 4_000, len(days)),
             "mood": rng.random(len(days))}
        )  # fmt: skip
        kept = rng.random(len(days)) > 0.02 * k
        kept[[0, -1]] = True
        parts.append(part[kept].iloc[5 * k :])
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    pd.concat(parts).sort_values(["symbol", "date"]).to_csv(path, index=False)
    return path


class Notebook(bt.Analyzer):  # type: ignore[misc]
    """What a user would print: the account after every bar, and every execution."""

    def start(self) -> None:
        self.account: dict[Any, tuple[float, float]] = {}
        self.executions: list[tuple[Any, ...]] = []
        self.known: dict[int, int] = {}

    def notify_order(self, order: Any) -> None:
        if order.status not in (order.Partial, order.Completed):
            return  # a notice sent before the fill shares its executions with those after it
        bits = list(order.executed.exbits)
        day = self.strategy.datetime.date(0)
        for bit in bits[self.known.get(order.ref, 0) :]:
            fee = abs(bit.size) * bit.price * FEE
            self.executions.append((day, order.data._name, bit.size, bit.price, fee))
        self.known[order.ref] = len(bits)

    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.account[self.strategy.datetime.date(0)] = cash, value


def their_feed(sheet: Path, symbol: str) -> Any:
    """backtrader's own reader of CSV files, which dates a day at its end."""
    bars = pd.read_csv(sheet)
    path = sheet.with_name(f"{symbol}.txt")
    if not path.exists():
        bars[bars["symbol"] == symbol].drop(columns=["symbol", "mood"]).to_csv(path, index=False)
    return bt.feeds.GenericCSVData(dataname=str(path), dtformat="%Y-%m-%d", openinterest=-1)


def prepared() -> Any:
    """Cerebro with the broker set as its author would set it."""
    cerebro = bt.Cerebro()
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=FEE, interest=BORROW)
    cerebro.broker.set_slippage_perc(SPREAD / 2 + SLIPPAGE, slip_out=True)
    return cerebro


def plainly(case: Case, sheet: Path) -> tuple[Any, Any]:
    """Run a case as its author would, without tradewind; returns strategy and notebook."""
    cerebro = prepared()
    for symbol in case.symbols:
        cerebro.adddata(their_feed(sheet, symbol), name=symbol)
    params = dict(case.params)
    if "ma" in params:
        params |= {"ma": bt.ind.EMA, "levels": tuple(params["levels"])}
    add = cerebro.signal_strategy if case.strategy == "Idle" else cerebro.addstrategy
    add(sample(case.strategy), **params)
    if case.setup:
        sample(case.setup)(cerebro)
    cerebro.addanalyzer(Notebook, _name="notebook")
    strategies = cerebro.run()
    notebook = strategies[0].analyzers.notebook
    for other in strategies[1:]:
        notebook.executions += other.analyzers.notebook.executions
    return strategies[0], notebook


@pytest.mark.parametrize("name", ["Hours", "Haphazard"])
def test_hourly_bars_make_the_same_money_too(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(3)
    opens = pd.bdate_range("2021-03-01", periods=25).repeat(7) + pd.to_timedelta(
        np.tile(np.arange(13, 20), 25), unit="h"
    )  # New York's hours in UTC
    close = 50.0 * np.exp(np.cumsum(rng.normal(0, 0.004, len(opens))))
    before = np.concatenate([[50.0], close[:-1]])
    frame = pd.DataFrame(
        {"open": before, "high": np.maximum(before, close) * 1.002,
         "low": np.minimum(before, close) * 0.998, "close": close, "volume": 900},
        index=opens + pd.Timedelta(hours=1),
    )  # fmt: skip
    frame.rename_axis("time").to_csv(tmp_path / "AAA.csv")

    cerebro = prepared()
    feed = bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes, compression=60)
    cerebro.adddata(feed, name="AAA")
    cerebro.addstrategy(sample(name))
    sample("days")(cerebro)
    cerebro.addanalyzer(Notebook, _name="notebook")
    (strategy,) = cerebro.run()

    case = Case(name, setup="days")
    data = {"source": "csv", "path": str(tmp_path / "AAA.csv"), "interval": "1h",
            "bar_label": "close"}  # fmt: skip
    run = through_tradewind(case, tmp_path / "AAA.csv", data=data)
    assert run.simulation.equity[-1] == strategy.broker.getvalue()
    assert len(run.simulation.fills) > 20
    want = strategy.analyzers.notebook.executions
    np.testing.assert_array_equal([r[3] for r in executions(run)], [r[3] for r in want])


def settings(case: Case, sheet: Path, **more: Any) -> tuple[RunConfig, Any]:
    """The same as a config."""
    lines = {
        "data": {"source": "csv", "path": str(sheet), "symbols": list(case.symbols)},
        "strategy": {"kind": place(case.strategy), **case.params},
        "costs": {
            "fee_bps": FEE * 1e4,
            "spread": {"bps": SPREAD * 1e4},
            "slippage_bps": SLIPPAGE * 1e4,
            "borrow_annual": BORROW,
        },
        "account": {"cash": CASH},
        **({"backtrader": {"setup": place(case.setup)}} if case.setup else {}),
        **more,
    }
    document = parse(json.dumps(lines), where="config.yaml", folder=sheet.parent)
    return validate(RunConfig, document), document


def through_tradewind(case: Case, sheet: Path, **more: Any) -> Run:
    return runner.compute(*settings(case, sheet, **more), cached=False)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_strategy_makes_the_same_money_in_plain_cerebro_and_through_tradewind(
    case: Case, sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, notebook = plainly(case, sheet)
    capsys.readouterr()
    run = through_tradewind(case, sheet)
    sim = run.simulation
    assert capsys.readouterr().out == "", "what a strategy prints must not reach stdout"

    account = np.array([notebook.account[day] for day in days(run)])
    np.testing.assert_array_equal(sim.equity, account[:, 1])
    np.testing.assert_allclose(sim.cash, account[:, 0], rtol=0, atol=1e-6)

    want, got = notebook.executions, executions(run)
    if case.setup == "two":  # each strategy hears of its own orders only
        want, got = sorted(want), sorted(got)
    assert len(want) > 3
    assert [row[:2] for row in got] == [row[:2] for row in want]
    np.testing.assert_allclose([r[2:] for r in got], [r[2:] for r in want], rtol=1e-12)
    np.testing.assert_array_equal([r[3] for r in got], [r[3] for r in want])


def days(run: Run) -> list[Any]:
    return list(run.panel.dates.astype(object))


def executions(run: Run) -> list[tuple[Any, ...]]:
    """Fills of a run; the two that a fill through zero is written as count as one."""
    rows: list[tuple[Any, ...]] = []
    for i, fill in enumerate(run.simulation.fills):
        qty, fee = float(fill["qty"]), float(fill["fee"])
        before = run.simulation.fills[i - 1] if i else None
        if before is not None and all(before[n] == fill[n] for n in ("order", "bar")):
            _, _, more, _, paid = rows.pop()
            qty, fee = qty + more, fee + paid
        symbol = run.panel.symbols[fill["symbol"]]
        rows.append((days(run)[fill["bar"]], symbol, qty, float(fill["price"]), fee))
    return rows


def test_settings_of_the_broker_can_stand_in_the_config_instead_of_a_setup(sheet: Path) -> None:
    def setup(cerebro: Any) -> None:
        cerebro.broker.set_filler(bt.broker.fillers.FixedBarPerc(perc=0.5))
        cerebro.broker.set_coc(True)
        cerebro.broker.set_checksubmit(False)
        cerebro.broker.setcommission(commission=0.002, interest=0.1)
        cerebro.broker.set_slippage_fixed(0.02)
        cerebro.addsizer(bt.sizers.PercentSizer, percents=35)

    cerebro = prepared()
    cerebro.adddata(their_feed(sheet, "AAA"), name="AAA")
    cerebro.addstrategy(sample("Sized"))
    setup(cerebro)
    (strategy,) = cerebro.run()
    block = {
        "filler": {"kind": "fixed_bar_perc", "perc": 0.5}, "coc": True, "checksubmit": False,
        "commission": {"commission": 0.002, "interest": 0.1}, "slippage": {"slip_fixed": 0.02},
        "sizer": {"kind": "percent", "percents": 35},
    }  # fmt: skip
    run = through_tradewind(Case("Sized"), sheet, backtrader=block, costs={})
    assert run.simulation.equity[-1] == strategy.broker.getvalue()
    assert len(run.simulation.fills) > 20


def test_a_strategy_that_a_package_registered_is_found_by_its_name(
    sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = EntryPoint("ma_cross", "backtrader.strategies:MA_CrossOver", "tradewind.strategies")
    monkeypatch.setattr(registry, "_entries", lambda group: [entry])
    kind = {"kind": "ma_cross", "fast": 4, "slow": 9, "_movav": "EMA"}
    run = through_tradewind(Case("MA_CrossOver"), sheet, strategy=kind)

    cerebro = prepared()
    cerebro.adddata(their_feed(sheet, "AAA"), name="AAA")
    cerebro.addstrategy(bt.strategies.MA_CrossOver, fast=4, slow=9, _movav=bt.ind.EMA)
    cerebro.run()
    assert run.simulation.equity[-1] == cerebro.broker.getvalue()
    assert dict(run.config.strategy.params) == {"fast": 4, "slow": 9, "_movav": "EMA"}
    assert run.manifest["code"]["strategy"]["code"]
