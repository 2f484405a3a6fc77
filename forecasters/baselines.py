"""What a network must beat: no forecast at all, the average return, and a moving average of it."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.features import log_return, volatility
from tradewind.engine.features.tape import Tape, lay
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Panel
from tradewind.forecasters import checkpoints
from tradewind.forecasters.bounds import check_bounds

Horizon = Annotated[int, Ge(1), Le(1_000)]
VolLookback = Annotated[int, Ge(2), Le(5_000)]
HalfLife = Annotated[float, Ge(1), Le(500)]

Learned = dict[str, npt.NDArray[np.float64]]
FORGOTTEN = 7  # half-lives after which a weight is below a hundredth of the newest, and cut


class Baseline(ABC):
    """A rule over a symbol's own bars, with little or nothing that is learned.

    A rule that learns gives :meth:`_learn`; what it returns is handed back to :meth:`_mean` and
    :meth:`_std` as ``self._learned`` and kept by a checkpoint.
    """

    def __init__(self, **params: Any) -> None:
        check_bounds(type(self), params)
        self._params = params
        self._learned: Learned = {}
        self._is_fitted = not self._learns

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def horizon(self) -> int:
        """Bars ahead."""
        return int(self._params["horizon"])

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs."""
        return int(self._params["vol_lookback"]) + 1

    def fit(self, past: Panel) -> Self:
        """Learn from ``past`` alone what there is to learn, and forget earlier fits.

        Raises
        ------
        ForecastError
            If no symbol has the history it takes.
        """
        longest = int((~np.isnan(past.close)).sum(axis=0).max(initial=0))
        if longest < self.warmup:
            raise ForecastError(
                f"{self._name}: the longest history has {longest} bars, a forecast needs "
                f"{self.warmup}; give more history or shorten the lookback"
            )
        self._learned = self._learn(past)
        self._is_fitted = True
        return self

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """One row per bar ``first`` ... ``past.n_bars - 1``; see :class:`Forecasts`.

        Raises
        ------
        ForecastError
            If the rule has to learn and was not fitted.
        """
        self._require_fit("predict")
        tape = lay(past)
        mean, std = self._mean(tape), self._std(tape)
        unknown = ~(np.isfinite(mean) & (std > 0))  # a price that stands still has no scale
        mean[unknown] = np.nan
        std[unknown] = np.nan
        return Forecasts(tape.spread(mean)[first:], tape.spread(std)[first:], self.horizon)

    @abstractmethod
    def _mean(self, tape: Tape) -> Floats:
        """Expected log return over the horizon, shape (n_rows,)."""

    def _std(self, tape: Tape) -> Floats:
        """Standard deviation of the same, shape (n_rows,)."""
        return self._scale(tape)

    def _scale(self, tape: Tape) -> Floats:
        """Trailing volatility times sqrt(horizon), shape (n_rows,)."""
        vol = volatility(tape, self._params["vol_lookback"])
        return np.asarray(vol * np.sqrt(self.horizon))

    def _learn(self, past: Panel) -> Learned:
        """Numbers fitted on ``past``, by name."""
        return {}

    @property
    def _learns(self) -> bool:
        return type(self)._learn is not Baseline._learn

    def _require_fit(self, what: str) -> None:
        if not self._is_fitted:
            raise ForecastError(f"{self._name}: {what} before fit; call fit(past) or restore first")

    def save(self, folder: Path) -> None:
        """Write parameters and what was learned; see :func:`checkpoints.write`.

        Raises
        ------
        ForecastError
            If the rule has to learn and was not fitted.
        CheckpointError
            If the folder cannot be written.
        """
        self._require_fit("save")
        kept = checkpoints.Checkpoint(self._name, self._params, {}, self._learned)
        checkpoints.write(folder, kept)

    def restore(self, folder: Path) -> Self:
        """Take over a saved state; raises CheckpointError where anything does not match."""
        kept = checkpoints.read(folder, kind=self._name, config=self._params)
        for name, array in kept.weights.items():
            if array.dtype != np.float64 or not np.isfinite(array).all():
                raise CheckpointError(
                    f"{folder}: {name} holds {array.dtype} numbers or some that are not finite, "
                    "wanted finite float64; fit again"
                )
        self._check(folder, kept.weights)
        self._learned = dict(kept.weights)
        self._is_fitted = True
        return self

    def _check(self, folder: Path, found: checkpoints.Arrays) -> None:
        """Refuse arrays of other names and shapes than :meth:`_learn` gives."""
        if not self._learns and found:
            raise CheckpointError(
                f"{folder}: holds numbers {sorted(found)} that {self._name} does not learn; "
                "fit again"
            )


class Naive(Baseline):
    """Tomorrow's price is today's: mean 0, trailing volatility times sqrt(horizon).

    Parameters
    ----------
    horizon : int
        Bars ahead.
    vol_lookback : int
        Bars of the volatility.
    """

    def __init__(self, *, horizon: Horizon = 5, vol_lookback: VolLookback = 60) -> None:
        super().__init__(horizon=horizon, vol_lookback=vol_lookback)

    def _mean(self, tape: Tape) -> Floats:
        return np.zeros(tape.n_rows)


class Drift(Baseline):
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
        vol_lookback: VolLookback = 60,
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
        since_first = tape.log_close - tape.log_close[tape.first]
        np.divide(since_first * self.horizon, tape.age, out=mean, where=tape.age > 0)
        return mean


class Ewma(Baseline):
    """Exponentially weighted mean and volatility of one-bar log returns.

    Weights halve every so many bars and are cut after seven half-lives, so that a forecast does not
    depend on where history begins.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    halflife : float
        Bars after which a return counts half in the mean.
    vol_halflife : float
        The same for the volatility, whose mean is taken as zero; 11.2 is the decay of 0.94 that
        RiskMetrics (1996) uses for daily returns.
    """

    def __init__(
        self, *, horizon: Horizon = 5, halflife: HalfLife = 20.0, vol_halflife: HalfLife = 11.2
    ) -> None:
        super().__init__(horizon=horizon, halflife=halflife, vol_halflife=vol_halflife)

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs."""
        longest = max(self._params["halflife"], self._params["vol_halflife"])
        return _weighted_bars(longest) + 1

    def _mean(self, tape: Tape) -> Floats:
        return _weighted(tape, log_return(tape, 1), self._params["halflife"]) * self.horizon

    def _std(self, tape: Tape) -> Floats:
        square = _weighted(tape, log_return(tape, 1) ** 2, self._params["vol_halflife"])
        return np.asarray(np.sqrt(square * self.horizon))


def _weighted_bars(halflife: float) -> int:
    """Bars that carry a weight."""
    return int(np.ceil(FORGOTTEN * halflife))


def _weighted(tape: Tape, values: Floats, halflife: float) -> Floats:
    """Exponentially weighted mean of a symbol's last bars, shape (n_rows,); NaN where too few.

    The lags are added one after the other: no row's last bit depends on how many rows there are.
    """
    weights = 0.5 ** (np.arange(_weighted_bars(halflife)) / halflife)
    total = np.zeros(tape.n_rows)
    for lag, weight in enumerate(weights / weights.sum()):
        total += weight * tape.lag(values, lag)
    return total
