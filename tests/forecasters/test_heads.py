"""Heads: losses against their formulas, and the constants they start from."""

import math

import numpy as np
import pytest
import torch

from tradewind.engine.errors import ConfigError
from tradewind.forecasters.heads import HEADS, GaussianHead, head_class
from tradewind.forecasters.readings import READINGS


def test_the_loss_is_the_gaussian_likelihood_and_its_gradient() -> None:
    output = torch.tensor([[0.3, -0.5], [-1.0, 0.2]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0.1, 2.0], dtype=torch.float64)
    wanted = np.mean(
        [
            -math.log(math.exp(-0.5 * ((y - m) / math.exp(s)) ** 2) / math.exp(s))
            for (m, s), y in zip(output.tolist(), target.tolist(), strict=True)
        ]
    )
    head = GaussianHead(1)
    assert head.loss(output, target).item() == pytest.approx(wanted, rel=1e-12)
    assert torch.autograd.gradcheck(lambda o: head.loss(o, target), (output,))


def test_a_head_starts_as_the_constant_that_fits_its_targets() -> None:
    head = GaussianHead(4)
    target = torch.tensor([0.125 - 1.75, 0.125, 0.125 + 1.75])
    head.start_at(target)
    with torch.inference_mode():
        said = head(torch.randn(6, 4))
    np.testing.assert_allclose(said[:, 0], 0.125)
    np.testing.assert_allclose(said[:, 1].exp(), 1.75, rtol=1e-6)


@pytest.mark.parametrize("spread", [0.0, 1e-30, 1e30])
def test_an_impossible_starting_deviation_still_gives_numbers(spread: float) -> None:
    head = GaussianHead(2)
    head.start_at(torch.tensor([-spread, spread]))
    with torch.inference_mode():
        assert torch.isfinite(head(torch.zeros(1, 2))).all()


def test_a_forecast_is_read_in_units_of_the_scale() -> None:
    said = GaussianHead(1).said(np.array([[0.5, 0.0], [-1.0, math.log(2)]]), np.array([0.01, 0.1]))
    np.testing.assert_allclose(said.mean, [0.005, -0.1])
    np.testing.assert_allclose(said.std, [0.01, 0.2])


def test_an_unknown_head_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"unknown head 'gausian' \(did you mean 'gaussian'\?\)"):
        head_class("gausian", "Lstm")


@pytest.mark.parametrize("name", HEADS)
def test_a_reading_without_torch_bends_outputs_as_the_head_does(name: str) -> None:
    head = HEADS[name](6)
    draw = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(head.linear.weight, std=2.0, generator=draw)
    with torch.inference_mode():
        h = torch.randn(50, 6, generator=draw)
        raw, output = head.linear(h).double().numpy(), head(h).numpy()
    np.testing.assert_allclose(READINGS[name].bend(raw), output, rtol=1e-5, atol=1e-6)
    assert head.reading is READINGS[name]
    assert READINGS.keys() == HEADS.keys()
