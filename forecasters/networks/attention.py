"""Self-attention over the bars of a window, or over its patches."""

from math import log, sqrt

import torch
from torch import Generator, Tensor, nn

from tradewind.forecasters.networks.base import Encoder, linear


def positions(length: int, width: int) -> Tensor:
    """Sines and cosines of each place, (T, D) (Vaswani et al. 2017, section 3.5)."""
    place = torch.arange(length)[:, None]  # (T, 1)
    pitch = torch.exp(torch.arange(0, width, 2) * (-log(10_000.0) / width))  # (ceil(D / 2),)
    waves = place * pitch  # (T, ceil(D / 2))
    return torch.stack((waves.sin(), waves.cos()), 2).flatten(1)[:, :width]  # (T, D)


class Layer(nn.Module):
    """Attention, then two linear maps, each normalised first and added to what came in."""

    def __init__(self, width: int, heads: int, generator: Generator) -> None:
        super().__init__()
        self.heads = heads
        self.before_look, self.before_think = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asks = linear(width, 3 * width, generator)
        self.gathers = linear(width, width, generator)
        self.widens = linear(width, 2 * width, generator)
        self.narrows = linear(2 * width, width, generator)

    def look(self, x: Tensor) -> Tensor:
        """Every place gathers from all places: (B, T, D) -> (B, T, D)."""
        parts = self.asks(x).unflatten(2, (3, self.heads, -1))  # (B, T, 3, heads, D / heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, D / heads)
        fit = query @ key.transpose(2, 3) / sqrt(query.shape[-1])  # (B, heads, T, T)
        found = (fit.softmax(3) @ value).transpose(1, 2)  # (B, T, heads, D / heads)
        out: Tensor = self.gathers(found.flatten(2))  # (B, T, D)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.look(self.before_look(x))
        return x + self.narrows(self.widens(self.before_think(x)).relu())  # type: ignore[no-any-return]


class TransformerEncoder(Encoder):
    """Layers of attention over bars; the last bar."""

    def __init__(
        self,
        n_inputs: int,
        *,
        window: int,
        width: int,
        heads: int,
        layers: int,
        generator: Generator,
    ) -> None:
        super().__init__(width)
        self.enter = linear(n_inputs, width, generator)
        self.register_buffer("places", positions(window, width), persistent=False)
        self.layers = nn.Sequential(*(Layer(width, heads, generator) for _ in range(layers)))
        self.leave = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, D)."""
        states = self.layers(self.enter(x) + self.places)  # (B, T, F) -> (B, T, D)
        last: Tensor = self.leave(states[:, -1])  # (B, T, D) -> (B, D)
        return last


class PatchTstEncoder(Encoder):
    """Each feature alone, cut into patches that attend to each other; weights are shared."""

    def __init__(
        self,
        n_inputs: int,
        *,
        window: int,
        patch: int,
        hop: int,
        width: int,
        heads: int,
        layers: int,
        sums: int,
        generator: Generator,
    ) -> None:
        super().__init__(n_inputs * sums)
        n_patches = (window - patch) // hop + 1
        # The last patch ends with the window; bars that fill no patch are its oldest.
        first = (window - patch) % hop + hop * torch.arange(n_patches)  # (N,)
        bars = first[:, None] + torch.arange(patch)  # (N, P)
        self.register_buffer("bars", bars, persistent=False)
        self.enter = linear(patch, width, generator)
        self.register_buffer("places", positions(n_patches, width), persistent=False)
        self.layers = nn.Sequential(*(Layer(width, heads, generator) for _ in range(layers)))
        self.leave = nn.LayerNorm(width)
        self.sums = linear(n_patches * width, sums, generator)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, F * S)."""
        patches = x[:, self.get_buffer("bars")]  # (B, N, P, F)
        each = patches.permute(0, 3, 1, 2).flatten(0, 1)  # (B * F, N, P)
        states = self.leave(self.layers(self.enter(each) + self.places))  # (B * F, N, D)
        sums = self.sums(states.flatten(1))  # (B * F, S)
        out: Tensor = sums.unflatten(0, (-1, x.shape[2])).flatten(1)  # (B, F * S)
        return out
