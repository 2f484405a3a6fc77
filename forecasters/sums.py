"""Forecasters that are sums over the window: linear ones, and N-HiTS."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from torch import Generator

from tradewind.engine.errors import ConfigError
from tradewind.forecasters.networks.sums import DLinearEncoder, NhitsEncoder, NLinearEncoder
from tradewind.forecasters.windowed import Units, WindowedForecaster

Sums = Annotated[int, Ge(1), Le(64)]


@dataclass(kw_only=True, eq=False)
class DLinear(WindowedForecaster):
    """Linear in a moving average of the window and in what is left of it.

    Parameters
    ----------
    smooth : int
        Bars of the moving average.
    sums : int
        Weighted sums per feature, of weights all features share; further parameters:
        :class:`WindowedForecaster`.

    References
    ----------
    Zeng, Chen, Zhang and Xu (2023); the sums of all features meet in the head.
    """

    smooth: Annotated[int, Ge(2), Le(1_000)] = 15
    sums: Sums = 2

    def __post_init__(self) -> None:
        """Refuse an average longer than the window."""
        super().__post_init__()
        if self.smooth > self.window:
            raise ConfigError(
                f"{self._name}: an average over smooth = {self.smooth} bars does not fit a window "
                f"of {self.window}; lower 'smooth'"
            )

    def _encoder(self, n_inputs: int, generator: Generator) -> DLinearEncoder:
        return DLinearEncoder(
            n_inputs, window=self.window, smooth=self.smooth, sums=self.sums, generator=generator
        )


@dataclass(kw_only=True, eq=False)
class NLinear(WindowedForecaster):
    """Linear in how the window differs from its last bar, and in that bar.

    Parameters
    ----------
    sums : int
        Weighted sums per feature, of weights all features share; further parameters:
        :class:`WindowedForecaster`.

    References
    ----------
    Zeng, Chen, Zhang and Xu (2023).
    """

    sums: Sums = 2

    def _encoder(self, n_inputs: int, generator: Generator) -> NLinearEncoder:
        return NLinearEncoder(n_inputs, window=self.window, sums=self.sums, generator=generator)


@dataclass(kw_only=True, eq=False)
class Nhits(WindowedForecaster):
    """Neural hierarchical interpolation: blocks from slow to fast, each on what is left over.

    Parameters
    ----------
    pools : tuple of int
        Bars that each block takes the maximum of before it looks; slowest first.
    hidden : int
        Units of a block's two layers.
    width : int
        Numbers in which blocks add up what they say; further parameters:
        :class:`WindowedForecaster`.

    References
    ----------
    Challu et al. (2023); a forecast of one number needs no interpolation on its side.
    """

    pools: tuple[int, ...] = (8, 4, 1)
    hidden: Units = 32
    width: Units = 16

    def __post_init__(self) -> None:
        """Refuse pools that leave nothing to interpolate between."""
        super().__post_init__()
        self.pools = tuple(self.pools)
        if not self.pools:
            raise ConfigError(f"{self._name}: 'pools' is empty; name at least one, such as 1")
        for pool in self.pools:
            if not 1 <= pool <= self.window // 2:
                raise ConfigError(
                    f"{self._name}: a pool of {pool} bars in a window of {self.window}; wanted 1 "
                    f"to {self.window // 2}"
                )

    def _encoder(self, n_inputs: int, generator: Generator) -> NhitsEncoder:
        return NhitsEncoder(
            n_inputs, window=self.window, pools=self.pools, hidden=self.hidden, width=self.width,
            generator=generator,
        )  # fmt: skip
