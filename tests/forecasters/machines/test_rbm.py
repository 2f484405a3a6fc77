"""Restricted Boltzmann machines against sums over every state."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from tradewind.engine.errors import ForecastError
from tradewind.forecasters.machines import exact
from tradewind.forecasters.machines.rbm import Dice, Gradient, Rbm, Schedule, divergence, train

KINDS = ("gaussian", "bernoulli")


def machine(kind: str, n_visible: int = 5, n_hidden: int = 12, seed: int = 0) -> Rbm:
    draw = Generator().manual_seed(seed)

    def numbers(*shape: int) -> Tensor:
        return 0.4 * torch.randn(*shape, generator=draw, dtype=torch.float64)

    weight, visible, hidden = numbers(n_visible, n_hidden), numbers(n_visible), numbers(n_hidden)
    return Rbm(weight, visible, hidden, kind)  # type: ignore[arg-type]


def rows(kind: str, n: int = 7, width: int = 5) -> Tensor:
    made = torch.randn(n, width, generator=Generator().manual_seed(9), dtype=torch.float64)
    return made if kind == "gaussian" else (made > 0).double()


def energy(rbm: Rbm, v: Tensor, h: Tensor) -> float:
    inside = -float(h @ rbm.hidden_bias) - float(v @ rbm.weight @ h)
    if rbm.kind == "gaussian":
        return 0.5 * float((v - rbm.visible_bias).square().sum()) + inside
    return -float(v @ rbm.visible_bias) + inside


@pytest.mark.parametrize("kind", KINDS)
def test_free_energy_sums_over_every_hidden_state(kind: str) -> None:
    rbm, given = machine(kind), rows(kind)
    every = exact.states(12, torch.float64)
    wanted = [-math.log(math.fsum(math.exp(-energy(rbm, v, h)) for h in every)) for v in given[:3]]
    np.testing.assert_allclose(rbm.free_energy(given[:3]).numpy(), wanted, rtol=1e-10)


def test_the_partition_function_of_binary_units_is_the_sum_over_all_pairs() -> None:
    rbm = machine("bernoulli", 4, 5)
    pairs = product(exact.states(4, torch.float64), exact.states(5, torch.float64))
    wanted = math.log(math.fsum(math.exp(-energy(rbm, v, h)) for v, h in pairs))
    assert float(exact.log_partition(rbm)) == pytest.approx(wanted, rel=1e-12)


def test_the_density_of_a_gaussian_unit_integrates_to_one() -> None:
    rbm = machine("gaussian", 1, 6)
    grid = torch.linspace(-20, 20, 40_001, dtype=torch.float64)[:, None]
    log_density = -rbm.free_energy(grid) - exact.log_partition(rbm)
    assert float(torch.trapezoid(log_density.exp(), grid[:, 0])) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_exact_gradient_is_that_of_the_likelihood(kind: str) -> None:
    plain, given = machine(kind), rows(kind)
    parts = [p.clone().requires_grad_() for p in (plain.weight, plain.visible_bias)]
    hidden = plain.hidden_bias.clone().requires_grad_()
    followed = Rbm(parts[0], parts[1], hidden, plain.kind)
    exact.log_likelihood(followed, given).backward()  # type: ignore[no-untyped-call]
    found = exact.gradient(plain, given)
    for mine, theirs in zip(found, (parts[0].grad, parts[1].grad, hidden.grad), strict=True):
        assert theirs is not None
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


def mean_divergence(rbm: Rbm, given: Tensor, steps: int, n: int) -> Gradient:
    draw = Generator().manual_seed(4)
    many = given.repeat(n, 1)
    return divergence(rbm, many, steps=steps, dice=Dice(draw), noise=True)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_longer_chain_comes_closer_to_the_exact_gradient(kind: str) -> None:
    rbm, given = machine(kind, 4, 6), rows(kind, 5, 4)
    wanted = exact.gradient(rbm, given)
    # 20,000 chains of 5 rows: the mean of a weight's gradient errs by about 0.005.
    errors = [
        float((mean_divergence(rbm, given, steps, 4_000).weight - wanted.weight).abs().max())
        for steps in (1, 5, 25)
    ]
    assert errors[0] > 2 * errors[2]
    assert errors[2] < 0.03


@pytest.mark.parametrize(
    "plan",
    [
        Schedule(epochs=400, batch=64, learning_rate=0.1, weight_decay=0.0),
        # A persistent chain has to keep up with the machine: small steps, no momentum.
        Schedule(
            epochs=1000, batch=64, learning_rate=0.05, first_momentum=0.0, momentum=0.0,
            weight_decay=0.001, steps=2, persistent=True,
        ),
    ],
    ids=["contrastive", "persistent"],
)  # fmt: skip
def test_it_learns_a_distribution_of_four_patterns(plan: Schedule) -> None:
    patterns = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]])
    given = patterns.float().repeat(64, 1)
    draw = Generator().manual_seed(0)
    rbm = Rbm.drawn(4, 8, "bernoulli", draw, std=0.1)
    before = float(exact.log_likelihood(rbm, given))
    curve = train(rbm, given, given, plan, draw)
    assert before == pytest.approx(4 * math.log(0.5), abs=0.05)
    # The best there is is log(1/4): four patterns, equally often. A chain that goes on is noisy.
    slack = 0.4 if plan.persistent else 0.15
    assert float(exact.log_likelihood(rbm, given)) > math.log(0.25) - slack
    assert curve[-1].reconstruction < 0.01 < curve[0].reconstruction


def test_a_chain_with_noise_samples_the_machine() -> None:
    rbm, draw = machine("gaussian", 3, 4), Generator().manual_seed(5)
    _, made = divergence(
        rbm, torch.zeros(40_000, 3).double(), steps=30, dice=Dice(draw), noise=True
    )
    # At v = 0 the gradient of the visible bias is -a less the machine's mean of v - a.
    mean = -exact.gradient(rbm, torch.zeros(1, 3).double()).visible
    # Standard error 0.005 at a standard deviation near 1: five of them.
    torch.testing.assert_close(made.mean(0), mean, atol=0.03, rtol=0)


def test_a_machine_that_learns_by_heart_shows_it_in_the_gap() -> None:
    draw = Generator().manual_seed(1)
    few, others = (torch.randn(n, 20, generator=draw) for n in (24, 500))
    rbm = Rbm.drawn(20, 40, "gaussian", draw)
    learned = Schedule(epochs=150, batch=24, learning_rate=0.02, weight_decay=0.0)
    curve = train(rbm, few, others, learned, draw)
    assert curve[-1].gap > curve[0].gap + 3.0


def test_momentum_and_decay_follow_the_guide() -> None:
    rbm = machine("gaussian", 3, 2)
    before = rbm.weight.clone()
    given = rows("gaussian", 10, 3)
    plan = Schedule(epochs=1, batch=10, learning_rate=0.1, weight_decay=0.5)
    draw = Generator().manual_seed(7)
    dice = Dice(draw)
    order = torch.randperm(10, generator=draw)
    told, _ = divergence(rbm, given[order], steps=1, dice=dice)
    train(rbm, given, given, plan, Generator().manual_seed(7))
    torch.testing.assert_close(rbm.weight, before + 0.1 * (told.weight - 0.5 * before))


def test_the_same_seed_gives_the_same_machine_and_leaves_torch_alone() -> None:
    state = torch.get_rng_state()

    def learned(seed: int) -> Tensor:
        draw = Generator().manual_seed(seed)
        rbm = Rbm.drawn(5, 4, "gaussian", draw)
        train(rbm, rows("gaussian").float(), rows("gaussian").float(), Schedule(epochs=2), draw)
        return rbm.weight

    assert torch.equal(learned(3), learned(3))
    assert not torch.equal(learned(3), learned(4))
    assert torch.equal(state, torch.get_rng_state())


def test_weights_that_explode_and_rows_that_are_missing_are_refused() -> None:
    draw = Generator().manual_seed(0)
    given = 100 * torch.randn(50, 5, generator=draw)
    rbm = Rbm.drawn(5, 4, "gaussian", draw)
    with pytest.raises(ForecastError, match="lower learning_rate, or standardise"):
        train(rbm, given, given, Schedule(learning_rate=1e6), draw)
    with pytest.raises(ForecastError, match="0 rows to learn from and 50 held back"):
        train(rbm, given[:0], given, Schedule(), draw)
    with pytest.raises(ForecastError, match="20 hidden units have"):
        exact.states(20, torch.float64)


def test_units_are_drawn_with_their_probabilities() -> None:
    chance = torch.tensor([0.0, 0.01, 0.5, 0.99, 1.0]).repeat(100_001, 1)
    units = Dice(Generator().manual_seed(3)).units(chance)
    assert bool(((units == 0.0) | (units == 1.0)).all())
    share = units.mean(0)
    torch.testing.assert_close(share, chance[0], rtol=0.0, atol=0.006)
    assert share[0] == 0.0 and share[4] == 1.0  # the certain is certain
    again = Dice(Generator().manual_seed(3)).units(chance)
    assert bool((units == again).all())
