"""Quantiles by the pinball loss."""

import numpy as np
import torch
from torch import Tensor, nn

from tradewind.forecasters.heads.base import Head
from tradewind.forecasters.readings import Quantile

LEAST_STEP = 1e-3  # between neighbouring quantiles at the start, in units of scale


class QuantileHead(Head):
    """Quantiles at fixed probabilities (Koenker and Bassett 1978), in order by construction."""

    def __init__(self, width: int, reading: Quantile | None = None) -> None:
        made = reading or Quantile()
        super().__init__(width, made)
        self.middle, self.probabilities = made.middle, made.levels

    def start_at(self, target: Tensor) -> None:
        """Quantiles of the targets."""
        found = np.quantile(target.double().numpy(), self.probabilities)
        step = np.maximum(np.diff(found), LEAST_STEP)
        raw = step + np.log(-np.expm1(-step))  # what softplus brings to the step
        raw = np.insert(raw, self.middle, found[self.middle])
        self._start(*raw.tolist())

    def bend(self, raw: Tensor) -> Tensor:
        """(B, K): quantiles, increasing."""
        below, centre, above = torch.tensor_split(raw, (self.middle, self.middle + 1), 1)
        down = nn.functional.softplus(below).flip(1).cumsum(1).flip(1)  # (B, middle)
        up = nn.functional.softplus(above).cumsum(1)  # (B, K - middle - 1)
        return torch.cat((centre - down, centre, centre + up), 1)  # (B, K)

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Pinball loss, averaged over levels: (B, K), (B,) -> (B,)."""
        level = torch.tensor(self.probabilities, dtype=output.dtype, device=output.device)  # (K,)
        error = target[:, None] - output  # (B, K)
        return torch.maximum(level * error, (level - 1.0) * error).mean(1)  # (B,)
