"""Recurrent networks, over windows of features or with a state that is carried on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from torch import Generator

from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters import stateful
from tradewind.forecasters.inputs.framing import Framing
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.networks.recurrent import (
    GruEncoder,
    LstmAttentionEncoder,
    LstmEncoder,
    RecurrentEncoder,
    RnnEncoder,
)
from tradewind.forecasters.readings import Said
from tradewind.forecasters.serving.layout import Layout
from tradewind.forecasters.serving.recurrence import Voice
from tradewind.forecasters.training.fitted import Fitted
from tradewind.forecasters.windowed import Layers, Units, WindowedForecaster

Serving = Literal["window", "stateful"]
# What a carried state can be trained with. It rounds at every bar, and bfloat16 would add up; a bar
# is standardised by what is known of its symbol, not by a window or by the others of that bar.
STATEFUL = {
    "precision": ("float32",),
    "device": ("cpu", "auto"),
    "scaling": ("train", "symbol"),
}


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

    encoder: ClassVar[type[RecurrentEncoder]]

    hidden: Units = 16
    layers: Layers = 1
    serving: Serving = "window"

    def __post_init__(self) -> None:
        """See :class:`WindowedForecaster`."""
        if self.serving not in get_args(Serving):
            raise ConfigError(
                f"{self._name}: serving is {self.serving!r}; wanted 'window' or 'stateful'"
            )
        for name, known in STATEFUL.items():
            value = getattr(self, name)
            if self.serving == "stateful" and value not in known:
                raise ConfigError(
                    f"{self._name}: {name} is {value!r} with serving stateful; a state that is "
                    f"carried on takes {' or '.join(known)}"
                )
        super().__post_init__()

    @property
    def _framing(self) -> Framing:
        return replace(super()._framing, stateful=self.serving == "stateful")

    @property
    def _device(self) -> str:
        return "cpu" if self.serving == "stateful" else super()._device

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

    @property
    def served(self) -> Mapping[str, Any]:
        """See :class:`WindowedForecaster`."""
        layout = self._layout
        return {"form": self.serving, "cell": layout.cell, "span": layout.span}

    @property
    def _layout(self) -> Layout:
        return Layout(self.encoder.cell, self.hidden, self.layers)

    def _encoder(self, n_inputs: int, generator: Generator) -> RecurrentEncoder:
        return self.encoder(n_inputs, hidden=self.hidden, layers=self.layers, generator=generator)

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

    encoder = RnnEncoder


@dataclass(kw_only=True, eq=False)
class Gru(RecurrentForecaster):
    """Gated recurrent unit, read out from its last state.

    Parameters: :class:`RecurrentForecaster`.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder".
    """

    encoder = GruEncoder


@dataclass(kw_only=True, eq=False)
class Lstm(RecurrentForecaster):
    """Long short-term memory, read out from its last state.

    Parameters: :class:`RecurrentForecaster`.

    References
    ----------
    Hochreiter and Schmidhuber (1997).
    """

    encoder = LstmEncoder


@dataclass(kw_only=True, eq=False)
class LstmAttention(RecurrentForecaster):
    """LSTM whose last state weighs those of the last ``window`` bars before it is read out.

    Parameters: :class:`RecurrentForecaster`.

    References
    ----------
    Luong, Pham and Manning (2015), "Effective approaches to attention-based neural machine
    translation", the "general" score; after Bahdanau, Cho and Bengio (2015).
    """

    encoder = LstmAttentionEncoder

    @property
    def _layout(self) -> Layout:
        return replace(super()._layout, span=self.window)

    def _encoder(self, n_inputs: int, generator: Generator) -> LstmAttentionEncoder:
        return LstmAttentionEncoder(
            n_inputs, hidden=self.hidden, layers=self.layers, span=self.window, generator=generator
        )
