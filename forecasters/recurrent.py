"""Recurrent networks, over windows of features or with a state that is carried on."""

from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np
from torch import Generator

from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters import stateful
from tradewind.forecasters.fitted import Fitted
from tradewind.forecasters.framing import Framing
from tradewind.forecasters.networks.recurrent import (
    GruEncoder,
    LstmAttentionEncoder,
    LstmEncoder,
    RnnEncoder,
)
from tradewind.forecasters.readings import Said
from tradewind.forecasters.recurrence import Voice
from tradewind.forecasters.windowed import Layers, Units, WindowedForecaster
from tradewind.forecasters.windows import Samples

Serving = Literal["window", "stateful"]


@dataclass(kw_only=True, eq=False)
class RecurrentForecaster(WindowedForecaster):
    """What all recurrent networks share.

    Parameters
    ----------
    hidden, layers : int
        Units per layer, and layers; further parameters: :class:`WindowedForecaster`.
    serving : {"window", "stateful"}
        What a forecast is read from. ``window``: a state that begins at zero ``window`` bars ago.
        ``stateful``: one that began with the symbol's first bar in the panel and is carried from
        bar to bar, in backtests as in live trading. The network is trained the way it serves: its
        state is carried along each symbol's history, gradients flow through ``window`` bars of
        it, and every bar after the first ``window`` is learned from (so ``stride`` is 1 unless
        said otherwise), ``batch`` symbols side by side. A bar without all features leaves the
        state as it is.
    """

    hidden: Units = 16
    layers: Layers = 1
    serving: Serving = "window"

    def __post_init__(self) -> None:
        """See :class:`WindowedForecaster`."""
        if self.serving not in get_args(Serving):
            raise ConfigError(
                f"{self._name}: serving is {self.serving!r}; wanted 'window' or 'stateful'"
            )
        if self.serving == "stateful" and self.precision != "float32":
            raise ConfigError(
                f"{self._name}: precision {self.precision} with serving stateful; rounding to "
                "bfloat16 adds up in a state that is carried on: set precision: float32"
            )
        super().__post_init__()

    @property
    def _framing(self) -> Framing:
        return replace(super()._framing, stateful=self.serving == "stateful")

    @property
    def _stride(self) -> int:
        if self.stride is None and self.serving == "stateful" and not self._reading.sequential:
            return 1
        return super()._stride

    def _said(self, one: Fitted, own: Samples, scale: Floats, slots: Ints, width: int) -> Said:
        if self.serving == "window":
            return super()._said(one, own, scale, slots, width)
        n_symbols = own.table.tape.panel.n_symbols
        columns = np.arange(n_symbols) if self.pooled else np.unique(own.symbol)
        vol = self._framing.volatility(own.table.tape)
        voice = Voice(self._reading, self.horizon, self.window)
        return stateful.said(one, own, vol, columns, voice)

    def begin_from(self, earlier: Self) -> Self:
        """See :class:`Guided`; a state's network does not begin from one of windows.

        Raises
        ------
        ForecastError
            Also if ``earlier`` serves in the other form.
        """
        theirs = getattr(earlier, "serving", self.serving)
        if theirs != self.serving:
            raise ForecastError(
                f"{self._name}: cannot begin from a fit with serving = {theirs!r}, this one has "
                f"{self.serving!r}; they are different functions, fit from scratch"
            )
        return super().begin_from(earlier)


@dataclass(kw_only=True, eq=False)
class Rnn(RecurrentForecaster):
    """Elman's recurrent network with tanh units, read out from its last state.

    Two to four times as fast as an LSTM, and forgets sooner.

    Parameters: :class:`RecurrentForecaster`.

    References
    ----------
    Elman (1990), "Finding structure in time".
    """

    def _encoder(self, n_inputs: int, generator: Generator) -> RnnEncoder:
        return RnnEncoder(n_inputs, hidden=self.hidden, layers=self.layers, generator=generator)


@dataclass(kw_only=True, eq=False)
class Gru(RecurrentForecaster):
    """Gated recurrent unit, read out from its last state.

    Parameters: :class:`RecurrentForecaster`.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder".
    """

    def _encoder(self, n_inputs: int, generator: Generator) -> GruEncoder:
        return GruEncoder(n_inputs, hidden=self.hidden, layers=self.layers, generator=generator)


@dataclass(kw_only=True, eq=False)
class Lstm(RecurrentForecaster):
    """Long short-term memory, read out from its last state.

    Parameters: :class:`RecurrentForecaster`.

    References
    ----------
    Hochreiter and Schmidhuber (1997).
    """

    def _encoder(self, n_inputs: int, generator: Generator) -> LstmEncoder:
        return LstmEncoder(n_inputs, hidden=self.hidden, layers=self.layers, generator=generator)


@dataclass(kw_only=True, eq=False)
class LstmAttention(RecurrentForecaster):
    """LSTM whose last state weighs those of the last ``window`` bars before it is read out.

    Parameters: :class:`RecurrentForecaster`.

    References
    ----------
    Luong, Pham and Manning (2015), "Effective approaches to attention-based neural machine
    translation", the "general" score; after Bahdanau, Cho and Bengio (2015).
    """

    def _encoder(self, n_inputs: int, generator: Generator) -> LstmAttentionEncoder:
        return LstmAttentionEncoder(
            n_inputs, hidden=self.hidden, layers=self.layers, span=self.window, generator=generator
        )
