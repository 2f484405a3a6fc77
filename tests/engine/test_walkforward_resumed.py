"""A run that is killed goes on from the last finished fold and epoch, with the same bits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.walks import EPOCHS, descent, go, same, schedule
from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import OutsideError
from tradewind.engine.records import Panel
from tradewind.engine.shared_panel import write_panel
from tradewind.engine.walkforward.unfinished import progress_folder

FOLDS = (40, 55, 70, 85, 100, 115)  # bars each of them learns from
CONFIG = schedule(warm_start=True, control_every=0)
AT = "85:3"  # fold 3, after the third of four epochs


@pytest.fixture(scope="module")
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 120, 3)
    return walk


@pytest.fixture
def cache(tmp_path: Path) -> ForecastCache:
    return ForecastCache(tmp_path / "cache")


def entries(cache: ForecastCache) -> int:
    return len(list(cache.folder.glob("*/[0-9a-f]*/entry.json")))


def unfinished(cache: ForecastCache) -> list[Path]:
    return list(cache.folder.glob("*/.*.unfinished"))


def epochs(marker: Path) -> list[str]:
    """Every epoch that was ever worked through, ``bars:epoch``."""
    return marker.with_suffix(".epochs").read_text().split()


def once() -> list[str]:
    return sorted(f"{bars}:{epoch}" for bars in FOLDS for epoch in (1, 2, 3, 4))


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_killed_worker_costs_no_epoch_that_was_finished(
    panel: Panel, cache: ForecastCache, tmp_path: Path, warm: bool
) -> None:
    marker = tmp_path / "marker"
    what = descent(kills=AT, marker=str(marker))
    config = schedule(warm_start=warm, control_every=0)
    with pytest.raises(OutsideError, match=r"Descent, fold 3: .*killed \(signal 9\)"):
        go(what, panel, config=config, cache=cache, workers=1)
    assert len(unfinished(cache)) == 1
    assert entries(cache) == (3 if warm else 2)  # the longest first, or each behind the last
    result = go(what, panel, config=config, cache=cache, workers=2)
    assert sorted(epochs(marker)) == once()
    assert unfinished(cache) == []
    assert same(result.forecasts, go(what, panel, config=config).forecasts)
    assert [len(fold.history) for fold in result.folds] == [4] * 6


KILLED = """
import sys
sys.path[:] = {path!r}
from pathlib import Path
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.shared_panel import map_panel
from tradewind.engine.walkforward.run import ForecasterSpec, run
spec = ForecasterSpec({target!r}, {params!r})
run(spec, map_panel(Path({bars!r})), WalkForwardConfig(**{config!r}), seed=7,
    workers={workers}, cache=ForecastCache(Path({cache!r})))
"""


def script(tmp_path: Path, panel: Panel, cache: ForecastCache, workers: int, **params: Any) -> str:
    bars = tmp_path / "bars"
    bars.mkdir()
    write_panel(panel, bars)
    return KILLED.format(
        path=sys.path, config=CONFIG.model_dump(), target=f"{EPOCHS}:Descent", params=params,
        bars=str(bars), workers=workers, cache=str(cache.folder),
    )  # fmt: skip


def test_a_run_killed_in_its_own_process_goes_on_after_its_last_epoch(
    panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    asked: dict[str, Any] = {"kills": AT, "marker": str(marker)}
    text = script(tmp_path, panel, cache, 0, **asked)
    done = subprocess.run([sys.executable, "-c", text], check=False)
    assert done.returncode == -signal.SIGKILL
    assert entries(cache) == 3
    assert len(unfinished(cache)) == 1
    result = go(descent(**asked), panel, config=CONFIG, cache=cache)
    assert sorted(epochs(marker)) == once()
    assert same(result.forecasts, go(descent(**asked), panel, config=CONFIG).forecasts)


def test_a_run_killed_from_outside_goes_on_wherever_its_worker_was(
    panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    marker, one_fold = tmp_path / "marker", panel.past(55)
    asked: dict[str, Any] = {"marker": str(marker), "epochs": 1_000}
    text = script(tmp_path, one_fold, cache, 2, **asked)
    log = marker.with_suffix(".epochs")
    with subprocess.Popen([sys.executable, "-c", text]) as process:
        while not log.exists() or log.read_text().count("\n") < 300:
            assert process.poll() is None
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    before = wait_until_quiet(log)
    assert unfinished(cache)
    assert 300 <= before < 1_000
    result = go(descent(**asked), one_fold, config=CONFIG, cache=cache)
    # The kill may have come between keeping an epoch and noting it down.
    assert 1_000 - before - 1 <= len(epochs(marker)[before:]) <= 1_000 - before
    undisturbed = descent(**{**asked, "marker": ""})
    assert same(result.forecasts, go(undisturbed, one_fold, config=CONFIG).forecasts)


def wait_until_quiet(log: Path) -> int:
    """Lines of a log nobody writes to any more."""
    count = -1
    while (now := log.read_text().count("\n")) != count:
        count = now
        time.sleep(0.2)
    return count


def test_a_fresh_run_begins_every_fit_anew(
    panel: Panel, cache: ForecastCache, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    what = descent(kills=AT, marker=str(marker))
    with pytest.raises(OutsideError):
        go(what, panel, cache=cache, workers=1)
    before = len(epochs(marker))
    result = go(what, panel, cache=replace(cache, fresh=True))
    assert sorted(epochs(marker)[before:]) == once()
    assert same(result.forecasts, go(what, panel).forecasts)


def test_of_two_at_one_fit_only_the_first_keeps_its_progress(cache: ForecastCache) -> None:
    with progress_folder(cache, "ab" * 32) as first:
        assert first is not None
        with progress_folder(cache, "ab" * 32) as second:
            assert second is None
        with progress_folder(cache, "cd" * 32) as other:
            assert other is not None
    with progress_folder(cache, "ab" * 32) as again:
        assert again == first


def test_without_a_cache_or_a_place_to_write_nothing_is_kept_of_a_fit(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    for cache in (None, ForecastCache(tmp_path / "taken")):
        with progress_folder(cache, "ab" * 32) as folder:
            assert folder is None


def test_what_nobody_went_on_with_for_a_month_is_given_up(cache: ForecastCache) -> None:
    old, new = cache.unfinished("ab" * 32), cache.unfinished("cd" * 32)
    for folder in (old, new):
        folder.mkdir(parents=True)
    month_ago = time.time() - 31 * 86_400
    os.utime(old, (month_ago, month_ago))
    cache.tidy()
    assert not old.exists()
    assert new.exists()
