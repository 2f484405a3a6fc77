"""The step without torch beside torch's own run of the same network."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator

from tradewind.engine.errors import CheckpointError
from tradewind.engine.records import Floats
from tradewind.forecasters.heads import head_of
from tradewind.forecasters.inputs.windows import LIMIT as WINDOWS_LIMIT
from tradewind.forecasters.inputs.windows import Scaling
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.networks.recurrent import (
    GruEncoder,
    LstmAttentionEncoder,
    LstmEncoder,
    RecurrentEncoder,
    RnnEncoder,
)
from tradewind.forecasters.readings import READINGS, Reading, Said
from tradewind.forecasters.serving import checkpoint as served
from tradewind.forecasters.serving import recurrence_kernel
from tradewind.forecasters.serving.layout import LIMIT, Layout, matrices
from tradewind.forecasters.serving.recurrence import Backend, Recurrence, Voice
from tradewind.forecasters.training.fitted import Fitted
from tradewind.forecasters.training.loop import one_thread

N_FEATURES, N_TRAITS, N_SYMBOLS, N_BARS, LEAST, HORIZON = 3, 2, 6, 40, 4, 5
SYMBOLS = tuple("ABCDEF")
NAMES = ("A", "B", "C", "E")  # those a network knows; D and F are strangers
SPAN = 7
SCALING = Scaling(np.array([0.1, -2.0, 300.0]), np.array([0.5, 1.0, 70.0]))
CELLS: dict[str, type[RecurrentEncoder]] = {
    "rnn": RnnEncoder, "gru": GruEncoder, "lstm": LstmEncoder, "attention": LstmAttentionEncoder
}  # fmt: skip


@pytest.fixture(autouse=True)
def _on_one_thread() -> Iterator[None]:
    with one_thread():
        yield


def made(cell: str, layers: int, reading: Reading) -> Fitted:
    """A network of drawn weights with a scaling, as if it had been trained."""
    draw = Generator().manual_seed(layers)
    kind = CELLS[cell]
    span = {"span": SPAN} if cell == "attention" else {}
    encoder = kind(
        N_FEATURES + N_TRAITS, hidden=9, layers=layers, generator=draw, **span
    )  # nine: no multiple of a block
    head = head_of(reading, encoder.width)
    network = Network(
        encoder, head, dropout=0.3, names=len(NAMES), embedding=N_TRAITS, generator=draw
    ).eval()
    for name, parameter in network.named_parameters():
        if "bias" in name or "head" in name:
            torch.nn.init.normal_(parameter, std=0.3, generator=draw)
    return Fitted(network, SCALING, NAMES, (), 0)


def history() -> Floats:
    """Features with holes and outliers, and volatility: (T, n, F + 1)."""
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(N_BARS, N_SYMBOLS, N_FEATURES + 1))
    inputs[:, :, :3] = inputs[:, :, :3] * [0.5, 1.0, 70.0] + [0.1, -2.0, 300.0]
    inputs[:, :, 3] = 0.02 * np.exp(0.1 * inputs[:, :, 3])
    inputs[draw.random(inputs.shape) < 0.05] = np.nan
    inputs[10, 2, 1] = 1e6
    inputs[5:9, 3] = np.nan
    inputs[20, 0, 3] = 0.0
    inputs[12] = np.nan
    return inputs


def by_torch(one: Fitted, inputs: Floats) -> Said:
    """Torch's own run of each symbol over the bars that have all features."""
    encoder = one.network.encoder
    assert isinstance(encoder, RecurrentEncoder)
    n_levels = len(one.head.levels)
    said = Said(*(np.full((N_BARS, N_SYMBOLS, *more), np.nan) for more in ((), (), (n_levels,))))
    for k, name in enumerate(SYMBOLS):
        bars = np.flatnonzero(np.isfinite(inputs[:, k, :-1]).all(axis=1))
        x = torch.from_numpy(SCALING.apply(inputs[bars, k, :-1]))[None]
        who = torch.tensor([NAMES.index(name) + 1 if name in NAMES else 0])
        with torch.inference_mode():
            states, _ = encoder.run(one.network.known(x, who), encoder.begin(1))
            output = one.network.read(states[0]).double().numpy()
        vol = inputs[bars, k, -1]
        spoken = (np.arange(1, len(bars) + 1) >= LEAST) & (vol > 0)
        read = one.head.said(output[spoken], vol[spoken] * np.sqrt(HORIZON))
        for whole, part in zip(said, read, strict=True):
            whole[bars[spoken], k] = part
    return said


