"""What a recurrent network is made of, as matrices that a step multiplies by.

Symbols' states are rows of float32: h and c of each layer, then a ring of the top layer's last
states where attention looks back at them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import CheckpointError
from tradewind.engine.records import Floats

Singles = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]
LIMIT = 5.0  # standard deviations, as windows.LIMIT
CELLS = ("rnn", "gru", "lstm")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a recurrent network is made of.

    Attributes
    ----------
    cell : str
        One of ``CELLS``.
    hidden, layers : int
        Units per layer, and layers.
    span : int
        States its attention looks back at; 0: it has none.
    """

    cell: str
    hidden: int
    layers: int
    span: int = 0

    @property
    def width(self) -> int:
        """Numbers that are carried for a symbol."""
        return (2 * self.layers + self.span) * self.hidden


def gates(cell: str, parts: Weights, layer: int) -> Floats:
    """Offsets and weights of a layer as one matrix of what its sums are made from.

    Parameters
    ----------
    cell : str
    parts : mapping
        ``cells.weight_ih_l0`` and so on, as torch names them.
    layer : int

    Returns
    -------
    ndarray, shape (1 + n_in + H, C)
        Offsets, then a row for each input and each state. C is H of an RNN and 4 H of an LSTM:
        input, forget, cell and output gate. Of a GRU: reset, update, and what is new once from the
        input and once from the state, which the reset keeps apart.
    """
    w, u, b, d = (
        parts[f"cells.{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    if cell != "gru":
        return np.concatenate(((b + d)[None], w.T, u.T))
    hidden = u.shape[1]
    both, new = slice(0, 2 * hidden), slice(2 * hidden, None)
    offsets = np.concatenate((b[both] + d[both], b[new], d[new]))
    from_input = np.concatenate((w[both].T, w[new].T, np.zeros((w.shape[1], hidden))), 1)
    from_state = np.concatenate((u[both].T, np.zeros((hidden, hidden)), u[new].T), 1)
    return np.concatenate((offsets[None], from_input, from_state))


def matrices(layout: Layout, parts: Weights, n_inputs: int) -> list[Singles]:
    """Everything that is multiplied, in order: layers, attention, head; offsets are first rows.

    Parameters
    ----------
    layout : Layout
    parts : mapping
        Weights of encoder (``cells.weight_ih_l0`` ...), attention (``score.weight``,
        ``mix.weight``) and head (``linear.weight``).
    n_inputs : int
        Features and traits.

    Raises
    ------
    CheckpointError
        If a weight is missing or has another shape than the layout says.
    """
    hidden, layers, span = layout.hidden, layout.layers, layout.span
    try:
        found = [gates(layout.cell, parts, layer) for layer in range(layers)]
        if span:
            score = parts["score.weight"]
            found.append(np.concatenate((np.zeros((1, hidden)), score.T)))
            found.append(np.concatenate((parts["mix.bias"][None], parts["mix.weight"].T)))
        found.append(np.concatenate((parts["linear.bias"][None], parts["linear.weight"].T)))
    except (KeyError, ValueError, IndexError) as error:
        raise CheckpointError(f"recurrent weights: {error}; wanted those of {layout}") from None
    wide = hidden if layout.cell == "rnn" else 4 * hidden
    wanted = [(1 + n_inputs + hidden, wide)] + [(1 + 2 * hidden, wide)] * (layers - 1)
    wanted += [(1 + hidden, hidden), (1 + 2 * hidden, hidden)] if span else []
    wanted += [(1 + hidden, found[-1].shape[1])]
    shapes = [matrix.shape for matrix in found]
    if shapes != wanted:
        raise CheckpointError(f"recurrent weights of shapes {shapes}, wanted {wanted}")
    return [matrix.astype(np.float32) for matrix in found]
