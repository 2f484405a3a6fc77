"""What every network over windows shares: data in, forecasts out, checkpoints.

A family adds its own parameters and :meth:`WindowedForecaster._encoder`.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from torch import Generator

from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.features import refuse_unmakeable
from tradewind.engine.live_doors import Working
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.forecasters import checkpoints
from tradewind.forecasters.bounds import check_bounds, check_features
from tradewind.forecasters.heads import head_of
from tradewind.forecasters.inputs.framing import (
    FEATURES,
    Count,
    Framing,
    Horizon,
    Seed,
    Share,
)
from tradewind.forecasters.inputs.scalings import Kind, check_kind
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.networks.base import Encoder, Network
from tradewind.forecasters.readings import HeadConfig, Reading, Said, reading_of
from tradewind.forecasters.training import kept as kept_networks
from tradewind.forecasters.training.fitted import Fitted
from tradewind.forecasters.training.guided import Guided
from tradewind.forecasters.training.hardware import check_names, refuse_absent
from tradewind.forecasters.training.loop import one_thread

Units = Annotated[int, Ge(1), Le(1_024)]
Layers = Annotated[int, Ge(1), Le(8)]


class CurvePoint(NamedTuple):
    """Mean loss of one network after an epoch, in the part it learns from and the part it stops by.

    ``network`` is a symbol, or ``all symbols`` where one serves them all; epoch 0 is the constant
    forecast it starts from.
    """

    network: str
    epoch: int
    fitting: float
    stopping: float


@dataclass(kw_only=True, eq=False)
class WindowedForecaster(Guided):
    """Forecasts of a network that reads a window of features.

    The target is the log return over ``horizon`` bars in units of trailing volatility times
    sqrt(horizon), which lets symbols share one network; forecasts are scaled back.

    A family is a dataclass of its own parameters; those below are every network's.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    window : int
        Bars the network reads.
    features : tuple of str
        See :func:`tradewind.engine.features.known`.
    head : str or mapping
        What the outputs mean: a name of :data:`tradewind.forecasters.readings.READINGS`, or
        ``kind`` and the parameters of that reading.
    dropout : float
        Share of what the encoder found that is left out while learning.
    embedding : int
        Numbers a symbol is known by, beside its features; 0: symbols are alike but for those.
    scaling : str
        What features are measured by: ``train``, ``symbol``, ``cross_section`` or ``window``; see
        :mod:`.scalings`.
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
    precision : str
        ``float32``, or ``bf16``: the encoder learns in bfloat16, which a CPU or GPU that has the
        instructions does up to twice as fast; forecasts are computed in float32 either way.
    device : str
        Where networks are trained: ``cpu``, ``cuda``, or ``auto``: a GPU where there is one.
        Forecasts are computed on the CPU.
    seed : int
        Of the initial weights, the order of batches and dropout.
    """

    horizon: Horizon = 5
    window: Annotated[int, Ge(2), Le(10_000)] = 60
    features: tuple[str, ...] = FEATURES
    head: HeadConfig = "gaussian"
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.1
    embedding: Annotated[int, Ge(0), Le(64)] = 0
    scaling: Kind = "train"
    pooled: bool = True
    stride: Count | None = None
    validation: Share = 0.2
    epochs: Count = 30
    patience: Count = 4
    batch: Count = 128
    learning_rate: Annotated[float, Gt(0), Le(1)] = 0.002
    vol_lookback: Annotated[int, Ge(2), Le(1_000)] = 60
    precision: Literal["float32", "bf16"] = "float32"
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be used before anything is read."""
        self.features = tuple(self.features)
        check_bounds(type(self), self._params)
        check_names(self.precision, self.device, self._name)
        check_kind(self.scaling, self.pooled, self._name)
        check_features(self.features, self._name)
        if self.embedding and not self.pooled:
            raise ConfigError(
                f"{self._name}: embedding {self.embedding} with pooled false; a network of one "
                "symbol has none to tell apart: leave 'embedding' out, or set pooled to true"
            )
        if self._reading.sequential and self.stride not in (None, self.horizon):
            raise ConfigError(
                f"{self._name}: stride {self.stride} with horizon {self.horizon}; head "
                f"{self.head!r} learns from holding periods that follow each other: leave 'stride' "
                "out or set it to the horizon"
            )
        _ = self.warmup  # looks every feature up
        self._ready()

    @abstractmethod
    def _encoder(self, n_inputs: int, generator: Generator) -> Encoder:
        """Untrained encoder of windows with ``n_inputs`` columns."""

    @property
    def _stride(self) -> int:
        if self.stride is not None:
            return self.stride
        return self.horizon if self.pooled or self._reading.sequential else 1

    @cached_property
    def _reading(self) -> Reading:
        return reading_of(self.head, self._name)

    @property
    def mean_is_return(self) -> bool:
        """Whether its mean is an expected return, and not a score for its sign and size alone."""
        return self._reading.mean_is_return

    @property
    def _framing(self) -> Framing:
        return Framing(
            self._name, self.features, self.window, self.horizon, self._stride, self.validation,
            self.vol_lookback,
        )  # fmt: skip

    @cached_property
    def warmup(self) -> int:
        """Closed bars a prediction needs: a window of which each bar has all its features."""
        return self._framing.warmup

    @property
    def history(self) -> tuple[CurvePoint, ...]:
        """Learning curves, network after network; empty before a fit."""
        return tuple(
            CurvePoint(name, number, *epoch)
            for name, one in (self._fitted or {}).items()
            for number, epoch in enumerate(one.curve)
        )

    @property
    def n_samples(self) -> int:
        """Windows all networks were fitted on, those kept to stop by apart."""
        return sum(one.n_samples for one in (self._fitted or {}).values())

    def _network(self, names: int, generator: Generator) -> Network:
        """Untrained network for ``names`` symbols."""
        encoder = self._encoder(len(self.features) + self.embedding, generator)
        head = head_of(self._reading, encoder.width)
        return Network(
            encoder, head, dropout=self.dropout, names=names, embedding=self.embedding,
            generator=generator, bf16=self.precision == "bf16", by_window=self.scaling == "window",
        )  # fmt: skip

    def untrained(self, names: int) -> Network:
        """Network for ``names`` symbols, of this forecaster's shape, without weights of meaning."""
        return self._network(names, Generator())

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """One row per bar ``first`` ... ``past.n_bars - 1``; NaN without a complete window.

        Raises
        ------
        ForecastError
            If nothing was fitted.
        """
        fitted = self._fitted_or_raise("predict")
        samples, scale = self._framing.samples(past)
        wanted = (samples.bar >= first) & (scale[samples.row] > 0)
        levels = self._reading.levels
        mean = np.full((past.n_bars - first, past.n_symbols), np.nan)
        std, quantiles = mean.copy(), np.full((*mean.shape, len(levels)), np.nan)
        with one_thread():
            for name, one in fitted.items():
                column = past.symbols.index(name) if name in past.symbols else -1
                own = samples.where(wanted & (self.pooled | (samples.symbol == column)))
                slots = own.symbol if self.pooled else own.symbol * 0
                width = past.n_symbols if self.pooled else 1
                at = (own.bar - first, own.symbol)
                mean[at], std[at], quantiles[at] = self._said(one, own, scale, slots, width)
        if not levels:
            return Forecasts(mean, std, self.horizon)
        return Forecasts(mean, std, self.horizon, levels, quantiles)

    def check_before_fit(self, panel: Panel) -> None:
        """Refuse features that ``panel`` cannot give, and a device or precision not to be had here.

        Raises
        ------
        ConfigError
        """
        refuse_unmakeable(self.features, panel)
        refuse_absent(self.device, self.precision)

    @property
    def served(self) -> Mapping[str, Any]:
        """What a process that serves it without torch must know of its form."""
        return {"form": "window"}

    def _said(self, one: Fitted, own: Samples, scale: Floats, slots: Ints, width: int) -> Said:
        return one.said(own, scale[own.row], slots, width)

    def _fitted_or_raise(self, what: str) -> dict[str, Fitted]:
        if self._fitted is None:
            raise ForecastError(f"{self._name}: {what} before fit; call fit(past) or restore first")
        return self._fitted

    def save(self, folder: Path) -> None:
        """Write weights, scaling and learning curves; see :mod:`.checkpoints`.

        Raises
        ------
        ForecastError
            If nothing was fitted.
        CheckpointError
            If the folder cannot be written.
        """
        fitted = self._fitted_or_raise("save")
        kept_networks.save(folder, self._name, self._params, fitted, self.served)

    def export(self, folder: Path) -> None:
        """Write a checkpoint that :class:`LiveForecaster` opens; see :func:`.exporting.export`."""
        from tradewind.forecasters.exporting import export

        export(self, folder)

    def at_work(self, past: Panel) -> Working | None:
        """Form that takes a bar at a time, having seen ``past``; None for one over windows.

        A window is read anew at each bar, and :meth:`predict` does that already.
        """
        if self.served["form"] != "stateful":
            return None
        from tradewind.forecasters.live import Fed, LiveForecaster

        with TemporaryDirectory(prefix="tradewind-") as folder:
            self.save(Path(folder))
            return Fed(LiveForecaster.over(Path(folder), past))

    def restore(self, folder: Path) -> Self:
        """Take over a saved state; predictions are then the same to the last bit.

        Raises
        ------
        CheckpointError
            If it is damaged, or of another configuration, shape or version.
        """
        kept = checkpoints.read(folder, kind=self._name, config=self._params)
        self._fitted = kept_networks.restore(
            folder,
            kept,
            self.untrained,
            scaling=self.scaling,
            n_features=len(self.features),
            may_be_none=self._only is not None,
        )
        return self
