"""ARIMA and exponential smoothing, chosen and fitted per symbol by statsforecast.

Only the choice and the fit are the library's. Both models are linear in what has been seen, so a
block is forecast by filtering forward with the parameters of the fit: no bar costs a fit of its
own, and none sees a later one.
"""

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from annotated_types import Ge, Le

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.features import log_return
from tradewind.engine.features.tape import Tape, lay
from tradewind.engine.records import Floats, Panel
from tradewind.forecasters import checkpoints
from tradewind.forecasters.baselines import Baseline, Horizon, Learned
from tradewind.forecasters.dividing import checked_part, fitted_alone
from tradewind.forecasters.optional import importing, require

MEMORY = 100  # returns an ARIMA forecast looks back at
LONGEST_ROOT = 0.95  # of the moving-average part; to the power of MEMORY it is below 0.01
NEGLIGIBLE = 1e-12

Order = Annotated[int, Ge(0), Le(10)]


class _PerSymbol(Baseline):
    """A model of statsforecast for each symbol, kept as a vector of numbers."""

    pooled: ClassVar[bool] = False  # so that processes share the symbols

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._only: tuple[str, ...] | None = None
        require("statsforecast", who=self._name, extra="ml")

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs."""
        return MEMORY + 1

    def for_symbols(self, names: Sequence[str]) -> Self:
        """Equal forecaster that fits and predicts the models of these symbols alone.

        Raises
        ------
        ForecastError
            If no symbol is named.
        """
        only = checked_part(names, pooled=self.pooled, who=self._name)
        part = type(self)(**self._params)
        part._only = only
        return part

    def _learn(self, past: Panel) -> Learned:
        with importing("statsforecast", who=self._name, extra="ml"):
            from statsforecast import models
        tape = lay(past)
        found: Learned = {}
        for name in fitted_alone(self._only, past, self._name):
            own = _path(tape, past.symbols.index(name))
            if len(own) < self.warmup or not np.diff(own).any():
                continue  # too short, or a price that stands still
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    found[name] = self._fit_one(models, own)
                except Exception as error:
                    raise ForecastError(
                        f"{self._name}: statsforecast could not fit {name} "
                        f"({type(error).__name__}: {error}); leave the symbol out"
                    ) from error
        if not found and self._only is None:
            raise ForecastError(
                f"{self._name}: every symbol with {self.warmup} bars stands still; look at the data"
            )
        return found

    @abstractmethod
    def _fit_one(self, models: Any, log_close: Floats) -> Floats:
        """Numbers that say all there is to say about one symbol's model."""

    @property
    @abstractmethod
    def _width(self) -> int:
        """How many numbers that are."""

    def _of_each_symbol(self, tape: Tape) -> Floats:
        """What was learned, shape (n_symbols, width); NaN where nothing."""
        table = np.full((tape.panel.n_symbols, self._width), np.nan)
        for k, name in enumerate(tape.panel.symbols):
            if name in self._learned:
                table[k] = self._learned[name]
        return table

    def _check(self, folder: Path, found: checkpoints.Arrays) -> None:
        wrong = [name for name, array in found.items() if array.shape != (self._width,)]
        if wrong or not (found or self._only):
            held = f"{wrong[0]} of shape {found[wrong[0]].shape}" if wrong else "no model"
            raise CheckpointError(f"{folder}: holds {held}, wanted ({self._width},); fit again")


class AutoArima(_PerSymbol):
    """ARMA on one-bar log returns, orders chosen by an information criterion.

    The forecast is the sum of the next ``horizon`` expected returns, written as weights of the last
    100 returns; the standard deviation is the model's own. A moving-average part that does not
    forget within them (it nearly cancels an autoregressive one) is not used: the best pure
    autoregression is then.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    max_p, max_q : int
        Largest orders tried.
    criterion : str
        What chooses: ``aicc``, ``aic`` or ``bic``.

    References
    ----------
    Hyndman and Khandakar (2008), the stepwise search; differences are not tested for, since returns
    are the difference of prices already.
    """

    def __init__(
        self,
        *,
        horizon: Horizon = 5,
        max_p: Order = 5,
        max_q: Order = 5,
        criterion: Literal["aicc", "aic", "bic"] = "aicc",
    ) -> None:
        super().__init__(horizon=horizon, max_p=max_p, max_q=max_q, criterion=criterion)

    @property
    def _width(self) -> int:
        return MEMORY + 2  # expected return, weights, standard deviation

    def _fit_one(self, models: Any, log_close: Floats) -> Floats:
        returns = np.diff(log_close)
        for max_q in (self._params["max_q"], 0):
            model = models.AutoARIMA(
                d=0, seasonal=False, ic=self._params["criterion"],
                max_p=self._params["max_p"], max_q=max_q,
            ).fit(returns).model_  # fmt: skip
            ar, ma = _named(model["coef"], "ar"), _named(model["coef"], "ma")
            if not ma.size or np.abs(np.roots(np.append(1.0, ma))).max() <= LONGEST_ROOT:
                break
        mean = float(model["coef"].get("intercept", 0.0))
        weights = arma_weights(ar, ma, self.horizon)
        spread = arma_spread(ar, ma, self.horizon) * float(model["sigma2"]) ** 0.5
        return np.concatenate(([mean], weights, [spread]))

    def _mean(self, tape: Tape) -> Floats:
        table = self._of_each_symbol(tape)
        mean, weights = table[tape.symbol, 0], table[:, 1:-1]
        returns = log_return(tape, 1)
        total = self.horizon * mean
        for lag in np.flatnonzero((np.nan_to_num(weights) != 0).any(axis=0)):
            total += weights[tape.symbol, lag] * (tape.lag(returns, int(lag)) - mean)
        total[tape.age < MEMORY] = np.nan
        return np.asarray(total)

    def _std(self, tape: Tape) -> Floats:
        return np.asarray(self._of_each_symbol(tape)[tape.symbol, -1])


