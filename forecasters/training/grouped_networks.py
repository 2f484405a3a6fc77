"""Many networks of one shape as one: their weights stacked, a step of all at once.

Recurrent cells run as batched matrix products over the whole group, one per bar; every other
encoder is mapped over the group by :func:`torch.vmap`. The numbers are those of each network alone
up to rounding.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from tradewind.forecasters.heads.base import Head
from tradewind.forecasters.networks.base import Network, levelled
from tradewind.forecasters.networks.recurrent import RecurrentEncoder

Weights = Mapping[str, Tensor]  # by name, each (G, ...)
PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a layer of cells


class _Read(nn.Module):
    """What a recurrent encoder makes of its states, as a module of its own."""

    def __init__(self, encoder: RecurrentEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, H) -> (B, H)."""
        return self.encoder.read(states)


class NetworkGroup:
    """G networks of one shape.

    Parameters
    ----------
    networks : sequence of Network
        Of equal shapes; copied.
    device : torch.device

    Attributes
    ----------
    weights : dict of str to Tensor, each (G, ...)
        Trainable, by their name in one network.
    """

    def __init__(self, networks: Sequence[Network], device: torch.device) -> None:
        template = networks[0]
        stacked, buffers = stack_module_state(list(networks))
        self.weights = {
            name: value.detach().to(device).requires_grad_() for name, value in stacked.items()
        }
        self.buffers = {name: value.to(device) for name, value in buffers.items()}
        assert isinstance(template.head, Head)
        self.template, self.head, self.device = template, template.head, device
        self.dropout = template.dropout.share

    def keep(self, rows: Tensor) -> None:
        """Go on with the networks at ``rows`` alone, (G',) of int64."""
        with torch.no_grad():
            self.weights = {
                name: value[rows].clone().requires_grad_() for name, value in self.weights.items()
            }
            self.buffers = {name: value[rows] for name, value in self.buffers.items()}

    def copy(self) -> dict[str, Tensor]:
        """Weights and buffers as they are now, each (G, ...)."""
        everything = {**self.weights, **self.buffers}
        return {name: value.detach().clone() for name, value in everything.items()}

    def outputs(self, x: Tensor, who: Tensor, kept: Tensor | None, *, learning: bool) -> Tensor:
        """(G, B, T, F), (G, B), (G, B, H) -> (G, B, K).

        ``kept`` says which of the encoder's numbers dropout leaves in; None: all.
        """
        if self.template.by_window:
            x = levelled(x)  # (G, B, T, F)
        if self.template.traits is not None:
            table = self.weights["traits.weight"]  # (G, N + 1, E)
            group = torch.arange(len(who), device=self.device)[:, None]  # (G, 1)
            traits = table[group, who] * (who > 0)[:, :, None]  # (G, B, E) a stranger has none
            traits = traits[:, :, None].expand(-1, -1, x.shape[2], -1)  # (G, B, T, E)
            x = torch.cat((x, traits), 3)  # (G, B, T, F + E)
        found = self._encoded(x, bf16=self.template.bf16 and learning).to(x.dtype)  # (G, B, H)
        if kept is not None:
            found = found * kept / (1.0 - self.dropout)  # (G, B, H)
        across, bias = (self.weights[f"head.linear.{part}"] for part in ("weight", "bias"))
        raw = torch.baddbmm(bias[:, None], found, across.transpose(1, 2))  # (G, B, K)
        return self.head.bend(raw.flatten(0, 1)).view(raw.shape)  # (G, B, K)

    def _encoded(self, x: Tensor, *, bf16: bool) -> Tensor:
        """(G, B, T, F + E) -> (G, B, H)."""
        encoder = self.template.encoder
        if isinstance(encoder, RecurrentEncoder):
            states = self._states(encoder, x, torch.bfloat16 if bf16 else None)  # (G, B, T, H)
            return self._mapped(_Read(encoder), "", states)  # (G, B, H)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            return self._mapped(encoder, "encoder.", x)  # (G, B, H)

    def _mapped(self, module: nn.Module, prefix: str, x: Tensor) -> Tensor:
        """A part of the template with each network's own weights, (G, B, ...) -> (G, B, ...)."""
        own = {
            name.removeprefix(prefix): value
            for name, value in {**self.weights, **self.buffers}.items()
            if name.startswith(prefix) and name.removeprefix(prefix) in _names(module)
        }

        def one(weights: Weights, rows: Tensor) -> Tensor:
            made: Tensor = functional_call(module, dict(weights), (rows,))
            return made

        mapped: Tensor = torch.vmap(one)(own, x)
        return mapped

    def _states(self, encoder: RecurrentEncoder, x: Tensor, low: torch.dtype | None) -> Tensor:
        """States of all layers' cells, bar by bar: (G, B, T, F) -> (G, B, T, H).

        In lower precision the matrix products alone are rounded; states stay as exact as ``x``.
        """
        step = STEPS[type(encoder.cells)]
        states = x.transpose(1, 2)  # (G, T, B, F)
        for layer in range(encoder.layers):
            parts = [
                f"{name}_l{layer}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            into, across, b_in, b_across = (self.weights[f"encoder.cells.{p}"] for p in parts)
            states = _layer(step, states, (into, across), (b_in, b_across), low)
        return states.transpose(1, 2)  # (G, B, T, H)


def _names(module: nn.Module) -> set[str]:
    """Names of what a part of the template computes with; cells are run apart from it."""
    named = (*module.named_parameters(), *module.named_buffers())
    return {name for name, _ in named if not name.startswith("encoder.cells.")}


Step = Callable[[Tensor, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]


def _layer(
    step: Step,
    x: Tensor,
    weights: tuple[Tensor, Tensor],
    biases: tuple[Tensor, Tensor],
    low: torch.dtype | None,
) -> Tensor:
    """One layer over all bars: (G, T, B, F) -> (G, T, B, H)."""
    into, across = (value.transpose(1, 2).to(low or value.dtype) for value in weights)
    n_bars = x.shape[1]
    flat = x.flatten(1, 2).to(into.dtype)  # (G, T * B, F)
    driven = torch.bmm(flat, into) + biases[0][:, None]  # (G, T * B, C * H)
    driven = driven.view(len(x), n_bars, x.shape[2], -1)  # (G, T, B, C * H)
    bias = biases[1][:, None]  # (G, 1, C * H)
    zero = x.new_zeros(x.shape[0], x.shape[2], across.shape[1])  # (G, B, H)
    state: tuple[Tensor, ...] = (zero, zero)
    states = []
    for own in driven.unbind(1):  # (G, B, C * H)
        carried = torch.bmm(state[0].to(across.dtype), across) + bias  # (G, B, C * H)
        state = step(own, carried, state)
        states.append(state[0])
    return torch.stack(states, 1)  # (G, T, B, H)


def lstm_step(own: Tensor, carried: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Hochreiter and Schmidhuber's cell with a forget gate: (G, B, 4H) -> h and c (G, B, H)."""
    enters, forgets, new, leaves = (own + carried).chunk(4, 2)  # each (G, B, H)
    c = torch.sigmoid(forgets) * state[1] + torch.sigmoid(enters) * torch.tanh(new)  # (G, B, H)
    return torch.sigmoid(leaves) * torch.tanh(c), c


def gru_step(own: Tensor, carried: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Cho's unit with the reset on what is carried: (G, B, 3H) -> h (G, B, H), twice."""
    own_r, own_z, own_n = own.chunk(3, 2)  # each (G, B, H)
    carried_r, carried_z, carried_n = carried.chunk(3, 2)  # each (G, B, H)
    resets, keeps = torch.sigmoid(own_r + carried_r), torch.sigmoid(own_z + carried_z)
    new = torch.tanh(own_n + resets * carried_n)  # (G, B, H)
    h = new + keeps * (state[0] - new)  # (G, B, H)
    return h, h


def rnn_step(own: Tensor, carried: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Elman's unit: (G, B, H) -> h (G, B, H), twice."""
    h = torch.tanh(own + carried)  # (G, B, H)
    return h, h


STEPS: Mapping[type[nn.RNNBase], Step] = {
    nn.LSTM: lstm_step,
    nn.GRU: gru_step,
    nn.RNN: rnn_step,
}
