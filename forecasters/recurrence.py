"""A recurrent network as a step from bar to bar, without torch.

The same numbers as torch's to rounding, from weights alone. A backtest of a network that serves
statefully is predicted by this very step, so what trades is what was tested, bit by bit.
"""

from typing import Literal, Protocol

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters import recurrence_kernel as kernel
from tradewind.forecasters.layout import CELLS, Layout, Singles, Weights, matrices
from tradewind.forecasters.recurrence_numpy import NumpyKernel
from tradewind.forecasters.windows import Scaling

Backend = Literal["numba", "numpy"]


class Kernel(Protocol):
    """(T, n, F), (n, W), (n,), (T, n, K): bars taken in turn; all but the first in place."""

    def __call__(self, features: Floats, state: Singles, n_taken: Ints, raw: Floats) -> None:
        """See the class."""


class NumbaKernel:
    """The compiled step with what it needs; see :mod:`.recurrence_kernel`."""

    def __init__(
        self, layout: Layout, made: list[Singles], scales: Floats, traits: Singles
    ) -> None:
        n_inputs, n_outputs = scales.shape[1] + traits.shape[1], made[-1].shape[1]
        self.run = compiled(kernel.advance)
        self.shape = np.array(
            [CELLS.index(layout.cell), scales.shape[1], traits.shape[1], layout.hidden,
             layout.layers, layout.span, n_outputs]
        )  # fmt: skip
        self.given = (np.ascontiguousarray(scales), packed(made), traits)
        width = max(n_inputs, layout.hidden) + layout.hidden + kernel.BLOCK
        width = max(width, 4 * layout.hidden, layout.span, n_outputs)
        self.work = np.zeros((4, kernel.BLOCK, width), np.float32)

    def __call__(self, features: Floats, state: Singles, n_taken: Ints, raw: Floats) -> None:
        """See :class:`Kernel`."""
        self.run(self.shape, features, *self.given, state, n_taken, self.work, raw)


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
        See :func:`tradewind.forecasters.layout.matrices`.
    scaling : Scaling
        Of the features.
    traits : ndarray of float32, shape (n_symbols, E)
        What each symbol is known by beside its features.
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
        scaling: Scaling,
        traits: Singles,
        backend: Backend = "numba",
    ) -> None:
        traits = np.ascontiguousarray(traits, np.float32)
        scales = np.stack((scaling.mean, scaling.std))
        made = matrices(layout, weights, scales.shape[1] + traits.shape[1])
        make = NumbaKernel if backend == "numba" else NumpyKernel
        self._kernel: Kernel = make(layout, made, scales, traits)
        self.n_outputs = made[-1].shape[1]
        self.state = np.zeros((len(traits), layout.width), np.float32)
        self.n_taken = np.zeros(len(traits), np.int64)

    def advance(self, features: Floats) -> Floats:
        """Take bars in turn.

        Parameters
        ----------
        features : ndarray of float64, shape (T, n_symbols, F)
            As they come, not standardised. A symbol that lacks one at a bar keeps its state: to a
            recurrent network a bar without features has not happened.

        Returns
        -------
        ndarray of float64, shape (T, n_symbols, K)
            What the last layer says after each bar; NaN where it did not happen.
        """
        raw = np.empty((*features.shape[:2], self.n_outputs))
        self._kernel(features, self.state, self.n_taken, raw)
        return raw
