"""Positions by what they would have earned after costs."""

from typing import cast

import numpy as np
import torch
from torch import Tensor

from tradewind.engine.records import Bools, Floats, Ints
from tradewind.forecasters.heads.base import Head
from tradewind.forecasters.inputs.windows import LIMIT, Samples
from tradewind.forecasters.readings import Position

START = 0.5  # |position| of the constant; its Sharpe ratio is that of any other
LEAST_VARIANCE = 1e-8  # of net returns in units of scale: a book of nothing divides by it
KEPT, FLAT, UNKNOWN = 0.0, 1.0, 2.0  # what was held before: the row above, nothing, who knows


class PositionHead(Head):
    """Position in [-1, 1] of a book in which each symbol has the same volatility.

    A position p is p / scale of capital. Moving it costs ``cost_bps`` of what is traded, so a
    holding period earns ``p * return / scale - cost * |p / scale - its value before|``. The first
    window of a symbol pays for its whole position; the first of a later run pays nothing, because
    what was held before it is not in the batch.

    References
    ----------
    Lim, Zohren and Roberts (2019) for the Sharpe loss and turnover; DeePM (arXiv 2601.05975) for
    the soft minimum over stretches of time.
    """

    def __init__(self, width: int, reading: Position | None = None) -> None:
        super().__init__(width, reading or Position())

    @property
    def rule(self) -> Position:
        """Costs and objective."""
        return cast(Position, self.reading)

    def targets(self, samples: Samples, scale: Floats) -> Floats:
        """Return in units of scale, cost of one unit of position, what was before it; (n, 3)."""
        gain = np.clip(np.expm1(samples.target) / scale, -LIMIT, LIMIT)
        toll = 1e-4 * self.rule.cost_bps / scale
        run, first = self._runs(samples)
        starts = np.diff(run, prepend=-1) != 0
        before = np.where(first, FLAT, np.where(starts, UNKNOWN, KEPT))
        return np.stack((gain, toll, before), axis=1)

    def runs(self, samples: Samples) -> Ints:
        """Number of the run each sample belongs to, (n,)."""
        return self._runs(samples)[0]

    def _runs(self, samples: Samples) -> tuple[Ints, Bools]:
        """Run of each sample, and whether it is its symbol's first, (n,) both.

        A run ends with its symbol, where a holding period is missing, and at its full length.
        """
        first = np.diff(samples.symbol, prepend=-1) != 0
        broken = first | (np.diff(samples.bar, prepend=-1) != samples.horizon)
        row = np.arange(samples.n)
        since = row - np.maximum.accumulate(np.where(broken, row, 0))
        starts = broken | (since % self.rule.run == 0)
        return np.cumsum(starts) - 1, first

    def cut(self, target: Floats, starts: Bools) -> Floats:
        """What was held before a marked row is not in the batch."""
        made = target.copy()
        made[starts & (target[:, 2] == KEPT), 2] = UNKNOWN
        return made

    def start_at(self, target: Tensor) -> None:
        """Always long or always short, whichever is better."""
        ones = torch.full((len(target), 1), START, dtype=target.dtype)  # (n, 1)
        better = float(self.loss(ones, target)) <= float(self.loss(-ones, target))
        self._start(float(np.arctanh(START if better else -START)))

    def bend(self, raw: Tensor) -> Tensor:
        """(B, 1): position."""
        position: Tensor = torch.tanh(raw)
        return position

    def net(self, output: Tensor, target: Tensor) -> Tensor:
        """Net return of each holding period in units of scale: (B, 1), (B, 3) -> (B,)."""
        position = output[:, 0]  # (B,)
        gain, toll, before = target.unbind(1)  # (B,), (B,), (B,)
        held = position * toll  # (B,) what buying it all would cost
        above = torch.cat((torch.zeros_like(held[:1]), held[:-1]))  # (B,)
        moved = held - torch.where(before == KEPT, above, 0.0)  # (B,)
        return position * gain - torch.where(before == UNKNOWN, 0.0, moved.abs())  # (B,)

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Minus the net return of each holding period: (B, 1), (B, 3) -> (B,)."""
        return -self.net(output, target)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Minus the objective, per holding period: (B, 1), (B, 3) -> ()."""
        net = self.net(output, target)  # (B,)
        if self.rule.objective == "mean":
            return -net.mean()
        spread = torch.sqrt(net.var(correction=0) + LEAST_VARIANCE)  # ()
        if self.rule.objective == "sharpe":
            return -net.mean() / spread
        run = torch.cumsum(target[:, 2] != KEPT, 0)  # (B,)
        run = run - run[0]
        empty = net.new_zeros(int(run[-1]) + 1)  # (n_runs,)
        size = empty.index_add(0, run, torch.ones_like(net))  # (n_runs,)
        sharpe = empty.index_add(0, run, net) / size / spread  # (n_runs,)
        soft: Tensor = torch.logsumexp(-sharpe / self.rule.temperature, 0) - np.log(len(size))
        return soft * self.rule.temperature  # ()
