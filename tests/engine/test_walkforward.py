import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.walks import go, same, spec
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import ConfigError, ForecastError, OutsideError
from tradewind.engine.records import FIELDS, Panel
from tradewind.engine.shared_panel import write_panel
from tradewind.engine.walkforward.run import fold_seed


@pytest.fixture(scope="module")
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 120, 3)
    walk.close[90:, 2] = np.nan
    return replace(walk, ends=np.array([-1, -1, 89]))


@pytest.fixture
def cache(tmp_path: Path) -> ForecastCache:
    return ForecastCache(tmp_path / "cache")


class Recorder:
    """Listens to progress."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []

    def start(self, task: str, total: int | None) -> None:
        self.said.append(("start", total))

    def advance(self, task: str, steps: int = 1, note: str = "") -> None:
        self.said.append(("advance", note))

    def finish(self, task: str) -> None:
        self.said.append(("finish", None))


def test_every_bar_after_the_first_block_has_a_forecast_and_none_before(panel: Panel) -> None:
    result = go(spec(), panel)
    given_ = np.isfinite(result.forecasts.mean)
    assert result.first_bar == 40
    assert not given_[:40].any()
    assert given_[40:, :2].all()
    assert given_[40:90, 2].all()
    assert [fold.fold.number for fold in result.folds] == [0, 1, 2, 3, 4, 5]
    assert [fold.n_forecasts for fold in result.folds] == [45, 45, 45, 35, 30, 10]


def test_a_fold_is_what_fitting_and_predicting_by_hand_gives(panel: Panel) -> None:
    result = go(spec(), panel)
    by_hand = spec().build(fold_seed(7, 2)).fit(panel.past(70)).predict(panel.past(85), first=70)
    np.testing.assert_array_equal(result.forecasts.mean[70:85], by_hand.mean)
    np.testing.assert_array_equal(result.forecasts.std[70:85], by_hand.std)


def test_a_rolling_fold_sees_its_own_window_and_nothing_older(panel: Panel) -> None:
    rolling = WalkForwardConfig(train=40, refit=15, mode="rolling")
    whole = go(spec(), panel, config=rolling)
    shaken = replace(panel, close=panel.close.copy())
    shaken.close[:15] *= 1.5
    changed = go(spec(), shaken, config=rolling)
    assert not same(whole.forecasts, changed.forecasts)
    # The second block learns from bars 15 on.
    np.testing.assert_array_equal(whole.forecasts.mean[55:], changed.forecasts.mean[55:])


def test_reports_say_what_a_forecaster_exposes(panel: Panel) -> None:
    first = go(spec(), panel).folds[0]
    assert first.n_samples == 33 * 3  # 40 bars, 4 of window, 3 of horizon, 3 symbols
    assert [row["epoch"] for row in first.history] == [0, 1]
    assert first.seed == fold_seed(7, 0)
    assert first.seconds > 0
    assert first.folder is None


@pytest.mark.parametrize("workers", [1, 2, None])
def test_results_are_the_same_bits_for_any_number_of_workers(
    panel: Panel, workers: int | None
) -> None:
    for what in (spec(), spec("Careless")):
        here = go(what, panel, workers=0)
        there = go(what, panel, workers=workers)
        assert same(here.forecasts, there.forecasts)
        assert [f.seed for f in here.folds] == [f.seed for f in there.folds]


def test_a_seed_of_the_run_or_of_the_forecaster_changes_every_fold(panel: Panel) -> None:
    runs = [go(spec(), panel), go(spec(), panel, seed=8), go(spec(seed=1), panel)]
    seeds = [fold.seed for result in runs for fold in result.folds]
    assert len(set(seeds)) == len(seeds) == 18
    assert not same(runs[0].forecasts, runs[1].forecasts)
    assert not same(runs[0].forecasts, runs[2].forecasts)


def test_a_seed_fits_where_numpy_and_torch_take_one() -> None:
    seeds = [fold_seed(run_seed, fold) for run_seed in range(30) for fold in range(30)]
    assert min(seeds) >= 0
    assert max(seeds) < 2**31
    assert len(set(seeds)) == 900
    assert fold_seed(7, 0) == 1687944698  # the same on every machine and for good


@settings(max_examples=20, deadline=None)
@given(
    seed=some.integers(0, 1_000),
    cut=some.integers(41, 119),
    mode=some.sampled_from(["expanding", "rolling"]),
    how=some.sampled_from(["noise", "nan", "reversed"]),
)
def test_whatever_happens_after_a_bar_no_forecast_up_to_it_changes(
    make_walk: Callable[..., Panel], seed: int, cut: int, mode: str, how: str
) -> None:
    config = WalkForwardConfig.model_validate({"train": 40, "refit": 15, "mode": mode})
    whole = make_walk(seed, 120, 2)
    fields = {name: getattr(whole, name).copy() for name in FIELDS}
    for array in fields.values():
        if how == "noise":
            array[cut:] *= np.random.default_rng(seed).uniform(0.5, 2.0, array[cut:].shape)
        elif how == "nan":
            array[cut:] = np.nan
        else:
            array[cut:] = array[cut:][::-1]
    tampered = replace(whole, **fields)
    truncated = whole.past(cut)
    full = go(spec(), whole, config=config).forecasts
    assert np.isfinite(full.mean[40:cut]).all()
    for other in (tampered, truncated):
        changed = go(spec(), other, config=config).forecasts
        assert full.mean[:cut].tobytes() == changed.mean[:cut].tobytes()
        assert full.std[:cut].tobytes() == changed.std[:cut].tobytes()


def test_a_forecaster_that_looks_ahead_inside_its_block_is_caught(panel: Panel) -> None:
    with pytest.raises(ForecastError) as caught:
        go(spec("Peeking"), panel)
    message = str(caught.value)
    assert "Peeking, fold 0" in message
    assert "looks ahead: the forecast's mean for S0 at 2013-11-30" in message


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("every other bar", "mean"),
        ("the other bars", "mean"),
        ("the third fold on", "mean"),
        ("std", "std"),
        ("quantile", "0.5 quantile"),
    ],
)
def test_a_leak_into_any_number_on_any_bar_of_any_fold_is_caught(
    panel: Panel, how: str, what: str
) -> None:
    with pytest.raises(ForecastError, match=f"looks ahead: the forecast's {what} for S"):
        go(spec("LeaksOf", how=how), panel)


@pytest.mark.parametrize(("train", "refit"), [(84, 12), (75, 20), (40, 30)])
def test_falling_silent_before_a_symbol_leaves_is_looking_ahead(
    panel: Panel, train: int, refit: int
) -> None:
    config = WalkForwardConfig(train=train, refit=refit)
    with pytest.raises(ForecastError, match=r"looks ahead: the forecast's mean for S2 .* is nan"):
        go(spec("Foreboding"), panel, config=config)


def test_an_error_names_its_forecaster_once(panel: Panel) -> None:
    with pytest.raises(ForecastError) as caught:
        go(spec("SignedError"), panel)
    assert str(caught.value).count("SignedError") == 1


def test_the_bars_handed_to_a_forecaster_cannot_be_written_to(panel: Panel) -> None:
    before = panel.digest()
    for workers in (0, 1):
        with pytest.raises(ForecastError, match="read-only"):
            go(spec("Scribbling"), panel, workers=workers)
    assert panel.digest() == before
    assert panel.close.flags.writeable


def test_workers_run_one_thread_that_waits_passively(panel: Panel) -> None:
    forecasts = go(spec("Threads"), panel, workers=1).forecasts
    assert set(forecasts.mean[40:, 0]) == {1.5}


def test_in_this_process_torch_is_held_to_one_thread_and_let_go_again(
    make_walk: Callable[..., Panel],
) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        threads = go(spec("TorchThreads"), make_walk(0, 60, 1)).forecasts.mean[40:]
        assert set(threads.ravel()) == {1.0}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_in_this_process_the_callers_random_numbers_are_left_alone(panel: Panel) -> None:
    np.random.seed(5)
    random.seed(5)
    want = np.random.random(), random.random()
    np.random.seed(5)
    random.seed(5)
    go(spec("Careless"), panel)
    assert (np.random.random(), random.random()) == want


OWN_CLASS = """
import sys
import numpy as np
from pathlib import Path
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.protocols import Forecasts
from tradewind.engine.shared_panel import map_panel
from tradewind.engine.walkforward.run import run, spec_of

