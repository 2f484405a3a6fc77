"""Learners that read a window as one row of numbers: what they share with the networks, and more.

Windows, targets, thinning and the purged split are those of the networks
(``inputs/framing.py``); a learner only says how it fits rows and what it then says
about others. It gives a mean; the standard deviation is that of its errors on the part of the
training time that it did not learn from.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.features import refuse_unmakeable
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.forecasters.bounds import check_bounds, check_features
from tradewind.forecasters.dividing import checked_part, fitted_alone
from tradewind.forecasters.inputs import windows
from tradewind.forecasters.inputs.framing import (
    FEATURES,
    POOLED,
    Count,
    Framing,
    Horizon,
    Share,
    TooFewWindowsError,
)
from tradewind.forecasters.inputs.scalings import Kind, Scales, check_kind, fit_scales, levelled
from tradewind.forecasters.inputs.windows import LIMIT, Samples

ROWS_A_CALL = 512  # of a prediction, about; a forest spends more on a call than on a row

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows to learn from or to be judged by.

    Attributes
    ----------
    x : ndarray of float32, shape (n_rows, window * n_features)
        Standardised features, oldest bar first.
    y : ndarray of float64, shape (n_rows,)
        Return in units of trailing volatility times sqrt(horizon), limited.
    """

    x: Rows
    y: Floats

    def and_then(self, other: "Part") -> "Part":
        """Both, one after the other."""
        return Part(np.concatenate((self.x, other.x)), np.concatenate((self.y, other.y)))


@dataclass(frozen=True, slots=True)
class Learnt:
    """One fitted learner.

    Attributes
    ----------
    model : object
        Whatever the family makes of it.
    scaling : Scales
        Of its inputs, from the fitting part.
    spread : float
        Root mean square error on rows it had not seen, in units of the target; > 0.
    n_samples : int
        Rows it was fitted on.
    curve : tuple of (float, float)
        Mean squared error in the part it learns from and the part it stops by, step by step, where
        it learns in steps.
    """

    model: Any
    scaling: Scales
    spread: float
    n_samples: int
    curve: tuple[tuple[float, float], ...] = ()


