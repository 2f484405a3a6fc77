"""What portfolios are bred for, from equity curves as a run's report measures them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats

UPWARD = ("annual_return",)  # of the objectives those of which more is better
HOPELESS = 1e6  # objective of a portfolio that was ruined: behind every other


class Outcomes(NamedTuple):
    """Numbers of each portfolio over one span, arrays of shape (n_portfolios,)."""

    annual_return: Floats  # compound, after costs
    volatility: Floats  # standard deviation of a bar's return, annual
    max_drawdown: Floats  # fraction of the high lost at worst, >= 0
    cvar: Floats  # mean loss of the worst bars, fraction of equity, not annual
    turnover: Floats  # bought and sold a year, fraction of mean equity
    sharpe: Floats  # annual; NaN where flat
    final_equity: Floats  # account currency


def outcomes(
    equity: Floats, traded: Floats, *, bars_per_year: float, cvar_level: float
) -> Outcomes:
    """Measure equity curves.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_portfolios, n_bars)
        Account currency at each close.
    traded : ndarray of float64, shape (n_portfolios,)
        Value bought and sold, account currency.
    bars_per_year : float
    cvar_level : float
        Share of bars that are better than those averaged, e.g. 0.95.

    Notes
    -----
    Definitions are those of docs/metrics.md. A curve that touches zero has NaN everywhere but in
    ``final_equity``. CVaR is the mean of the ``ceil((1 - level) n)`` smallest returns, its sign
    turned.
    """
    n_bars = equity.shape[1]
    solvent = np.asarray(equity.min(axis=1) > 0.0)
    curves = np.where(solvent[:, None], equity, 1.0)
    returns = curves[:, 1:] / curves[:, :-1] - 1.0
    spread = returns.std(axis=1, ddof=1)
    scale = np.sqrt(bars_per_year)
    high = np.maximum.accumulate(curves, axis=1)
    tail = max(int(np.ceil((1.0 - cvar_level) * (n_bars - 1) - 1e-9)), 1)
    worst = np.partition(returns, tail - 1, axis=1)[:, :tail]
    years = (n_bars - 1) / bars_per_year
    with np.errstate(divide="ignore", invalid="ignore"):
        found = Outcomes(
            annual_return=np.expm1(np.log(curves[:, -1] / curves[:, 0]) / years),
            volatility=spread * scale,
            max_drawdown=1.0 - (curves / high).min(axis=1),
            cvar=-worst.mean(axis=1),
            turnover=traded / (curves[:, 1:].mean(axis=1) * years),
            sharpe=np.where(spread > 0.0, returns.mean(axis=1) / spread, np.nan) * scale,
            final_equity=equity[:, -1],
        )
    blank = {
        name: np.where(solvent, values, np.nan)
        for name, values in found._asdict().items()
        if name != "final_equity"
    }
    return found._replace(**blank)


def to_minimise(found: Outcomes, objectives: tuple[str, ...]) -> Floats:
    """Objectives as columns of which less is better, shape (n_portfolios, n_objectives)."""
    named: Mapping[str, Floats] = found._asdict()
    columns = [-named[name] if name in UPWARD else named[name] for name in objectives]
    return np.nan_to_num(np.column_stack(columns), nan=HOPELESS)