class Flat:
    horizon, warmup = 1, 1
    def fit(self, past):
        return self
    def predict(self, past, *, first):
        zero = np.zeros((past.n_bars - first, past.n_symbols))
        return Forecasts(zero, zero + 1, 1)

{guard}
    panel = map_panel(Path(__file__).parent)
    result = run(spec_of(Flat, {{}}), panel, WalkForwardConfig(train=40), seed=1, workers=2)
    print(result.forecasts.mean[40:].sum())
"""


@pytest.mark.parametrize("guarded", [True, False])
def test_a_forecaster_in_the_script_that_is_run_needs_the_usual_guard(
    panel: Panel, tmp_path: Path, guarded: bool
) -> None:
    write_panel(panel, tmp_path)
    script = tmp_path / "own_forecaster.py"
    guard = 'if __name__ == "__main__":' if guarded else "if True:"
    script.write_text(OWN_CLASS.format(guard=guard))
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if guarded:
        assert (done.returncode, done.stdout.strip()) == (0, "0.0"), done.stderr
    else:
        assert done.returncode == 1
        assert """put that call below 'if __name__ == "__main__":'""" in done.stderr


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("ours", ForecastError, "Failing, fold .*the loss is not finite at epoch 3"),
        ("theirs", ForecastError, "Failing, fold .*KeyError: 'volume'"),
        ("memory", ForecastError, "Failing, fold .*out of memory; use fewer workers"),
        ("kill", OutsideError, r"Failing, fold .*killed \(signal 9\)"),
        ("exit", ForecastError, r"Failing, fold .*ended by itself \(status 7\)"),
    ],
)
def test_a_fold_that_fails_says_which_and_why(
    panel: Panel, how: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        go(spec("Failing", how=how), panel, workers=1)
    assert str(caught.value).count("Failing, fold") == 1


def test_an_error_names_the_days_of_its_fold(panel: Panel) -> None:
    with pytest.raises(ForecastError) as caught:
        go(spec("Failing", how="ours"), panel)
    assert (
        "Failing, fold 0 (fitted on 2013-10-21 to 2013-11-29, predicts 2013-11-30 to 2013-12-14)"
        in str(caught.value)
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Mute", "no forecast for any of 80 bars"),
        ("Misshapen", r"gave shape \(14, 3\), wanted \(15, 3\)"),
        ("WrongHorizon", "gave a horizon of 4 bars, the forecaster's own is 3"),
        ("Fickle", "a forecaster must give the same in every fold"),
        ("BadQuantiles", "gave quantiles of shape"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(panel: Panel, name: str, message: str) -> None:
    with pytest.raises(ForecastError, match=message):
        go(spec(name), panel)


def test_quantiles_travel_with_the_forecasts(panel: Panel, cache: ForecastCache) -> None:
    first = go(spec("Quantiles"), panel, cache=cache).forecasts
    again = go(spec("Quantiles"), panel, cache=cache).forecasts
    assert first.levels == again.levels == (0.1, 0.9)
    assert first.quantiles.shape == (120, 3, 2)
    assert np.isnan(first.quantiles[:40]).all()
    assert np.isfinite(first.quantiles[40:, 0]).all()
    np.testing.assert_array_equal(first.quantiles, again.quantiles)


def test_too_little_history_is_a_config_error_before_anything_is_fitted(panel: Panel) -> None:
    with pytest.raises(ConfigError, match=r"walk_forward\.train: 500 bars .* the data has 120"):
        go(spec("Failing", how="kill"), panel, config=WalkForwardConfig(train=500))


def test_progress_counts_every_fold_once_and_ends_even_when_one_fails(
    panel: Panel, cache: ForecastCache
) -> None:
    for fits in (6, 0):
        heard = Recorder()
        go(spec(), panel, cache=cache, progress=heard)
        assert heard.said[0] == ("start", 6)
        assert heard.said[-1] == ("finish", None)
        notes = [note for what, note in heard.said if what == "advance"]
        assert len(notes) == 6
        assert sum("from the cache" in note for note in notes) == 6 - fits
    heard = Recorder()
    with pytest.raises(ForecastError):
        go(spec("Failing", how="ours"), panel, progress=heard)
    assert heard.said[-1] == ("finish", None)


def test_a_full_disk_for_the_bars_is_an_outside_error(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind.engine.walkforward import crew

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(crew, "write_panel", full)
    with pytest.raises(OutsideError, match=r"No space left on device.*TMPDIR"):
        go(spec(), panel, workers=1)
