"""What weights are estimated from: returns without gaps, their covariance and their mean."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Bools, Floats, Ints, Panel
from tradewind.strategies.allocating.choice import newest_rows
from tradewind.strategies.allocating.settings import Estimation
from tradewind.strategies.weighting import covariance as covariances


class History(NamedTuple):
    """Closes of a panel as returns are made of them."""

    close: Floats  # (n_bars, n_symbols) adjusted forward, NaN where there is no bar
    carried: Floats  # the last close up to each bar, NaN before the first


def history_of(adjusted: Panel) -> History:
    """Closes, and closes carried over gaps."""
    close = adjusted.close
    rows = np.where(np.isnan(close), -1, np.arange(len(close))[:, None])
    last = np.maximum.accumulate(rows, axis=0) if len(close) else rows
    carried = np.where(last >= 0, np.take_along_axis(close, np.maximum(last, 0), axis=0), np.nan)
    return History(close, np.asarray(carried))


def known_enough(history: History, bar: int, told: Estimation) -> Bools:
    """Names whose lookback a covariance can be estimated from, shape (n_symbols,).

    A close at or before its first bar, at most ``max_gaps`` of its bars missing, and some move.
    """
    first = bar - told.lookback
    bars = history.close[first + 1 : bar + 1]
    missing = np.isnan(bars).sum(axis=0)
    held = history.carried[first : bar + 1]
    moved = (held != held[0]).any(axis=0)
    begun = ~np.isnan(held[0])
    return np.asarray(begun & moved & (missing <= told.max_gaps * told.lookback))


def returns_at(history: History, bar: int, columns: Ints, told: Estimation) -> Floats:
    """Simple returns of the lookback, oldest first, shape (lookback, n).

    A bar that is missing is a return of zero; the first bar after a gap has the whole move.
    """
    closes = history.carried[bar - told.lookback : bar + 1][:, columns]
    return np.asarray(closes[1:] / closes[:-1] - 1.0)


def covariance_at(returns: Floats, told: Estimation) -> Floats:
    """Covariance of one bar's returns, shape (n, n)."""
    if told.covariance == "sample":
        return covariances.sample(returns)
    if told.covariance == "ewma":
        return covariances.exponential(returns, halflife=told.halflife)
    if told.covariance == "ledoit_wolf":
        return covariances.ledoit_wolf(returns)
    most = min(returns.shape) - 1  # a small portfolio has fewer components than were asked for
    if most < 1:
        return covariances.sample(returns)
    return covariances.factor(returns, n_factors=min(told.n_factors, most))


class Outlooks(NamedTuple):
    """What is expected of each name, per bar; None: the mean of the lookback."""

    mean: Floats | None  # (n_bars, n_symbols) of forecasts
    scores: Floats | None  # (n_bars, n_symbols) to be turned into returns
    newest: Ints  # (n_bars,)


def outlooks_of(told: Estimation, signals: Signals) -> Outlooks:
    """Where expected returns come from; raises StrategyError where it is not there."""
    forecasts, scores = signals.forecasts, signals.scores
    source = told.mean
    if source is None:
        source = "forecasts" if forecasts is not None else "history"
        source = "scores" if forecasts is None and scores is not None else source
    if source == "forecasts":
        if forecasts is None:
            raise StrategyError(
                "allocation: 'mean: forecasts' needs a 'forecaster:' block in the config"
            )
        mean = forecasts.mean / forecasts.horizon
        return Outlooks(mean, None, newest_rows(mean, len(mean)))
    if source == "scores":
        if scores is None:
            raise StrategyError(
                "allocation: 'mean: scores' needs a 'selector:' block in the config"
            )
        return Outlooks(None, scores, newest_rows(scores, len(scores)))
    return Outlooks(None, None, np.empty(0, np.int64))


def mean_at(
    outlooks: Outlooks, bar: int, columns: Ints, returns: Floats, told: Estimation
) -> Floats:
    """Expected return of one bar, shape (n,).

    Scores become returns as volatility x information coefficient x standard score (Grinold 1994).

    Raises
    ------
    StrategyError
        If nothing is said about one of the names.
    """
    said = outlooks.mean if outlooks.mean is not None else outlooks.scores
    if said is None:
        return np.asarray(returns.mean(axis=0))
    row = outlooks.newest[bar]
    values = said[row, columns] if row >= 0 else np.full(len(columns), np.nan)
    if not np.isfinite(values).all():
        n = int((~np.isfinite(values)).sum())
        raise StrategyError(f"nothing is forecast for {n} of {len(columns)} names")
    if outlooks.mean is not None:
        return np.asarray(values)
    spread = float(values.std())
    if not spread > 0.0:
        return np.zeros(len(columns))
    return np.asarray(told.ic * returns.std(axis=0) * (values - values.mean()) / spread)
