"""Heads: losses against their formulas, and the constants they start from."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from tradewind.forecasters.heads import HEADS, Head, head_of
from tradewind.forecasters.heads.direction import DirectionHead
from tradewind.forecasters.heads.gaussian import GaussianHead
from tradewind.forecasters.heads.quantile import QuantileHead
from tradewind.forecasters.heads.student_t import StudentTHead
from tradewind.forecasters.heads.volatility import VolatilityHead
from tradewind.forecasters.readings import READINGS, Quantile

TARGET = {
    "direction": torch.tensor([1.0, 0.0, 0.5, 1.0], dtype=torch.float64),
    "position": torch.tensor(
        [[0.3, 0.01, 1.0], [-0.8, 0.02, 0.0], [1.5, 0.01, 2.0], [0.2, 0.03, 0.0]],
        dtype=torch.float64,
    ),
    "volatility": torch.tensor([0.2, 0.0, 1.7, 3.0], dtype=torch.float64),
}
RETURNS = torch.tensor([0.1, 2.0, -0.4, -1.3], dtype=torch.float64)


def raw_of(head: Head, n: int = 4) -> Tensor:
    """Made-up numbers of a last layer."""
    draw = torch.Generator().manual_seed(1)
    size = (n, head.reading.n_outputs)
    return torch.randn(size, generator=draw, dtype=torch.float64)


def target_of(kind: str) -> Tensor:
    return TARGET.get(kind, RETURNS)


def constant(head: Head) -> list[float]:
    """What a head says of anything before it has learned."""
    with torch.inference_mode():
        said = head(torch.randn(3, 4))
    assert torch.equal(said[0], said[1])
    return [float(value) for value in said[0]]


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_the_gradient_of_a_loss_is_that_of_its_formula(kind: str) -> None:
    head = head_of(READINGS[kind](), 1)
    raw = raw_of(head).requires_grad_()
    target = target_of(kind)
    assert torch.autograd.gradcheck(lambda r: head.loss(head.bend(r), target), (raw,))


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_numpy_reads_the_last_layer_as_torch_does(kind: str) -> None:
    head = head_of(READINGS[kind](), 1)
    raw = 3.0 * raw_of(head, 50)
    np.testing.assert_allclose(head.reading.bend(raw.numpy()), head.bend(raw), rtol=1e-12)


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_no_constant_beats_the_one_a_head_starts_from(kind: str) -> None:
    head = head_of(READINGS[kind](), 4)
    draw = np.random.default_rng(0)
    returns = torch.from_numpy(0.1 + draw.standard_t(4, 400))
    target = {
        "direction": (returns > 0).double(),
        "volatility": returns**2,
        "position": torch.stack((returns, 0.01 + 0 * returns, 1 + 0 * returns), 1),
    }.get(kind, returns)
    head.start_at(target)
    raw = head.linear.bias.detach().double()[None]
    best = float(head.loss(head.bend(raw.expand(400, -1)), target))
    for step in (0.03, -0.03):
        for k in range(raw.shape[1]):
            other = raw.clone()
            other[0, k] += step
            assert float(head.loss(head.bend(other.expand(400, -1)), target)) > best - 1e-7


@pytest.mark.parametrize("kind", sorted(HEADS))
@pytest.mark.parametrize("spread", [0.0, 1e-30, 1e30])
def test_impossible_targets_still_give_numbers_to_start_from(kind: str, spread: float) -> None:
    head = head_of(READINGS[kind](), 4)
    returns = torch.tensor([-spread, spread, 0.0, 0.0])
    target = {
        "direction": 0.5 + 0.5 * returns.sign(),
        "volatility": returns**2,
        "position": torch.stack((returns, 0.01 + 0 * returns, 1 + 0 * returns), 1),
    }.get(kind, returns)
    head.start_at(target)
    assert np.isfinite(constant(head)).all()


@pytest.mark.parametrize("up", [0.0, 1.0])
def test_a_market_that_only_rises_or_falls_gives_a_probability_below_one(up: float) -> None:
    head = DirectionHead(4)
    head.start_at(torch.full((5,), up))
    assert 1e-5 < stats.norm.cdf(abs(constant(head)[0])) < 1.0


def test_the_gaussian_loss_is_its_likelihood() -> None:
    output = torch.tensor([[0.3, -0.5], [-1.0, 0.2]], dtype=torch.float64)
    rows = zip(output.tolist(), [0.1, 2.0], strict=True)
    wanted = [-stats.norm.logpdf(y, m, math.exp(s)) for (m, s), y in rows]
    found = GaussianHead(1).loss(output, torch.tensor([0.1, 2.0], dtype=torch.float64))
    constant_part = 0.5 * math.log(2 * math.pi)
    assert found.item() == pytest.approx(np.mean(wanted) - constant_part, rel=1e-12)


def test_the_student_loss_is_its_likelihood() -> None:
    output = torch.tensor([[0.3, -0.5, 3.0], [-1.0, 0.2, 40.0]], dtype=torch.float64)
    rows = zip(output.tolist(), [0.1, 2.0], strict=True)
    wanted = [-stats.t.logpdf(y, nu, m, math.exp(s)) for (m, s, nu), y in rows]
    found = StudentTHead(1).loss(output, torch.tensor([0.1, 2.0], dtype=torch.float64))
    assert found.item() == pytest.approx(np.mean(wanted), rel=1e-12)


def test_the_quantile_loss_is_the_mean_pinball_loss() -> None:
    head = QuantileHead(1, Quantile(levels=(0.1, 0.5, 0.9)))
    output = torch.tensor([[-1.0, 0.0, 2.0]], dtype=torch.float64)
    found = head.loss(output, torch.tensor([1.0], dtype=torch.float64))
    assert found.item() == pytest.approx((0.1 * 2.0 + 0.5 * 1.0 + 0.1 * 1.0) / 3)


def test_the_direction_loss_is_minus_the_log_probability_of_the_sign() -> None:
    output = torch.tensor([[0.5], [-1.0], [0.2]], dtype=torch.float64)
    target = torch.tensor([1.0, 0.0, 0.5], dtype=torch.float64)
    p = np.asarray(stats.norm.cdf([0.5, -1.0, 0.2]))
    wanted = -np.mean([np.log(p[0]), np.log(1 - p[1]), 0.5 * np.log(p[2] * (1 - p[2]))])
    assert DirectionHead(1).loss(output, target).item() == pytest.approx(wanted, rel=1e-12)


def test_the_volatility_loss_is_least_at_the_expected_variance() -> None:
    target = torch.tensor([0.0, 0.5, 4.0], dtype=torch.float64)
    head = VolatilityHead(1)
    log_std = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    losses = torch.stack([head.loss(s.expand(3, 1), target) for s in log_std])
    assert float(log_std[losses.argmin()].exp() ** 2) == pytest.approx(1.5, rel=2e-3)


def test_the_student_head_starts_from_the_tails_its_targets_have() -> None:
    head = StudentTHead(4)
    draw = np.random.default_rng(3)
    head.start_at(torch.from_numpy(0.2 + 1.5 * draw.standard_t(5, 20_000)).float())
    mean, log_scale, nu = constant(head)
    assert mean == pytest.approx(0.2, abs=0.04)
    assert math.exp(log_scale) == pytest.approx(1.5, rel=0.03)
    assert nu == pytest.approx(5.0, rel=0.12)
    head.start_at(torch.from_numpy(draw.normal(0, 1, 20_000)).float())
    assert constant(head)[2] > 30.0


def test_quantiles_start_from_those_of_the_targets() -> None:
    head = QuantileHead(4, Quantile(levels=(0.1, 0.4, 0.9)))
    target = torch.linspace(-1, 1, 101)
    head.start_at(target)
    np.testing.assert_allclose(constant(head), [-0.8, -0.2, 0.8], atol=1e-5)


def test_quantiles_never_cross() -> None:
    head = QuantileHead(1)
    raw = torch.randn(5_000, 7, generator=torch.Generator().manual_seed(0)) * 30
    assert bool((head.bend(raw).diff(dim=1) >= 0).all())


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_a_loss_of_what_is_no_number_is_none_either_so_training_refuses_it(kind: str) -> None:
    head = head_of(READINGS[kind](), 1)
    raw = raw_of(head)
    raw[1] = float("nan")
    assert torch.isnan(head.loss(head.bend(raw), target_of(kind)))
