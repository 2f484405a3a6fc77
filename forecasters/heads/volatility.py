"""Volatility over the horizon by QLIKE."""

from math import log

import numpy as np
import torch
from torch import Tensor

from tradewind.engine.records import Floats
from tradewind.forecasters.heads.base import Head, limited, unlimited
from tradewind.forecasters.heads.gaussian import LEAST_SPREAD
from tradewind.forecasters.inputs.windows import LIMIT, Samples
from tradewind.forecasters.readings import LOG_STD_LIMIT, Volatility


class VolatilityHead(Head):
    """Log of the root of expected realised variance.

    QLIKE is least at the expected variance however noisy its proxy (Patton 2011), and defined
    where nothing was traded and realised variance is zero.
    """

    def __init__(self, width: int, reading: Volatility | None = None) -> None:
        super().__init__(width, reading or Volatility())

    def targets(self, samples: Samples, scale: Floats) -> Floats:
        """Sum of squared one-bar log returns over the horizon, in units of scale squared, (n,)."""
        squares = _squares(samples.table.tape.panel.close)  # (n_bars, n_symbols)
        so_far = np.cumsum(squares, axis=0)
        bar, symbol = samples.bar, samples.symbol
        variance = so_far[bar + samples.horizon, symbol] - so_far[bar, symbol]
        return np.clip(variance / scale**2, 0.0, LIMIT**2)

    def start_at(self, target: Tensor) -> None:
        """Mean realised variance."""
        log_std = 0.5 * log(max(float(target.double().mean()), LEAST_SPREAD))
        self._start(unlimited(log_std, LOG_STD_LIMIT))

    def bend(self, raw: Tensor) -> Tensor:
        """(B, 1): log volatility in units of scale."""
        return limited(raw, LOG_STD_LIMIT)

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """QLIKE, less what no forecast can change: (B, 1), (B,) -> (B,)."""
        log_std = output[:, 0]  # (B,)
        return log_std + 0.5 * target * torch.exp(-2.0 * log_std)  # (B,)


def _squares(close: Floats) -> Floats:
    """Squared log return since a symbol's bar before; 0 where it has none."""
    rows = np.arange(len(close))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(close), 0, rows), axis=0)
    log_close = np.log(np.take_along_axis(close, last, axis=0))
    steps = np.diff(log_close, axis=0, prepend=log_close[:1])
    return np.nan_to_num(steps) ** 2
