"""Fits on the workers of a Dask scheduler have the bits of fits on this machine."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import PATIENCE_SECONDS, DaskCluster, dask_cluster
from tests.walks import SCHEDULE, descent, go, same, schedule, spec
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.errors import ConfigError, ForecastError, OutsideError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.progress import Progress
from tradewind.engine.records import Panel
from tradewind.engine.walkforward import cluster
from tradewind.engine.walkforward.credentials import credentials, dependence
from tradewind.engine.walkforward.where import Cluster

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
LOST = HERE / "lost_learners.py"
LSTM = "tradewind.forecasters.recurrent:Lstm"
SMALL: dict[str, Any] = {
    "horizon": 3, "window": 4, "hidden": 4, "layers": 1, "epochs": 2, "stride": 1,
    "vol_lookback": 5, "features": ("return_1", "range"),
}  # fmt: skip
LONG = schedule(train=80, refit=20)


@pytest.fixture(scope="module")
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 120, 3)
    return walk


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Two workers that most tests share."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), 2) as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> ForecastCache:
    return ForecastCache(tmp_path / "cache")


def lost(name: str, **params: Any) -> ForecasterSpec:
    return ForecasterSpec(f"{LOST}:{name}", params)


def contents(cache: ForecastCache) -> dict[str, Any]:
    """Every file of every entry; of a record what does not depend on the clock."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in cache.folder.rglob("*") if path.is_file()):
        name = path.relative_to(cache.folder).as_posix()
        found[name] = path.read_bytes()
        if path.name == "entry.json":
            record = json.loads(found[name])
            del record["seal"]
            record["facts"] = {k: v for k, v in record["facts"].items() if "seconds" not in k}
            for epoch in record["facts"].get("history", ()):
                epoch.pop("seconds", None)
            found[name] = record
    return found


def gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    ("what", "options"),
    [
        (ForecasterSpec(LSTM, SMALL), {"config": LONG.model_copy(update={"seeds": 2})}),
        (
            ForecasterSpec(LSTM, SMALL),
            {"config": LONG.model_copy(update={"warm_start": True, "control_every": 2})},
        ),
        (
            ForecasterSpec(LSTM, SMALL),
            {"config": LONG, "choose": ChooseConfig(over={"hidden": [3, 5]}, groups=3, test=1)},
        ),
        (descent(), {"config": schedule(warm_start=True, seeds=2)}),
        (spec("Kept"), {}),
    ],
    ids=["ensemble", "warm", "chosen", "warm ensemble", "saved"],
)
def test_forecasts_and_cache_are_those_of_this_machine(
    running: DaskCluster, panel: Panel, tmp_path: Path, what: ForecasterSpec, options: Any
) -> None:
    here, there = ForecastCache(tmp_path / "here"), ForecastCache(tmp_path / "there")
    wanted = go(what, panel, cache=here, **options)
    found = go(what, panel, workers=running.at, cache=there, **options)
    assert same(found.forecasts, wanted.forecasts)
    assert found.forecasts.quantiles.tobytes() == wanted.forecasts.quantiles.tobytes()
    assert contents(there) == contents(here)
    assert len(contents(there)) > 6
    assert [fold.warm for fold in found.folds] == [fold.warm for fold in wanted.folds]
    assert [fold.choice for fold in found.folds] == [fold.choice for fold in wanted.folds]
    folders = [fit.folder for fold in found.folds for fit in fold.fits]
    assert all(folder is not None and folder.is_relative_to(there.folder) for folder in folders)
    again = go(what, panel, workers=running.at, cache=there, **options)
    assert all(fold.from_cache for fold in again.folds)


def test_without_a_cache_weights_still_go_from_fold_to_fold(
    running: DaskCluster, panel: Panel
) -> None:
    config = schedule(warm_start=True)
    found = go(descent(), panel, config=config, workers=running.at)
    assert [fold.warm for fold in found.folds] == [False] + [True] * 5
    assert same(found.forecasts, go(descent(), panel, config=config).forecasts)


def test_a_warm_fit_begins_from_weights_that_are_only_in_the_cache_of_this_machine(
    running: DaskCluster, panel: Panel, cache: ForecastCache
) -> None:
    config = schedule(warm_start=True)
    early = go(descent(), panel.past(90), config=config, cache=cache)
    found = go(descent(), panel, config=config, cache=cache, workers=running.at)
    kept = [fold.from_cache for fold in found.folds]
    assert 0 < sum(kept) < len(early.folds) + 1
    assert not all(kept)
    assert same(found.forecasts, go(descent(), panel, config=config).forecasts)


