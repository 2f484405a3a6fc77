"""What a network must beat: no forecast at all, and the average return."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from annotated_types import Ge, Le

from tradewind.engine.errors import ForecastError
from tradewind.engine.features import log_return, volatility
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Panel
from tradewind.engine.tape import Tape, lay
from tradewind.forecasters import checkpoints
from tradewind.forecasters.bounds import check_bounds

Horizon = Annotated[int, Ge(1), Le(1_000)]


class _Baseline(ABC):
    """A rule without fitted state: bars up to t alone say what is forecast at t."""

    def __init__(self, **params: Any) -> None:
        check_bounds(type(self), params)
        self._params = params

    @property
    def horizon(self) -> int:
        """Bars ahead."""
        return int(self._params["horizon"])

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs."""
        return int(self._params["vol_lookback"]) + 1

    def fit(self, past: Panel) -> Self:
        """Check that there is history enough; nothing is learned.

        Raises
        ------
        ForecastError
            If no symbol has ``warmup`` bars.
        """
        longest = int((~np.isnan(past.close)).sum(axis=0).max(initial=0))
        if longest < self.warmup:
            raise ForecastError(
                f"{type(self).__name__}: the longest history has {longest} bars, a forecast needs "
                f"{self.warmup}; give more history or shorten the lookback"
            )
        return self

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """One row per bar ``first`` ... ``past.n_bars - 1``; see :class:`Forecasts`."""
        tape = lay(past)
        vol = volatility(tape, self._params["vol_lookback"])
        std = vol * np.sqrt(self.horizon)
        mean = self._mean(tape)
        unknown = ~(np.isfinite(mean) & (std > 0))  # a price that stands still has no scale
        mean[unknown] = np.nan
        std[unknown] = np.nan
        return Forecasts(tape.spread(mean)[first:], tape.spread(std)[first:], self.horizon)

    @abstractmethod
    def _mean(self, tape: Tape) -> Floats:
        """Expected log return over the horizon, shape (n_rows,)."""

    def save(self, folder: Path) -> None:
        """Write the parameters; see :func:`tradewind.forecasters.checkpoints.write`."""
        kind = type(self).__name__
        checkpoints.write(folder, checkpoints.Checkpoint(kind, self._params, {}, {}))

    def restore(self, folder: Path) -> Self:
        """Check that a checkpoint is this forecaster's; raises CheckpointError."""
        checkpoints.read(folder, kind=type(self).__name__, config=self._params)
        return self


class Naive(_Baseline):
    """Tomorrow's price is today's: mean 0, trailing volatility times sqrt(horizon).

    Parameters
    ----------
    horizon : int
        Bars ahead.
    vol_lookback : int
        Bars of the volatility.
    """

    def __init__(
        self, *, horizon: Horizon = 5, vol_lookback: Annotated[int, Ge(2), Le(5_000)] = 60
    ) -> None:
        super().__init__(horizon=horizon, vol_lookback=vol_lookback)

    def _mean(self, tape: Tape) -> Floats:
        return np.zeros(tape.n_rows)


class Drift(_Baseline):
    """The average return so far goes on; standard deviation as in :class:`Naive`.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    lookback : int or None
        Bars the average return is taken over; None = all since a symbol's first.
    vol_lookback : int
        Bars of the volatility.
    """

    def __init__(
        self,
        *,
        horizon: Horizon = 5,
        lookback: Annotated[int, Ge(1), Le(5_000)] | None = None,
        vol_lookback: Annotated[int, Ge(2), Le(5_000)] = 60,
    ) -> None:
        super().__init__(horizon=horizon, lookback=lookback, vol_lookback=vol_lookback)

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs."""
        return max(int(self._params["vol_lookback"]), int(self._params["lookback"] or 1)) + 1

    def _mean(self, tape: Tape) -> Floats:
        lookback: int | None = self._params["lookback"]
        if lookback is not None:
            return log_return(tape, lookback) * (self.horizon / lookback)
        mean = np.full(tape.n_rows, np.nan)
        since_first = tape.log_close - tape.log_close[tape.bounds[tape.symbol]]
        np.divide(since_first * self.horizon, tape.age, out=mean, where=tape.age > 0)
        return mean
