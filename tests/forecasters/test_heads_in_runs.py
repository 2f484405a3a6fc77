"""Heads from a config to the strategy that trades on them."""

from pathlib import Path

import numpy as np
import pytest

from tradewind.engine import runner
from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.report.run import Run

TEXT = """
data: {source: embedded, symbols: [MSFT, JPM, KO], start: 2013-03-01, end: 2014-12-31}
strategy: {kind: timing, entry: 0.05}
forecaster:
  kind: lstm
  horizon: 1
  window: 10
  features: [scaled_return_1, range]
  hidden: 4
  epochs: 1
  head: %s
  walk_forward: {train: 300, refit: 100}
"""


def run(head: str, folder: Path) -> Run:
    document = parse(TEXT % head, where="c.yaml", folder=folder)
    return runner.compute(validate(RunConfig, document), document, workers=0, cached=False)


def test_timing_trades_the_position_a_network_gives(tmp_path: Path) -> None:
    found = run("{kind: position, cost_bps: 1, run: 20}", tmp_path)
    said = found.signals.forecasts
    assert said is not None
    position = said.mean / said.std
    given = np.isfinite(position)
    assert given.sum() > 300
    assert np.abs(position[given]).max() <= 1.0 + 1e-12
    side = np.sign(position[given])
    assert len(found.simulation.fills) > 0
    assert found.forecast_scores["verdict"].startswith("lstm's mean is a score and no return")
    first = found.simulation.fills[0]
    assert np.sign(first["qty"]) in side


def test_quantiles_of_a_head_come_with_its_forecasts(tmp_path: Path) -> None:
    found = run("{kind: quantile, levels: [0.1, 0.5, 0.9]}", tmp_path)
    said = found.signals.forecasts
    assert said is not None
    assert said.levels == (0.1, 0.5, 0.9)
    known = said.quantiles[np.isfinite(said.mean)]
    assert (np.diff(known, axis=1) >= 0).all()
    assert set(found.forecast_scores["forecaster"]["pinball"]) == {"0.1", "0.5", "0.9"}
    assert found.forecast_scores["verdict"].endswith("in mean absolute error.")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("gausian", "did you mean 'gaussian'"),
        ("{kind: quantile, level: [0.1, 0.9]}", "did you mean 'levels'"),
        ("{kind: quantile, levels: [0.9, 0.1]}", "increasing"),
        ("[gaussian]", "forecaster.head"),
    ],
)
def test_a_head_that_is_none_is_refused_before_any_data_is_read(
    head: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        run(head, tmp_path)
    assert "c.yaml:" in str(error.value)


def test_positions_are_not_chosen_by_errors_of_returns(tmp_path: Path) -> None:
    chosen = "position\n  choose: {over: {hidden: [2, 4]}, groups: 3, test: 1}"
    with pytest.raises(ConfigError, match=r"c.yaml:1\d:\d+: forecaster.choose.*set it to rank_ic"):
        run(chosen, tmp_path)
