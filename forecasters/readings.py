"""What the outputs of a network mean, in numpy: for heads, and for those who serve without torch.

A head learns in torch; what its last layer gives is read here, so that a process that trades reads
the same numbers and never loads torch.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats

LOG_STD_LIMIT = 4.0  # |log std| in units of trailing volatility: beyond it lies no market


class Said(NamedTuple):
    """What a head says about windows, in log return over the horizon."""

    mean: Floats  # (n,)
    std: Floats  # (n,) > 0
    quantiles: Floats  # (n, n_levels)


class Reading(ABC):
    """From the last layer of a network to a forecast.

    Attributes
    ----------
    levels : tuple of float
        Probabilities of the quantiles it gives.
    """

    levels: tuple[float, ...] = ()

    @abstractmethod
    def bend(self, raw: Floats) -> Floats:
        """Outputs of a head from those of its linear layer, (n, K) -> (n, K); as its forward."""

    @abstractmethod
    def said(self, output: Floats, scale: Floats) -> Said:
        """Forecast from outputs (n, K) where a return is measured in units of scale (n,)."""


class GaussianReading(Reading):
    """Mean and log standard deviation."""

    def bend(self, raw: Floats) -> Floats:
        """See :class:`Reading`."""
        output = raw.copy()
        output[:, 1] = LOG_STD_LIMIT * np.tanh(raw[:, 1] / LOG_STD_LIMIT)
        return output

    def said(self, output: Floats, scale: Floats) -> Said:
        """See :class:`Reading`."""
        none = np.empty((len(output), 0))
        return Said(output[:, 0] * scale, np.exp(output[:, 1]) * scale, none)


READINGS: Mapping[str, Reading] = {"gaussian": GaussianReading()}
