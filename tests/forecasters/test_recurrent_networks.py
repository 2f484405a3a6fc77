"""Recurrent networks against the recurrences as published, written out in numpy."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from torch import Generator

from tradewind.engine.records import Floats
from tradewind.forecasters.networks.recurrent import (
    GruEncoder,
    LstmAttentionEncoder,
    LstmEncoder,
    RecurrentEncoder,
    RnnEncoder,
)

N_INPUTS, HIDDEN, SPAN = 3, 5, 7
Weights = Mapping[str, Floats]
Step = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]]


def sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def rnn_step(enter: Floats, back: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats]:
    return np.tanh(enter + back), c


def gru_step(enter: Floats, back: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats]:
    (xr, xz, xn), (hr, hz, hn) = np.split(enter, 3, axis=1), np.split(back, 3, axis=1)
    reset, keep = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - keep) * np.tanh(xn + reset * hn) + keep * h, c


def lstm_step(enter: Floats, back: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats]:
    into, forget, cell, out = np.split(enter + back, 4, axis=1)
    c = sigmoid(forget) * c + sigmoid(into) * np.tanh(cell)
    return sigmoid(out) * np.tanh(c), c


def states(weights: Weights, step: Step, layers: int, x: Floats) -> Floats:
    """Every state of the top layer, (B, T, F) -> (B, T, H)."""
    for layer in range(layers):
        w, u, b, d = (
            weights[f"cells.{name}_l{layer}"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h = c = np.zeros((len(x), HIDDEN))
        found = []
        for t in range(x.shape[1]):
            h, c = step(x[:, t] @ w.T + b, h @ u.T + d, h, c)
            found.append(h)
        x = np.stack(found, 1)
    return x


def attended(weights: Weights, seen: Floats) -> Floats:
    """Luong's attention of the last of these states over all of them, (B, T, H) -> (B, H)."""
    h = seen[:, -1]
    scores = np.einsum("bh,bth->bt", h @ weights["score.weight"].T, seen)
    share = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    both = np.concatenate((np.einsum("bt,bth->bh", share, seen), h), 1)
    return np.asarray(np.tanh(both @ weights["mix.weight"].T + weights["mix.bias"]))


def encoder(kind: type[RecurrentEncoder], layers: int = 1, seed: int = 3) -> RecurrentEncoder:
    span = {"span": SPAN} if kind is LstmAttentionEncoder else {}
    draw = Generator().manual_seed(seed)
    made = kind(N_INPUTS, hidden=HIDDEN, layers=layers, generator=draw, **span)
    for name, parameter in made.named_parameters():  # offsets that an error would show in
        if "bias" in name:
            torch.nn.init.normal_(parameter, generator=draw)
    return made.double()


def numbers(net: RecurrentEncoder) -> Weights:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}


def inputs(n_bars: int = SPAN) -> Floats:
    return np.random.default_rng(0).normal(size=(4, n_bars, N_INPUTS))


KINDS: dict[type[RecurrentEncoder], Step] = {
    RnnEncoder: rnn_step,
    GruEncoder: gru_step,
    LstmEncoder: lstm_step,
    LstmAttentionEncoder: lstm_step,
}
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@each
@pytest.mark.parametrize("layers", [1, 2])
def test_a_window_is_read_by_the_published_recurrence(
    kind: type[RecurrentEncoder], layers: int
) -> None:
    net, x = encoder(kind, layers), inputs()
    wanted = states(numbers(net), KINDS[kind], layers, x)
    last = attended(numbers(net), wanted) if kind is LstmAttentionEncoder else wanted[:, -1]
    with torch.inference_mode():
        got = net(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, last, rtol=1e-10)
    assert np.ptp(got) > 0.01


@each
def test_a_run_gives_every_state_and_carries_on_where_it_stopped(
    kind: type[RecurrentEncoder],
) -> None:
    net, x = encoder(kind, layers=2), inputs(n_bars=20)
    tops = states(numbers(net), KINDS[kind], 2, x)
    wanted = tops
    if kind is LstmAttentionEncoder:  # over the states there are, at most the last SPAN
        spans = (tops[:, max(0, t + 1 - SPAN) : t + 1] for t in range(20))
        wanted = np.stack([attended(numbers(net), seen) for seen in spans], 1)
    state = tuple(part.double() if part.is_floating_point() else part for part in net.begin(4))
    found = []
    with torch.inference_mode():
        for begin, end in ((0, 1), (1, 4), (4, 16), (16, 20)):
            got, state = net.run(torch.from_numpy(x[:, begin:end]), state)
            found.append(got.numpy())
    np.testing.assert_allclose(np.concatenate(found, 1), wanted, rtol=1e-10)


@each
def test_recurrent_weights_begin_orthogonal(kind: type[RecurrentEncoder]) -> None:
    weights = numbers(encoder(kind))["cells.weight_hh_l0"]
    gates = np.split(weights, len(weights) // HIDDEN)
    assert len(gates) == {RnnEncoder: 1, GruEncoder: 3}.get(kind, 4)
    for gate in gates:
        np.testing.assert_allclose(gate @ gate.T, np.eye(HIDDEN), atol=1e-6)
