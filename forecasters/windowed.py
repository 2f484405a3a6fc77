"""What every network over windows shares: data in, forecasts out, checkpoints.

A family adds its constructor and :meth:`WindowedForecaster._network`; everything that could leak
stands here once.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from torch import Generator

from tradewind.engine import features
from tradewind.engine.errors import CheckpointError, ConfigError, ForecastError
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Panel
from tradewind.forecasters import checkpoints, windows
from tradewind.forecasters.bounds import check_bounds
from tradewind.forecasters.fitted import Fitted, Weights, fit_network, weights_of
from tradewind.forecasters.modules import GaussianNetwork
from tradewind.forecasters.training import Schedule, one_thread
from tradewind.forecasters.windows import Samples

LEAST_FITTING, LEAST_STOPPING = 64, 16  # windows; fewer say nothing about a network
POOLED = "all symbols"

Count = Annotated[int, Ge(1), Le(10_000)]
Horizon = Annotated[int, Ge(1), Le(1_000)]
Share = Annotated[float, Gt(0), Lt(1)]
Seed = Annotated[int, Ge(0), Lt(2**31)]


FEATURES = (
    "scaled_return_1",
    "scaled_return_5",
    "scaled_return_20",
    "range",
    "volume_20",
    "log_vol_20",
    "ta.momentum_rsi",
    "ta.trend_macd_diff",
)

DEFAULTS: Mapping[str, Any] = {
    "horizon": 5,
    "window": 60,
    "features": FEATURES,
    "pooled": True,
    "stride": None,
    "validation": 0.2,
    "epochs": 30,
    "patience": 4,
    "batch": 128,
    "learning_rate": 0.002,
    "vol_lookback": 60,
    "seed": 0,
}


class CurvePoint(NamedTuple):
    """Mean loss of one network after an epoch, in the part it learns from and the part it stops by.

    ``network`` is a symbol, or ``all symbols`` where one serves them all; epoch 0 is the constant
    forecast it starts from.
    """

    network: str
    epoch: int
    fitting: float
    stopping: float


class TooFewWindowsError(ForecastError):
    """Not enough windows to train one network."""


class WindowedForecaster(ABC):
    """Gaussian forecasts of a network that reads a window of features.

    The target is the log return over ``horizon`` bars in units of trailing volatility times
    sqrt(horizon), which lets symbols share one network; forecasts are scaled back.

    A family names in its constructor what a user may set, passes it on, and leaves the rest to
    ``DEFAULTS``.
    """

    def __init__(self, **params: Any) -> None:
        check_bounds(type(self), params)
        self._params: dict[str, Any] = {**DEFAULTS, **params}
        self._features: tuple[str, ...] = tuple(self._params["features"])
        if not self._features:
            raise ConfigError(f"{self._name}: 'features' is empty; name at least one")
        self._vol_feature = features.feature(f"vol_{self._params['vol_lookback']}")
        self._warmup = features.warmup(self._features)
        self._fitted: dict[str, Fitted] | None = None

    @abstractmethod
    def _network(self, generator: Generator) -> GaussianNetwork:
        """Untrained network for ``len(features)`` inputs."""

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def horizon(self) -> int:
        """Bars ahead."""
        return int(self._params["horizon"])

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs: a window of which each bar has all its features."""
        return max(int(self._params["window"]) + self._warmup - 1, self._vol_feature.warmup)

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

    @property
    def _stride(self) -> int:
        stride = self._params["stride"]
        return int(stride if stride is not None else self.horizon if self._params["pooled"] else 1)

    def fit(self, past: Panel) -> Self:
        """Learn from ``past`` alone and forget earlier fits.

        Raises
        ------
        ForecastError
            If history is shorter than a window and its features need, if windows are too few, a
            feature has no values or does not vary, or the loss explodes.
        """
        with one_thread():
            samples, scale = self._samples(past)
            self._refuse_none(samples, past)
            known = np.isfinite(samples.target) & (scale[samples.row] > 0)
            labelled = windows.thin(samples.where(known), self._stride)
            if self._params["pooled"]:
                self._fitted = {POOLED: self._fit_one(labelled, scale, self._name)}
            else:
                self._fitted = self._fit_each(labelled, scale, past.symbols)
        return self

    def _fit_each(
        self, labelled: Samples, scale: Floats, symbols: tuple[str, ...]
    ) -> dict[str, Fitted]:
        """A network per symbol; those with too little history get none."""
        fitted, refusals = {}, []
        for k, symbol in enumerate(symbols):
            try:
                own = labelled.where(labelled.symbol == k)
                fitted[symbol] = self._fit_one(own, scale, f"{self._name}, {symbol}")
            except TooFewWindowsError as error:
                refusals.append(error)
        if not fitted:
            raise refusals[0]
        return fitted

    def _fit_one(self, samples: Samples, scale: Floats, where: str) -> Fitted:
        fitting, stopping = self._split(samples, where)
        scaling = windows.fit_scaling(fitting, where=where)
        generator = Generator().manual_seed(self._params["seed"])
        network = self._network(generator)
        schedule = Schedule(
            epochs=self._params["epochs"],
            patience=self._params["patience"],
            batch=self._params["batch"],
            learning_rate=self._params["learning_rate"],
        )
        return fit_network(network, scaling, (fitting, stopping), scale, schedule, generator)

    def _split(self, samples: Samples, where: str) -> tuple[Samples, Samples]:
        if samples.n:
            fitting, stopping = windows.split(samples, self._params["validation"])
            if fitting.n >= LEAST_FITTING and stopping.n >= LEAST_STOPPING:
                return fitting, stopping
            found = f"{fitting.n} windows to fit on and {stopping.n} to stop by"
        else:
            found = "no window with a known outcome"
        raise TooFewWindowsError(
            f"{where}: {found}; wanted {LEAST_FITTING} and {LEAST_STOPPING}. A window takes "
            f"{self.warmup} bars and its outcome {self.horizon} more; one in {self._stride} bars "
            "is taken. Give more history, or lower 'window' or 'stride'"
        )

    def _samples(self, past: Panel) -> tuple[Samples, Floats]:
        """Every complete window, and the scale of a return at every row of the table."""
        table = features.table(past, self._features)
        vol = self._vol_feature.compute(table.tape)
        scale = vol * np.sqrt(self.horizon)
        return windows.cut(table, window=self._params["window"], horizon=self.horizon), scale

    def _refuse_none(self, samples: Samples, past: Panel) -> None:
        """Say why there is not a single window."""
        if samples.n:
            return
        table = samples.table
        longest = int(np.diff(table.tape.bounds).max(initial=0))
        if longest < self.warmup:
            raise ForecastError(
                f"{self._name}: the longest history has {longest} bars; a window of "
                f"{samples.window} over features that need {self._warmup} takes {self.warmup}. "
                "Give more history or shorten 'window'"
            )
        for k, name in enumerate(table.names):
            if np.isnan(table.values[:, k]).all():
                raise ForecastError(
                    f"{self._name}: feature {name!r} has no value on any of {table.tape.n_rows} "
                    "bars; leave it out of 'features', or look at the data it is made from"
                )
        raise ForecastError(
            f"{self._name}: no run of {samples.window} bars in which all of "
            f"{', '.join(table.names)} have values, in {past.n_bars} bars of {past.n_symbols} "
            "symbols; shorten 'window' or look for gaps in the data"
        )

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """One row per bar ``first`` ... ``past.n_bars - 1``; NaN without a complete window.

        Raises
        ------
        ForecastError
            If nothing was fitted.
        """
        fitted = self._fitted_or_raise("predict")
        samples, scale = self._samples(past)
        wanted = (samples.bar >= first) & (scale[samples.row] > 0)
        mean = np.full((past.n_bars - first, past.n_symbols), np.nan)
        std = mean.copy()
        pooled = self._params["pooled"]
        with one_thread():
            for name, one in fitted.items():
                column = past.symbols.index(name) if name in past.symbols else -1
                own = samples.where(wanted & (pooled | (samples.symbol == column)))
                slots, width = (own.symbol, past.n_symbols) if pooled else (own.symbol * 0, 1)
                out = one.outputs(own, slots, width)
                at = (own.bar - first, own.symbol)
                mean[at] = out[:, 0] * scale[own.row]
                std[at] = np.exp(out[:, 1]) * scale[own.row]
        return Forecasts(mean, std, self.horizon)

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
        weights: Weights = {}
        for name, one in fitted.items():
            weights |= {f"{name}/{key}": array for key, array in one.weights().items()}
        state = {"networks": {name: one.record() for name, one in fitted.items()}}
        checkpoints.write(folder, checkpoints.Checkpoint(self._name, self._params, state, weights))

    def restore(self, folder: Path) -> Self:
        """Take over a saved state; predictions are then the same to the last bit.

        Raises
        ------
        CheckpointError
            If it is damaged, or of another configuration, shape or version.
        """
        kept = checkpoints.read(folder, kind=self._name, config=self._params)
        records = kept.state.get("networks")
        if not isinstance(records, dict) or not records:
            raise CheckpointError(f"{folder}: holds no network; fit again")
        networks = {name: self._network(Generator()) for name in records}
        wanted = {
            f"{name}/{key}": array
            for name, network in networks.items()
            for key, array in weights_of(network).items()
        }
        checkpoints.check_shapes(folder, kept.weights, wanted)
        restored = {}
        for name, network in networks.items():
            own = {key: kept.weights[f"{name}/{key}"] for key in weights_of(network)}
            restored[name] = Fitted.restored(
                network, records[name], own, n_features=len(self._features), folder=folder
            )
        self._fitted = restored
        return self
