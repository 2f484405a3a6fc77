"""Recurrent networks over windows of features."""

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt
from torch import Generator

from tradewind.forecasters.modules import LstmNetwork
from tradewind.forecasters.windowed import (
    FEATURES,
    Count,
    Horizon,
    Seed,
    Share,
    WindowedForecaster,
)


class Lstm(WindowedForecaster):
    """Long short-term memory with a Gaussian readout of its last state.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    window : int
        Bars the network reads.
    features : tuple of str
        See :func:`tradewind.engine.features.known`.
    hidden, layers : int
        Units per layer, and layers.
    dropout : float
        Share of the last state left out while learning.
    pooled : bool
        One network for all symbols, or one for each.
    stride : int or None
        Every how many bars a training window is taken; None = the horizon where pooled (labels
        then do not overlap), else 1.
    validation : float
        Last share of the training time, kept to stop by.
    epochs, patience : int
        Passes at most, and passes without a better validation loss before giving up.
    batch : int
        Windows per step.
    learning_rate : float
        Of Adam.
    vol_lookback : int
        Bars of the volatility that returns are measured in.
    seed : int
        Of the initial weights, the order of batches and dropout.

    References
    ----------
    Hochreiter and Schmidhuber (1997); Nix and Weigend (1994) for mean and variance as outputs.
    """

    def __init__(
        self,
        *,
        horizon: Horizon = 5,
        window: Annotated[int, Ge(2), Le(10_000)] = 60,
        features: tuple[str, ...] = FEATURES,
        hidden: Annotated[int, Ge(1), Le(1_024)] = 16,
        layers: Annotated[int, Ge(1), Le(8)] = 1,
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.1,
        pooled: bool = True,
        stride: Count | None = None,
        validation: Share = 0.2,
        epochs: Count = 30,
        patience: Count = 4,
        batch: Count = 128,
        learning_rate: Annotated[float, Gt(0), Le(1)] = 0.002,
        vol_lookback: Annotated[int, Ge(2), Le(1_000)] = 60,
        seed: Seed = 0,
    ) -> None:
        super().__init__(
            horizon=horizon,
            window=window,
            features=tuple(features),
            hidden=hidden,
            layers=layers,
            dropout=dropout,
            pooled=pooled,
            stride=stride,
            validation=validation,
            epochs=epochs,
            patience=patience,
            batch=batch,
            learning_rate=learning_rate,
            vol_lookback=vol_lookback,
            seed=seed,
        )

    def _network(self, generator: Generator) -> LstmNetwork:
        return LstmNetwork(
            len(self._features),
            hidden=self._params["hidden"],
            layers=self._params["layers"],
            dropout=self._params["dropout"],
            generator=generator,
        )
