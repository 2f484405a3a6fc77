"""Recurrent networks over windows of features."""

from dataclasses import dataclass

from torch import Generator

from tradewind.forecasters.networks.recurrent import LstmEncoder
from tradewind.forecasters.windowed import Layers, Units, WindowedForecaster


@dataclass(kw_only=True, eq=False)
class Lstm(WindowedForecaster):
    """Long short-term memory, read out from its last state.

    Parameters
    ----------
    hidden, layers : int
        Units per layer, and layers; further parameters: :class:`WindowedForecaster`.

    References
    ----------
    Hochreiter and Schmidhuber (1997).
    """

    hidden: Units = 16
    layers: Layers = 1

    def _encoder(self, n_inputs: int, generator: Generator) -> LstmEncoder:
        return LstmEncoder(n_inputs, hidden=self.hidden, layers=self.layers, generator=generator)