def stepped(one: Fitted, backend: Backend) -> Recurrence:
    weights = one.weights()
    encoder = one.network.encoder
    assert isinstance(encoder, RecurrentEncoder)
    return Recurrence(
        encoder.layout,
        served.bare(weights),
        served.pairs_of(one.scaling, SYMBOLS),
        served.traits_of(weights, one.names, SYMBOLS),
        Voice(one.head.reading, HORIZON, LEAST),
        backend,
    )


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("kind", READINGS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_step_without_torch_says_what_torch_says(
    cell: str, layers: int, kind: str, backend: Backend
) -> None:
    one, inputs = made(cell, layers, READINGS[kind]()), history()
    wanted = by_torch(one, inputs)
    step = stepped(one, backend)
    parts = [
        step.advance(np.ascontiguousarray(inputs[a:b])) for a, b in ((0, 1), (1, 13), (13, 40))
    ]
    for k, name in enumerate(Said._fields):
        got = np.concatenate([part[k] for part in parts])
        np.testing.assert_allclose(got, wanted[k], rtol=0, atol=1e-6, err_msg=name)
    given = np.isfinite(parts[-1].mean)
    assert given.any()
    assert not given.all()


def test_a_symbol_is_not_moved_by_those_beside_it() -> None:
    one, inputs = made("lstm", 2, READINGS["gaussian"]()), history()
    whole = stepped(one, "numba").advance(inputs)
    changed = inputs.copy()
    changed[:, 1:] = np.random.default_rng(5).normal(size=changed[:, 1:].shape)
    changed[7:, 4] = np.nan
    other = stepped(one, "numba").advance(changed)
    assert whole.mean[:, 0].tobytes() == other.mean[:, 0].tobytes()
    assert whole.std[:, 0].tobytes() == other.std[:, 0].tobytes()
    assert (whole.mean[:, 1:] != other.mean[:, 1:]).any()


def test_a_bar_without_a_feature_leaves_the_state_as_it_is() -> None:
    for backend in ("numba", "numpy"):
        step = stepped(made("gru", 1, READINGS["gaussian"]()), backend)
        step.advance(np.ones((3, N_SYMBOLS, N_FEATURES + 1)))
        before, taken = step.state.copy(), step.n_taken.copy()
        bar = np.ones((1, N_SYMBOLS, N_FEATURES + 1))
        bar[0, 1, 2] = np.nan
        bar[0, 4, 0] = np.inf
        said = step.advance(bar)
        still = [1, 4]
        assert step.state[still].tobytes() == before[still].tobytes()
        assert (step.n_taken - taken).tolist() == [1, 0, 1, 1, 0, 1]
        assert np.isnan(said.mean[0, still]).all()
        assert (step.state[[0, 2, 3, 5]] != before[[0, 2, 3, 5]]).any(axis=1).all()


def test_the_compiled_tangent_is_exact_enough_everywhere() -> None:
    x = np.concatenate((np.linspace(-12, 12, 20_001), [-1e30, 1e-20, 1e30])).astype(np.float32)
    got = np.array([recurrence_kernel.tanh(value) for value in x])
    np.testing.assert_allclose(got, np.tanh(x.astype(np.float64)), rtol=3e-7, atol=1e-7)


def test_the_limit_of_a_feature_is_the_one_it_was_trained_with() -> None:
    assert LIMIT == WINDOWS_LIMIT


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mix.weight": None}, "mix.weight"),
        ({"cells.weight_hh_l0": np.zeros((4, 3))}, "recurrent weights"),
        ({"score.weight": np.zeros((3, 3))}, "recurrent weights"),
    ],
)
def test_weights_of_another_network_are_refused(change: dict[str, Any], told: str) -> None:
    one = made("attention", 1, READINGS["gaussian"]())
    weights: dict[str, Any] = {**served.bare(one.weights()), **change}
    weights = {name: array for name, array in weights.items() if array is not None}
    with pytest.raises(CheckpointError, match=told):
        matrices(Layout("lstm", 9, 1, SPAN), weights, N_FEATURES + N_TRAITS)
