"""Recurrent networks over windows of features."""

from dataclasses import dataclass

from torch import Generator

from tradewind.forecasters.networks.recurrent import (
    GruEncoder,
    LstmAttentionEncoder,
    LstmEncoder,
    RnnEncoder,
)
from tradewind.forecasters.windowed import Layers, Units, WindowedForecaster


@dataclass(kw_only=True, eq=False)
class Rnn(WindowedForecaster):
    """Elman's recurrent network with tanh units, read out from its last state.

    Two to four times as fast as an LSTM, and forgets sooner.

    Parameters
    ----------
    hidden, layers : int
        Units per layer, and layers; further parameters: :class:`WindowedForecaster`.

    References
    ----------
    Elman (1990), "Finding structure in time".
    """

    hidden: Units = 16
    layers: Layers = 1

    def _encoder(self, n_inputs: int, generator: Generator) -> RnnEncoder:
        return RnnEncoder(n_inputs, hidden=self.hidden, layers=self.layers, generator=generator)


@dataclass(kw_only=True, eq=False)
class Gru(WindowedForecaster):
    """Gated recurrent unit, read out from its last state.

    Parameters
    ----------
    hidden, layers : int
        Units per layer, and layers; further parameters: :class:`WindowedForecaster`.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder".
    """

    hidden: Units = 16
    layers: Layers = 1

    def _encoder(self, n_inputs: int, generator: Generator) -> GruEncoder:
        return GruEncoder(n_inputs, hidden=self.hidden, layers=self.layers, generator=generator)


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


@dataclass(kw_only=True, eq=False)
class LstmAttention(WindowedForecaster):
    """LSTM whose last state weighs the states of the whole window before it is read out.

    Parameters
    ----------
    hidden, layers : int
        Units per layer, and layers; further parameters: :class:`WindowedForecaster`.

    References
    ----------
    Luong, Pham and Manning (2015), "Effective approaches to attention-based neural machine
    translation", the "general" score; after Bahdanau, Cho and Bengio (2015).
    """

    hidden: Units = 16
    layers: Layers = 1

    def _encoder(self, n_inputs: int, generator: Generator) -> LstmAttentionEncoder:
        return LstmAttentionEncoder(
            n_inputs, hidden=self.hidden, layers=self.layers, span=self.window, generator=generator
        )
