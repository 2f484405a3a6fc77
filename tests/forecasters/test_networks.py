"""Networks against the equations they stand for."""

import numpy as np
import pytest
import torch
from torch import Generator

from tradewind.forecasters.heads.gaussian import GaussianHead
from tradewind.forecasters.networks.base import Network, SeededDropout
from tradewind.forecasters.networks.recurrent import LstmEncoder


def encoder(layers: int = 1, seed: int = 3) -> LstmEncoder:
    return LstmEncoder(3, hidden=5, layers=layers, generator=Generator().manual_seed(seed))


def network(embedding: int) -> Network:
    draw = Generator().manual_seed(3)
    made = LstmEncoder(3 + embedding, hidden=5, layers=1, generator=draw)
    head = GaussianHead(made.width)
    torch.nn.init.normal_(head.linear.weight, generator=draw)
    return Network(made, head, dropout=0.5, names=2, embedding=embedding, generator=draw).eval()


def test_a_symbol_is_known_by_its_embedding_and_a_stranger_is_the_average() -> None:
    net = network(embedding=2)
    x = torch.randn(1, 6, 3, generator=Generator().manual_seed(0)).expand(3, -1, -1)
    with torch.inference_mode():
        stranger, first, second = net(x, torch.arange(3))
    assert not torch.equal(first, second)
    assert torch.equal(net.traits.weight[0], torch.zeros(2))  # type: ignore[union-attr]
    assert not torch.equal(stranger, first)


def test_without_an_embedding_symbols_are_alike() -> None:
    net = network(embedding=0)
    x = torch.randn(1, 6, 3, generator=Generator().manual_seed(0)).expand(3, -1, -1)
    with torch.inference_mode():
        said = net(x, torch.arange(3))
    torch.testing.assert_close(said[0], said[1], rtol=1e-6, atol=0)
    torch.testing.assert_close(said[0], said[2], rtol=1e-6, atol=0)


def test_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = encoder(layers=2).state_dict()
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    second = encoder(layers=2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_recurrent_weights_are_orthogonal_and_the_forget_gate_begins_open() -> None:
    weights = {name: tensor.numpy() for name, tensor in encoder().state_dict().items()}
    for gate in np.split(weights["cells.weight_hh_l0"], 4):
        np.testing.assert_allclose(gate @ gate.T, np.eye(5), atol=1e-6)
    wanted = [0.0] * 5 + [1.0] * 5 + [0.0] * 10  # input, forget, cell, output
    assert weights["cells.bias_ih_l0"].tolist() == wanted


def test_dropout_keeps_the_mean_and_rests_outside_training() -> None:
    dropout = SeededDropout(0.25, Generator().manual_seed(0))
    x = torch.ones(200, 500)
    kept = dropout.train()(x)
    share_dropped = float((kept == 0).float().mean())
    # Standard error of a share of 100,000 draws is 0.0014: five of them.
    assert share_dropped == pytest.approx(0.25, abs=0.007)
    assert float(kept.max()) == pytest.approx(1 / 0.75)
    assert torch.equal(dropout.eval()(x), x)
