"""Networks against the equations they stand for."""

import math

import numpy as np
import pytest
import torch
from torch import Generator

from tradewind.engine.records import Floats
from tradewind.forecasters.modules import (
    LOG_STD_LIMIT,
    GaussianReadout,
    LstmNetwork,
    SeededDropout,
    gaussian_loss,
)


def network(**changes: float) -> LstmNetwork:
    shape = {"hidden": 5, "layers": 1, "dropout": 0.0} | changes
    return LstmNetwork(
        3,
        hidden=int(shape["hidden"]),
        layers=int(shape["layers"]),
        dropout=shape["dropout"],
        generator=Generator().manual_seed(3),
    )


def sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def test_the_lstm_computes_the_published_recurrence() -> None:
    net = network().double().eval()
    torch.nn.init.normal_(net.readout.linear.weight, generator=Generator().manual_seed(1))
    x = np.random.default_rng(0).normal(size=(4, 7, 3))
    w = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    h = c = np.zeros((4, 5))
    for t in range(7):
        gates = (
            x[:, t] @ w["encoder.weight_ih_l0"].T
            + w["encoder.bias_ih_l0"]
            + h @ w["encoder.weight_hh_l0"].T
            + w["encoder.bias_hh_l0"]
        )
        enter, forget, cell, leave = np.split(gates, 4, axis=1)
        c = sigmoid(forget) * c + sigmoid(enter) * np.tanh(cell)
        h = sigmoid(leave) * np.tanh(c)
    raw = h @ w["readout.linear.weight"].T + w["readout.linear.bias"]
    wanted = np.column_stack((raw[:, 0], LOG_STD_LIMIT * np.tanh(raw[:, 1] / LOG_STD_LIMIT)))
    with torch.inference_mode():
        got = net(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-10)
    assert np.ptp(got[:, 0]) > 0.01


def test_the_loss_is_the_gaussian_likelihood_and_its_gradient() -> None:
    output = torch.tensor([[0.3, -0.5], [-1.0, 0.2]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0.1, 2.0], dtype=torch.float64)
    wanted = np.mean(
        [
            -math.log(math.exp(-0.5 * ((y - m) / math.exp(s)) ** 2) / math.exp(s))
            for (m, s), y in zip(output.tolist(), target.tolist(), strict=True)
        ]
    )
    assert gaussian_loss(output, target).item() == pytest.approx(wanted, rel=1e-12)
    assert torch.autograd.gradcheck(lambda o: gaussian_loss(o, target), (output,))


def test_a_network_starts_as_the_constant_it_is_told() -> None:
    net = network().eval()
    net.start_at(0.125, 1.75)
    with torch.inference_mode():
        said = net(torch.randn(6, 9, 3, generator=Generator().manual_seed(0)))
    np.testing.assert_allclose(said[:, 0], 0.125)
    np.testing.assert_allclose(said[:, 1].exp(), 1.75, rtol=1e-6)


@pytest.mark.parametrize("std", [0.0, 1e-300, 1e300])
def test_an_impossible_starting_deviation_still_gives_numbers(std: float) -> None:
    readout = GaussianReadout(2)
    readout.start_at(0.0, std)
    with torch.inference_mode():
        assert torch.isfinite(readout(torch.zeros(1, 2))).all()


def test_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = network(layers=2, dropout=0.5).state_dict()
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    second = network(layers=2, dropout=0.5).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_recurrent_weights_are_orthogonal_and_the_forget_gate_begins_open() -> None:
    weights = {name: tensor.numpy() for name, tensor in network().state_dict().items()}
    for gate in np.split(weights["encoder.weight_hh_l0"], 4):
        np.testing.assert_allclose(gate @ gate.T, np.eye(5), atol=1e-6)
    wanted = [0.0] * 5 + [1.0] * 5 + [0.0] * 10  # input, forget, cell, output
    assert weights["encoder.bias_ih_l0"].tolist() == wanted


def test_dropout_keeps_the_mean_and_rests_outside_training() -> None:
    dropout = SeededDropout(0.25, Generator().manual_seed(0))
    x = torch.ones(200, 500)
    kept = dropout.train()(x)
    share_dropped = float((kept == 0).float().mean())
    # Standard error of a share of 100,000 draws is 0.0014: five of them.
    assert share_dropped == pytest.approx(0.25, abs=0.007)
    assert float(kept.max()) == pytest.approx(1 / 0.75)
    assert torch.equal(dropout.eval()(x), x)
