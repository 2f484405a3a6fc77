"""The step of a recurrent network in numpy alone, for where nothing may be compiled.

All symbols of a bar go through one matrix product; the compiled step gives the same to rounding.
A logistic function is a tanh: sigmoid(x) = (1 + tanh(x / 2)) / 2, so that one call serves all
gates; their weights are halved beforehand, which is exact.
"""

from math import isfinite

import numpy as np

from tradewind.engine.records import Floats, Ints
from tradewind.forecasters.serving.layout import LIMIT, Layout, Singles

HALF = np.float32(0.5)


def halved(layout: Layout, matrix: Singles) -> Singles:
    """A matrix of :func:`.layout.gates` with what is a gate halved, and before what is not."""
    hidden = layout.hidden
    made = matrix.copy()
    if layout.cell == "gru":
        made[:, : 2 * hidden] *= HALF
    if layout.cell == "lstm":
        order = np.r_[0 : 2 * hidden, 3 * hidden : 4 * hidden, 2 * hidden : 3 * hidden]
        made = np.ascontiguousarray(made[:, order])
        made[:, : 3 * hidden] *= HALF
    return made


class NumpyKernel:
    """Same call as :func:`tradewind.forecasters.serving.recurrence_kernel.advance`.

    Parameters
    ----------
    layout : Layout
    matrices : list of ndarray
        See :func:`tradewind.forecasters.serving.layout.matrices`.
    scales : ndarray of float64, shape (n_symbols, 2, F)
        Mean and deviation of the features.
    traits : ndarray of float32, shape (n_symbols, E)
    least : int
        Bars a state has taken before there is a forecast.
    """

    def __init__(
        self, layout: Layout, matrices: list[Singles], scales: Floats, traits: Singles, least: int
    ) -> None:
        self.layout, self.scales, self.traits, self.least = layout, scales, traits, least
        self.layers = [halved(layout, matrix) for matrix in matrices[: layout.layers]]
        # What a layer multiplies: 1 for its offsets, inputs, states.
        self.given = [np.ones((len(traits), len(made)), np.float32) for made in self.layers]
        self.attention, self.head = matrices[layout.layers : -1], matrices[-1]

    def __call__(
        self, inputs: Floats, state: Singles, n_taken: Ints, raw: Floats, said: Floats
    ) -> None:
        """(T, n, F + 1), (n, W), (n,), (T, n, K), (T, n, 2): all but the first in place."""
        for values, outputs, found in zip(inputs, raw, said, strict=True):
            all_ready = self._take(values[:, :-1], state, n_taken, outputs)
            if all_ready and n_taken.min() >= self.least and values[:, -1].min() > 0:
                found.fill(0.0)
                continue
            spoken = (n_taken >= self.least) & (values[:, -1] > 0) & ~np.isnan(outputs[:, 0])
            found[:] = np.where(spoken, 0.0, np.nan)[:, None]

    def _take(self, values: Floats, state: Singles, n_taken: Ints, outputs: Singles) -> bool:
        """One bar, for the symbols that have all features; whether all have."""
        # One call finds what is missing in most bars; infinities that cancel are NaN as well.
        if isfinite(values.sum()):
            outputs[:] = self._bar(values, self.scales, self.traits, state, n_taken)
            return True
        ready = np.isfinite(values).all(axis=1)
        kept, taken = state[ready], n_taken[ready]
        outputs[:] = np.nan
        if ready.any():
            given = values[ready], self.scales[ready], self.traits[ready]
            outputs[ready] = self._bar(*given, kept, taken)
        state[ready], n_taken[ready] = kept, taken
        return False

    def _bar(
        self, values: Floats, scales: Floats, traits: Singles, state: Singles, n_taken: Ints
    ) -> Singles:
        """One bar of symbols that have all features."""
        (n_symbols, n_features), hidden = values.shape, self.layout.hidden
        z = values - scales[:, 0]
        z /= scales[:, 1]
        np.minimum(z, LIMIT, out=z)
        np.maximum(z, -LIMIT, out=z)
        first = self.given[0][:n_symbols]
        first[:, 1 : 1 + n_features] = z
        first[:, 1 + n_features : -hidden] = traits
        place, below = 0, state[:, :hidden]
        for layer, given in zip(self.layers, self.given, strict=True):
            mine = given[:n_symbols]
            h, c = state[:, place : place + hidden], state[:, place + hidden : place + 2 * hidden]
            if place:
                mine[:, 1 : 1 + hidden] = below
            mine[:, -hidden:] = h
            self._beat(mine @ layer, h, c)
            below = h
            place += 2 * hidden
        top = self._look_back(below, state, n_taken) if self.attention else below
        n_taken += 1
        said: Singles = top @ self.head[1:]
        said += self.head[0]
        return said

    def _beat(self, total: Singles, h: Singles, c: Singles) -> None:
        """New state from its sums, in place."""
        hidden = self.layout.hidden
        if self.layout.cell == "rnn":
            np.tanh(total, out=h)
        elif self.layout.cell == "gru":
            gates = total[:, : 2 * hidden]
            np.tanh(gates, out=gates)
            gates *= HALF
            gates += HALF
            reset, keep = gates[:, :hidden], gates[:, hidden:]
            new = np.tanh(total[:, 2 * hidden : 3 * hidden] + reset * total[:, 3 * hidden :])
            h -= new
            h *= keep
            h += new
        else:
            np.tanh(total, out=total)
            gates = total[:, : 3 * hidden]
            gates *= HALF
            gates += HALF
            c *= gates[:, hidden : 2 * hidden]
            c += gates[:, :hidden] * total[:, 3 * hidden :]
            np.multiply(gates[:, 2 * hidden :], np.tanh(c), out=h)

    def _look_back(self, top: Singles, state: Singles, n_taken: Ints) -> Singles:
        """Attention of the top states to those in their rings, which they join."""
        layout = self.layout
        score, mix = self.attention
        ring = state[:, 2 * layout.layers * layout.hidden :].reshape(
            len(top), layout.span, layout.hidden
        )
        ring[np.arange(len(top)), n_taken % layout.span] = top
        asked = top @ score[1:]  # (n, H)
        scores = np.matmul(ring, asked[:, :, None])[:, :, 0]  # (n, S)
        n_seen = np.minimum(n_taken + 1, layout.span)
        scores[np.arange(layout.span) >= n_seen[:, None]] = -np.inf
        share: Singles = np.exp(scores - scores.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        context = np.matmul(share[:, None], ring)[:, 0]  # (n, H)
        found: Singles = np.tanh(np.concatenate((context, top), 1) @ mix[1:] + mix[0])
        return found
