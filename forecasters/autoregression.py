"""Autoregression by least squares: the linear rule a network over the same returns must beat."""

from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.features import log_return, volatility
from tradewind.engine.features.tape import Tape, lay
from tradewind.engine.records import ELIGIBLE, Bools, Floats, Ints, Panel
from tradewind.engine.scoring.evaluation import realised
from tradewind.forecasters import checkpoints
from tradewind.forecasters.baselines import Baseline, Horizon, Learned, VolLookback

LEAST_ROWS = 32  # samples of one regression
ROWS_PER_COEFFICIENT = 4
POOLED = "all symbols"


class Ar(Baseline):
    """AR(p), fitted directly for the return over the horizon.

    The return over the next ``horizon`` bars is regressed on a constant and the last ``lags``
    one-bar returns, all in units of the trailing volatility: least squares weighted by the inverse
    variance. The standard deviation is that of the residuals, in the same units.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    lags : int
        One-bar returns looked at.
    pooled : bool
        One regression for all symbols, or one for each.
    vol_lookback : int
        Bars of the volatility.

    References
    ----------
    Marcellino, Stock and Watson (2006) compare direct with iterated forecasts.
    """

    def __init__(
        self,
        *,
        horizon: Horizon = 5,
        lags: Annotated[int, Ge(1), Le(250)] = 5,
        pooled: bool = False,
        vol_lookback: VolLookback = 60,
    ) -> None:
        super().__init__(horizon=horizon, lags=lags, pooled=pooled, vol_lookback=vol_lookback)

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs."""
        return max(int(self._params["vol_lookback"]), int(self._params["lags"])) + 1

    def _learn(self, past: Panel) -> Learned:
        tape = lay(past)
        regressors = self._regressors(tape)
        target = tape.take(realised(past, self.horizon)) / self._scale(tape)
        known = np.isfinite(target) & np.isfinite(regressors).all(axis=1)
        if ELIGIBLE in past.columns:
            known &= past.marked(ELIGIBLE)[tape.bar, tape.symbol]
        found: Learned = {}
        for name, rows in self._groups(tape, past):
            own = rows[known[rows]]
            if len(own) >= self._least:
                found[name] = _least_squares(regressors[own], target[own])
        if not found:
            raise ForecastError(
                f"{self._name}: at most {_most(known, tape)} samples of one symbol; a regression "
                f"on {self._params['lags']} lags wants {self._least}. Give more history, fewer "
                "lags, or pooled: true"
            )
        return found

    @property
    def _least(self) -> int:
        return max(LEAST_ROWS, ROWS_PER_COEFFICIENT * (int(self._params["lags"]) + 1))

    def _groups(self, tape: Tape, past: Panel) -> list[tuple[str, Ints]]:
        """(name, rows of the tape) of each regression."""
        if self._params["pooled"]:
            return [(POOLED, np.arange(tape.n_rows))]
        ends = tape.bounds
        return [(name, np.arange(ends[k], ends[k + 1])) for k, name in enumerate(past.symbols)]

    def _regressors(self, tape: Tape) -> Floats:
        """A one and the last returns in units of volatility, shape (n_rows, 1 + lags)."""
        vol = volatility(tape, self._params["vol_lookback"])
        unit = np.where(vol > 0, vol, np.nan)
        returns = log_return(tape, 1)
        out = np.ones((tape.n_rows, 1 + int(self._params["lags"])))
        for lag in range(out.shape[1] - 1):
            out[:, 1 + lag] = tape.lag(returns, lag) / unit
        return out

    def _of_each_row(self, tape: Tape) -> Floats:
        """What was learned, for each row of the tape, shape (n_rows, 2 + lags); NaN where nothing.

        Constant, coefficient of each lag, standard deviation of the residual.
        """
        names = tape.panel.symbols
        table = np.full((len(names), 2 + int(self._params["lags"])), np.nan)
        for k, name in enumerate(names):
            own = self._learned.get(POOLED if self._params["pooled"] else name)
            if own is not None:
                table[k] = own
        return np.asarray(table[tape.symbol])

    def _mean(self, tape: Tape) -> Floats:
        regressors, learned = self._regressors(tape), self._of_each_row(tape)
        total = np.zeros(tape.n_rows)
        for k in range(regressors.shape[1]):  # in turn: a product of matrices may round by shape
            total += regressors[:, k] * learned[:, k]
        return total * self._scale(tape)

    def _std(self, tape: Tape) -> Floats:
        return np.asarray(self._of_each_row(tape)[:, -1] * self._scale(tape))

    def _check(self, folder: Path, found: checkpoints.Arrays) -> None:
        wanted = (2 + int(self._params["lags"]),)
        wrong = [name for name, array in found.items() if array.shape != wanted]
        if wrong or not found:
            held = f"{wrong[0]} of shape {found[wrong[0]].shape}" if wrong else "no regression"
            raise CheckpointError(f"{folder}: holds {held}, wanted shape {wanted}; fit again")


def _least_squares(regressors: Floats, target: Floats) -> Floats:
    """Coefficients and the residuals' standard deviation, shape (n_columns + 1,).

    The normal equations are summed column by column, not by a matrix kernel, whose rounding depends
    on the number of threads; the numbers are of the order of one, so nothing is lost by squaring.
    """
    n_rows, n_columns = regressors.shape
    gram = np.empty((n_columns, n_columns))
    for k in range(n_columns):
        gram[k, k:] = gram[k:, k] = (regressors[:, k:] * regressors[:, k : k + 1]).sum(axis=0)
    moment = (regressors * target[:, None]).sum(axis=0)
    coefficients = np.linalg.pinv(gram, hermitian=True) @ moment
    residual = target - (regressors * coefficients).sum(axis=1)
    spread = np.sqrt((residual**2).sum() / (n_rows - n_columns))
    return np.append(coefficients, spread)


def _most(known: Bools, tape: Tape) -> int:
    """Samples of the symbol that has most."""
    return int(np.bincount(tape.symbol[known], minlength=1).max())
