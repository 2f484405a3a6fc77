"""The door to a forecaster that trades: from a checkpoint's folder to forecasts, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np

from tradewind.engine import features
from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.features.stream import FeatureStream, Row
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.forecasters.readings import Said
from tradewind.forecasters.serving.checkpoint import Served
from tradewind.forecasters.serving.recurrence import Backend
from tradewind.forecasters.serving.server import Serving
from tradewind.forecasters.serving.stepper import Stepper
from tradewind.forecasters.serving.windows import WindowServer

STREAM = "the stream of features"  # name of what it remembers, in a saved state


@dataclass(frozen=True, slots=True)
class LiveForecast:
    """What a forecaster says at the close of a bar, of each symbol's log return.

    Attributes
    ----------
    mean, std : ndarray of float64, shape (n_symbols,)
        NaN where there is no forecast.
    horizon : int
        Bars ahead.
    levels : tuple of float
        Probabilities of the quantiles.
    quantiles : ndarray of float64, shape (n_symbols, n_levels)
    """

    mean: Floats
    std: Floats
    horizon: int
    levels: tuple[float, ...]
    quantiles: Floats


class LiveForecaster:
    """A fitted network at work: the next bar in, its forecasts out.

    Parameters
    ----------
    folder : Path
        Written by :meth:`WindowedForecaster.export`; that of a stateful network may also be one
        that its ``save`` wrote.
    symbols : sequence of str
        In the order of the rows to come.
    backend : {"numba", "numpy"}
        Of a stateful network's step; see :class:`Stepper`.

    Attributes
    ----------
    inputs : tuple of str
        Features to be given at every bar; the last is what returns are measured in.

    Raises
    ------
    CheckpointError
        If the checkpoint is damaged, of another version or cannot be served.
    ForecastError
        If a package that serving needs is not installed.
    """

    def __init__(self, folder: Path, symbols: Sequence[str], *, backend: Backend = "numba") -> None:
        served = Served.open(Path(folder))
        stateful = served.serving["form"] == "stateful"
        self.serving: Serving = (
            Stepper(served, symbols, backend=backend) if stateful else WindowServer(served, symbols)
        )
        self.symbols, self.inputs = self.serving.symbols, self.serving.inputs
        self._stream: FeatureStream | None = None

    @classmethod
    def over(cls, folder: Path, panel: Panel, *, backend: Backend = "numba") -> Self:
        """Forecaster that has seen every bar of a panel and makes the features of the next itself.

        A state begins with the panel's first bar, as in a backtest over the same bars.
        """
        made = cls(folder, panel.symbols, backend=backend)
        made.serving.replay(features.compute(panel, made.inputs), ~np.isnan(panel.close))
        made._stream = FeatureStream.over(panel, made.inputs)
        return made

    def update(self, inputs: Floats, traded: Bools | None = None) -> LiveForecast:
        """Take a bar's features, (n_symbols, n_inputs); see :meth:`Serving.step`."""
        if self._stream is not None:
            raise ForecastError(
                "live: it makes its own features; give bars with update_bar, or build it without "
                "a panel"
            )
        return self._forecast(self.serving.step(inputs, traded))

    def update_bar(self, row: Row) -> LiveForecast:
        """Take a bar of prices and make its features.

        Raises
        ------
        ForecastError
            If the forecaster was built without a panel to go on from.
        DataError
            If the bar is not later than the last.
        """
        if self._stream is None:
            raise ForecastError("live: no history of bars to go on from; use LiveForecaster.over")
        inputs = self._stream.update(row)
        return self._forecast(self.serving.step(inputs, ~np.isnan(row.close)))

    def replay(self, inputs: Floats, traded: Bools | None = None) -> None:
        """Take the features of past bars, (n_bars, n_symbols, n_inputs), and say nothing."""
        self.serving.replay(inputs, traded)

    def _forecast(self, said: Said) -> LiveForecast:
        serving = self.serving
        return LiveForecast(
            said.mean, said.std, serving.horizon, serving.reading.levels, said.quantiles
        )

    def save(self, path: Path) -> None:
        """Write all that is carried from bar to bar to one file, whole or not at all.

        Raises
        ------
        CheckpointError
            If it cannot be written.
        """
        further = {}
        if self._stream is not None:
            with TemporaryDirectory() as folder:
                kept = Path(folder) / "stream.npz"
                self._stream.save(kept)
                further[STREAM] = np.frombuffer(kept.read_bytes(), np.uint8)
        self.serving.save(Path(path), further)

    def restore(self, path: Path) -> Self:
        """Go on where a saved forecaster of this checkpoint and these symbols was.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged or of another forecaster, or lacks the features' state.
        """
        state = self.serving.read(Path(path))
        if self._stream is not None:
            if STREAM not in state:
                raise CheckpointError(
                    f"{path}: was saved without a stream of features; build it with over() there"
                )
            with TemporaryDirectory() as folder:
                kept = Path(folder) / "stream.npz"
                kept.write_bytes(state[STREAM].tobytes())
                self._stream.restore(kept)
        self.serving.take_over(state)
        return self


class Fed:
    """A live forecaster as the engine knows one: a row of forecasts for each bar.

    Parameters
    ----------
    live : LiveForecaster
        With a history to go on from.
    """

    def __init__(self, live: LiveForecaster) -> None:
        self._live = live

    def update(self, row: Row) -> Forecasts:
        """Forecasts of the bar given, arrays of one row."""
        said = self._live.update_bar(row)
        mean, std = said.mean[None], said.std[None]
        if not said.levels:
            return Forecasts(mean, std, said.horizon)
        return Forecasts(mean, std, said.horizon, said.levels, said.quantiles[None])
