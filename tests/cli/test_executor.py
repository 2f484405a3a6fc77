"""``--executor``: who simulates, and where forecasters are fitted."""

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import DaskCluster, dask_cluster
from tradewind.engine.walkforward import cluster

Command = Callable[..., Any]
MINE = """\
from tradewind.forecasters.baselines import Drift


class Mine(Drift):
    pass
"""
COMMON = """\
name: fanned
seed: 3
strategy: {kind: timing}
data: {symbols: [MSFT, KO], start: 2015-01-02, end: 2016-06-30}
"""
WALK = "walk_forward: {train: 150, refit: 80}"
CONFIG = f"{COMMON}forecaster: {{kind: mine.py:Mine, horizon: 2, lookback: 60, {WALK}}}\n"
BENCH = f"""\
{COMMON}{WALK}
shared: {{horizon: 2}}
forecasters:
  mine: {{kind: mine.py:Mine, lookback: 60}}
  ridge: {{window: 5, features: [return_1], vol_lookback: 20}}
"""
NOWHERE = "dask://127.0.0.1:1"
needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="needs distributed")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask"), 2) as made:
        yield made


@pytest.fixture
def mine(project: Path) -> Path:
    (project / "mine.py").write_text(MINE)
    (project / "one.yaml").write_text(CONFIG)
    (project / "several.yaml").write_text(BENCH)
    return project


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "one.yaml", "--executor", "kernel"], "'kernel' says no place where"),
        (["train", "one.yaml", "--executor", "dask://host"], "wanted local or dask://HOST:PORT"),
        (["backtest", "one.yaml", "--executor", "dask:8786"], "wanted local or dask://HOST:PORT"),
        (["sweep", "one.yaml", "--executor", "ray://h:1"], "wanted local or dask://HOST:PORT"),
        (["reproduce", "latest", "--executor", "cerebro"], "'cerebro' says no place where"),
        (
            ["backtest", "one.yaml", "--executor", "kernel", "--executor", "cerebro"],
            "--executor says both kernel and cerebro; keep one",
        ),
        (
            ["backtest", "one.yaml", "--executor", "local", "--executor", NOWHERE],
            "--executor says both local and dask://127.0.0.1:1; keep one",
        ),
        (
            ["train", "one.yaml", "--workers", "2", "--executor", NOWHERE],
            "--workers counts processes of this machine",
        ),
    ],
)
def test_a_wrong_executor_is_told_with_exit_code_2(
    mine: Path, inside: Command, arguments: list[str], says: str
) -> None:
    ended = inside(*arguments)
    assert (ended.code, ended.out) == (2, "")
    ended.says(says)


@pytest.mark.slow
def test_local_is_what_happens_anyway(mine: Path, inside: Command) -> None:
    said = [
        inside("backtest", "one.yaml", "--workers", "0", "--json", *more).json["metrics"]
        for more in ([], ["--executor", "local"], ["--executor", "kernel", "--executor", "local"])
    ]
    assert said[0] == said[1] == said[2]


@needs_dask
@pytest.mark.parametrize("command", ["backtest", "train"])
def test_without_a_scheduler_it_ends_with_exit_code_3(
    mine: Path, inside: Command, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 0.2)
    ended = inside(command, "one.yaml", "--fresh", "--executor", NOWHERE)
    assert ended.code == 3
    ended.says("no Dask scheduler answers there", "dask scheduler --port 1")


@needs_dask
@pytest.mark.slow
def test_train_backtest_and_reproduce_come_to_the_same_as_here(
    mine: Path, inside: Command, running: DaskCluster
) -> None:
    there = ["--executor", str(running.at)]
    here = inside("train", "one.yaml", "--workers", "0", "--json", "--fresh").json
    away = inside("train", "one.yaml", *there, "--json", "--fresh").json
    assert away["forecast_scores"] == here["forecast_scores"]
    assert [fold["note"] for fold in away["folds"]] == [fold["note"] for fold in here["folds"]]
    own = inside("backtest", "one.yaml", "--workers", "0", "--json").json
    asked = ["--executor", "cerebro", *there]
    ran = inside("backtest", "one.yaml", *asked, "--json", "--fresh").json
    assert ran["metrics"]["strategy"]["sharpe"] == pytest.approx(
        own["metrics"]["strategy"]["sharpe"], rel=1e-9
    )
    again = inside("reproduce", Path(own["folder"]).name, *there)
    assert (again.code, "reproduced" in again.out) == (0, True)


@needs_dask
@pytest.mark.slow
def test_a_leaderboard_comes_to_the_same_as_here(
    mine: Path, inside: Command, running: DaskCluster
) -> None:
    boards = [
        inside("train", "several.yaml", *how, "--json", "--fresh").json["leaderboard"]
        for how in (["--workers", "0"], ["--executor", str(running.at)])
    ]
    here, away = (_timeless(board) for board in boards)
    assert json.dumps(away, sort_keys=True) == json.dumps(here, sort_keys=True)
    assert "ridge" in json.dumps(away)


@needs_dask
@pytest.mark.slow
def test_a_sweep_fits_on_the_workers_and_finds_the_same(
    mine: Path, inside: Command, running: DaskCluster
) -> None:
    space = "sweep: {space: {strategy.entry: [0.1, 0.2]}, trials: 2}\n"
    (mine / "sweep.yaml").write_text(CONFIG + space)
    found = [
        inside("sweep", "sweep.yaml", *how, "--json").json
        for how in (["--workers", "0"], ["--executor", str(running.at)])
    ]
    assert found[0]["best"] == found[1]["best"]


def _timeless(value: Any) -> Any:
    """Without what the clock decides."""
    if isinstance(value, dict):
        return {
            name: _timeless(part)
            for name, part in value.items()
            if not any(word in name for word in ("seconds", "_ms", "_s", "took", "name", "per_bar"))
        }
    if isinstance(value, list):
        return [_timeless(part) for part in value]
    return value