class AutoEts(_PerSymbol):
    """Exponential smoothing of the log price: a level with or without a (damped) trend.

    Additive errors, no season; which trend, the corrected information criterion chooses. Level and
    trend are filtered forward from the first bar given, as in the fit.

    Parameters
    ----------
    horizon : int
        Bars ahead.
    damped : bool or None
        Whether a trend is damped; None: whatever fits better.

    References
    ----------
    Hyndman, Koehler, Ord and Snyder (2008), table 6.1 for the variance.
    """

    def __init__(self, *, horizon: Horizon = 5, damped: bool | None = None) -> None:
        super().__init__(horizon=horizon, damped=damped)

    @property
    def _width(self) -> int:
        return 6  # alpha, beta, phi, first level above the first price, first trend, sigma

    def _fit_one(self, models: Any, log_close: Floats) -> Floats:
        model = models.AutoETS(season_length=1, model="AZN", damped=self._params["damped"])
        fitted = model.fit(log_close).model_
        alpha, beta, _, phi = np.nan_to_num(fitted["par"][:4])
        has_trend = fitted["components"][1] != "N"
        is_damped = fitted["components"][3] != "N"
        level, trend = fitted["states"][0][:2] if has_trend else (fitted["states"][0][0], 0.0)
        return np.array(
            [alpha, beta if has_trend else 0.0, (phi if is_damped else 1.0) if has_trend else 0.0,
             level - log_close[0], trend, float(fitted["sigma2"]) ** 0.5]
        )  # fmt: skip

    def _mean(self, tape: Tape) -> Floats:
        mean = np.full(tape.n_rows, np.nan)
        for k, (alpha, beta, phi, above, trend, _) in enumerate(self._of_each_symbol(tape)):
            rows = slice(tape.bounds[k], tape.bounds[k + 1])
            prices = _path(tape, k).tolist()
            if not prices or np.isnan(alpha):
                continue
            damping = float((phi ** np.arange(1, self.horizon + 1)).sum())
            level, said = prices[0] + float(above), []
            for price in prices:
                error = price - level - phi * trend
                level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
                said.append(level + damping * trend - price)
            mean[rows] = said
        mean[tape.age < MEMORY] = np.nan
        return mean

    def _std(self, tape: Tape) -> Floats:
        alpha, beta, phi, _, _, sigma = self._of_each_symbol(tape).T
        reach, variance = np.zeros(len(alpha)), np.ones(len(alpha))
        for step in range(1, self.horizon):
            reach = reach + phi**step
            variance = variance + (alpha + beta * reach) ** 2
        return np.asarray((sigma * np.sqrt(variance))[tape.symbol])


def _path(tape: Tape, symbol: int) -> Floats:
    """Log price of a symbol from zero, shape (n_rows,).

    From the ratio of prices, so that the level, which later splits restate, moves no bit: the
    search for parameters takes other steps on another level.
    """
    close = tape.close[tape.bounds[symbol] : tape.bounds[symbol + 1]]
    return np.log(close / close[:1])


def _named(coefficients: dict[str, float], prefix: str) -> Floats:
    """``ar1``, ``ar2`` ... in order."""
    n = sum(name.startswith(prefix) for name in coefficients)
    return np.array([float(coefficients[f"{prefix}{i}"]) for i in range(1, n + 1)])


def arma_weights(ar: Floats, ma: Floats, horizon: int) -> Floats:
    """Weights of the last 100 returns in the expected sum of the next ``horizon``.

    Parameters
    ----------
    ar, ma : ndarray of float64, shape (p,) and (q,)
        Of ``w = sum ar w(-i) + e + sum ma e(-j)``, the mean taken off.
    horizon : int

    Returns
    -------
    ndarray of float64, shape (100,)
        Newest first. What is older is cut.
    """
    lags = np.eye(MEMORY + horizon, MEMORY)  # row m: the return m bars ago, in returns
    past = np.zeros((len(ma), MEMORY))  # row m: the shock m bars ago, in returns
    inverse = arma_inverse(ar, ma, MEMORY)
    for m in range(len(ma)):
        past[m, m:] = inverse[: MEMORY - m]
    steps: list[Floats] = []
    for k in range(1, horizon + 1):
        step = np.zeros(MEMORY)
        for i, coefficient in enumerate(ar, start=1):
            step += coefficient * (steps[k - i - 1] if k > i else lags[i - k])
        for j, coefficient in enumerate(ma, start=1):
            if j >= k:
                step += coefficient * past[j - k]
        steps.append(step)
    total = np.sum(steps, axis=0)
    total[np.abs(total) < NEGLIGIBLE] = 0.0
    return np.asarray(total)


def arma_inverse(ar: Floats, ma: Floats, n: int) -> Floats:
    """Weights of the last ``n`` returns in the present shock, shape (n,), newest first."""
    out = np.zeros(n)
    for j in range(n):
        own = 1.0 if j == 0 else -ar[j - 1] if j <= len(ar) else 0.0
        out[j] = own - sum(ma[i - 1] * out[j - i] for i in range(1, min(j, len(ma)) + 1))
    return out


def arma_spread(ar: Floats, ma: Floats, horizon: int) -> float:
    """Standard deviation of the sum of the next ``horizon`` returns, shocks of variance one."""
    response = np.zeros(horizon)
    for k in range(horizon):
        own = 1.0 if k == 0 else ma[k - 1] if k <= len(ma) else 0.0
        response[k] = own + sum(ar[i - 1] * response[k - i] for i in range(1, min(k, len(ar)) + 1))
    return float(np.sqrt((np.cumsum(response) ** 2).sum()))
