"""A fit that is killed, damaged, continued or divided."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.contracts.optional_members import CHECKS
from tradewind.engine.causality import probe
from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import Continuing, Divisible, Forecaster, Resumable, Watched
from tradewind.engine.records import Panel
from tradewind.forecasters import Lstm

QUICK: dict[str, Any] = {
    "window": 8,
    "features": ("scaled_return_1", "range"),
    "hidden": 3,
    "epochs": 4,
    "patience": 4,
    "stride": 1,
    "batch": 64,
}
FORMS = {
    "pooled": QUICK | {"embedding": 2, "dropout": 0.3},
    "each symbol": QUICK | {"pooled": False},
}

KILLED = """
import os, signal, sys
from pathlib import Path
from tradewind.engine.causality import probe
from tradewind.forecasters import Lstm
from tradewind.forecasters.heads.gaussian import GaussianHead

loss, calls = GaussianHead.loss, []
def deadly(self, output, target):
    calls.append(1)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return loss(self, output, target)
GaussianHead.loss = deadly
forecaster = Lstm(**{params})
forecaster.keep_progress(Path(sys.argv[1]))
forecaster.fit(probe(seed=3, n_bars=300))
"""


def past() -> Panel:
    return probe(seed=3, n_bars=300)


def bits(forecaster: Lstm) -> bytes:
    return forecaster.predict(past(), first=0).mean.tobytes()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_lstm_keeps_the_contract_of_its_optional_members(
    form: dict[str, Any], check: Callable[..., None], tmp_path: Path
) -> None:
    def make(seed: int) -> Forecaster:
        return Lstm(seed=seed, **form)

    for protocol in (Continuing, Divisible, Resumable, Watched):
        assert isinstance(make(0), protocol)
    check(make, tmp_path)


def test_a_fit_killed_in_the_middle_of_an_epoch_ends_with_the_bits_of_a_whole_one(
    tmp_path: Path,
) -> None:
    whole = Lstm(**QUICK).fit(past())
    n_batches = -(-whole.n_samples // QUICK["batch"])
    calls = 5 * n_batches // 2 + 4  # epoch 0 takes a few, each epoch a batch and the stopping part
    script = KILLED.replace("{params}", repr(QUICK))
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(calls)], capture_output=True, check=False
    )
    assert killed.returncode == -9, killed.stderr
    kept = sorted(path.name for path in tmp_path.glob("*/*/state.json"))
    assert kept, "nothing was kept, so nothing is shown"
    resumed, epochs = Lstm(**QUICK), []
    resumed.keep_progress(tmp_path)
    resumed.watch(lambda report: epochs.append(report["epoch"]))
    assert bits(resumed.fit(past())) == bits(whole)
    assert 1 <= len(epochs) < QUICK["epochs"]
    assert resumed.history == whole.history
    assert resumed.notes == ()


def test_progress_of_other_fits_in_the_same_folder_moves_nothing(tmp_path: Path) -> None:
    for seed, bars in ((0, probe(seed=4, n_bars=300)), (1, past())):
        other = Lstm(**QUICK, seed=seed)
        other.keep_progress(tmp_path)
        other.fit(bars)
    one, epochs = Lstm(**QUICK), []
    one.keep_progress(tmp_path)
    one.watch(lambda report: epochs.append(report["epoch"]))
    assert bits(one.fit(past())) == bits(Lstm(**QUICK).fit(past()))
    assert epochs[0] == 1
    assert one.notes == ()


@pytest.mark.parametrize("name", ["state.json", "weights.safetensors"])
def test_damaged_progress_is_passed_over_with_a_note(name: str, tmp_path: Path) -> None:
    whole = Lstm(**QUICK)
    whole.keep_progress(tmp_path)
    whole.fit(past())
    files = sorted(tmp_path.glob(f"*/*/{name}"))
    assert len(files) == 2
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    again, epochs = Lstm(**QUICK), []
    again.keep_progress(tmp_path)
    again.watch(lambda report: epochs.append(report["epoch"]))
    again.fit(past())
    assert epochs[0] == 1
    assert len(again.notes) == 2
    assert "kept progress was passed over" in again.notes[0] and name in again.notes[0]
    assert bits(again) == bits(whole)


def test_with_the_last_epoch_damaged_the_one_before_serves(tmp_path: Path) -> None:
    whole = Lstm(**QUICK)
    whole.keep_progress(tmp_path)
    whole.fit(past())
    place = next(tmp_path.glob(f"*/{QUICK['epochs'] % 2}/weights.safetensors"))
    place.write_bytes(b"")
    again, epochs = Lstm(**QUICK), []
    again.keep_progress(tmp_path)
    again.watch(lambda report: epochs.append(report["epoch"]))
    assert bits(again.fit(past())) == bits(whole)
    assert epochs == [QUICK["epochs"]]


def test_a_folder_that_cannot_be_written_costs_the_progress_and_not_the_fit(
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    forecaster = Lstm(**QUICK)
    forecaster.keep_progress(blocked)
    assert bits(forecaster.fit(past())) == bits(Lstm(**QUICK).fit(past()))
    assert len(forecaster.notes) == 1
    assert "progress is not kept from epoch 1" in forecaster.notes[0]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"hidden": 5}, r"encoder\.cells\.\w+ is \[20"),
        ({"features": ("range", "scaled_return_1")}, "features = "),
        ({"pooled": False}, "pooled = False"),
    ],
)
def test_a_start_of_another_shape_is_refused(other: dict[str, Any], told: str) -> None:
    earlier = Lstm(**(QUICK | {"epochs": 1} | other)).fit(past())
    with pytest.raises(ForecastError, match=told):
        Lstm(**QUICK).begin_from(earlier)


def test_a_start_from_something_unfitted_is_refused() -> None:
    with pytest.raises(ForecastError, match="not fitted; fit it first"):
        Lstm().begin_from(Lstm())


def test_it_starts_where_the_earlier_one_stopped_at_half_the_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tradewind.forecasters.training import jobs
    from tradewind.forecasters.training import loop as training

    rates = []
    train = training.train

    def noted(*args: Any, **options: Any) -> Any:
        rates.append(args[4].learning_rate)
        return train(*args, **options)

    monkeypatch.setattr(jobs, "train", noted)
    earlier = Lstm(**QUICK, learning_rate=0.01).fit(past())
    warm = Lstm(**QUICK, learning_rate=0.01).begin_from(earlier).fit(past())
    assert rates == [0.01, 0.005]
    best = min(point.stopping for point in earlier.history)
    assert warm.history[0].stopping == best


def test_a_new_symbol_keeps_fresh_traits_and_an_old_one_its_own() -> None:
    params = QUICK | {"embedding": 2, "epochs": 1}
    panel = probe(seed=3, n_bars=300, n_symbols=3)
    earlier = Lstm(**params).fit(panel.select(panel.symbols[1:]))
    warm = Lstm(**params, learning_rate=1e-12).begin_from(earlier).fit(panel)
    fresh = Lstm(**params, learning_rate=1e-12).fit(panel)
    traits = [
        next(iter((one.fitted or {}).values())).weights()["traits.weight"]
        for one in (earlier, warm, fresh)
    ]
    np.testing.assert_allclose(traits[1][2:], traits[0][1:], atol=1e-9)
    np.testing.assert_allclose(traits[1][1], traits[2][1], atol=1e-9)


def test_a_part_without_enough_history_is_silent_and_says_why(tmp_path: Path) -> None:
    panel = past()
    close = panel.close.copy()
    close[:, 1] = np.nan
    from dataclasses import replace

    arrays = {name: getattr(panel, name).copy() for name in ("open", "high", "low", "volume")}
    for array in arrays.values():
        array[:, 1] = np.nan
    gone = replace(panel, close=close, **arrays)
    name = panel.symbols[1]
    params = QUICK | {"pooled": False, "epochs": 1}
    part = Lstm(**params).for_symbols((name,)).fit(gone)
    assert np.isnan(part.predict(gone, first=0).mean).all()
    assert len(part.notes) == 1 and name in part.notes[0]
    part.save(tmp_path / "kept")
    again = Lstm(**params).for_symbols((name,)).restore(tmp_path / "kept")
    assert np.isnan(again.predict(gone, first=0).mean).all()


def test_dividing_refuses_no_symbol_a_stranger_and_a_shared_network() -> None:
    each = Lstm(**QUICK, pooled=False)
    with pytest.raises(ForecastError, match="no symbol was named"):
        each.for_symbols(())
    with pytest.raises(ForecastError, match="asked for NOBODY"):
        each.for_symbols(("NOBODY",)).fit(past())
    with pytest.raises(ForecastError, match="set pooled: false"):
        Lstm(**QUICK).for_symbols(("A",))
