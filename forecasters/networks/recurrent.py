"""Recurrent encoders: a state that is carried from bar to bar.

Over a window the state begins at zero and the last one is read out; :meth:`run` continues from a
state instead and gives every state on the way.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from tradewind.forecasters.networks.base import Encoder, bare, linear
from tradewind.forecasters.serving.layout import Layout

State = tuple[Tensor, ...]


class RecurrentEncoder(Encoder):
    """Layers of one kind of cell; their last state.

    Parameters
    ----------
    n_inputs, hidden, layers : int
        F, H and L.
    generator : Generator
        Draws the weights: Glorot and Bengio's (2010) uniform ones from the input, orthogonal ones
        from state to state (Saxe, McClelland and Ganguli 2014), no offsets.
    """

    cell: ClassVar[str]  # of layout.CELLS
    kind: ClassVar[Callable[..., nn.RNNBase]]
    n_states: ClassVar[int] = 1  # tensors (L, B, H) that are carried

    def __init__(self, n_inputs: int, *, hidden: int, layers: int, generator: Generator) -> None:
        super().__init__(hidden)
        self.layers = layers
        self.cells: nn.RNNBase = bare(type(self).kind, n_inputs, hidden, layers, batch_first=True)
        for name, parameter in self.cells.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter, generator=generator)  # (G * H, F)
            elif name.startswith("weight_hh"):
                for gate in parameter.data.split(hidden):  # G of (H, H)
                    nn.init.orthogonal_(gate, generator=generator)
            else:
                nn.init.zeros_(parameter)  # (G * H,)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, H)."""
        states, _ = self.cells(x)  # (B, T, F) -> (B, T, H)
        return self.read(states)  # (B, H)

    def read(self, states: Tensor) -> Tensor:
        """What the states of a whole window come down to: (B, T, H) -> (B, H)."""
        return states[:, -1]

    @property
    def layout(self) -> Layout:
        """What it is made of."""
        return Layout(self.cell, self.width, self.layers)

    def begin(self, rows: int) -> State:
        """State of ``rows`` symbols before their first bar: zeros, (L, B, H) each."""
        return tuple(
            torch.zeros(self.layers, rows, self.width)  # (L, B, H)
            for _ in range(self.n_states)
        )

    def some(self, state: State, rows: Tensor) -> State:
        """State of the symbols in ``rows``."""
        return tuple(part[:, rows] for part in state)  # (L, B, H)

    def run(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T, F), state -> (B, T, H), state after the last bar."""
        given = state if self.n_states > 1 else state[0]
        states, after = self.cells(x, given)  # (B, T, F) -> (B, T, H)
        return states, after if self.n_states > 1 else (after,)


class RnnEncoder(RecurrentEncoder):
    """Elman's (1990) network: h = tanh(W x + U h + b)."""

    cell, kind = "rnn", nn.RNN


class GruEncoder(RecurrentEncoder):
    """Gated recurrent unit (Cho et al. 2014); the reset acts on U h, as in cuDNN.

    r, z = sigmoid(...), n = tanh(W x + b + r (U h + c)), h = (1 - z) n + z h.
    """

    cell, kind = "gru", nn.GRU


class LstmEncoder(RecurrentEncoder):
    """Long short-term memory with a forget gate (Gers, Schmidhuber and Cummins 2000).

    i, f, o = sigmoid(...), g = tanh(...), c = f c + i g, h = o tanh(c).
    """

    cell, kind = "lstm", nn.LSTM
    n_states = 2

    def __init__(self, n_inputs: int, *, hidden: int, layers: int, generator: Generator) -> None:
        super().__init__(n_inputs, hidden=hidden, layers=layers, generator=generator)
        for name, parameter in self.cells.named_parameters():
            if name.startswith("bias_ih"):
                # A forget gate that begins open lets gradients reach the window's start
                # (Jozefowicz, Zaremba and Sutskever 2015).
                parameter.data[hidden : 2 * hidden] = 1.0


class LstmAttentionEncoder(LstmEncoder):
    """LSTM whose last state looks back at the states of the last ``span`` bars.

    Luong, Pham and Manning (2015), "general" score: a = softmax(h' W s) over the states s of those
    bars, context c = sum(a s), result tanh(C [c; h]).
    """

    n_states = 4  # h, c, the last span - 1 states of the top layer, and how many of them there are

    def __init__(
        self, n_inputs: int, *, hidden: int, layers: int, span: int, generator: Generator
    ) -> None:
        super().__init__(n_inputs, hidden=hidden, layers=layers, generator=generator)
        self.span = span
        self.score: nn.Linear = bare(nn.Linear, hidden, hidden, bias=False)
        nn.init.xavier_uniform_(self.score.weight, generator=generator)
        self.mix = linear(2 * hidden, hidden, generator)

    def read(self, states: Tensor) -> Tensor:
        """(B, T, H) -> (B, H)."""
        last = states[:, -1:]  # (B, 1, H)
        scores = self.score(last) @ states.transpose(1, 2)  # (B, 1, T)
        context = torch.softmax(scores, 2) @ states  # (B, 1, T), (B, T, H) -> (B, 1, H)
        found = torch.tanh(self.mix(torch.cat((context, last), 2)))  # (B, 1, H)
        return found[:, 0]  # (B, H)

    @property
    def layout(self) -> Layout:
        """What it is made of."""
        return Layout(self.cell, self.width, self.layers, self.span)

    def begin(self, rows: int) -> State:
        """Zeros; nothing to look back at."""
        cells = (torch.zeros(self.layers, rows, self.width) for _ in range(2))  # (L, B, H)
        seen = torch.zeros(rows, self.span - 1, self.width)  # (B, S - 1, H)
        return (*cells, seen, torch.zeros(rows, dtype=torch.int64))  # (B,)

    def some(self, state: State, rows: Tensor) -> State:
        """State of the symbols in ``rows``."""
        h, c, seen, n_seen = state
        return h[:, rows], c[:, rows], seen[rows], n_seen[rows]

    def run(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T, F), state -> (B, T, H), state after the last bar."""
        h, c, seen, n_seen = state
        fresh, (h, c) = self.cells(x, (h, c))  # (B, T, F) -> (B, T, H)
        states = torch.cat((seen, fresh), 1)  # (B, S - 1 + T, H)
        scores = self.score(fresh) @ states.transpose(1, 2)  # (B, T, S - 1 + T)
        own = torch.arange(x.shape[1])[:, None]  # (T, 1): bar t ends its span at S - 1 + t
        at = torch.arange(states.shape[1])  # (S - 1 + T,)
        near = (at >= own) & (at <= own + self.span - 1)  # (T, S - 1 + T)
        there = at >= self.span - 1 - n_seen[:, None]  # (B, S - 1 + T)
        scores = scores.masked_fill(~(near & there[:, None]), -torch.inf)  # (B, T, S - 1 + T)
        context = torch.softmax(scores, 2) @ states  # (B, T, H)
        found = torch.tanh(self.mix(torch.cat((context, fresh), 2)))  # (B, T, H)
        n_seen = (n_seen + x.shape[1]).clamp(max=self.span - 1)  # (B,)
        return found, (h, c, states[:, x.shape[1] :], n_seen)
