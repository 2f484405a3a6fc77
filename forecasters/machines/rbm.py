"""Restricted Boltzmann machines and contrastive divergence.

Visible units are Gaussian with unit variance (inputs are z-scores) or binary; hidden units are
binary. Everything is a matrix product over a batch, on one torch thread, with random numbers from
a generator that is handed in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from tradewind.engine.errors import ForecastError

ONE_TO_TWO = np.uint32(0x3F800000)  # exponent of a float32 in [1, 2)

Visible = Literal["gaussian", "bernoulli"]


class Gradient(NamedTuple):
    """Direction in which the mean log likelihood of a batch rises, or an estimate of it."""

    weight: Tensor  # (V, H)
    visible: Tensor  # (V,)
    hidden: Tensor  # (H,)


@dataclass(frozen=True, slots=True)
class Rbm:
    """A machine with ``exp(-E(v, h))`` as its unnormalised probability.

    E = |v - a|^2 / 2 - b.h - v.W.h for Gaussian visible units, -a.v - b.h - v.W.h for binary ones.

    Attributes
    ----------
    weight : Tensor, shape (V, H)
    visible_bias : Tensor, shape (V,)
    hidden_bias : Tensor, shape (H,)
    kind : "gaussian" or "bernoulli"

    References
    ----------
    Welling, Rosen-Zvi and Hinton (2005) for Gaussian visible units.
    """

    weight: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor
    kind: Visible

    @classmethod
    def drawn(
        cls,
        n_visible: int,
        n_hidden: int,
        kind: Visible,
        generator: Generator,
        *,
        std: float = 0.01,
        dtype: torch.dtype = torch.float32,
    ) -> "Rbm":
        """Small random weights and no biases (Hinton 2012, section 8)."""
        weight = torch.randn(n_visible, n_hidden, generator=generator, dtype=dtype) * std
        visible, hidden = (torch.zeros(n, dtype=dtype) for n in (n_visible, n_hidden))
        return cls(weight, visible, hidden, kind)

    def hidden_probability(self, v: Tensor) -> Tensor:
        """P(h = 1 | v): (B, V) -> (B, H)."""
        return (v @ self.weight).add_(self.hidden_bias).sigmoid_()  # addmm takes twice as long

    def visible_mean(self, h: Tensor) -> Tensor:
        """E[v | h]: (B, H) -> (B, V)."""
        field = (h @ self.weight.T).add_(self.visible_bias)
        return field if self.kind == "gaussian" else field.sigmoid_()

    def visible_sample(self, h: Tensor, dice: "Dice") -> Tensor:
        """A draw of v | h: (B, H) -> (B, V)."""
        mean = self.visible_mean(h)
        if self.kind == "gaussian":
            return mean + torch.randn(mean.shape, generator=dice.generator, dtype=mean.dtype)
        return dice.units(mean)

    def free_energy(self, v: Tensor) -> Tensor:
        """-log of the sum over h of exp(-E(v, h)): (B, V) -> (B,)."""
        inside = softplus(torch.addmm(self.hidden_bias, v, self.weight)).sum(1)  # (B,)
        if self.kind == "gaussian":
            return 0.5 * (v - self.visible_bias).square().sum(1) - inside
        return -(v @ self.visible_bias) - inside

    def reconstruction(self, v: Tensor) -> Tensor:
        """Visible means after one mean-field pass down and up again: (B, V) -> (B, V)."""
        return self.visible_mean(self.hidden_probability(v))

    def correlations(self, v: Tensor, h: Tensor) -> Gradient:
        """Mean of -dE/dparameter over pairs of rows: (B, V), (B, H)."""
        n = len(v)
        offset = v.sum(0) / n
        if self.kind == "gaussian":
            offset -= self.visible_bias
        return Gradient(v.T @ h / n, offset, h.sum(0) / n)


class Dice:
    """Draws of units, four times as fast as torch's own, which are most of a step's time.

    Parameters
    ----------
    generator : Generator
        Decides all that is drawn; Gaussian noise comes from it itself.

    Notes
    -----
    Numbers of 23 bits from numpy's SFC64 (O'Neill and Doty-Humphrey): a probability is met to one
    part in eight million.
    """

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        seed = torch.randint(2**62, (1,), generator=generator)
        self._raw = np.random.SFC64(int(seed))

    def units(self, probability: Tensor) -> Tensor:
        """Ones with the probabilities given, zeros otherwise."""
        n = probability.numel()
        bits = np.asarray(self._raw.random_raw((n + 1) // 2)).view(np.uint32)[:n]
        np.right_shift(bits, 9, out=bits)
        np.bitwise_or(bits, ONE_TO_TWO, out=bits)  # a float32 from 1 up to 2
        draw = torch.from_numpy(bits.view(np.float32)).view(probability.shape)
        return torch.lt(draw, probability + 1.0, out=torch.empty_like(probability))


def divergence(
    rbm: Rbm,
    v: Tensor,
    *,
    steps: int,
    dice: Dice,
    chain: Tensor | None = None,
    noise: bool = False,
) -> tuple[Gradient, Tensor]:
    """Contrastive divergence: data against what a short chain makes of it.

    Hidden states are sampled on the way, probabilities are used at both ends, and visible units
    take their means unless ``noise`` asks for draws (Hinton 2012, section 3).

    Parameters
    ----------
    rbm : Rbm
    v : Tensor, shape (B, V)
    steps : int
        k of CD-k, >= 1.
    dice : Dice
    chain : Tensor, shape (C, V), or None
        Where the chain stands, for persistent CD (Tieleman 2008); None: it begins at ``v``.
    noise : bool
        A chain is a sample of the machine only with it; persistent chains want it.

    Returns
    -------
    gradient : Gradient
        Direction of ascent.
    chain : Tensor
        Where the chain ends.
    """
    told = rbm.hidden_probability(v)  # (B, H)
    positive = rbm.correlations(v, told)
    h = told if chain is None else rbm.hidden_probability(chain)
    for _ in range(steps):
        state = dice.units(h)  # (B, H)
        made = rbm.visible_sample(state, dice) if noise else rbm.visible_mean(state)
        h = rbm.hidden_probability(made)  # (B, H)
    negative = rbm.correlations(made, h)
    return Gradient(*(p - n for p, n in zip(positive, negative, strict=True))), made


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a machine learns; defaults of Hinton (2012), "A practical guide to training RBMs".

    Attributes
    ----------
    epochs : int
    batch : int
        Rows per step.
    learning_rate : float
        Per row of a batch's mean; a tenth of it suits binary units for Gaussian ones (section 13).
    first_momentum, momentum : float
        Before and from ``settled`` epochs on (section 9).
    settled : int
    weight_decay : float
        Of the weights, not of the biases (section 10).
    steps : int
        k of CD-k.
    persistent : bool
        Whether chains go on from batch to batch.
    """

    epochs: int = 20
    batch: int = 100
    learning_rate: float = 0.01
    first_momentum: float = 0.5
    momentum: float = 0.9
    settled: int = 5
    weight_decay: float = 2e-4
    steps: int = 1
    persistent: bool = False


