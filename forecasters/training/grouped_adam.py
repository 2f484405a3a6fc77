"""Adam for many networks at once, each as if it were alone."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

BETAS, EPSILON = (0.9, 0.999), 1e-8  # Kingma and Ba (2015); torch's defaults
TINY = 1e-6  # added to a norm before dividing by it, as torch's clipping does


class GroupedAdam:
    """Gradients clipped and steps counted network by network.

    Parameters
    ----------
    weights : mapping of str to Tensor, each (G, ...)
        Changed in place by :meth:`step`.
    rates : Tensor, shape (G,)
        Learning rates.
    clip : float
        Largest norm of one network's gradient.
    """

    def __init__(self, weights: Mapping[str, Tensor], rates: Tensor, clip: float) -> None:
        self.rates, self.clip = rates, clip
        self.steps = torch.zeros_like(rates)  # (G,)
        self.mean = [torch.zeros_like(value) for value in weights.values()]
        self.square = [torch.zeros_like(value) for value in weights.values()]

    def keep(self, rows: Tensor) -> None:
        """Go on with the networks at ``rows`` alone, (G',) of int64."""
        self.rates, self.steps = self.rates[rows], self.steps[rows]
        self.mean = [value[rows] for value in self.mean]
        self.square = [value[rows] for value in self.square]

    def step(self, weights: Sequence[Tensor], gradients: Sequence[Tensor], moves: Tensor) -> None:
        """One step of the networks that ``moves``, (G,) of bool; the others stay as they are."""
        with torch.no_grad():
            squares = [gradient.square().flatten(1).sum(1) for gradient in gradients]  # (G,) each
            norm = torch.stack(squares).sum(0).sqrt()  # (G,)
            scale = (self.clip / (norm + TINY)).clamp(max=1.0)  # (G,)
            on = moves.to(norm.dtype)  # (G,)
            self.steps += on
            # Where a network has not stepped yet its bias correction would be 0 / 0.
            count = self.steps.clamp(min=1.0)  # (G,)
            rate = on * self.rates / (1.0 - BETAS[0] ** count)  # (G,)
            root = (1.0 - BETAS[1] ** count).sqrt()  # (G,)
            for k, (value, gradient) in enumerate(zip(weights, gradients, strict=True)):
                as_value = (-1, *(1,) * (value.dim() - 1))
                own = gradient * scale.view(as_value)  # (G, ...)
                share = on.view(as_value)
                self.mean[k] += (1.0 - BETAS[0]) * share * (own - self.mean[k])
                self.square[k] += (1.0 - BETAS[1]) * share * (own.square() - self.square[k])
                below = self.square[k].sqrt() / root.view(as_value) + EPSILON  # (G, ...)
                value -= rate.view(as_value) * self.mean[k] / below