def test_large_weights_travel_past_the_scheduler(
    running: DaskCluster, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "LARGE_BYTES", 1)
    config = schedule(warm_start=True)
    found = go(descent(), panel, config=config, workers=running.at)
    assert same(found.forecasts, go(descent(), panel, config=config).forecasts)


def test_code_in_a_file_travels_with_the_files_beside_it(
    running: DaskCluster, panel: Panel
) -> None:
    found = go(lost("Told"), panel, workers=running.at)
    notes = {fold.note for fold in found.folds}
    assert all("code in " in note and str(HERE) not in note for note in notes)
    assert same(found.forecasts, go(lost("Told"), panel).forecasts)


def test_bars_are_laid_on_a_worker_once(running: DaskCluster, make_walk: Any) -> None:
    panel = make_walk(11, 120, 2)
    for _ in range(2):
        go(spec(), panel, workers=running.at)
    laid = [path for path in running.folder.rglob(f"bars-{panel.digest()}") if path.is_dir()]
    assert len(laid) == 2
    assert not list(running.folder.rglob("code"))


class Heard(Progress):
    """Remembers the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def start(self, task: str, total: int | None) -> None:
        """Nothing."""

    def advance(self, task: str, steps: int = 1, note: str = "") -> None:
        self.notes.append(note)

    def finish(self, task: str) -> None:
        """Nothing."""


def test_what_a_fit_says_meanwhile_is_heard(running: DaskCluster, panel: Panel) -> None:
    heard = Heard()
    go(descent(epochs=60), panel, workers=running.at, progress=heard)
    assert any("epoch" in note and "fold 0" in note for note in heard.notes)
    assert sum(note.endswith(" s") or " s, about" in note for note in heard.notes) >= 6


def test_an_error_of_a_fit_comes_back_as_it_was(running: DaskCluster, panel: Panel) -> None:
    with pytest.raises(ForecastError) as here:
        go(spec("Peeking"), panel)
    with pytest.raises(ForecastError, match="Peeking, fold") as there:
        go(spec("Peeking"), panel, workers=running.at)
    assert str(there.value).partition("fold")[0] == str(here.value).partition("fold")[0]
    assert "in the worker" in "".join(there.value.__notes__)
    with pytest.raises(ForecastError, match=r"Foreign, fold .*KeyError: 'volume'"):
        go(lost("Foreign"), panel, workers=running.at)


def test_a_process_that_is_killed_once_is_made_up_for(
    running: DaskCluster, panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    asked = {"whom": "process", "at": 70, "marker": str(tmp_path / "kills")}
    found = go(lost("Lethal", **asked), panel, workers=running.at, cache=cache)
    assert (tmp_path / "kills").stat().st_size == 2
    assert same(found.forecasts, go(lost("Lethal", **asked), panel).forecasts)


def test_a_fit_that_is_killed_three_times_is_an_outside_error_that_names_it(
    running: DaskCluster, panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    asked = {"whom": "process", "at": 70, "marker": str(tmp_path / "kills"), "times": 99}
    with pytest.raises(OutsideError, match=r"Lethal, fold 2: 3 .*were killed.*out of memory"):
        go(lost("Lethal", **asked), panel, workers=running.at, cache=cache)
    assert (tmp_path / "kills").stat().st_size == 3


def test_a_worker_killed_in_the_middle_costs_nothing_but_time(
    panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    asked = {"whom": "worker", "at": 70, "marker": str(tmp_path / "kills")}
    with dask_cluster(tmp_path, 2) as made:
        found = go(lost("Lethal", **asked), panel, workers=made.at, cache=cache)
    assert (tmp_path / "kills").stat().st_size == 2
    local = ForecastCache(tmp_path / "local")
    assert same(found.forecasts, go(lost("Lethal", **asked), panel, cache=local).forecasts)
    assert contents(cache) == contents(local)


def test_a_fit_that_takes_three_workers_down_is_an_outside_error_that_names_it(
    panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    asked = {"whom": "worker", "at": 70, "marker": str(tmp_path / "kills"), "times": 99}
    with (
        dask_cluster(tmp_path, 2, nanny=True) as made,
        pytest.raises(OutsideError, match=r"Lethal, fold 2: 3 workers were killed in the middle"),
    ):
        go(lost("Lethal", **asked), panel, workers=made.at, cache=cache)
    assert len(contents(cache)) >= 2 * 3  # what was done meanwhile
    assert (tmp_path / "kills").stat().st_size >= 3


def test_when_all_workers_have_gone_it_says_so(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ALONE_SECONDS", 0.1)
    asked = {"whom": "worker", "at": 70, "marker": str(tmp_path / "kills"), "times": 99}
    with (
        dask_cluster(tmp_path, 1) as made,
        pytest.raises(OutsideError, match=r"all workers have gone.*dask worker tcp://127"),
    ):
        go(lost("Lethal", **asked), panel, workers=made.at)


def test_when_the_scheduler_goes_it_says_so(panel: Panel, tmp_path: Path) -> None:
    with dask_cluster(tmp_path, 1) as made:

        class Kills(Heard):
            def advance(self, task: str, steps: int = 1, note: str = "") -> None:
                made.scheduler.kill()

        with pytest.raises(OutsideError, match="the scheduler has gone; start it again"):
            go(spec(), panel, workers=made.at, progress=Kills())


def test_leaving_early_ends_the_fits_and_keeps_what_was_done(
    running: DaskCluster, panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    class Stops(Heard):
        def advance(self, task: str, steps: int = 1, note: str = "") -> None:
            super().advance(task, steps, note)
            if len(self.notes) == 3:
                assert wait_for(lambda: bool(list(tmp_path.glob("*.pid"))))
                raise KeyboardInterrupt

    what = lost("Endless", at=115, folder=str(tmp_path))  # the longest, so the first
    with pytest.raises(KeyboardInterrupt):
        go(what, panel, workers=running.at, cache=cache, progress=Stops())
    assert len(list(cache.folder.rglob("entry.json"))) >= 3
    assert wait_for(lambda: all(gone(int(path.stem)) for path in tmp_path.glob("*.pid")))
    assert same(
        go(spec(), panel, workers=running.at).forecasts, go(spec(), panel).forecasts
    )  # both workers are free again


def test_no_scheduler_is_an_outside_error_that_says_how_to_start_one(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(OutsideError, match=r"dask://127.0.0.1:1: no Dask scheduler.*--port 1"):
        go(spec(), panel, workers=Cluster("127.0.0.1", 1))


def test_a_scheduler_without_workers_is_an_outside_error_that_says_how_to_start_some(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 1.0)
    with (
        dask_cluster(tmp_path, 0) as made,
        pytest.raises(OutsideError, match=r"the scheduler has no workers; start some.*dask worker"),
    ):
        go(spec(), panel, workers=made.at)


def test_a_worker_of_other_versions_is_refused_before_the_first_fit(
    running: DaskCluster, panel: Panel, cache: ForecastCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(packages: list[str]) -> dict[str, str]:
        return {**credentials(packages), "numpy": "0.9", "code of tradewind": "feed" * 16}

    monkeypatch.setattr(cluster, "credentials", other)
    wanted = r"the scheduler is not like this machine: numpy .* there, 0.9 here; code of tradewind"
    with pytest.raises(ConfigError, match=wanted):
        go(spec(), panel, workers=running.at, cache=cache)
    assert not list(cache.folder.rglob("entry.json"))


def test_a_single_worker_of_other_versions_is_named(panel: Panel, tmp_path: Path) -> None:
    told = tmp_path / "told" / "numpy-0.9.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.9\n")
    before = [str(told.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    with dask_cluster(tmp_path, 0) as made:
        made.worker(env={"PYTHONPATH": os.pathsep.join(before)})
        with pytest.raises(ConfigError, match=r"the worker tcp://\S+ is not .*: numpy 0.9 there"):
            go(spec(), panel, workers=made.at)


def test_a_worker_without_tradewind_is_refused(panel: Panel, tmp_path: Path) -> None:
    hollow = tmp_path / "hollow" / "tradewind"
    hollow.mkdir(parents=True)
    (hollow / "__init__.py").touch()
    with dask_cluster(tmp_path, 0) as made:
        made.worker(env={"PYTHONPATH": str(hollow.parent)})
        with pytest.raises(
            ConfigError, match=r"the worker tcp://.*tradewind as it is here is not installed there"
        ):
            go(spec(), panel, workers=made.at)


def test_a_forecaster_that_is_other_over_there_is_refused(
    running: DaskCluster, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(spec: ForecasterSpec, *, brought: bool) -> dict[str, Any]:
        assert brought
        return {**dependence(spec, brought=brought), "params": {"weights": "as they are here"}}

    monkeypatch.setattr(cluster, "dependence", other)
    with pytest.raises(ConfigError, match=r"Slope on the worker tcp://.* its params\s+differ"):
        go(spec(), panel, workers=running.at)


def test_without_distributed_it_says_what_to_install(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'tradewind\[cluster\]'"):
        go(spec(), panel, config=SCHEDULE, workers=Cluster("127.0.0.1", 1))


def test_this_process_is_not_a_worker_of_any_walk_forward() -> None:
    assert "TRADEWIND_WORKER" not in os.environ
