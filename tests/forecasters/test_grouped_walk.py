"""A walk-forward on a GPU, acted out on the CPU: all folds in one group."""

from typing import Any

import numpy as np
import pytest
import torch

from tradewind.engine.causality import probe
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import ForecastError
from tradewind.engine.walkforward.group import waves
from tradewind.engine.walkforward.run import run, spec_of
from tradewind.forecasters import Lstm
from tradewind.forecasters.training import grouped, jobs, together

SMALL: dict[str, Any] = {
    "window": 8,
    "features": ("scaled_return_1", "range"),
    "hidden": 4,
    "epochs": 2,
    "stride": 1,
    "horizon": 2,
    "pooled": False,
}


@pytest.fixture
def on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the groups that go to a GPU, which is the CPU."""
    sizes: list[int] = []
    train = grouped.train_grouped

    def here(jobs: Any, device: torch.device, tell: Any, *, at_once: int | None) -> Any:
        assert device.type == "cuda"
        sizes.append(len(jobs))
        return train(jobs, torch.device("cpu"), tell, at_once=at_once)

    monkeypatch.setattr(together, "train_grouped", here)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    return sizes


def test_folds_seeds_and_symbols_are_one_group_with_the_forecasts_of_each_alone(
    on_a_gpu: list[int],
) -> None:
    panel = probe(seed=2, n_bars=400, n_symbols=2)
    config = WalkForwardConfig(train=280, refit=40, seeds=2)
    alone = run(spec_of(Lstm, SMALL), panel, config, seed=1, workers=0)
    assert on_a_gpu == []
    many = run(spec_of(Lstm, SMALL | {"device": "cuda"}), panel, config, seed=1)
    assert on_a_gpu == [3 * 2 * 2]  # folds, seeds, symbols
    a, b = alone.forecasts, many.forecasts
    assert np.isfinite(a.mean).any()
    np.testing.assert_array_equal(np.isnan(a.mean), np.isnan(b.mean))
    assert float(np.nanmax(np.abs(a.mean - b.mean) / a.std)) < 1e-4
    np.testing.assert_allclose(b.std, a.std, rtol=1e-4)


def test_a_fold_that_begins_from_another_waits_for_it(on_a_gpu: list[int]) -> None:
    panel = probe(seed=2, n_bars=400, n_symbols=2)
    config = WalkForwardConfig(train=280, refit=40, warm_start=True, control_every=0)
    alone = run(spec_of(Lstm, SMALL), panel, config, seed=1, workers=0)
    many = run(spec_of(Lstm, SMALL | {"device": "cuda"}), panel, config, seed=1)
    assert on_a_gpu == [2, 2, 2]
    a, b = alone.forecasts, many.forecasts
    assert float(np.nanmax(np.abs(a.mean - b.mean) / a.std)) < 1e-4
    assert [fold.warm for fold in many.folds] == [False, True, True]


def test_without_a_gpu_the_walk_forward_says_so_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    spec = spec_of(Lstm, SMALL | {"device": "cuda"})
    config = WalkForwardConfig(train=280, refit=40)
    with pytest.raises(ForecastError, match="set device: cpu, or auto"):
        run(spec, probe(n_bars=400), config, seed=1)


def test_auto_without_a_gpu_is_noted_in_every_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    spec = spec_of(Lstm, SMALL | {"device": "auto"})
    config = WalkForwardConfig(train=280, refit=80)
    walked = run(spec, probe(n_bars=400), config, seed=1, workers=0)
    assert all("device auto: trained on the CPU" in fold.note for fold in walked.folds)


def test_waves_put_each_task_behind_what_it_waits_for() -> None:
    assert list(waves([None, 0, None, 1, 2])) == [[0, 2], [1, 4], [3]]
    assert list(waves([None, None])) == [[0, 1]]


def test_a_memory_that_is_full_names_the_fold_and_what_to_lower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")

    monkeypatch.setattr(jobs, "train", full)
    config = WalkForwardConfig(train=280, refit=80)
    with pytest.raises(ForecastError, match=r"Lstm, fold 0 .*: out of memory; use fewer workers"):
        run(spec_of(Lstm, SMALL), probe(n_bars=400), config, seed=1, workers=0)
