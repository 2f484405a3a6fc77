"""Probability of a positive return by the likelihood of signs."""

import numpy as np
import torch
from torch import Tensor

from tradewind.engine.records import Floats
from tradewind.forecasters.heads.base import Head, limited, unlimited
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.readings import SCORE_LIMIT, Direction


class DirectionHead(Head):
    """Probit: P(up) = Phi(score). A return of zero counts as half up and half down."""

    def __init__(self, width: int, reading: Direction | None = None) -> None:
        super().__init__(width, reading or Direction())

    def targets(self, samples: Samples, scale: Floats) -> Floats:
        """1 up, 0 down, 0.5 neither, (n,)."""
        return 0.5 + 0.5 * np.sign(samples.target)

    def start_at(self, target: Tensor) -> None:
        """Share of positive returns."""
        score = float(torch.special.ndtri(target.double().mean()))
        self._start(unlimited(score, SCORE_LIMIT))

    def bend(self, raw: Tensor) -> Tensor:
        """(B, 1): score."""
        return limited(raw, SCORE_LIMIT)

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log likelihood of the signs: (B, 1), (B,) -> (B,)."""
        score = output[:, 0]  # (B,)
        up, down = torch.special.log_ndtr(score), torch.special.log_ndtr(-score)  # (B,), (B,)
        likelihood: Tensor = target * up + (1.0 - target) * down  # (B,)
        return -likelihood
