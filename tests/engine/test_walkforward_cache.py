import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.walks import LEARNERS, go, same, spec
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.protocols import Checkpointed
from tradewind.engine.records import Panel
from tradewind.engine.shared_panel import write_panel
from tradewind.engine.walkforward.run import WalkForward


@pytest.fixture(scope="module")
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 120, 3)
    return walk


@pytest.fixture
def cache(tmp_path: Path) -> ForecastCache:
    return ForecastCache(tmp_path / "cache")


def count_fits(result: WalkForward) -> int:
    return sum(not fold.from_cache for fold in result.folds)


def test_finished_folds_come_from_the_cache_with_their_reports(
    panel: Panel, cache: ForecastCache
) -> None:
    first = go(spec("Kept"), panel, cache=cache, workers=2)
    again = go(spec("Kept"), panel, cache=cache, workers=2)
    assert count_fits(first) == 6
    assert count_fits(again) == 0
    assert same(first.forecasts, again.forecasts)
    for old, new in zip(first.folds, again.folds, strict=True):
        fits = tuple(replace(fit, from_cache=True) for fit in old.fits)
        assert replace(old, from_cache=True, fits=fits) == new
        assert new.folder is not None
        made = spec("Kept").build(0)
        assert isinstance(made, Checkpointed)
        checkpoint = new.folder / "checkpoint"
        slope = vars(made.restore(checkpoint))["slope"]
        assert repr(slope) == (checkpoint / "slope.txt").read_text()


def test_without_a_cache_nothing_is_kept(panel: Panel, cache: ForecastCache) -> None:
    go(spec("Kept"), panel)
    assert not cache.folder.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"window": 5}},
        {"params": {"horizon": 2}},
        {"name": "Kept"},
        {"seed": 8},
        {"config": WalkForwardConfig(train=41, refit=15)},
        {"config": WalkForwardConfig(train=40, refit=16)},
        {"config": WalkForwardConfig(train=40, refit=15, purge=4)},
        {"config": WalkForwardConfig(train=40, refit=15, embargo=1)},
        {"config": WalkForwardConfig(train=40, refit=15, mode="anchored", anchor=5)},
        {"config": WalkForwardConfig(train=40, refit=15, first=date(2013, 12, 2))},
        {"config": WalkForwardConfig(train=40, refit="week")},
    ],
    ids=str,
)
def test_a_changed_training_parameter_trains_again(
    panel: Panel, cache: ForecastCache, change: dict[str, Any]
) -> None:
    go(spec(), panel, cache=cache)
    asked = spec(change.pop("name", "Slope"), **change.pop("params", {}))
    result = go(asked, panel, cache=cache, **change)
    assert count_fits(result) == len(result.folds)


def test_a_changed_price_trains_only_the_folds_that_see_it(
    panel: Panel, cache: ForecastCache
) -> None:
    go(spec(), panel, cache=cache)
    close = panel.close.copy()
    close[80, 0] *= 1.0001
    result = go(spec(), replace(panel, close=close), cache=cache)
    assert [fold.from_cache for fold in result.folds] == [True, True, False, False, False, False]


def test_new_bars_at_the_end_train_only_the_block_they_are_in(
    panel: Panel, cache: ForecastCache
) -> None:
    go(spec(), panel.past(118), cache=cache)
    result = go(spec(), panel, cache=cache)
    assert [fold.from_cache for fold in result.folds] == [True] * 5 + [False]


def test_a_fresh_run_trains_everything_and_repairs_the_cache(
    panel: Panel, cache: ForecastCache
) -> None:
    first = go(spec(), panel, cache=cache)
    assert first.folds[3].folder is not None
    (first.folds[3].folder / "forecasts.npz").write_bytes(b"rubbish")
    with pytest.raises(CheckpointError, match=r"forecasts\.npz.*--fresh"):
        go(spec(), panel, cache=cache)
    fresh = go(spec(), panel, cache=ForecastCache(cache.folder, fresh=True))
    assert count_fits(fresh) == 6
    assert count_fits(go(spec(), panel, cache=cache)) == 0


def test_a_cache_that_cannot_be_written_costs_the_entry_and_not_the_run(
    panel: Panel, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    result = go(spec("Kept"), panel, cache=ForecastCache(tmp_path / "taken"))
    assert same(result.forecasts, go(spec("Kept"), panel).forecasts)
    assert all("not kept in the cache" in fold.note for fold in result.folds)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_that_failed_continues_where_it_stopped(
    panel: Panel, cache: ForecastCache, tmp_path: Path, workers: int
) -> None:
    marker = tmp_path / "healed"
    ill = spec("Failing", how="ours", after=80, marker=str(marker))
    with pytest.raises(ForecastError, match="the loss is not finite at epoch 3"):
        go(ill, panel, cache=cache, workers=workers)
    done = len(list(cache.folder.glob("*/[0-9a-f]*/entry.json")))
    marker.touch()
    result = go(ill, panel, cache=cache, workers=workers)
    assert count_fits(result) == 6 - done
    assert done == 3 or workers
    assert same(result.forecasts, go(ill, panel).forecasts)


KILLED = """
import sys
sys.path[:] = {path!r}
import numpy as np
from pathlib import Path
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.shared_panel import map_panel
from tradewind.engine.shared_panel import write_panel
from tradewind.engine.walkforward.run import ForecasterSpec, run
spec = ForecasterSpec({target!r}, {{"how": "hang", "after": 80, "marker": {marker!r}}})
run(spec, map_panel(Path({bars!r})), WalkForwardConfig(train=40, refit=15), seed=7,
    workers={workers}, cache=ForecastCache(Path({cache!r})))
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize(("workers", "done"), [(0, 3), (1, 2)], ids=["here", "worker"])
def test_a_run_killed_in_the_middle_continues_with_the_same_bits(
    panel: Panel,
    cache: ForecastCache,
    tmp_path: Path,
    signal_number: int,
    workers: int,
    done: int,
) -> None:
    # Fold 3 hangs; this process comes to it from the first, a worker from the last and longest.
    bars, marker = tmp_path / "bars", tmp_path / "healed"
    bars.mkdir()
    write_panel(panel, bars)
    script = KILLED.format(
        path=sys.path,
        target=f"{LEARNERS}:Hanging",
        marker=str(marker),
        bars=str(bars),
        workers=workers,
        cache=str(cache.folder),
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as process:
        while not marker.with_suffix(".hanging").exists():
            assert process.poll() is None
            os.sched_yield()
        process.send_signal(signal_number)
        assert process.wait() == -signal_number
    assert len(list(cache.folder.glob("*/[0-9a-f]*/entry.json"))) == done
    marker.touch()
    what = spec("Hanging", how="hang", after=80, marker=str(marker))
    result = go(what, panel, cache=cache)
    assert count_fits(result) == 6 - done
    assert same(result.forecasts, go(what, panel).forecasts)
