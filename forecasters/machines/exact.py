"""What contrastive divergence only estimates, by summing over every hidden state.

For machines of a few hidden units: the oracle of the tests, and of the page that shows how far
CD-k is off.
"""

import math
from itertools import product

import torch
from torch import Tensor

from tradewind.engine.errors import ForecastError
from tradewind.forecasters.machines.rbm import Gradient, Rbm

MOST_HIDDEN = 16  # 65,536 states; beyond it the sum is no longer a test


def states(n_hidden: int, dtype: torch.dtype) -> Tensor:
    """Every hidden state, (2^H, H); raises ForecastError beyond ``MOST_HIDDEN`` units."""
    if n_hidden > MOST_HIDDEN:
        raise ForecastError(
            f"rbm: {n_hidden} hidden units have {2.0**n_hidden:.3g} states; wanted at most "
            f"{MOST_HIDDEN} units to sum over all of them"
        )
    return torch.tensor(list(product((0.0, 1.0), repeat=n_hidden)), dtype=dtype)


def _log_weights(rbm: Rbm, h: Tensor) -> Tensor:
    """Log of the unnormalised probability of each hidden state, visible units summed out, (S,)."""
    field = h @ rbm.weight.T  # (S, V)
    energy = h @ rbm.hidden_bias  # (S,)
    if rbm.kind == "gaussian":
        n_visible = rbm.weight.shape[0]
        normal = 0.5 * n_visible * math.log(2 * math.pi)
        return energy + field @ rbm.visible_bias + 0.5 * field.square().sum(1) + normal
    return energy + torch.nn.functional.softplus(field + rbm.visible_bias).sum(1)


def log_partition(rbm: Rbm) -> Tensor:
    """Log of the sum (integral, for Gaussian units) of exp(-E) over all states, ()."""
    return torch.logsumexp(_log_weights(rbm, states(len(rbm.hidden_bias), rbm.weight.dtype)), 0)


def log_likelihood(rbm: Rbm, v: Tensor) -> Tensor:
    """Mean log probability (density) of rows: (B, V) -> ()."""
    return -rbm.free_energy(v).mean() - log_partition(rbm)


def gradient(rbm: Rbm, v: Tensor) -> Gradient:
    """Gradient of :func:`log_likelihood`, from exact expectations instead of a chain."""
    h = states(len(rbm.hidden_bias), rbm.weight.dtype)  # (S, H)
    share = torch.softmax(_log_weights(rbm, h), 0)[:, None]  # (S, 1)
    mean = rbm.visible_mean(h)  # (S, V)
    offset = mean - rbm.visible_bias if rbm.kind == "gaussian" else mean
    negative = Gradient(
        (share * mean).T @ h, (share * offset).sum(0), (share * h).sum(0)
    )  # fmt: skip
    positive = rbm.correlations(v, rbm.hidden_probability(v))
    return Gradient(*(p - n for p, n in zip(positive, negative, strict=True)))
