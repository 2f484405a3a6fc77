"""A backtest from file to report for each way to say what the spread is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tradewind.engine.report.folder import read
from tradewind.engine.report.run import Run

FEEDS = Path(__file__).parents[1] / "engine" / "feeds"
FOREX = FEEDS / "eurusd_xauusd_hourly_2016.parquet"
STOCKS = """\
name: spread
strategy: {kind: sma_cross, fast: 5, slow: 20}
data: {symbols: [MSFT, KO], start: 2016-01-04, end: 2016-12-30}
"""
QUOTED = f"""\
name: quoted
strategy: {{kind: sma_cross, fast: 5, slow: 20}}
data: {{source: parquet, path: {FOREX}, interval: 1h}}
costs: {{spread: {{kind: quotes}}}}
"""
Ran = Callable[..., Run]


@pytest.fixture
def ran(inside: Callable[..., Any], project: Path) -> Ran:
    """Run a config to its end and read the folder it leaves."""

    def run(text: str) -> Run:
        (project / "config.yaml").write_text(text)
        ended = inside("backtest", "config.yaml", "--json")
        assert ended.code == 0, ended.err
        assert inside("verify", ended.json["run"], "--json").json["identical"] is True
        return read(Path(ended.json["folder"]))

    return run


def half_paid(run: Run) -> np.ndarray:
    """Half-spread of each fill over its mid."""
    fills = run.simulation.fills
    assert len(fills) > 10
    return np.asarray(np.sign(fills["qty"]) * (fills["quote"] / fills["mid"] - 1.0))


def page(project: Path, run: Run) -> str:
    return (project / "results" / run.name / "report.html").read_text("utf-8")


def test_an_estimated_spread_is_charged_reported_and_recorded(ran: Ran, project: Path) -> None:
    spread = "{kind: estimated, window: 60, floor_bps: 2, fallback_bps: 25}"
    run = ran(STOCKS + f"costs: {{spread: {spread}}}\n")
    paid = half_paid(run)
    early = run.simulation.fills["bar"] < 60
    np.testing.assert_allclose(paid[early], 12.5e-4, rtol=1e-9)
    assert (paid[~early] > 1e-4 - 1e-12).all()
    assert len(np.unique(np.round(paid[~early], 9))) > 3
    (told,) = [event for event in run.log if event["event"] == "spread"]
    assert told["n_fallback"] == 2 * 60
    assert 0 < told["n_floor"] < told["n_bars"] - told["n_fallback"]
    total = run.metrics["spread"]["total"]
    assert total["paid_bps"] > 2.0
    assert run.metrics["spread"]["window"] == 60
    assert None not in (total["edge_bps"], total["corwin_schultz_bps"], total["abdi_ranaldo_bps"])
    assert "the fallback of 25 bps on" in page(project, run)


def test_quotes_are_traded_on_and_what_was_paid_is_what_they_say(ran: Ran, project: Path) -> None:
    run = ran(QUOTED)
    fills, columns = run.simulation.fills, run.panel.columns
    at = fills["bar"], fills["symbol"]
    side = np.where(fills["qty"] > 0, columns["ask_open"][at], columns["bid_open"][at])
    np.testing.assert_array_equal(fills["quote"], side)
    total = run.metrics["spread"]["total"]
    assert total["paid_bps"] == pytest.approx(total["quotes_bps"], rel=1e-9)
    assert 1.0 < total["paid_bps"] < 5.0
    curve = run.metrics["spread"]["break_even"]
    assert curve["final_equity"][4] == pytest.approx(run.simulation.equity[-1], rel=1e-9)
    assert curve["sharpe"] == sorted(curve["sharpe"], reverse=True)
    assert 1.0 < curve["multiple"] < 5.0
    html = page(project, run)
    assert "Quotes" in html
    says = f"falls to zero at {curve['multiple']:.2f} times the spread: that is the room it has."
    assert says in html


def test_quotes_in_the_data_are_left_alone_where_another_spread_is_asked_for(ran: Ran) -> None:
    run = ran(QUOTED.replace("kind: quotes", "kind: constant, bps: 6"))
    np.testing.assert_allclose(half_paid(run), 3e-4, rtol=1e-9)


def test_each_symbol_pays_its_own_spread_or_that_of_the_bar(ran: Ran, project: Path) -> None:
    run = ran(STOCKS + "costs: {spread: {kind: by_symbol, bps: {KO: 2}, default_bps: 9}}\n")
    cost = {"KO": 1e-4, "MSFT": 4.5e-4}
    wanted = [cost[run.panel.symbols[k]] for k in run.simulation.fills["symbol"]]
    np.testing.assert_allclose(half_paid(run), wanted, rtol=1e-9)

    table = pq.read_table(project / "results" / run.name / "prices.parquet")
    table = table.append_column("quoted", table["close"])  # a spread of 1 bps per currency unit
    pq.write_table(table, project / "bars.parquet")
    run = ran(
        STOCKS.partition("data:")[0]
        + "data: {source: parquet, path: bars.parquet, columns: {time: ts}}\n"
        + "costs: {spread: {kind: column, column: quoted}}\n"
    )
    fills = run.simulation.fills
    wanted = run.panel.close[fills["bar"], fills["symbol"]] / 2e4
    np.testing.assert_allclose(half_paid(run), wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("spread", "says"),
    [
        ("{kind: column, column: sprd}", "the data has no column 'sprd'"),
        ("{kind: quotes}", "quotes needs bid and ask bars, and the data has no ask_open"),
        ("{kind: by_symbol, bps: {MFST: 2}, default_bps: 9}", "did you mean 'MSFT'"),
        ("{kind: estimated, window: 5}", "costs.spread.window: wanted at least 10; found 5"),
    ],
)
def test_a_spread_that_cannot_be_had_is_refused(
    spread: str, says: str, inside: Callable[..., Any], project: Path
) -> None:
    (project / "config.yaml").write_text(STOCKS + f"costs: {{spread: {spread}}}\n")
    ended = inside("backtest", "config.yaml")
    assert ended.code == 2
    ended.says(says)
    assert not list(project.glob("results/*"))


def test_metrics_of_the_spread_are_plain_json(ran: Ran, project: Path) -> None:
    run = ran(STOCKS)
    text = (project / "results" / run.name / "metrics.json").read_text("utf-8")
    assert json.loads(text)["spread"] == run.metrics["spread"]
    assert run.metrics["spread"]["total"]["paid_bps"] == pytest.approx(4.0)
    curve = run.metrics["spread"]["break_even"]
    assert curve["final_equity"][4] == run.metrics["strategy"]["final_equity"]
    assert curve["sharpe"][4] == pytest.approx(run.metrics["strategy"]["sharpe"], rel=1e-9)
