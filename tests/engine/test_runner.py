"""A run from config to folder and back, through the Python a notebook would use."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tradewind.engine import differing, runner
from tradewind.engine.config.file import Document, load, parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, DataError, RunError
from tradewind.engine.report.folder import read

SMA = """
name: small
seed: 3
data: {source: embedded, symbols: [MSFT, KO, JPM, BHI], start: 2016-01-04}
strategy: {kind: sma_cross, fast: 5, slow: 20, short: true}
costs: {fee_bps: 2, spread: {bps: 6}, slippage_bps: 1, borrow_annual: 0.02}
"""
DRIFT = """
name: drifting
data: {source: embedded, symbols: [MSFT, KO, JPM, XOM], start: 2015-01-02}
forecaster: {kind: drift, horizon: 5, walk_forward: {train: 300, refit: 100}}
strategy: {kind: timing, entry: 0.02}
sizing: {kind: volatility_target, vol_annual: 0.1, lookback: 40}
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path / "cache"))


def config(text: str, folder: Path) -> tuple[RunConfig, Document]:
    document = parse(text, where="config.yaml", folder=folder)
    return validate(RunConfig, document), document


@pytest.fixture
def made(tmp_path: Path) -> Path:
    run = runner.backtest(*config(SMA, tmp_path), results=tmp_path / "results")
    return tmp_path / "results" / run.name


def test_a_run_leaves_every_file_the_docs_name(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {
        "config.yaml", "manifest.json", "metrics.json", "equity.parquet", "orders.parquet",
        "fills.parquet", "events.parquet", "trades.parquet", "signals.parquet", "prices.parquet",
        "report.html", "log.jsonl",
    }  # fmt: skip


def test_what_is_read_back_is_what_was_computed(made: Path) -> None:
    run = read(made)
    assert run.config.strategy.params == {"fast": 5, "slow": 20, "short": True}
    assert len(run.simulation.fills) > 50
    assert run.metrics["strategy"]["final_equity"] == pytest.approx(run.simulation.equity[-1])
    assert run.manifest["data_digest"] == run.panel.digest()
    assert run.manifest["universe"]["file"] is None
    assert "survivors are over-represented" in run.manifest["universe"]["survivorship"]


def test_a_universe_silences_forecasts_outside_it_and_is_on_record(tmp_path: Path) -> None:
    (tmp_path / "members.csv").write_text(
        "symbol,start,end\nMSFT,2010-01-01,2017-01-03\nKO,2010-01-01,\nJPM,2016-09-01,\n"
        "XOM,1990-01-01,2000-01-01\nGONE,2010-01-01,\n"
    )
    text = DRIFT.replace("2015-01-02}", "2015-01-02, universe: {path: members.csv}}")
    run = runner.compute(*config(text, tmp_path), workers=0)
    mean, days = run.signals.forecasts.mean, run.panel.dates  # type: ignore[union-attr]
    given = {s: days[np.isfinite(mean[:, k])] for k, s in enumerate(run.panel.symbols)}
    assert str(given["MSFT"][-1]) == "2016-12-30" and str(given["JPM"][0]) == "2016-09-01"
    assert len(given["KO"]) > 400 and len(given["XOM"]) == 0
    assert run.manifest["universe"]["file"]["path"] == str(tmp_path / "members.csv")
    assert len(run.manifest["universe"]["file"]["sha256"]) == 64
    assert any("those without (GONE) are missing" in note for note in run.notes)


def test_the_other_executor_agrees_and_a_forged_fill_does_not(made: Path) -> None:
    found = runner.verify(made)
    assert found.identical
    assert (found.executor, found.against) == ("kernel", "cerebro")
    assert found.n_fills == len(read(made).simulation.fills)
    run = read(made)
    forged = run.simulation.fills.copy()
    forged["price"][7] *= 1 + 1e-6
    differences = differing.fill_differences(
        run.simulation,
        replace(run.simulation, fills=forged),
        run.panel,
        tolerance=1e-9,
    )
    assert len(differences) == 1
    assert differences[0].startswith("fill 7 (")
    assert "price" in differences[0]


def test_a_run_is_reproduced_from_its_folder_bit_for_bit(made: Path) -> None:
    found = runner.reproduce(made)
    assert found.differences == ()
    assert found.identical


def test_reproduce_says_what_differs_and_what_may_explain_it(made: Path) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    manifest["versions"]["numpy"] = "0.1"
    manifest["data_digest"] = "0" * 64
    (made / "manifest.json").write_text(json.dumps(manifest))
    found = runner.reproduce(made)
    assert not found.identical
    assert any(line.startswith("version of numpy: 0.1 then") for line in found.differences)
    assert any(line.startswith("data: ") for line in found.differences)


def test_a_file_changed_after_the_run_is_refused(made: Path) -> None:
    table = pq.read_table(made / "fills.parquet")
    pq.write_table(table.slice(1), made / "fills.parquet")
    with pytest.raises(RunError, match=r"fills\.parquet"):
        runner.verify(made)


def test_the_same_config_gives_the_same_bytes_in_every_parquet(tmp_path: Path) -> None:
    runs = [
        runner.backtest(*config(DRIFT, tmp_path), results=tmp_path / "results") for _ in range(2)
    ]
    first, second = (tmp_path / "results" / run.name for run in runs)
    assert first != second
    names = sorted(path.name for path in first.glob("*.parquet"))
    assert len(names) == 7
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_forecaster_is_scored_beside_its_rivals_out_of_sample_only(tmp_path: Path) -> None:
    run = runner.compute(*config(DRIFT, tmp_path))
    forecasts = run.signals.forecasts
    assert forecasts is not None
    assert run.first_bar == 300
    assert np.isnan(forecasts.mean[:300]).all()
    assert not np.isnan(forecasts.mean[300:]).any()
    assert list(run.forecast_scores["rivals"]) == ["naive"]
    assert run.forecast_scores["verdict"]


def test_what_is_resolved_is_written_out_and_gives_the_same_run(tmp_path: Path) -> None:
    run = runner.backtest(*config(DRIFT, tmp_path), results=tmp_path / "results")
    again, document = load(tmp_path / "results" / run.name / "config.yaml")
    assert again == run.config
    assert "exit" in again.strategy.params, "defaults are part of what ran"
    repeated = runner.compute(again, document)
    np.testing.assert_array_equal(repeated.simulation.equity, run.simulation.equity)


def test_a_user_strategy_from_a_file_runs_and_its_folder_finds_it_again(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from tradewind.strategies.sma_cross import SmaCross\n\n\nclass Mine(SmaCross):\n    pass\n"
    )
    text = SMA.replace("kind: sma_cross", "kind: mine.py:Mine")
    run = runner.backtest(*config(text, tmp_path), results=tmp_path / "results")
    assert run.config.strategy.kind == f"{tmp_path / 'mine.py'}:Mine"
    folder = tmp_path / "results" / run.name
    assert runner.verify(folder).identical
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["code"]["strategy"]
    manifest["code"]["strategy"] = {"source": "another"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    differences = runner.reproduce(folder).differences
    assert differences == ("code: the strategy or the forecaster was changed since",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SMA.replace("slow: 20", "slow: 9000"), "first decision needs 9000 closed bars"),
        (SMA + "benchmark: SPY\n", r"config\.yaml:\d+:1: benchmark: 'SPY' is neither"),
    ],
)
def test_what_cannot_run_is_said_with_the_numbers(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        runner.compute(*config(text, tmp_path))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("symbols: [MSFT, KOO]", r"^config\.yaml:4:26: data\.symbols: .*did you mean 'KO'"),
        ("start: 2031-01-01", r"^config\.yaml:4:1: data: no bar from 2031-01-01"),
    ],
)
def test_what_the_data_does_not_have_is_said_with_its_line(
    changed: str, says: str, tmp_path: Path
) -> None:
    text = SMA.replace(
        "data: {source: embedded, symbols: [MSFT, KO, JPM, BHI], start: 2016-01-04}",
        f"data: {{source: embedded, {changed}}}",
    )
    with pytest.raises(DataError, match=says):
        runner.compute(*config(text, tmp_path))


