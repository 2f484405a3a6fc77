"""A front in order: which portfolios stand out of it, and how much of it was luck."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tradewind.engine.evolving.objectives import Outcomes
from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats, Ints

CHOSEN = ("knee", "min_risk", "max_return")


def in_order(losses: Floats) -> Ints:
    """Places of a front from the least risk to the most; what is equal in every loss stands once.

    Parameters
    ----------
    losses : ndarray of float64, shape (n_portfolios, n_objectives)
        The second column is the risk.
    """
    _, first = np.unique(losses, axis=0, return_index=True)
    first = np.sort(first)
    rest = [losses[first, k] for k in range(losses.shape[1] - 1, -1, -1) if k != 1]
    return np.asarray(first[np.lexsort((*rest, losses[first, 1]))])


def knee(losses: Floats) -> int:
    """Place furthest from the line between the ends of a front, each objective from 0 to 1.

    With three objectives, from the plane through its ends. Ties go to the lesser risk.

    References
    ----------
    Das (1999), On characterizing the knee of the Pareto curve.
    """
    low, high = losses.min(axis=0), losses.max(axis=0)
    wide = high > low
    scaled = np.where(wide, (losses - low) / np.where(wide, high - low, 1.0), 0.0)
    return int(np.argmin(scaled.sum(axis=1)))


def chosen(losses: Floats) -> dict[str, int]:
    """Place of each portfolio that stands out of a front."""
    return {
        "knee": knee(losses),
        "min_risk": int(np.argmin(losses[:, 1])),
        "max_return": int(np.argmin(losses[:, 0])),
    }


def rank_correlation(one: Floats, other: Floats) -> float | None:
    """Spearman's; None where one of them does not vary."""
    from scipy.stats import rankdata

    if len(one) < 3 or np.ptp(one) == 0.0 or np.ptp(other) == 0.0:
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def optimism(train: Outcomes, test: Outcomes, picks: Mapping[str, int]) -> dict[str, Any]:
    """In-sample minus out-of-sample: of the whole front on average, and of those that stand out.

    Returns
    -------
    dict
        ``mean`` and each of ``picks`` -> ``annual_return``, ``sharpe``, ``volatility``,
        ``max_drawdown``; ``rank_correlation`` of in-sample and out-of-sample return and risk across
        the front.
    """
    names = ("annual_return", "sharpe", "volatility", "max_drawdown")
    gaps = {name: getattr(train, name) - getattr(test, name) for name in names}
    found: dict[str, Any] = {"mean": {name: float(np.mean(gap)) for name, gap in gaps.items()}}
    for pick, at in picks.items():
        found[pick] = {name: float(gap[at]) for name, gap in gaps.items()}
    found["rank_correlation"] = {
        name: rank_correlation(getattr(train, name), getattr(test, name)) for name in names
    }
    return jsonable(found)  # type: ignore[no-any-return]


def row(found: Outcomes, at: int) -> dict[str, float]:
    """Numbers of one portfolio."""
    return {name: float(values[at]) for name, values in found._asdict().items()}
