"""``tradewind train`` with several forecasters: one board, one folder, nobody left out unsaid."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tradewind.engine.config.bench import bench_config
from tradewind.engine.config.file import read_document
from tradewind.engine.leaderboard.entrants import entrants_of
from tradewind.engine.leaderboard.run import Compared, bench

SCRIPT = Path(sys.executable).with_name("tradewind")
CONFIG = """\
name: few
seed: 3
strategy: {kind: timing}
data: {symbols: [MSFT, KO, JPM, BA], start: 2015-01-02, end: 2016-12-30}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}}
walk_forward: {train: 250, refit: 130}
shared: {horizon: 2, vol_lookback: 20}
forecasters:
  naive: {}
  drift: {}
  slow: {kind: drift, lookback: 200}
  fails: {kind: failing.py:Failing}
"""
FAILING = """\
from tradewind.engine.errors import ForecastError
from tradewind.forecasters.baselines import Naive


class Failing(Naive):
    def fit(self, past):
        raise ForecastError("Failing: this one never learns")
"""
# A drift that calls its mean a score.
SCORING = """\
from tradewind.forecasters.baselines import Drift


class Scoring(Drift):
    mean_is_return = False
"""
# The naive forecast as it is, but its fit presses Ctrl-C once.
PRESSING = """\
import os, signal
from pathlib import Path
from tradewind.forecasters.baselines import Naive