class Epoch(NamedTuple):
    """How a machine stands after an epoch; epoch 0 is before the first.

    ``gap`` is the mean free energy of rows held back minus that of rows learned from: it grows
    where the machine learns its rows by heart (Hinton 2012, section 6).
    """

    reconstruction: float  # mean squared error per visible unit
    free_energy: float
    gap: float


def train(
    rbm: Rbm,
    rows: Tensor,
    held_back: Tensor,
    schedule: Schedule,
    generator: Generator,
    *,
    watch: Callable[[Epoch], None] | None = None,
) -> tuple[Epoch, ...]:
    """Fit a machine in place.

    Parameters
    ----------
    rbm : Rbm
    rows, held_back : Tensor, shape (n, V)
        To learn from, and to compare free energies with.
    schedule : Schedule
    generator : Generator
        Of batches and states.
    watch : callable, optional
        Called before the first epoch and after each.

    Returns
    -------
    tuple of Epoch
        Beginning with epoch 0.

    Raises
    ------
    ForecastError
        If there are no rows or the weights cease to be numbers.
    """
    if not len(rows) or not len(held_back):
        raise ForecastError(
            f"rbm: {len(rows)} rows to learn from and {len(held_back)} held back; wanted some of "
            "both"
        )
    dice = Dice(generator)
    sample = rows[: max(len(held_back), schedule.batch)]
    speed = Gradient(*(torch.zeros_like(p) for p in _parameters(rbm)))
    chain = rows[: schedule.batch].clone() if schedule.persistent else None
    curve = [_standing(rbm, sample, held_back)]
    if watch is not None:
        watch(curve[0])
    for epoch in range(schedule.epochs):
        momentum = schedule.momentum if epoch >= schedule.settled else schedule.first_momentum
        for at in torch.split(torch.randperm(len(rows), generator=generator), schedule.batch):
            gradient, chain_end = divergence(
                rbm, rows.index_select(0, at), steps=schedule.steps, dice=dice, chain=chain,
                noise=schedule.persistent,
            )  # fmt: skip
            chain = chain_end if schedule.persistent else None
            _ascend(rbm, gradient, speed, momentum, schedule)
        curve.append(_standing(rbm, sample, held_back))
        _refuse_explosion(curve[-1], epoch + 1, schedule)
        if watch is not None:
            watch(curve[-1])
    return tuple(curve)


def _parameters(rbm: Rbm) -> tuple[Tensor, Tensor, Tensor]:
    return rbm.weight, rbm.visible_bias, rbm.hidden_bias


def _ascend(
    rbm: Rbm, gradient: Gradient, speed: Gradient, momentum: float, schedule: Schedule
) -> None:
    """One step along the gradient, with momentum; weights decay, biases do not."""
    rate = schedule.learning_rate
    speed.weight.mul_(momentum).add_(gradient.weight, alpha=rate)
    speed.weight.add_(rbm.weight, alpha=-rate * schedule.weight_decay)
    speed.visible.mul_(momentum).add_(gradient.visible, alpha=rate)
    speed.hidden.mul_(momentum).add_(gradient.hidden, alpha=rate)
    for parameter, step in zip(_parameters(rbm), speed, strict=True):
        parameter.add_(step)


def _standing(rbm: Rbm, rows: Tensor, held_back: Tensor) -> Epoch:
    energy = float(rbm.free_energy(rows).mean())
    error = float((rbm.reconstruction(held_back) - held_back).square().mean())
    return Epoch(error, energy, float(rbm.free_energy(held_back).mean()) - energy)


def _refuse_explosion(epoch: Epoch, number: int, schedule: Schedule) -> None:
    if not all(torch.isfinite(torch.tensor(epoch))):
        raise ForecastError(
            f"rbm: its free energy became {epoch.free_energy} in epoch {number} at learning_rate "
            f"{schedule.learning_rate:g}; lower learning_rate, or standardise the rows"
        )
