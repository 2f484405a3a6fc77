"""Mean, scale and weight of the tails by the likelihood of Student's t."""

from math import log, pi

import torch
from torch import Tensor, nn

from tradewind.forecasters.heads.base import Head, limited, unlimited
from tradewind.forecasters.heads.gaussian import LEAST_SPREAD
from tradewind.forecasters.readings import LOG_STD_LIMIT, NU_LEAST, NU_MOST, StudentT

START_NU = 6.0  # tails of daily returns
STEPS = 50  # of L-BFGS; it needs about fifteen


class StudentTHead(Head):
    """Mean, log scale and degrees of freedom of a t distribution.

    Large moves, which markets have more of than a Gaussian allows, then do not rule the fit.
    """

    def __init__(self, width: int, reading: StudentT | None = None) -> None:
        super().__init__(width, reading or StudentT())

    def start_at(self, target: Tensor) -> None:
        """Maximum likelihood of all three."""
        y = target.double()
        width = max(float(y.std()), LEAST_SPREAD) * ((START_NU - 2) / START_NU) ** 0.5
        first = (float(y.mean()), unlimited(log(width), LOG_STD_LIMIT), START_NU - NU_LEAST)
        raw = torch.tensor([first], dtype=torch.float64, requires_grad=True)  # (1, 3)
        search = torch.optim.LBFGS([raw], max_iter=STEPS, line_search_fn="strong_wolfe")

        def step() -> Tensor:
            search.zero_grad()
            value = self.loss(self.bend(raw), y)
            value.backward()  # type: ignore[no-untyped-call]
            return value

        with torch.enable_grad():
            search.step(step)  # type: ignore[no-untyped-call]
        found = raw.detach()
        with torch.no_grad():
            start = torch.tensor([first], dtype=torch.float64)
            better = self.loss(self.bend(found), y) <= self.loss(self.bend(start), y)
        self._start(*(found if better else start)[0].tolist())

    def bend(self, raw: Tensor) -> Tensor:
        """(B, 3): mean, log scale, degrees of freedom."""
        mean, log_scale, tails = raw.unbind(1)  # (B, 3) -> (B,), (B,), (B,)
        nu = NU_LEAST + limited(nn.functional.softplus(tails), NU_MOST - NU_LEAST)  # (B,)
        return torch.stack((mean, limited(log_scale, LOG_STD_LIMIT), nu), 1)  # (B, 3)

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log likelihood: (B, 3), (B,) -> (B,)."""
        mean, log_scale, nu = output.unbind(1)  # (B,), (B,), (B,)
        z = (target - mean) * torch.exp(-log_scale)  # (B,)
        half = 0.5 * (nu + 1.0)  # (B,)
        constant = torch.lgamma(half) - torch.lgamma(0.5 * nu) - 0.5 * torch.log(nu * pi)  # (B,)
        return log_scale + half * torch.log1p(z * z / nu) - constant  # (B,)