def test_training_needs_a_forecaster(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither a 'forecaster:' nor a 'selector:' block"):
        runner.train(*config(SMA, tmp_path))


def test_a_changed_cost_never_fits_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.train(*config(DRIFT, tmp_path))
    fits: list[Any] = []
    from tradewind.forecasters.baselines import Drift

    def fit(self: Drift, past: Any) -> Drift:
        fits.append(past)
        return self

    monkeypatch.setattr(Drift, "fit", fit)
    dear = DRIFT + "costs: {fee_bps: 50}\n"
    run = runner.compute(*config(dear, tmp_path))
    assert run.metrics["costs"]["fee"] > 0
    assert fits == []
    assert any("came from the cache" in note for note in run.notes)


def test_verify_needs_no_forecaster_and_says_when_the_strategy_was_changed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from tradewind.forecasters.baselines import Drift\n"
        "from tradewind.strategies.timing import Timing\n\n\n"
        "class MyDrift(Drift):\n    pass\n\n\n"
        "class Mine(Timing):\n    pass\n"
    )
    (tmp_path / "theirs.py").write_text((tmp_path / "mine.py").read_text())
    text = DRIFT.replace("kind: drift,", "kind: theirs.py:MyDrift,")
    text = text.replace("kind: timing,", "kind: mine.py:Mine,")
    run = runner.backtest(*config(text, tmp_path), results=tmp_path / "results")
    folder = tmp_path / "results" / run.name
    (tmp_path / "theirs.py").unlink()
    assert runner.verify(folder).identical
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["code"]["strategy"] = {"source": "another"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = runner.verify(folder)
    assert not found.identical
    assert found.differences[0].startswith("code: the strategy was changed since")
    (tmp_path / "mine.py").unlink()
    with pytest.raises(ConfigError, match=r"mine\.py"):
        runner.verify(folder)


def test_reproduce_reports_shorter_data_instead_of_failing_over_it(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = runner.compute

    def shorter(given: RunConfig, document: Document, **options: Any) -> Any:
        data = given.data.model_copy(update={"start": date(2017, 6, 1)})
        return compute(given.model_copy(update={"data": data}), document, **options)

    monkeypatch.setattr(runner, "compute", shorter)
    found = runner.reproduce(made)
    assert any(line.startswith("data: ") for line in found.differences)
    assert any(line.startswith("orders: ") for line in found.differences)
    assert any(line.startswith("fill 0 (2016-") for line in found.differences)
