"""What weights may be, and what a method may know to find them."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats, Ints

SLACK = 1e-9


class Limits(NamedTuple):
    """Bounds of the weights of n names.

    Attributes
    ----------
    low, high : ndarray of float64, shape (n,)
    group : ndarray of int64, shape (n,)
        Number of each name's sector, -1: none.
    group_cap : float
        Largest share of ``gross`` that one sector may hold in absolute weights; inf: any.
    net : float
        Sum of the weights: 1 for a long portfolio, 0 for a neutral one.
    gross : float
        Largest sum of absolute weights.
    """

    low: Floats
    high: Floats
    group: Ints
    group_cap: float
    net: float
    gross: float

    @property
    def long_only(self) -> bool:
        """Whether no weight can be negative, so that ``net`` is the gross weight as well."""
        return bool((self.low >= 0.0).all())

    @property
    def sectors(self) -> Ints:
        """Numbers of the sectors that are capped."""
        return np.unique(self.group[self.group >= 0]) if np.isfinite(self.group_cap) else EMPTY

    @property
    def sector_most(self) -> float:
        """Largest absolute weight of a sector."""
        return self.group_cap * self.gross


class Estimates(NamedTuple):
    """What a method may use of n names at one formation.

    Attributes
    ----------
    returns : ndarray of float64, shape (n_obs, n)
        Simple returns, oldest first, without gaps.
    covariance : ndarray of float64, shape (n, n)
        Of one bar's returns.
    mean : ndarray of float64, shape (n,)
        Expected return of one bar; zeros where nothing is expected.
    score : ndarray of float64, shape (n,)
        Of the selector; NaN without one.
    """

    returns: Floats
    covariance: Floats
    mean: Floats
    score: Floats


EMPTY = np.empty(0, np.int64)


def refuse_contradiction(limits: Limits) -> None:
    """Raise StrategyError, naming both sides, where no weights keep the limits."""
    low, high = limits.low, limits.high
    if (low > high + SLACK).any():
        i = int(np.flatnonzero(low > high + SLACK)[0])
        raise StrategyError(f"name {i} is to weigh at least {low[i]:g} and at most {high[i]:g}")
    if abs(limits.net) > limits.gross + SLACK:
        raise StrategyError(f"weights of gross {limits.gross:g} cannot add up to {limits.net:g}")
    least, most = float(low.sum()), float(high.sum())
    if limits.long_only:
        most = float(high[limits.group < 0].sum()) if limits.sectors.size else most
        for number in limits.sectors:
            of = limits.group == number
            if low[of].sum() > limits.sector_most + SLACK:
                raise StrategyError(
                    f"sector {number} is to weigh at least {low[of].sum():g} and at most "
                    f"{limits.sector_most:g}"
                )
            most += min(float(high[of].sum()), limits.sector_most)
    if not least - SLACK <= limits.net <= most + SLACK:
        capped = " with the caps of their sectors" if limits.sectors.size else ""
        raise StrategyError(
            f"weights between bounds that add up to {least:g} and {most:g}{capped} cannot add up "
            f"to {limits.net:g}"
        )
