"""Whole runs on longer bars, on several exchanges, and with finer bars inside."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.minutes import bars_at, bars_of, session_bars
from tradewind.engine import runner
from tradewind.engine.config.file import Document, parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import RunError
from tradewind.engine.records import FIELDS, Panel
from tradewind.engine.report.folder import read
from tradewind.engine.types import Happening

BRACKET = '''
from tradewind.engine.types import Intent


class Bracket:
    """Buys once, with a stop and a target."""

    warmup = 1

    def prepare(self, panel, signals):
        return None

    def decide(self, view):
        if view.bar:
            return []
        return [Intent(0, 1.0, stop_loss=95.0, take_profit=105.0)]
'''
COSTS = "costs: {fee_bps: 0, spread: {bps: 0}, slippage_bps: 0}"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bracket.py").write_text(BRACKET, "utf-8")


Shape = tuple[float, float, float, float, float]  # open, high, low, close, volume


def put(panel: Panel, path: Path) -> None:
    """Write a panel as a Parquet file whose bars are labelled by their close."""
    rows, cols = np.nonzero(~np.isnan(panel.close))
    keys = {
        "symbol": pa.array([panel.symbols[k] for k in cols]),
        "timestamp": pa.array(panel.ts[rows].astype("datetime64[ns]")),
    }
    pq.write_table(pa.table(keys | {n: getattr(panel, n)[rows, cols] for n in FIELDS}), path)


def config(text: str, folder: Path) -> tuple[RunConfig, Document]:
    document = parse(text, where="config.yaml", folder=folder)
    return validate(RunConfig, document), document


def days_of_two_halves(target_first: bool) -> Panel:
    """Half-days of four days; on the third one half touches 105 and the other 95."""
    up, down = (104, 106, 104, 105, 9), (96, 97, 94, 96, 9)
    return days_with(*(up, down) if target_first else (down, up))


def days_with(first: Shape, second: Shape) -> Panel:
    """Half-days of four days, the third one made of these two."""
    quiet = (100, 101, 99, 100, 9)
    shapes = [quiet, quiet, quiet, quiet, first, second, quiet, quiet]
    hours = [f"2018-01-{6 + (k + 1) // 2:02d}T{12 * ((k + 1) % 2):02d}:00" for k in range(8)]
    return bars_of([(at, *shape) for at, shape in zip(hours, shapes, strict=True)],
                   interval="12h", calendar="24/7")  # fmt: skip


def run_of(intrabar: str, folder: Path) -> RunConfig:
    return config(
        f"""
name: path
data: {{source: parquet, path: halves.parquet, interval: 12h, calendar: 24/7, bar_label: close,
       resample: 1d}}
strategy: {{kind: bracket.py:Bracket}}
execution: {{intrabar: {intrabar}}}
{COSTS}""",
        folder,
    )[0]


@pytest.mark.parametrize(("target_first", "price"), [(True, 105.0), (False, 95.0)])
def test_finer_bars_tell_whether_stop_or_target_came_first(
    target_first: bool, price: float, tmp_path: Path
) -> None:
    put(days_of_two_halves(target_first), tmp_path / "halves.parquet")
    document = config(f"strategy: {{kind: bracket.py:Bracket}}\n{COSTS}", tmp_path)[1]
    prices, counted = {}, {}
    for intrabar in ("worst", "best", "path"):
        run = runner.compute(run_of(intrabar, tmp_path), document)
        assert run.panel.n_bars == 4
        prices[intrabar] = float(run.simulation.fills["price"][1])
        events = run.simulation.events["kind"]
        counted[intrabar] = int((events == Happening.AMBIGUOUS).sum())
    assert prices == {"worst": 95.0, "best": 105.0, "path": price}
    assert counted == {"worst": 1, "best": 1, "path": 0}


def test_bounds_of_a_run_with_finer_bars_are_of_what_those_leave_open(tmp_path: Path) -> None:
    both, quiet = (100, 106, 94, 100, 9), (100, 101, 99, 100, 9)
    put(days_with(both, quiet), tmp_path / "halves.parquet")
    document = config(f"strategy: {{kind: bracket.py:Bracket}}\n{COSTS}", tmp_path)[1]
    run = runner.compute(run_of("path", tmp_path), document)
    found = run.metrics["ambiguity"]
    assert (found["bars"], found["trades_decided"], found["trades_changed"]) == (1, 1, 1)
    assert run.bounds is not None
    np.testing.assert_array_equal(run.bounds.worst, run.simulation.equity)
    assert run.bounds.worst[-1] / run.bounds.best[-1] == pytest.approx(95.0 / 105.0)
    put(days_of_two_halves(True), tmp_path / "halves.parquet")
    run = runner.compute(run_of("path", tmp_path), document)
    assert run.bounds is None, "the finer bars left nothing open"
    assert run.metrics["ambiguity"]["bars"] == 0


def test_a_run_with_finer_bars_can_be_verified_while_they_are_there(tmp_path: Path) -> None:
    put(days_of_two_halves(True), tmp_path / "halves.parquet")
    document = config(f"strategy: {{kind: bracket.py:Bracket}}\n{COSTS}", tmp_path)[1]
    run = runner.backtest(run_of("path", tmp_path), document, results=tmp_path / "results")
    folder = tmp_path / "results" / run.name
    assert runner.verify(folder).identical
    assert runner.reproduce(folder).identical
    put(days_of_two_halves(False), tmp_path / "halves.parquet")
    with pytest.raises(RunError, match="the finer bars of its data are not those it looked at"):
        runner.verify(folder)


def test_stocks_and_coins_are_traded_on_one_clock_and_both_executors_agree(tmp_path: Path) -> None:
    stocks = bars_at(session_bars("XNYS", "2017-12-01", "2018-02-02", 390), "AB", interval="1d")
    coins = bars_at(session_bars("24/7", "2017-12-01", "2018-02-04", 1440), "C", 1, interval="1d")
    put(stocks, tmp_path / "stocks.parquet")
    put(coins, tmp_path / "coins.parquet")
    text = """
name: mixed
data:
  sources:
    - {source: parquet, path: stocks.parquet, calendar: XNYS}
    - {source: parquet, path: coins.parquet, calendar: 24/7}
strategy: {kind: sma_cross, fast: 2, slow: 5, short: true}
"""
    # a daily file is read by day: the day of a coin's bar is the one that ends at its close
    for name, panel in (("stocks", stocks), ("coins", coins)):
        day = (panel.ts - 1).astype("datetime64[ns]").astype("datetime64[D]")
        table = pq.read_table(tmp_path / f"{name}.parquet")
        dates = pa.array(np.repeat(day, panel.n_symbols))
        pq.write_table(table.set_column(1, "date", dates), tmp_path / f"{name}.parquet")
    run = runner.backtest(*config(text, tmp_path), results=tmp_path / "results")
    folder = tmp_path / "results" / run.name
    kept = read(folder)
    assert kept.panel.calendars == ("XNYS", "XNYS", "24/7")
    assert kept.panel.digest() == run.panel.digest()
    fills = run.simulation.fills
    assert len(fills) > 20
    assert not np.isnan(run.panel.close[fills["bar"], fills["symbol"]]).any()
    assert runner.verify(folder).identical
    assert any("share one clock" in note for note in run.notes)