class Pressing(Naive):
    def fit(self, past):
        pressed = Path(__file__).with_name("pressed")
        if not pressed.exists():
            pressed.touch()
            os.killpg(os.getpgid(os.getpid()), signal.SIGINT)
        return super().fit(past)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Compared]]:
    """A folder with the config, its results and its cache; and the comparison made there."""
    home = tmp_path_factory.mktemp("home")
    (home / "few.yaml").write_text(CONFIG)
    (home / "failing.py").write_text(FAILING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADEWIND_CACHE", str(home / "cache"))
        yield home, bench(home / "few.yaml", [], results=home / "results", workers=0)


@pytest.fixture
def written(made: tuple[Path, Compared], project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config and the forecaster that fails, in the working folder; the same cache."""
    monkeypatch.setenv("TRADEWIND_CACHE", str(made[0] / "cache"))
    (project / "few.yaml").write_text(CONFIG)
    (project / "failing.py").write_text(FAILING)
    return project


@pytest.fixture
def table(made: tuple[Path, Compared]) -> Mapping[str, Any]:
    """What the comparison found."""
    return made[1].board.table


@pytest.fixture
def folder(made: tuple[Path, Compared]) -> Path:
    """Where it was written."""
    assert made[1].folder is not None
    return made[1].folder


def test_the_board_holds_who_forecast_and_names_who_failed(table: Mapping[str, Any]) -> None:
    found = table
    assert set(found["rows"]) == {"naive", "drift", "slow"}
    assert found["rows"]["slow"]["kind"] == "drift"
    (failed,) = found["failed"]
    assert failed["name"] == "fails"
    assert "this one never learns" in failed["error"]
    assert found["horizon"] == 2
    assert found["n"] > 900
    assert "smallest mean absolute error" in found["verdict"]


def test_every_measure_of_the_table_has_a_number(table: Mapping[str, Any]) -> None:
    row = table["rows"]["slow"]
    for name in ("mae", "rmse", "crps", "pinball", "train_seconds", "ms_per_bar"):
        assert row[name] > 0, name
    assert row["direction"]["low"] < row["direction"]["value"] < row["direction"]["high"]
    assert row["rank_ic"]["t"] is not None
    assert 0.5 < row["coverage_80"]["value"] < row["coverage_95"]["value"] <= 1
    assert row["strategy"]["sharpe_se"] > 0
    assert set(row["confidence_set"]) == {"mae", "crps"}
    assert row["against"]["reference"] == "naive"
    assert table["benchmark"]["name"] == "equal_weight"
    assert table["benchmark"]["sharpe"] is not None


def test_the_folder_is_a_run_that_runs_report_and_reproduce_understand(
    folder: Path, table: Mapping[str, Any], inside: Callable[..., Any]
) -> None:
    out = ("--out", str(folder.parent))
    names = {"config.yaml", "manifest.json", "leaderboard.json", "equity.parquet", "log.jsonl"}
    assert {path.name for path in folder.iterdir()} == {*names, "report.html"}
    assert json.loads((folder / "leaderboard.json").read_text()) == table
    equity = pq.read_table(folder / "equity.parquet")
    assert {"date", "equity drift", "equity slow"} <= set(equity.column_names)

    (listed,) = inside("runs", "--json", *out).json["runs"]
    assert listed["strategy"] == "leaderboard of 3, timing"
    assert not listed["damage"]

    page = folder / "report.html"
    before = page.read_text()
    page.unlink()
    assert inside("report", folder.name, *out).code == 0
    assert page.read_text() == before

    again = inside("reproduce", folder.name, "--json", *out)
    assert again.code == 0, again.out
    assert again.json["identical"]


def test_a_folder_that_was_changed_is_refused(
    folder: Path, tmp_path: Path, inside: Callable[..., Any]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "leaderboard.json").write_text("{}")
    ended = inside("report", str(copy))
    assert ended.code == 2
    ended.says("leaderboard.json: is not the file the run wrote")
    inside("verify", str(folder)).says("is a leaderboard of several forecasters")


def test_the_page_stands_alone_and_tells_the_verdict(
    folder: Path, table: Mapping[str, Any]
) -> None:
    page = (folder / "report.html").read_text()
    assert "script-src &#39;none&#39;" in page or "script-src 'none'" in page
    assert "<script" not in page
    assert "http" not in page.split("<main>")[1]
    assert table["verdict"].replace("'", "&#39;") in page
    assert page.count("<svg") == 4
    assert "this one never learns" in page


def test_a_folders_own_config_makes_the_same_comparison(
    folder: Path, table: Mapping[str, Any], written: Path, inside: Callable[..., Any]
) -> None:
    again = inside("train", str(folder / "config.yaml"), "--workers", "0", "--json").json
    assert Path(again["report"]).is_file()
    for name, row in table["rows"].items():
        assert again["leaderboard"]["rows"][name]["mae"] == row["mae"]
        assert again["leaderboard"]["rows"][name]["folds_from_cache"] == row["folds"]


def test_a_backtest_of_one_of_them_finds_its_fits_in_the_cache(
    inside: Callable[..., Any], written: Path
) -> None:
    alone = CONFIG.partition("shared:")[0].replace("walk_forward: {train: 250, refit: 130}\n", "")
    block = (
        "forecaster: {kind: drift, lookback: 200, horizon: 2, vol_lookback: 20, "
        "walk_forward: {train: 250, refit: 130}}\n"
    )
    (written / "one.yaml").write_text(alone + block)
    answer = inside("train", "one.yaml", "--workers", "0", "--json").json
    assert all(fold["from_cache"] for fold in answer["folds"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("naive: {}", "nave: {}"), "few.yaml:9:3: forecasters.nave.kind: unknown 'nave'"),
        (("lookback: 200", "lokback: 200"), "few.yaml:11:23: forecasters.slow.lokback: unknown"),
        (("vol_lookback: 20", "volume: 20"), "few.yaml:7:22: shared.volume: is a parameter of"),
        (("lookback: 200", "horizon: 3"), "look ahead by different horizons"),
        (("refit: 130", "refit: 0"), "few.yaml:6:28: walk_forward.refit"),
        (("lookback: 200", "walk_forward: {train: 99}"), "walk_forward is the same for all"),
        (("name: few", "forecaster: {kind: naive}"), "stands beside 'forecasters'"),
    ],
)
def test_a_fault_is_refused_at_its_line(
    change: tuple[str, str], told: str, written: Path, inside: Callable[..., Any]
) -> None:
    (written / "few.yaml").write_text(CONFIG.replace(*change))
    ended = inside("train", "few.yaml")
    assert ended.code == 2
    ended.says(told)


def test_other_commands_say_which_one_compares(written: Path, inside: Callable[..., Any]) -> None:
    ended = inside("backtest", "few.yaml")
    assert ended.code == 2
    ended.says("compares several forecasters, which 'tradewind train few.yaml' does")


def test_a_missing_package_is_listed_with_what_to_install(
    written: Path, inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewind.forecasters.optional.find_spec", lambda name: None)
    (written / "few.yaml").write_text(CONFIG + "  auto_ets: {}\n")
    ended = inside("train", "few.yaml", "--workers", "0")
    assert ended.code == 0, ended.err
    assert "Not compared: auto_ets: AutoEts: needs the package 'statsforecast'" in ended.out
    assert "pip install 'tradewind[ml]'" in ended.out


def test_who_gives_scores_stands_in_a_table_of_its_own(
    written: Path, inside: Callable[..., Any], table: Mapping[str, Any]
) -> None:
    (written / "scoring.py").write_text(SCORING)
    (written / "few.yaml").write_text(
        CONFIG.replace("fails: {kind: failing.py:Failing}", "sure: {kind: scoring.py:Scoring}")
    )
    ended = inside("train", "few.yaml", "--workers", "0")
    assert ended.code == 0, ended.err
    returns, _, scores = ended.out.partition("Scores, not returns: no errors to compare")
    assert "sure" not in returns.partition("\n")[2]
    assert [line.split()[0] for line in scores.splitlines()[2:3]] == ["sure"]
    assert "sure gives a score and no return" in ended.out
    (folder,) = (written / "results").iterdir()
    kept = json.loads((folder / "leaderboard.json").read_text())["rows"]
    assert kept["sure"]["mae"] is None
    assert kept["sure"]["rank_ic"] == kept["drift"]["rank_ic"]
    assert kept["drift"]["mae"] == table["rows"]["drift"]["mae"]
    page = (folder / "report.html").read_text()
    assert "Scores and no returns: judged by ranks and signs alone" in page


def test_where_nobody_forecasts_every_reason_is_told(
    written: Path, inside: Callable[..., Any]
) -> None:
    head = CONFIG.partition("  naive")[0].replace("shared: {horizon: 2, vol_lookback: 20}\n", "")
    failing = "  one: {kind: failing.py:Failing}\n  two: {kind: failing.py:Failing}\n"
    (written / "few.yaml").write_text(head + failing)
    ended = inside("train", "few.yaml", "--workers", "0")
    assert ended.code == 2
    ended.says("no forecaster of the comparison gave forecasts", "one: ", "two: ", "never learns")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups of this kind")
def test_ctrl_c_keeps_the_board_of_those_that_were_done(written: Path) -> None:
    (written / "failing.py").write_text(PRESSING.replace("Pressing", "Failing"))
    process = subprocess.Popen(
        [str(SCRIPT), "train", "few.yaml", "--workers", "0"],
        cwd=written, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "those that were done are in results" in err
    assert "Not compared: fails: not run: interrupted before its turn" in out
    (folder,) = (written / "results").iterdir()
    kept = json.loads((folder / "leaderboard.json").read_text())
    assert set(kept["rows"]) == {"naive", "drift", "slow"}


def test_the_preset_compares_the_whole_family() -> None:
    document = read_document("forecast-bench")
    assert bench_config(document).walk_forward.train == 500
    entrants = entrants_of(document)
    assert len(entrants) >= 19
    assert {one.horizon for one in entrants} == {5}
    assert {one.name for one in entrants if one.network} >= {"lstm", "tcn", "patchtst", "nhits"}
