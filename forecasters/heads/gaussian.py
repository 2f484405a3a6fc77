"""Mean and standard deviation by the Gaussian likelihood."""

from math import log

import torch
from torch import Tensor

from tradewind.forecasters.heads.base import Head, limited, unlimited
from tradewind.forecasters.readings import LOG_STD_LIMIT, Gaussian

LEAST_SPREAD = 1e-30  # keeps a logarithm finite


class GaussianHead(Head):
    """Mean and log standard deviation (Nix and Weigend 1994)."""

    def __init__(self, width: int, reading: Gaussian | None = None) -> None:
        super().__init__(width, reading or Gaussian())

    def start_at(self, target: Tensor) -> None:
        """Mean and standard deviation of the targets."""
        log_std = log(max(float(target.std()), LEAST_SPREAD))
        self._start(float(target.mean()), unlimited(log_std, LOG_STD_LIMIT))

    def bend(self, raw: Tensor) -> Tensor:
        """(B, 2): mean, log standard deviation."""
        mean, log_std = raw.unbind(1)  # (B, 2) -> (B,), (B,)
        return torch.stack((mean, limited(log_std, LOG_STD_LIMIT)), 1)  # (B, 2)

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log likelihood, without the constant: (B, 2), (B,) -> (B,)."""
        mean, log_std = output.unbind(1)  # (B,), (B,)
        z = (target - mean) * torch.exp(-log_std)  # (B,)
        return log_std + 0.5 * z * z  # (B,)
