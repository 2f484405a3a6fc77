"""Temporal convolutional networks over windows of features."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from torch import Generator

from tradewind.engine.errors import ConfigError
from tradewind.forecasters.networks.convolution import TcnEncoder
from tradewind.forecasters.windowed import Units, WindowedForecaster


@dataclass(kw_only=True, eq=False)
class Tcn(WindowedForecaster):
    """Dilated causal convolutions in residual blocks, read out from the last bar.

    Parameters
    ----------
    channels : int
        Of every level.
    levels : int
        Blocks; the k-th reaches over 2**k bars at a time.
    kernel : int
        Taps of a convolution; further parameters: :class:`WindowedForecaster`.

    References
    ----------
    Bai, Kolter and Koltun (2018), without weight normalisation, dropout on the last state alone.
    """

    channels: Units = 24
    levels: Annotated[int, Ge(1), Le(10)] = 4
    kernel: Annotated[int, Ge(2), Le(32)] = 3

    def __post_init__(self) -> None:
        """Refuse convolutions that reach beyond the window: their oldest taps would see nothing."""
        super().__post_init__()
        reach = (self.kernel - 1) * 2 ** (self.levels - 1)
        if reach >= self.window:
            raise ConfigError(
                f"{self._name}: {self.levels} levels of kernel {self.kernel} reach {reach} bars "
                f"back in one step, in a window of {self.window}; lower 'levels' or 'kernel', or "
                "lengthen 'window'"
            )

    def _encoder(self, n_inputs: int, generator: Generator) -> TcnEncoder:
        return TcnEncoder(
            n_inputs, channels=self.channels, levels=self.levels, kernel=self.kernel,
            generator=generator,
        )  # fmt: skip
