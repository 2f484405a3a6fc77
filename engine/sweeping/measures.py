"""Metrics of curves by their names in metrics.json, only those that are asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tradewind.engine.records import Floats
from tradewind.engine.scoring import metrics
from tradewind.engine.scoring.sharpe import sharpe_ratio
from tradewind.engine.scoring.statistics import FLAT

Curve = Callable[[Floats, Floats, float], float]
"""From equity, its returns and bars per year to a number, as ``metrics.growth`` computes it."""


def short(name: str) -> str:
    """Path below ``metrics.json`` of a metric: one without a block is the strategy's."""
    return name if "." in name else f"strategy.{name}"


def _sharpe(equity: Floats, returns: Floats, per_year: float) -> float:
    return float(sharpe_ratio(returns) * np.sqrt(per_year))


def _volatility(equity: Floats, returns: Floats, per_year: float) -> float:
    return float(returns.std(ddof=1) * np.sqrt(per_year)) if len(returns) > 1 else float("nan")


def _total(equity: Floats, returns: Floats, per_year: float) -> float:
    return float(equity[-1] / equity[0]) - 1.0 if equity[0] > 0 else float("nan")


def _annual(equity: Floats, returns: Floats, per_year: float) -> float:
    return metrics.annual_return(equity, per_year)


def _drawdown(equity: Floats, returns: Floats, per_year: float) -> float:
    if equity[0] <= 0:
        return float("nan")
    under = (equity / np.maximum.accumulate(equity) - 1.0).min()
    return -float(under) if under < 0 else 0.0


def _final(equity: Floats, returns: Floats, per_year: float) -> float:
    return float(equity[-1])


QUICK: Mapping[str, Curve] = {
    "strategy.sharpe": _sharpe,
    "strategy.annual_volatility": _volatility,
    "strategy.total_return": _total,
    "strategy.annual_return": _annual,
    "strategy.max_drawdown": _drawdown,
    "strategy.final_equity": _final,
}
GROWTH = (
    "n_returns", "final_equity", "total_return", "annual_return", "annual_volatility", "sharpe",
    "sharpe_se", "sharpe_se_hac", "sortino", "calmar", "max_drawdown", "max_drawdown_bars",
    "longest_drawdown_bars", "best_bar", "worst_bar",
)  # fmt: skip


def of_curve(names: Iterable[str]) -> bool:
    """Whether a curve is enough to know all of them."""
    return all(name.removeprefix("strategy.") in GROWTH for name in names)


def measured(equity: Floats, names: Iterable[str], per_year: float) -> list[float]:
    """Numbers of an equity curve that starts at its first entry.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_bars,)
    names : iterable of str
        Of :data:`GROWTH`, with ``strategy.`` before them.
    per_year : float
        Bars a year.

    Returns
    -------
    list of float
        To the last bit what ``metrics.json`` holds of a run with this curve; NaN where it has null.
    """
    names = list(names)
    returns = metrics.bar_returns(equity)
    rest = [name for name in names if name not in QUICK]
    grown = metrics.growth(equity, per_year) if rest else {}
    return [
        QUICK[name](equity, returns, per_year)
        if name in QUICK
        else number(grown[name.removeprefix("strategy.")])
        for name in names
    ]


def of_rows(curves: Floats, names: Sequence[str], per_year: float) -> Floats:
    """Numbers of many curves at once, bit for bit those of :func:`measured`.

    Parameters
    ----------
    curves : ndarray of float64, shape (n_curves, n_bars)
    names : sequence of str
    per_year : float

    Returns
    -------
    ndarray of float64, shape (n_curves, n_names)
    """
    solvent = (curves > 0.0).all(axis=1)
    if curves.shape[1] < 3 or not solvent.all() or not set(names) <= set(BY_ROW):
        return np.array([measured(curve, names, per_year) for curve in curves])
    returns = curves[:, 1:] / curves[:, :-1] - 1.0
    return np.column_stack([BY_ROW[name](curves, returns, per_year) for name in names])


def _sharpe_rows(curves: Floats, returns: Floats, per_year: float) -> Floats:
    high, low = returns.max(axis=1), returns.min(axis=1)
    flat = high - low <= FLAT * np.maximum(1.0, np.maximum(np.abs(high), np.abs(low)))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = returns.mean(axis=1) / returns.std(axis=1, ddof=1) * np.sqrt(per_year)
    return np.where(flat, np.nan, found)


def _drawdown_rows(curves: Floats, returns: Floats, per_year: float) -> Floats:
    under = (curves / np.maximum.accumulate(curves, axis=1) - 1.0).min(axis=1)
    return np.where(under < 0, -under, 0.0)


BY_ROW: Mapping[str, Callable[[Floats, Floats, float], Floats]] = {
    "strategy.sharpe": _sharpe_rows,
    "strategy.max_drawdown": _drawdown_rows,
}


def number(found: Any) -> float:
    """A finite number, or NaN."""
    if found is None or isinstance(found, str | dict | list):
        return float("nan")
    value = float(found)
    return value if np.isfinite(value) else float("nan")


def at(tree: Mapping[str, Any], name: str) -> float:
    """Number at a path of metrics.json; NaN where there is none."""
    node: Any = tree
    for part in name.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return number(node)


def paths(tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Every path of metrics.json that holds a number or null."""
    found = []
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found += paths(value, f"{path}.")
        elif not isinstance(value, str | list | tuple):
            found.append(path)
    return found
