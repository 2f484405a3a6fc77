"""Attention over windows of features: a small transformer, and PatchTST."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from torch import Generator

from tradewind.engine.errors import ConfigError
from tradewind.forecasters.inputs.framing import Count
from tradewind.forecasters.networks.attention import PatchTstEncoder, TransformerEncoder
from tradewind.forecasters.windowed import Layers, Units, WindowedForecaster

Heads = Annotated[int, Ge(1), Le(16)]


@dataclass(kw_only=True, eq=False)
class Transformer(WindowedForecaster):
    """Encoder layers of self-attention over bars, read out from the last.

    Parameters
    ----------
    width : int
        Numbers that stand for a bar; a multiple of ``heads``.
    heads : int
        Of each layer's attention.
    layers : int
        Further parameters: :class:`WindowedForecaster`.

    References
    ----------
    Vaswani et al. (2017); normalised before each part, as Xiong et al. (2020) advise.
    """

    width: Units = 24
    heads: Heads = 4
    layers: Layers = 2

    def __post_init__(self) -> None:
        """Refuse a width that the heads cannot share."""
        super().__post_init__()
        refuse_uneven(self._name, self.width, self.heads)

    def _encoder(self, n_inputs: int, generator: Generator) -> TransformerEncoder:
        return TransformerEncoder(
            n_inputs, window=self.window, width=self.width, heads=self.heads, layers=self.layers,
            generator=generator,
        )  # fmt: skip


@dataclass(kw_only=True, eq=False)
class PatchTst(WindowedForecaster):
    """Each feature's window cut into patches that attend to each other, features meet in the head.

    Parameters
    ----------
    patch, hop : int
        Bars of a patch, and from one patch to the next.
    width : int
        Numbers that stand for a patch; a multiple of ``heads``.
    heads : int
        Of each layer's attention.
    layers : int
    sums : int
        Numbers that stand for a feature's window; further parameters: :class:`WindowedForecaster`.

    References
    ----------
    Nie, Nguyen, Sinthong and Kalagnanam (2023); layer instead of batch normalisation, which would
    let windows of one batch see each other.
    """

    patch: Count = 10
    hop: Count = 5
    width: Units = 16
    heads: Heads = 4
    layers: Layers = 2
    sums: Annotated[int, Ge(1), Le(64)] = 4

    def __post_init__(self) -> None:
        """Refuse a patch longer than the window, and a width that the heads cannot share."""
        super().__post_init__()
        refuse_uneven(self._name, self.width, self.heads)
        if self.patch > self.window:
            raise ConfigError(
                f"{self._name}: a patch of {self.patch} bars does not fit a window of "
                f"{self.window}; lower 'patch'"
            )

    def _encoder(self, n_inputs: int, generator: Generator) -> PatchTstEncoder:
        return PatchTstEncoder(
            n_inputs, window=self.window, patch=self.patch, hop=self.hop, width=self.width,
            heads=self.heads, layers=self.layers, sums=self.sums, generator=generator,
        )  # fmt: skip


def refuse_uneven(name: str, width: int, heads: int) -> None:
    """Raise ConfigError unless every head gets as many numbers."""
    if width % heads:
        raise ConfigError(
            f"{name}: width {width} cannot be shared by {heads} heads; make it a multiple"
        )
