"""A run on raw, foreign prices with files of rates, from config to folder and back."""

from pathlib import Path

import numpy as np
import pytest

from tradewind.engine import runner
from tradewind.engine.config.file import load
from tradewind.engine.feeds.beside import COLUMNS
from tradewind.engine.report import page
from tradewind.engine.report.folder import read

WIKI = Path(__file__).parent / "feeds" / "wiki_raw_hcbk_lltc_tif.parquet"
CONFIG = f"""
name: raw
data:
  source: parquet
  path: {WIKI}
  prices: raw
  actions: {{kind: columns}}
  currencies: {{TIF: EUR}}
  end: 1999-12-31
  symbols: [LLTC, TIF]
strategy: {{kind: sma_cross, fast: 5, slow: 20, short: true}}
costs:
  fees: {{kind: per_share, per_unit: 0.005, minimum: 1, maximum: 0.01}}
  slippage: {{bps: 1, ticks: 1, impact: 0.02}}
  borrow: {{path: borrow.csv}}
execution: {{tick: {{LLTC: 0.01}}}}
account:
  fx: {{EUR: {{path: eur.csv}}}}
  fractional: false
  lot: {{LLTC: 10}}
  max_leverage: 2
  maintenance_margin: 0.25
  debit_annual: 0.05
  credit_annual: 0.02
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a run whose files of rates are gone."""
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path / "cache"))
    (tmp_path / "config.yaml").write_text(CONFIG)
    weeks = np.arange(np.datetime64("1996-01-05"), np.datetime64("2000-01-07"), 7)
    rates = [f"{day},{1.1 + 0.1 * np.sin(i / 9):.4f}" for i, day in enumerate(weeks)]
    (tmp_path / "eur.csv").write_text("\n".join(["date,rate", *rates]))
    lent = [f"{day},LLTC,{0.02 + i % 5 / 100},{400 - i % 7 * 50}" for i, day in enumerate(weeks)]
    (tmp_path / "borrow.csv").write_text("\n".join(["date,symbol,rate,available", *lent]))
    run = runner.backtest(*load(tmp_path / "config.yaml"), results=tmp_path / "results")
    (tmp_path / "eur.csv").unlink()
    (tmp_path / "borrow.csv").unlink()
    return tmp_path / "results" / run.name


def test_a_run_with_everything_is_verified_from_its_folder_alone(made: Path) -> None:
    run = read(made)
    costs, orders = run.metrics["costs"], run.metrics["orders"]
    for name in ("fee", "spread", "slippage", "borrow", "dividends"):
        assert abs(costs[name]) > 0, name
    assert costs["interest"] != 0
    assert orders["recalled"] > 0 and orders["partly_filled"] > 0
    assert set(np.unique(run.simulation.fills["fx"] == 1.0)) == {True, False}
    assert set(COLUMNS) <= set(run.panel.columns)
    found = runner.verify(made)
    assert found.identical, found.differences[:3]


def test_profits_of_trades_and_what_holding_cost_add_up_to_the_change_of_equity(
    made: Path,
) -> None:
    run = read(made)
    costs = run.metrics["costs"]
    gain = run.trades["pnl"].sum() - costs["borrow"] - costs["interest"]
    assert gain == pytest.approx(run.simulation.equity[-1] - 100_000, abs=1e-6)


def test_the_page_names_the_costs_of_the_config(made: Path) -> None:
    text = page.render(read(made)).replace("&#39;", "'")
    assert "fee 0.005 a unit (at least 1 and at most 1.0% an order)" in text
    assert "slippage 1 bps plus 1 tick plus 2.0% at the bar's volume" in text
    assert "borrow from a file" in text
