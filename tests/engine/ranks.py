"""A selector in a file of its own, as a user writes one."""

from typing import Annotated, Self

import numpy as np
from annotated_types import Ge

from tradewind.engine.records import Floats, Panel


class PastReturn:
    """Ranks by the return over some bars."""

    horizon = 5

    def __init__(self, *, lookback: Annotated[int, Ge(1)] = 20) -> None:
        self.lookback = lookback
        self.n_samples = 0

    @property
    def warmup(self) -> int:
        return self.lookback + 1

    def fit(self, past: Panel) -> Self:
        self.n_samples = past.n_bars
        return self

    def score(self, past: Panel, *, first: int) -> Floats:
        close = np.log(past.close)
        gain = close[first:] - close[first - self.lookback : past.n_bars - self.lookback]
        return np.asarray(gain)


class NextReturn(PastReturn):
    """Ranks by what is not known yet."""

    def score(self, past: Panel, *, first: int) -> Floats:
        close = np.log(past.close)
        return np.asarray(np.append(np.diff(close, axis=0), close[-1:] * 0.0, axis=0)[first:])
