"""Heads: what the numbers a network ends with mean, and what it pays for being wrong."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from math import atanh, log
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Floats
from tradewind.forecasters.networks.base import bare
from tradewind.forecasters.readings import LOG_STD_LIMIT, READINGS, Reading, Said
from tradewind.forecasters.windows import LIMIT, Samples


class Head(nn.Module, ABC):
    """(B, H) -> (B, K), with its loss and its reading.

    Attributes
    ----------
    reading : Reading
        What its outputs mean, torch-free; ``READINGS`` holds it under the head's name.
    """

    reading: ClassVar[Reading]

    def __init__(self, width: int, n_outputs: int) -> None:
        super().__init__()
        self.linear: nn.Linear = bare(nn.Linear, width, n_outputs)
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

    @abstractmethod
    def start_at(self, target: Tensor) -> None:
        """Make the constant it starts from the one that fits ``target``, (n,) or (n, D)."""

    @abstractmethod
    def forward(self, h: Tensor) -> Tensor:
        """(B, H) -> (B, K)."""

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss of a batch: (B, K), (B,) or (B, D) -> ()."""

    def said(self, output: Floats, scale: Floats) -> Said:
        """Reading of outputs (n, K) at scales (n,)."""
        return self.reading.said(output, scale)


class GaussianHead(Head):
    """Mean and log standard deviation (Nix and Weigend 1994)."""

    reading = READINGS["gaussian"]

    def __init__(self, width: int) -> None:
        super().__init__(width, 2)

    def start_at(self, target: Tensor) -> None:
        """See :class:`Head`."""
        share = max(-0.99, min(0.99, log(max(float(target.std()), 1e-30)) / LOG_STD_LIMIT))
        with torch.no_grad():
            raw = torch.tensor([float(target.mean()), LOG_STD_LIMIT * atanh(share)])
            self.linear.bias.copy_(raw)

    def forward(self, h: Tensor) -> Tensor:
        """(B, H) -> (B, 2): mean, log standard deviation."""
        mean, raw = self.linear(h).unbind(1)  # (B, H) -> (B,), (B,)
        log_std = LOG_STD_LIMIT * torch.tanh(raw / LOG_STD_LIMIT)  # (B,)
        return torch.stack((mean, log_std), 1)  # (B, 2)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log likelihood, without the constant: (B, 2), (B,) -> ()."""
        mean, log_std = output.unbind(1)  # (B,), (B,)
        z = (target - mean) * torch.exp(-log_std)  # (B,)
        return (log_std + 0.5 * z * z).mean()  # ()


HEADS: Mapping[str, Callable[[int], Head]] = {"gaussian": GaussianHead}


def head_class(name: str, who: str) -> Callable[[int], Head]:
    """Look a head up.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in HEADS:
        near = get_close_matches(name, HEADS, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ConfigError(f"{who}: unknown head {name!r}{hint}; known: {', '.join(sorted(HEADS))}")
    return HEADS[name]
