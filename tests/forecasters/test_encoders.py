"""Encoders against the equations they stand for."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from tradewind.engine.errors import ConfigError
from tradewind.forecasters import DLinear, Nhits, PatchTst, Tcn, Transformer
from tradewind.forecasters.networks.attention import (
    Layer,
    PatchTstEncoder,
    TransformerEncoder,
    positions,
)
from tradewind.forecasters.networks.base import Encoder
from tradewind.forecasters.networks.convolution import Block, TcnEncoder
from tradewind.forecasters.networks.sums import (
    DLinearEncoder,
    NhitsBlock,
    NhitsEncoder,
    NLinearEncoder,
)

T, F = 16, 3


def draw(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def every(seed: int = 0) -> dict[str, Encoder]:
    attentive: dict[str, Any] = {"window": T, "width": 8, "heads": 2, "layers": 2}
    return {
        "tcn": TcnEncoder(F, channels=5, levels=3, kernel=2, generator=draw(seed)),
        "nlinear": NLinearEncoder(F, window=T, sums=2, generator=draw(seed)),
        "dlinear": DLinearEncoder(F, window=T, smooth=4, sums=2, generator=draw(seed)),
        "nhits": NhitsEncoder(
            F, window=T, pools=(5, 1), hidden=6, width=4, generator=draw(seed)
        ),
        "transformer": TransformerEncoder(F, generator=draw(seed), **attentive),
        "patchtst": PatchTstEncoder(
            F, patch=5, hop=2, sums=3, generator=draw(seed), **attentive
        ),
    }  # fmt: skip


def windows(n: int = 4, seed: int = 1) -> Tensor:
    return torch.randn(n, T, F, generator=draw(seed), dtype=torch.float64)


KINDS = sorted(every())


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_gives_its_width_and_takes_each_window_by_itself(kind: str) -> None:
    encoder = every()[kind].double()
    with torch.inference_mode():
        found = encoder(windows())
        alone = encoder(windows()[2:3])
    assert found.shape == (4, encoder.width)
    torch.testing.assert_close(found[2:3], alone, rtol=1e-10, atol=1e-12)
    assert float(found.std(dim=0).min()) > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_every_bar_and_feature_of_the_window_can_matter(kind: str) -> None:
    encoder = every()[kind].double()
    x = windows(64).requires_grad_()
    encoder(x).square().sum().backward()
    assert x.grad is not None
    touched = x.grad.abs().amax(dim=0) > 0
    skipped = 1 if kind == "patchtst" else 0  # (16 - 5) % 2: the oldest bar fills no patch
    skipped += T - 15 if kind == "tcn" else 0  # reach: 1 + 2 * (1 + 2 + 4) bars
    assert touched[skipped:].all()
    assert not touched[:skipped].any()


@pytest.mark.parametrize("kind", KINDS)
def test_weights_come_from_the_generator_alone(kind: str) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = every(7)[kind].state_dict()
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    second, other = every(7)[kind].state_dict(), every(8)[kind].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_block_convolves_what_came_before_and_adds_a_way_around() -> None:
    block = Block(2, 2, draw(), kernel=2, dilation=3).double()
    x = torch.randn(1, 2, 9, generator=draw(1), dtype=torch.float64)
    w1, w2 = (c.weight.detach().numpy() for c in (block.first, block.second))

    def convolved(w: Any, y: Any) -> Any:
        late = np.concatenate((np.zeros((2, 3)), y[:, :-3]), axis=1)
        return np.maximum(w[:, :, 0] @ late + w[:, :, 1] @ y, 0)

    series = x[0].numpy()
    wanted = np.maximum(convolved(w2, convolved(w1, series)) + series, 0)
    with torch.inference_mode():
        np.testing.assert_allclose(block(x)[0].numpy(), wanted, rtol=1e-12)
    assert wanted.max() > 0


def test_dlinear_is_linear_and_its_parts_add_up_to_the_window() -> None:
    encoder = every()["dlinear"].double()
    assert isinstance(encoder, DLinearEncoder)
    a, b = windows(seed=1), windows(seed=2)
    with torch.inference_mode():
        together = encoder(2 * a - 3 * b)
        torch.testing.assert_close(together, 2 * encoder(a) - 3 * encoder(b), rtol=1e-9, atol=1e-9)
        trend = encoder.trend(a.transpose(1, 2))[0, 1].numpy()
    held = np.concatenate(([a[0, 0, 1]], a[0, :, 1], [a[0, -1, 1]] * 2))
    wanted = [held[k : k + 4].mean() for k in range(T)]
    np.testing.assert_allclose(trend, wanted, rtol=1e-12)


def test_nlinear_moves_with_the_level_of_a_feature() -> None:
    encoder = every()["nlinear"].double()
    x = windows()
    with torch.inference_mode():
        before, after = encoder(x), encoder(x + torch.tensor([0.0, 10.0, 0.0]))
    moved = (after - before).unflatten(1, (F, 2))
    wanted = torch.tensor([[0.0], [10.0], [0.0]], dtype=torch.float64).expand(4, F, 2)
    torch.testing.assert_close(moved, wanted, rtol=1e-9, atol=1e-9)


def test_nhits_interpolates_between_its_knots_and_hands_on_what_is_left() -> None:
    block = NhitsBlock(1, window=7, pool=3, hidden=4, width=2, generator=draw()).double()
    with torch.no_grad():
        block.knots.weight.zero_()
        block.knots.bias.copy_(torch.tensor([0.0, 3.0, 9.0]))
    explained, said = block(torch.zeros(1, 1, 7, dtype=torch.float64))
    wanted = [0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0]
    assert explained.flatten().tolist() == pytest.approx(wanted, rel=1e-12)
    assert said.shape == (1, 2)
    whole = every()["nhits"].double()
    assert isinstance(whole, NhitsEncoder)
    x = windows()
    left = x.transpose(1, 2)
    first, one = whole.blocks[0](left)
    _, two = whole.blocks[1](left - first)
    torch.testing.assert_close(whole(x), one + two)


def test_attention_weighs_every_place_by_how_well_it_fits() -> None:
    layer = Layer(4, 2, draw()).double()
    x = torch.randn(1, 5, 4, generator=draw(1), dtype=torch.float64)
    parts = x[0].numpy() @ layer.asks.weight.detach().numpy().T
    query, key, value = np.split(parts, 3, axis=1)
    found = []
    for h in (slice(0, 2), slice(2, 4)):
        fit = np.exp(query[:, h] @ key[:, h].T / np.sqrt(2))
        found.append(fit / fit.sum(axis=1, keepdims=True) @ value[:, h])
    wanted = np.concatenate(found, axis=1) @ layer.gathers.weight.detach().numpy().T
    with torch.inference_mode():
        np.testing.assert_allclose(layer.look(x)[0].numpy(), wanted, rtol=1e-10)


def test_places_are_sines_and_cosines_of_longer_and_longer_waves() -> None:
    places = positions(6, 4).double().numpy()
    t = np.arange(6)
    wanted = np.column_stack((np.sin(t), np.cos(t), np.sin(t / 100), np.cos(t / 100)))
    np.testing.assert_allclose(places, wanted, atol=1e-6)


def test_patchtst_reads_each_feature_alone_with_the_same_weights() -> None:
    encoder = every()["patchtst"].double()
    x = windows()
    with torch.inference_mode():
        found = encoder(x).unflatten(1, (F, 3))
        turned = encoder(x[:, :, [2, 0, 1]]).unflatten(1, (F, 3))
    torch.testing.assert_close(turned, found[:, [2, 0, 1]], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("cls", "params", "told"),
    [
        (Tcn, {"window": 8}, "4 levels of kernel 3 reach 16 bars back in one step, in a window"),
        (DLinear, {"window": 10}, "smooth = 15 bars does not fit a window of 10"),
        (Nhits, {"pools": ()}, "'pools' is empty"),
        (Nhits, {"window": 10}, "a pool of 8 bars in a window of 10; wanted 1 to 5"),
        (PatchTst, {"window": 9}, "a patch of 10 bars does not fit a window of 9"),
        (PatchTst, {"width": 6}, "width 6 cannot be shared by 4 heads"),
        (Transformer, {"width": 6}, "width 6 cannot be shared by 4 heads"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_when_it_is_built(
    cls: type[Any], params: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as error:
        cls(**params)
    assert told in str(error.value)
