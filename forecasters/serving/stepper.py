"""A recurrent network that carries its state from bar to bar, served without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tradewind.engine.records import Bools, Floats
from tradewind.forecasters.readings import Said
from tradewind.forecasters.serving.checkpoint import Part, Served, bare, pairs_of, traits_of
from tradewind.forecasters.serving.layout import Layout
from tradewind.forecasters.serving.recurrence import Backend, Recurrence, Voice
from tradewind.forecasters.serving.server import Arrays, Serving


class Stepper(Serving):
    """Steps of the networks of a checkpoint; see :class:`Serving`.

    A symbol that lacks a feature at a bar keeps its state, whether it traded or not, and gets no
    forecast, as in :meth:`WindowedForecaster.predict`, whose forecasts these are bit by bit.

    Parameters
    ----------
    served, symbols
        See :class:`Serving`.
    backend : {"numba", "numpy"}
        The compiled step, which also predicts in backtests, or one of numpy alone, which is equal
        but for rounding.
    """

    form: ClassVar[str] = "stateful"

    def __init__(
        self, served: Served, symbols: Sequence[str], *, backend: Backend = "numba"
    ) -> None:
        super().__init__(served, symbols)
        self._columns = served.serving_of(self.symbols)
        self._steps = {
            name: self._step_of(served.parts[name], tuple(self.symbols[k] for k in own), backend)
            for name, own in self._columns.items()
        }
        self._only = next(iter(self._steps.values())) if served.config["pooled"] else None

    @classmethod
    def open(cls, folder: Path, symbols: Sequence[str], *, backend: Backend = "numba") -> Self:
        """Stepper of a checkpoint's folder.

        Raises
        ------
        CheckpointError
            If the checkpoint is damaged, or that of a network trained on windows.
        """
        return cls(Served.open(Path(folder)), symbols, backend=backend)

    def _step_of(self, part: Part, symbols: tuple[str, ...], backend: Backend) -> Recurrence:
        config, serving = self.served.config, self.served.serving
        layout = Layout(serving["cell"], config["hidden"], config["layers"], serving["span"])
        return Recurrence(
            layout,
            bare(part.weights),
            pairs_of(part.scales, symbols),
            traits_of(part.weights, part.names, symbols),
            Voice(self.reading, self.horizon, config["window"]),
            backend,
        )

    def _bar(self, bar: Floats, traded: Bools | None) -> Said:
        if self._only is not None:
            mean, std, quantiles = self._only.advance(bar[None])
            return Said(mean[0], std[0], quantiles[0])
        said = self._nothing()
        for name, own in self._columns.items():
            heard = self._steps[name].advance(bar[None, own])
            for whole, part in zip(said, heard, strict=True):
                whole[own] = part[0]
        return said

    def _bars(self, bars: Floats, traded: Bools | None) -> None:
        for name, own in self._columns.items():
            self._steps[name].advance(np.ascontiguousarray(bars[:, own]))

    def state(self) -> Arrays:
        """See :class:`Serving`."""
        found: Arrays = {}
        for name, step in self._steps.items():
            found |= {f"{name}/state": step.state.copy(), f"{name}/n_taken": step.n_taken.copy()}
        return found

    def take_over(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """See :class:`Serving`."""
        for name, step in self._steps.items():
            step.state[:], step.n_taken[:] = state[f"{name}/state"], state[f"{name}/n_taken"]
