"""From the past of a panel to windows with outcomes: what could leak stands here, once."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from tradewind.engine.errors import ForecastError
from tradewind.engine.features import Feature, column, feature, table
from tradewind.engine.features import warmup as warmup_of
from tradewind.engine.features.tape import Tape
from tradewind.engine.records import ELIGIBLE, Floats, Panel
from tradewind.forecasters.inputs import windows
from tradewind.forecasters.inputs.windows import Samples

POOLED = "all symbols"
FEATURES = (
    "scaled_return_1",
    "scaled_return_5",
    "scaled_return_20",
    "range",
    "volume_20",
    "log_vol_20",
    "ta.momentum_rsi",
    "ta.trend_macd_diff",
)

Count = Annotated[int, Ge(1), Le(10_000)]
Horizon = Annotated[int, Ge(1), Le(1_000)]
Share = Annotated[float, Gt(0), Lt(1)]
Seed = Annotated[int, Ge(0), Lt(2**31)]

LEAST_FITTING, LEAST_STOPPING = 64, 16  # windows; fewer say nothing about a network


class TooFewWindowsError(ForecastError):
    """Not enough windows to train one learner."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How a learner looks at history.

    Attributes
    ----------
    name : str
        Whose messages these are.
    features : tuple of str
        At least one; see :func:`tradewind.engine.features.known`.
    window, horizon : int
        Bars looked back at, and ahead.
    stride : int
        Every how many bars a training window is taken.
    validation : float
        Last share of the training time, kept to stop by.
    vol_lookback : int
        Bars of the volatility that returns are measured in.
    stateful : bool
        It carries a state from a symbol's first bar instead of reading windows; ``window`` is then
        the number of bars before it speaks.
    """

    name: str
    features: tuple[str, ...]
    window: int
    horizon: int
    stride: int
    validation: float
    vol_lookback: int
    stateful: bool = False

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs: a window of which each bar has all its features."""
        needed = self.window + warmup_of(self.features) - 1
        return max(needed, self._volatility.warmup)

    @property
    def _volatility(self) -> Feature:
        return feature(f"vol_{self.vol_lookback}")

    def volatility(self, tape: Tape) -> Floats:
        """What returns are measured in, over one bar, (n_rows,)."""
        return column(tape, self._volatility.name)

    def samples(self, past: Panel) -> tuple[Samples, Floats]:
        """Every complete window, and the scale of a return at every row of the table.

        Returns
        -------
        samples : Samples
        scale : ndarray of float64, shape (n_rows,)
            Trailing volatility times sqrt(horizon).
        """
        made = table(past, self.features)
        scale = self.volatility(made.tape) * np.sqrt(self.horizon)
        if self.stateful:
            return windows.after(made, steps=self.window, horizon=self.horizon), scale
        return windows.cut(made, window=self.window, horizon=self.horizon), scale

    def labelled(self, past: Panel) -> tuple[Samples, Floats]:
        """Windows to learn from: of eligible bars, of known outcome, of a scale that is not zero.

        Raises
        ------
        ForecastError
            If there is no complete window at all, or none of an eligible bar; the message says why.
        """
        samples, scale = self.samples(past)
        self._refuse_none(samples, past)
        eligible = past.marked(ELIGIBLE)[samples.bar, samples.symbol]
        if not eligible.any():
            raise ForecastError(
                f"{self.name}: none of the {samples.n} windows ends on an eligible bar, so there "
                "is nothing to learn from; look at data.universe, or give more history"
            )
        known = np.isfinite(samples.target) & (scale[samples.row] > 0)
        return windows.thin(samples.where(known & eligible), self.stride), scale

    def split(self, samples: Samples, where: str) -> tuple[Samples, Samples]:
        """Part to fit on and part to stop by, with a purge between; raises TooFewWindowsError."""
        if samples.n:
            fitting, stopping = windows.split(samples, self.validation)
            if fitting.n >= LEAST_FITTING and stopping.n >= LEAST_STOPPING:
                return fitting, stopping
            found = f"{fitting.n} windows to fit on and {stopping.n} to stop by"
        else:
            found = "no window with a known outcome"
        raise TooFewWindowsError(
            f"{where}: {found}; wanted {LEAST_FITTING} and {LEAST_STOPPING}. A window takes "
            f"{self.warmup} bars and its outcome {self.horizon} more; one in {self.stride} bars "
            "is taken. Give more history, or lower 'window' or 'stride'"
        )

    def _refuse_none(self, samples: Samples, past: Panel) -> None:
        """Say why there is not a single window."""
        if samples.n:
            return
        made = samples.table
        longest = int(made.tape.age.max(initial=-1)) + 1
        if longest < self.warmup:
            raise ForecastError(
                f"{self.name}: the longest history has {longest} bars; a window of "
                f"{self.window} over features that need {warmup_of(self.features)} takes "
                f"{self.warmup}. Give more history or shorten 'window'"
            )
        for k, name in enumerate(made.names):
            if np.isnan(made.values[:, k]).all():
                raise ForecastError(
                    f"{self.name}: feature {name!r} has no value on any of {made.tape.n_rows} "
                    "bars; leave it out of 'features', or look at the data it is made from"
                )
        raise ForecastError(
            f"{self.name}: no run of {self.window} bars in which all of "
            f"{', '.join(made.names)} have values, in {past.n_bars} bars of {past.n_symbols} "
            "symbols; shorten 'window' or look for gaps in the data"
        )
