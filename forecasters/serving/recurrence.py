"""A recurrent network as a step from bar to bar, without torch.

The same numbers as torch's to rounding, from weights alone. A backtest of a network that serves
statefully is predicted by this very step, so what trades is what was tested, bit by bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Literal, Protocol

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters import readings
from tradewind.forecasters.readings import Reading, Said
from tradewind.forecasters.serving import recurrence_kernel as kernel
from tradewind.forecasters.serving.layout import CELLS, Layout, Singles, Weights, matrices
from tradewind.forecasters.serving.recurrence_numpy import NumpyKernel

Backend = Literal["numba", "numpy"]
HEADS: Mapping[type[Reading], int] = {
    readings.Gaussian: kernel.GAUSSIAN,
    readings.Direction: kernel.DIRECTION,
    readings.Volatility: kernel.VOLATILITY,
    readings.Position: kernel.POSITION,
}


@dataclass(frozen=True, slots=True)
class Voice:
    """When and how a network speaks.

    Attributes
    ----------
    reading : Reading
    horizon : int
    least : int
        Bars a state must have taken.
    """

    reading: Reading
    horizon: int
    least: int


class Kernel(Protocol):
    """Bars taken in turn; all but the first in place."""

    def __call__(
        self, inputs: Floats, state: Singles, n_taken: Ints, raw: Floats, said: Floats
    ) -> None:
        """(T, n, F + 1), (n, W), (n,), (T, n, K), (T, n, 2)."""


class NumbaKernel:
    """The compiled step with what it needs; see :mod:`.recurrence_kernel`."""

    def __init__(
        self, layout: Layout, made: list[Singles], scales: Floats, traits: Singles, voice: Voice
    ) -> None:
        n_inputs, n_outputs = scales.shape[2] + traits.shape[1], made[-1].shape[1]
        self.run = compiled(kernel.advance)
        head = HEADS.get(type(voice.reading), kernel.OTHER)
        self.shape = np.array(
            [CELLS.index(layout.cell), scales.shape[2], traits.shape[1], layout.hidden,
             layout.layers, layout.span, n_outputs, head, voice.least]
        )  # fmt: skip
        self.root = sqrt(voice.horizon)
        self.given = (np.ascontiguousarray(scales), packed(made), traits)
        width = max(n_inputs, layout.hidden) + layout.hidden + kernel.BLOCK
        width = max(width, 4 * layout.hidden, layout.span, n_outputs)
        self.work = np.zeros((4, kernel.BLOCK, width), np.float32)

    def __call__(
        self, inputs: Floats, state: Singles, n_taken: Ints, raw: Floats, said: Floats
    ) -> None:
        """See :class:`Kernel`."""
        self.run(
            self.shape, self.root, inputs, *self.given, state, n_taken, self.work, raw, said
        )  # fmt: skip


def packed(made: list[Singles]) -> Singles:
    """Matrices one below the other, inputs filled up by rows of zeros to a multiple of 4."""
    width = max(matrix.shape[1] for matrix in made)
    lengths = [1 - (1 - len(matrix)) // kernel.BLOCK * kernel.BLOCK for matrix in made]
    whole = np.zeros((sum(lengths), width), np.float32)
    at = 0
    for matrix, length in zip(made, lengths, strict=True):
        whole[at : at + len(matrix), : matrix.shape[1]] = matrix
        at += length
    return whole


class Recurrence:
    """The step of one network, and the state of the symbols that go through it.

    Parameters
    ----------
    layout : Layout
    weights : mapping
        See :func:`tradewind.forecasters.serving.layout.matrices`.
    scales : ndarray of float64, shape (n_symbols, 2, F)
        Mean and deviation of each symbol's features.
    traits : ndarray of float32, shape (n_symbols, E)
        What each symbol is known by beside its features.
    voice : Voice
    backend : {"numba", "numpy"}
        The compiled step, or one of numpy alone: equal but for rounding.

    Attributes
    ----------
    state : ndarray of float32, shape (n_symbols, W)
        All zero before the first bar.
    n_taken : ndarray of int64, shape (n_symbols,)
        Bars that moved it.
    """

    def __init__(
        self,
        layout: Layout,
        weights: Weights,
        scales: Floats,
        traits: Singles,
        voice: Voice,
        backend: Backend = "numba",
    ) -> None:
        traits = np.ascontiguousarray(traits, np.float32)
        made = matrices(layout, weights, scales.shape[2] + traits.shape[1])
        self._kernel: Kernel
        if backend == "numba":
            self._kernel = NumbaKernel(layout, made, scales, traits, voice)
        else:
            self._kernel = NumpyKernel(layout, made, scales, traits, voice.least)
        self._plain = backend == "numba" and type(voice.reading) in HEADS
        self.voice, self.n_outputs = voice, made[-1].shape[1]
        self.state = np.zeros((len(traits), layout.width), np.float32)
        self.n_taken = np.zeros(len(traits), np.int64)

    def advance(self, inputs: Floats) -> Said:
        """Take bars in turn.

        Parameters
        ----------
        inputs : ndarray of float64, shape (T, n_symbols, F + 1)
            Features as they come, not standardised, and the volatility that returns are measured
            in. A symbol that lacks a feature at a bar keeps its state: to a recurrent network a
            bar without features has not happened.

        Returns
        -------
        Said
            Mean and std (T, n_symbols), quantiles (T, n_symbols, L); NaN where a bar was not
            taken, before enough were, and where volatility is not above zero.
        """
        n_bars, n_symbols, _ = inputs.shape
        raw = np.empty((n_bars, n_symbols, self.n_outputs))
        said = np.empty((n_bars, n_symbols, 2))
        self._kernel(inputs, self.state, self.n_taken, raw, said)
        if self._plain:
            return Said(said[:, :, 0], said[:, :, 1], np.empty((n_bars, n_symbols, 0)))
        reading = self.voice.reading
        if n_bars == 1 and not said.any():  # every symbol speaks: nothing to pick out
            read = reading.said(reading.bend(raw[0]), inputs[0, :, -1] * sqrt(self.voice.horizon))
            return Said(read.mean[None], read.std[None], read.quantiles[None])
        given = said[:, :, 0] == 0.0
        scale = inputs[:, :, -1][given] * sqrt(self.voice.horizon)
        read = reading.said(reading.bend(raw[given]), scale)
        mean, std = said[:, :, 0], said[:, :, 1]
        quantiles = np.full((n_bars, n_symbols, len(reading.levels)), np.nan)
        mean[given], std[given], quantiles[given] = read
        return Said(mean, std, quantiles)