@dataclass(kw_only=True, eq=False)
class TabularForecaster(ABC):
    """Forecasts of a learner over flattened windows.

    A family is a dataclass of its own parameters; those below are every learner's.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    window : int
        Bars that make a row.
    features : tuple of str
        See :func:`tradewind.engine.features.known`.
    scaling : str
        What features are measured by: ``train``, ``symbol``, ``cross_section`` or ``window``; see
        :mod:`.scalings`.
    pooled : bool
        One learner for all symbols, or one for each.
    stride : int or None
        Every how many bars a training window is taken; None = the horizon where pooled, else 1.
    validation : float
        Last share of the training time: it stops or chooses, and gives the standard deviation.
    vol_lookback : int
        Bars of the volatility that returns are measured in.
    """

    horizon: Horizon = 5
    window: Annotated[int, Ge(1), Le(1_000)] = 20
    features: tuple[str, ...] = FEATURES
    scaling: Kind = "train"
    pooled: bool = True
    stride: Count | None = None
    validation: Share = 0.2
    vol_lookback: Annotated[int, Ge(2), Le(1_000)] = 60

    def __post_init__(self) -> None:
        """Refuse what cannot be used before anything is read."""
        self.features = tuple(self.features)
        check_bounds(type(self), self._params)
        check_kind(self.scaling, self.pooled, self._name)
        if self.scaling == "window" and self.window < 2:
            raise ConfigError(f"{self._name}: a window of one bar has no level of its own to leave")
        check_features(self.features, self._name)
        _ = self.warmup  # looks every feature up
        self._learnt: dict[str, Learnt] | None = None
        self._only: tuple[str, ...] | None = None
        self._notes: tuple[str, ...] = ()

    @abstractmethod
    def _learn(self, fitting: Part, stopping: Part) -> tuple[Any, float, list[tuple[float, float]]]:
        """(model, root mean square error on ``stopping``, learning curve)."""

    @abstractmethod
    def _say(self, model: Any, x: Rows) -> Floats:
        """What a model says about rows, shape (n_rows,)."""

    @property
    def _params(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def _framing(self) -> Framing:
        stride = self.horizon if self.pooled else 1
        return Framing(
            self._name, self.features, self.window, self.horizon,
            stride if self.stride is None else self.stride, self.validation, self.vol_lookback,
        )  # fmt: skip

    @cached_property
    def warmup(self) -> int:
        """Closed bars a prediction needs: a window of which each bar has all its features."""
        return self._framing.warmup

    def check_before_fit(self, panel: Panel) -> None:
        """Refuse features that ``panel`` cannot give.

        Raises
        ------
        ConfigError
        """
        refuse_unmakeable(self.features, panel)

    @property
    def n_samples(self) -> int:
        """Rows all learners were fitted on."""
        return sum(one.n_samples for one in (self._learnt or {}).values())

    @property
    def history(self) -> tuple[dict[str, Any], ...]:
        """Learning curves of learners that learn in steps; empty before a fit."""
        return tuple(
            {"network": name, "epoch": step, "fitting": pair[0], "stopping": pair[1]}
            for name, one in (self._learnt or {}).items()
            for step, pair in enumerate(one.curve, start=1)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Which symbols the last fit had too little history for."""
        return self._notes

    def for_symbols(self, names: Sequence[str]) -> Self:
        """Equal forecaster that fits and predicts the learners of these symbols alone.

        Symbols with too little history get no forecast, as among all; that there is none left is
        no error of a part.

        Raises
        ------
        ForecastError
            If one learner serves all symbols, or no symbol is named.
        """
        only = checked_part(names, pooled=self.pooled, who=self._name)
        part = type(self)(**self._params)
        part._only = only
        return part

    def fit(self, past: Panel) -> Self:
        """Learn from ``past`` alone and forget earlier fits.

        Raises
        ------
        ForecastError
            If history is too short, a feature has no values or does not vary, or the learner
            fails.
        """
        labelled, scale = self._framing.labelled(past)
        self._notes = ()
        if self.pooled:
            self._learnt = {POOLED: self._fit_one(labelled, scale, self._name)}
            return self
        fitted, refusals = {}, []
        for symbol in fitted_alone(self._only, past, self._name):
            own = labelled.where(labelled.symbol == past.symbols.index(symbol))
            try:
                fitted[symbol] = self._fit_one(own, scale, f"{self._name}, {symbol}")
            except TooFewWindowsError as error:
                refusals.append(error)
        if not fitted and self._only is None:
            raise refusals[0]
        self._learnt = fitted
        self._notes = tuple(f"no learner: {refusal}" for refusal in refusals)
        return self

    def _fit_one(self, samples: Samples, scale: Floats, where: str) -> Learnt:
        fitting, stopping = self._framing.split(samples, where)
        scaling = fit_scales(self.scaling, fitting, where=where)
        table = scaling.rows(samples.table, 0, samples.table.tape.n_rows)
        parts = [self._part(part, table, scale) for part in (fitting, stopping)]
        model, spread, curve = self._learn(*parts)
        if not (np.isfinite(spread) and spread > 0):
            raise ForecastError(
                f"{where}: the error on the validation part is {spread}; wanted a finite number "
                "> 0. Look at the targets, or at the learner's parameters"
            )
        return Learnt(model, scaling, spread, fitting.n, tuple(curve))

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """One row per bar ``first`` ... ``past.n_bars - 1``; NaN without a complete window.

        Raises
        ------
        ForecastError
            If nothing was fitted, or a learner says something that is no number.
        """
        learnt = self._learnt_or_raise("predict")
        samples, scale = self._framing.samples(past)
        wanted = (samples.bar >= first) & (scale[samples.row] > 0)
        mean = np.full((past.n_bars - first, past.n_symbols), np.nan)
        std = mean.copy()
        for name, one in learnt.items():
            column = past.symbols.index(name) if name in past.symbols else -1
            own = samples.where(wanted & (self.pooled | (samples.symbol == column)))
            if own.n == 0:
                continue
            slots = own.symbol if self.pooled else own.symbol * 0
            said = self._said(one, own, slots, past.n_symbols if self.pooled else 1)
            at = (own.bar - first, own.symbol)
            mean[at], std[at] = said * scale[own.row], one.spread * scale[own.row]
        return Forecasts(mean, std, self.horizon)

    def _said(self, one: Learnt, samples: Samples, slots: Ints, width: int) -> Floats:
        """What one learner says about windows, the same whatever else is asked with them.

        Every bar has a fixed place in calls of one size, as in
        :meth:`tradewind.forecasters.training.fitted.Fitted.outputs` and for the same reason.
        """
        per_call = max(1, ROWS_A_CALL // width)
        table = one.scaling.rows(samples.table, 0, samples.table.tape.n_rows)
        view = windows.windows(table, samples.window)
        calls, at = np.unique(samples.bar // per_call, return_inverse=True)
        row = samples.bar % per_call * width + slots
        said = np.empty((len(calls), per_call * width))
        for k in range(len(calls)):
            mine = at == k
            x = np.zeros((per_call * width, samples.window * table.shape[1]), np.float32)
            x[row[mine]] = self._flat(view[samples.row[mine] - samples.window + 1])
            said[k] = self._say(one.model, x)
        out = np.asarray(said[at, row])
        if not np.isfinite(out).all():
            raise ForecastError(f"{self._name}: the learner said {out[~np.isfinite(out)][0]}")
        return out

    def _part(self, samples: Samples, table: Rows, scale: Floats) -> Part:
        """Rows and targets of samples, from a scaled table."""
        view = windows.windows(table, samples.window)
        target = np.clip(samples.target / scale[samples.row], -LIMIT, LIMIT)
        return Part(self._flat(view[samples.row - samples.window + 1]), target)

    def _flat(self, windows_of: npt.NDArray[Any]) -> Rows:
        """(n, T, F) -> (n, T * F), oldest bar first."""
        if self.scaling == "window":
            windows_of = levelled(windows_of)
        flat: Rows = np.ascontiguousarray(windows_of).reshape(len(windows_of), -1)
        return flat

    def _learnt_or_raise(self, what: str) -> dict[str, Learnt]:
        if self._learnt is None:
            raise ForecastError(f"{self._name}: {what} before fit; call fit(past) first")
        return self._learnt


def root_mean_square(errors: Floats) -> float:
    """Square root of the mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))
