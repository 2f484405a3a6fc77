"""Batches in parts that stay in cache, and learning in bfloat16."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, nn

from tradewind.engine.causality import probe
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.forecasters import Lstm
from tradewind.forecasters.training import hardware
from tradewind.forecasters.training import loop as training
from tradewind.forecasters.training.loop import Examples, Schedule, train

QUICK: dict[str, Any] = {
    "window": 8,
    "features": ("scaled_return_1", "range"),
    "hidden": 8,
    "epochs": 2,
    "stride": 1,
}
BF16_STEP = 2.0**-8  # relative distance of two neighbouring bfloat16 numbers


class Sum(nn.Module):
    """A linear map of a window."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, dtype=torch.float64))

    def forward(self, x: torch.Tensor, who: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) @ self.weight


def learned(rows: int, monkeypatch: pytest.MonkeyPatch, *, run: bool = False) -> torch.Tensor:
    """Weights after three epochs in passes of at most ``rows`` windows."""
    monkeypatch.setattr(training, "PASS_ROWS", rows)
    draw = Generator().manual_seed(1)
    windows = torch.randn(90, 2, 2, generator=draw, dtype=torch.float64)
    target = windows.flatten(1) @ torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64)
    who, runs = torch.zeros(90).long(), torch.arange(90) // 10
    part = Examples(windows, torch.arange(90), target, who, runs if run else None)
    network = Sum()

    def squares(output: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        sizes.append(len(output))
        return ((output - wanted) ** 2).mean()

    sizes: list[int] = []
    schedule = Schedule(epochs=3, patience=3, batch=40, learning_rate=0.05)
    train(network, squares, part, part, schedule, Generator().manual_seed(2))
    if not run:
        assert 0 < min(sizes) <= rows
    return network.weight.detach()


def test_a_batch_in_parts_learns_what_the_whole_batch_learns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, parts = learned(1_000, monkeypatch), learned(7, monkeypatch)
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)
    assert float(whole.abs().sum()) > 0.1


def test_a_batch_whose_loss_needs_neighbours_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch.equal(learned(1_000, monkeypatch, run=True), learned(7, monkeypatch, run=True))


@pytest.fixture
def with_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take emulation for the real thing: its numbers are the same."""
    monkeypatch.setattr(hardware, "_has_bf16", lambda device: True)


@pytest.mark.usefixtures("with_bf16")
def test_bf16_learns_repeatably_about_what_float32_learns() -> None:
    panel = probe(n_bars=300)
    full, half, again = (
        Lstm(**QUICK, precision=precision).fit(panel) for precision in ("float32", "bf16", "bf16")
    )
    said, short, same = (f.predict(panel, first=100).mean for f in (full, half, again))
    assert short.tobytes() == same.tobytes()
    assert short.tobytes() != said.tobytes()
    curves = [np.array([point[2:] for point in f.history]) for f in (full, half)]
    np.testing.assert_allclose(curves[1], curves[0], atol=4 * BF16_STEP)
    assert curves[1].tolist() != curves[0].tolist()


def test_bf16_is_refused_where_it_would_be_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, "avx2": True})
    with pytest.raises(ForecastError, match="no bfloat16 instructions; set precision: float32"):
        Lstm(**QUICK, precision="bf16").fit(probe(n_bars=300))


def test_a_precision_there_is_none_of_is_refused() -> None:
    with pytest.raises(ConfigError, match="Lstm: precision is 'fp8'; wanted float32 or bf16"):
        Lstm(precision="fp8")  # type: ignore[arg-type]
