"""What every network is made of: an encoder of windows, and a head that reads it out.

Weights and dropout draw from a generator that is handed in: torch's global one is left alone, so
that nothing else a process does can move a result.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from tradewind.forecasters.inputs.scalings import FLAT

TRAIT_STD = 0.1  # of an embedding's first values: small beside features of standard deviation 1


def bare(kind: Callable[..., nn.Module], *shape: int, **options: Any) -> Any:
    """A layer whose weights nobody drew yet: torch would take them from the global generator."""
    return kind(*shape, device="meta", **options).to_empty(device="cpu")


def linear(n_in: int, n_out: int, generator: Generator) -> nn.Linear:
    """A linear layer of Glorot and Bengio's (2010) uniform weights and no offset."""
    layer: nn.Linear = bare(nn.Linear, n_in, n_out)
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


class SeededDropout(nn.Module):
    """Dropout that draws from its own generator, so that nothing else moves its mask."""

    def __init__(self, share: float, generator: Generator) -> None:
        super().__init__()
        self.share, self.generator = share, generator

    def forward(self, x: Tensor) -> Tensor:
        """(...) -> (...)."""
        if not self.training or self.share == 0.0:
            return x
        keep = torch.rand(x.shape, generator=self.generator) >= self.share  # (...)
        return x * keep / (1.0 - self.share)  # (...)


def levelled(x: Tensor) -> Tensor:
    """Each window by its own mean and deviation, (..., T, F) -> (..., T, F).

    Nothing but the window's own bars is read. The target keeps its own scale, trailing volatility,
    so the level taken out is not put back as reversible instance normalisation does.

    References
    ----------
    Kim et al. (2022), "Reversible instance normalization"; the forward half.
    """
    away = x - x.mean(-2, keepdim=True)  # (..., T, F)
    spread = (away * away).mean(-2, keepdim=True).sqrt()  # (..., 1, F)
    return away / (spread + FLAT)  # (..., T, F)


class Encoder(nn.Module, ABC):
    """(B, T, F) -> (B, H): what a window comes down to.

    Attributes
    ----------
    width : int
        H.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, H)."""


class Network(nn.Module):
    """An encoder, dropout on what it found, and a head; what is known of a symbol by its name.

    Parameters
    ----------
    encoder : Encoder
        Of windows with F + E columns.
    head : Module
        (B, H) -> (B, K).
    dropout : float
        Share of the encoder's output left out while learning.
    names : int
        Symbols that have an embedding.
    embedding : int
        E, numbers that stand for a symbol; 0: none.
    generator : Generator
    by_window : bool
        Whether each window is standardised by itself first.
    bf16 : bool
        Whether the encoder learns in bfloat16; it forecasts in float32 all the same, and its
        weights, the head and the loss are float32 always.
    """

    def __init__(
        self,
        encoder: Encoder,
        head: nn.Module,
        *,
        dropout: float,
        names: int,
        embedding: int,
        generator: Generator,
        bf16: bool = False,
        by_window: bool = False,
    ) -> None:
        super().__init__()
        self.encoder, self.head, self.bf16 = encoder, head, bf16
        self.by_window = by_window
        self.dropout = SeededDropout(dropout, generator)
        self.traits: nn.Embedding | None = None
        if embedding:
            # Row 0 is whoever was not there to learn from; it stays zero: the average symbol.
            self.traits = bare(nn.Embedding, names + 1, embedding, padding_idx=0)
            nn.init.normal_(self.traits.weight, std=TRAIT_STD, generator=generator)
            self.traits.weight.data[0] = 0.0

    def forward(self, x: Tensor, who: Tensor) -> Tensor:
        """(B, T, F), (B,) -> (B, K); ``who`` numbers symbols from 1, 0 is a stranger."""
        x = self.known(levelled(x) if self.by_window else x, who)  # (B, T, F + E)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16 and self.training):
            found = self.encoder(x)  # (B, T, F + E) -> (B, H)
        return self.read(found.to(x.dtype))  # (B, H) -> (B, K)

    def known(self, x: Tensor, who: Tensor) -> Tensor:
        """Windows with what is known of their symbols: (B, T, F), (B,) -> (B, T, F + E)."""
        if self.traits is None:
            return x
        traits = self.traits(who)[:, None].expand(-1, x.shape[1], -1)  # (B,) -> (B, T, E)
        return torch.cat((x, traits), 2)  # (B, T, F + E)

    def read(self, h: Tensor) -> Tensor:
        """What an encoder found, read out: (B, H) -> (B, K)."""
        out: Tensor = self.head(self.dropout(h))  # (B, H) -> (B, K)
        return out
