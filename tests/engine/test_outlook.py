"""What a selector says reaches the run, out of sample and through every door."""

from pathlib import Path

import numpy as np
import pytest

from tradewind.engine import runner
from tradewind.engine.audit.from_config import subject_of
from tradewind.engine.audit.stages import Effort
from tradewind.engine.config.file import load
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.forecaster_spec import ForecasterSpec, forecasting
from tradewind.engine.report import folder as run_folder

RANKS = Path(__file__).with_name("ranks.py")
CONFIG = """\
name: ranked
data: {{source: embedded, symbols: [KO, PEP, XOM, CVX, HD, LOW]}}
selector: {{kind: "{ranks}:{name}", lookback: 20, walk_forward: {{train: 300, refit: 300}}}}
strategy: {{kind: momentum}}
sizing: {{kind: target_weight, weight: 1}}
"""


def written(folder: Path, name: str = "PastReturn", more: str = "") -> Path:
    path = folder / "ranked.yaml"
    path.write_text(CONFIG.format(ranks=RANKS, name=name) + more)
    return path


def test_scores_are_those_of_the_past_and_begin_behind_the_first_training(tmp_path: Path) -> None:
    config, document = load(written(tmp_path))
    found = runner.compute(config, document, workers=0, cached=False)
    scores, close = found.signals.scores, np.log(found.panel.close)
    assert scores is not None and found.signals.forecasts is None
    first = int(np.flatnonzero(np.isfinite(scores).any(axis=1))[0])
    assert 300 <= first <= 306  # training, and the horizon left out behind it
    np.testing.assert_array_equal(scores[first:], (close[20:] - close[:-20])[first - 20 :])
    assert found.first_bar >= first
    assert found.manifest["code"]["selector"]


def test_a_run_with_scores_is_written_read_verified_and_reproduced(tmp_path: Path) -> None:
    config, document = load(written(tmp_path))
    run = runner.backtest(config, document, results=tmp_path / "results", workers=0)
    folder = tmp_path / "results" / run.name
    back = run_folder.read(folder)
    np.testing.assert_array_equal(back.signals.scores, run.signals.scores)
    assert runner.verify(folder).identical
    again = runner.reproduce(folder, workers=0)
    assert again.identical, again.differences


def test_a_selector_that_looks_ahead_is_refused(tmp_path: Path) -> None:
    config, document = load(written(tmp_path, "NextReturn"))
    with pytest.raises(ForecastError, match="looks ahead"):
        runner.compute(config, document, workers=0, cached=False)


def test_a_selector_is_trained_alone(tmp_path: Path) -> None:
    config, document = load(written(tmp_path))
    training = runner.train(config, document, workers=0)
    assert [fold.n_samples for fold in training.selector_folds][:2] == [300, 600]
    assert training.folds == ()


def test_an_unknown_selector_is_an_error_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ranked.yaml"
    path.write_text("name: x\nselector: {kind: nobody}\nstrategy: {kind: momentum}\n")
    with pytest.raises(ConfigError, match=r"ranked.yaml:2:\d+: selector.kind: unknown 'nobody'"):
        runner.compute(*load(path), workers=0, cached=False)


def test_a_schedule_too_short_for_the_selector_is_an_error_at_its_line(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("train: 300", "train: 22"))
    with pytest.raises(
        ConfigError, match=r"ranked.yaml:3:\d+: selector.walk_forward.train: 22 bars"
    ):
        runner.compute(*load(path), workers=0, cached=False)


def test_an_audit_lays_out_the_selector(tmp_path: Path) -> None:
    config, document = load(written(tmp_path))
    subject = subject_of(config, document, Effort(bars=700, symbols=4, cuts=2, folds=2))
    assert [stage.name for stage in subject.stages] == ["PastReturn", "PastReturn"]
    assert [one.name for one in subject.evaluations] == ["walk-forward of PastReturn"]


def test_a_forecaster_stays_what_it_is_and_a_selector_is_presented_as_one() -> None:
    spec = ForecasterSpec(f"{RANKS}:PastReturn", {"lookback": 3})
    made = spec.build(0)
    assert made.horizon == 5 and made.warmup == 4
    assert type(made).__qualname__ == "PastReturn"
    assert forecasting(type(made)) is type(made)


def test_what_the_rankings_were_worth_reaches_metrics_page_and_screen(tmp_path: Path) -> None:
    config, document = load(written(tmp_path))
    run = runner.backtest(config, document, results=tmp_path / "results", workers=0)
    found = run_folder.read(tmp_path / "results" / run.name).ranked
    assert found["horizon"] == 5
    assert found["n_groups"] == 3  # of six symbols, two each
    assert found["n_dates"] > 800
    assert found["rank_ic"]["low"] < found["rank_ic"]["value"] < found["rank_ic"]["high"]
    assert len(found["groups"]) == 3 and len(found["decay"]) == 6
    assert found["decay"][0]["value"] == pytest.approx(found["rank_ic"]["value"])
    page = (tmp_path / "results" / run.name / "report.html").read_text()
    assert "Ranking against outcome" in page and 'class="bars"' in page
