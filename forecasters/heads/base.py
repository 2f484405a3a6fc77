"""The last layer of a network, its loss, and the constant it starts from."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from tradewind.engine.records import Bools, Floats, Ints
from tradewind.forecasters.inputs.windows import LIMIT, Samples
from tradewind.forecasters.networks.base import bare
from tradewind.forecasters.readings import Reading, Said


class Head(nn.Module, ABC):
    """(B, H) -> (B, K), with its loss.

    Parameters
    ----------
    width : int
        H.
    reading : Reading
        What the K numbers mean.
    """

    def __init__(self, width: int, reading: Reading) -> None:
        super().__init__()
        self.reading = reading
        self.linear: nn.Linear = bare(nn.Linear, width, reading.n_outputs)
        nn.init.zeros_(self.linear.weight)  # starts out as a constant, whatever it is given
        nn.init.zeros_(self.linear.bias)

    @property
    def levels(self) -> tuple[float, ...]:
        """Probabilities of the quantiles it gives."""
        return self.reading.levels

    def targets(self, samples: Samples, scale: Floats) -> Floats:
        """What is learned from: the return in units of ``scale``, limited; (n,) or (n, D).

        Parameters
        ----------
        samples : Samples
            With known outcomes.
        scale : ndarray of float64, shape (n,)
            Trailing volatility of each window times sqrt(horizon).
        """
        return np.clip(samples.target / scale, -LIMIT, LIMIT)

    def runs(self, samples: Samples) -> Ints | None:
        """Number of the run each sample belongs to, (n,), for a loss that needs neighbours."""
        return None

    def cut(self, target: Floats, starts: Bools) -> Floats:
        """Targets where the row above a marked one is not the bar before it; (n, ...), (n,)."""
        return target

    @abstractmethod
    def start_at(self, target: Tensor) -> None:
        """Make the constant it starts from the one that fits ``target``, (n,) or (n, D)."""

    def forward(self, h: Tensor) -> Tensor:
        """(B, H) -> (B, K)."""
        return self.bend(self.linear(h))  # (B, H) -> (B, K) -> (B, K)

    @abstractmethod
    def bend(self, raw: Tensor) -> Tensor:
        """Bring the linear layer's numbers to where they have a meaning: (B, K) -> (B, K)."""

    @abstractmethod
    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Loss of each row: (B, K), (B,) or (B, D) -> (B,)."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Loss of a batch, the mean of its rows where they have nothing to do with each other."""
        return self.losses(output, target).mean()  # (B, K), (B,) or (B, D) -> ()

    def said(self, output: Floats, scale: Floats) -> Said:
        """Reading of outputs (n, K) at scales (n,)."""
        return self.reading.said(output, scale)

    def _start(self, *raw: float) -> None:
        """Make ``raw`` the constant that the linear layer gives."""
        with torch.no_grad():
            self.linear.bias.copy_(torch.tensor(raw, dtype=torch.float64))


def limited(raw: Tensor, limit: float) -> Tensor:
    """The identity near 0, never beyond ``limit``; any shape."""
    return limit * torch.tanh(raw / limit)


def unlimited(value: float, limit: float) -> float:
    """What :func:`limited` brings to ``value``, or as near as it comes."""
    share = np.clip(value / limit, -0.99, 0.99)
    return float(limit * np.arctanh(share))
