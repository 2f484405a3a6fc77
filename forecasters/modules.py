"""Networks, one screen each. No data handling, no global random state."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import atanh, log
from typing import Any

import torch
from torch import Generator, Tensor, nn

LOG_STD_LIMIT = 4.0  # |log std| in units of trailing volatility: beyond it lies no market


def _bare(kind: Callable[..., nn.Module], *shape: int, **options: Any) -> Any:
    """A layer whose weights nobody drew yet: torch would take them from the global generator."""
    return kind(*shape, device="meta", **options).to_empty(device="cpu")


class SeededDropout(nn.Module):
    """Dropout that draws from its own generator, so that nothing else moves its mask."""

    def __init__(self, share: float, generator: Generator) -> None:
        super().__init__()
        self.share, self.generator = share, generator

    def forward(self, x: Tensor) -> Tensor:
        """(B, H) -> (B, H)."""
        if not self.training or self.share == 0.0:
            return x
        keep = torch.rand(x.shape, generator=self.generator) >= self.share  # (B, H)
        return x * keep / (1.0 - self.share)  # (B, H)


class GaussianReadout(nn.Module):
    """Mean and log standard deviation; starts out as a constant, whatever it is given."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.linear: nn.Linear = _bare(nn.Linear, hidden, 2)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def start_at(self, mean: float, std: float) -> None:
        """Make the constant it starts from a known one."""
        share = max(-0.99, min(0.99, log(max(std, 1e-30)) / LOG_STD_LIMIT))
        with torch.no_grad():
            self.linear.bias.copy_(torch.tensor([mean, LOG_STD_LIMIT * atanh(share)]))

    def forward(self, h: Tensor) -> Tensor:
        """(B, H) -> (B, 2)."""
        mean, raw = self.linear(h).unbind(1)  # (B, H) -> (B,), (B,)
        log_std = LOG_STD_LIMIT * torch.tanh(raw / LOG_STD_LIMIT)  # (B,)
        return torch.stack((mean, log_std), 1)  # (B, 2)


class GaussianNetwork(nn.Module, ABC):
    """(B, T, F) -> (B, 2): mean and log standard deviation of a scaled return."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.readout = GaussianReadout(hidden)

    def start_at(self, mean: float, std: float) -> None:
        """Forecast this constant until something better is learned."""
        self.readout.start_at(mean, std)

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, 2)."""


class LstmNetwork(GaussianNetwork):
    """LSTM over a window, read out from its last state."""

    def __init__(
        self, n_features: int, *, hidden: int, layers: int, dropout: float, generator: Generator
    ) -> None:
        super().__init__(hidden)
        self.encoder: nn.LSTM = _bare(nn.LSTM, n_features, hidden, layers, batch_first=True)
        self.dropout = SeededDropout(dropout, generator)
        for name, parameter in self.encoder.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter, generator=generator)  # (4H, F)
            elif name.startswith("weight_hh"):
                for gate in parameter.data.split(hidden):  # 4 of (H, H)
                    nn.init.orthogonal_(gate, generator=generator)
            else:
                nn.init.zeros_(parameter)  # (4H,)
            if name.startswith("bias_ih"):
                # A forget gate that begins open lets gradients reach the window's start
                # (Jozefowicz, Zaremba and Sutskever 2015).
                parameter.data[hidden : 2 * hidden] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, 2): mean and log standard deviation."""
        states, _ = self.encoder(x)  # (B, T, F) -> (B, T, H)
        last = self.dropout(states[:, -1])  # (B, T, H) -> (B, H)
        out: Tensor = self.readout(last)  # (B, H) -> (B, 2)
        return out


def gaussian_loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean negative log likelihood, without the constant: (B, 2), (B,) -> ()."""
    mean, log_std = output.unbind(1)  # (B,), (B,)
    z = (target - mean) * torch.exp(-log_std)  # (B,)
    return (log_std + 0.5 * z * z).mean()  # ()
