"""``tradewind sweep`` and what its folder holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.cli.app import main

CONFIG = """
name: cross
seed: 7
data: {source: embedded, symbols: [MSFT, KO], end: 2015-12-31}
strategy: {kind: sma_cross}
costs: {fee_bps: 1}
sweep:
  space:
    strategy.fast: {low: 2, high: 30}
    strategy.slow: {low: 5, high: 120}
    strategy.short: [false, true]
  trials: 60
  batch: 20
  validate: {folds: 3, train: 0.4}
  holdout: {start: 2015-07-01}
"""


def told(capsys: Any, *argv: str, code: int = 0) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main([*argv, "--json"])
    out = capsys.readouterr()
    assert ended.value.code == code, out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "cross.yaml"
    path.write_text(CONFIG, "utf-8")
    return path


def test_a_backtest_of_the_best_gives_its_numbers_to_the_last_digit(
    config: Path, tmp_path: Path, capsys: Any
) -> None:
    out = str(tmp_path / "results")
    swept = told(capsys, "sweep", str(config), "--out", out)
    run = told(capsys, "backtest", swept["best_config"], "--out", out)
    assert run["metrics"]["strategy"] == swept["best"]["metrics"]["strategy"]
    assert run["metrics"]["strategy"]["sharpe"] == swept["best"]["whole"]["strategy.sharpe"]
    assert swept["trials"]["all"] == 60
    assert swept["spans"]["search"]["last_date"] <= "2015-06-30"
