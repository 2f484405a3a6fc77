"""From what came of each formation to the row of a selector: means, errors, costs and alpha."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.config.bench import SelectorBench
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.factors import factor_returns
from tradewind.engine.feeds.portfolios import read_portfolios
from tradewind.engine.records import Bools, Floats, Ints, Panel
from tradewind.engine.scoring.newey_west import newey_west_intercept
from tradewind.engine.scoring.rank_series import RankSeries
from tradewind.engine.scoring.ranking import known_mean, summary

BPS = 1e-4


class Beside(NamedTuple):
    """What all selectors are compared with.

    Attributes
    ----------
    factors : ndarray of float64, shape (n_formations, n_factors), or None
        Return of each factor over the days of each formation; NaN where the file lacks one.
    reference : mapping or None
        Row of the published portfolios: ``name``, ``n``, ``spread``, ``alpha``, ``groups``.
    """

    factors: Floats | None
    reference: Mapping[str, Any] | None

    def take(self, formations: Bools) -> "Beside":
        """Factors of those formations that a mask names; what is published has no periods."""
        return Beside(None if self.factors is None else self.factors[formations], None)


def row_of(
    one: RankSeries,
    others: Mapping[str, RankSeries],
    beside: Beside,
    cost: float | None,
    step: int,
) -> dict[str, Any]:
    """Numbers of one selector.

    Parameters
    ----------
    one : RankSeries
    others : mapping of str to RankSeries
        Whom it is compared with, by their names.
    beside : Beside
    cost : float or None
        Of one side of a trade, basis points; None where the config's costs have no such number.
    step : int
        Formations within one horizon.
    """
    overlap, spread = step - 1, one.spread
    less = {name: known_mean(spread - its.spread, overlap) for name, its in others.items()}
    return {
        **summary(one, step),
        "net": None if cost is None else known_mean(spread - cost * BPS * one.traded, overlap),
        "less": less,
        "alpha": _alpha(spread, beside.factors, overlap),
    }


def _alpha(spread: Floats, factors: Floats | None, overlap: int) -> dict[str, Any] | None:
    if factors is None:
        return None
    known = np.isfinite(spread) & np.isfinite(factors).all(axis=1)
    return newey_west_intercept(spread[known], factors[known], overlap=overlap)._asdict()


def beside_of(bench: SelectorBench, panel: Panel, at: Ints, ends: Ints, step: int) -> Beside:
    """Factors and published portfolios over the days of the formations.

    Parameters
    ----------
    bench : SelectorBench
    panel : Panel
    at, ends : ndarray of int64, shape (n_formations,)
        Bars of the formations, and at which their outcomes are known.
    step : int
        Formations within one horizon.

    Raises
    ------
    DataError
        If a file cannot be used, or has nothing to say about these formations.
    """
    days = panel.dates.astype("datetime64[D]").astype(np.int64)
    whole = ends < panel.n_bars
    factors = None
    if bench.factors is not None:
        factors = factor_returns(bench.factors, days[at], days[np.minimum(ends, len(days) - 1)])
        factors[~whole] = np.nan
    if bench.reference is None:
        return Beside(factors, None)
    found = read_portfolios(bench.reference, key="reference")
    months = _held_month(panel, at)
    returns = found.of(months)
    known = np.isfinite(returns).all(axis=1) & whole
    if not known.any():
        raise DataError(
            f"reference: {bench.reference}: has none of the months that follow the "
            f"{len(at)} formations; take a file that reaches over them, and form by the month"
        )
    spread = np.where(known, returns[:, -1] - returns[:, 0], np.nan)
    monthly = None  # factors over the calendar months that the published returns are of
    if bench.factors is not None:
        monthly = factor_returns(bench.factors, _first_day(months) - 1, _first_day(months + 1) - 1)
    row = {
        "name": found.name,
        "n": int(known.sum()),
        "spread": known_mean(spread, step - 1),
        "alpha": _alpha(spread, monthly, step - 1),
        "groups": returns[known].mean(axis=0).tolist(),
    }
    return Beside(factors, row)


def _first_day(months: Ints) -> Ints:
    """Days since 1970 of the first of each month."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _held_month(panel: Panel, at: Ints) -> Ints:
    """Month since 1970 that the bar after each formation lies in; -1 where there is none."""
    months = panel.dates.astype("datetime64[M]").astype(np.int64)
    following = np.minimum(at + 1, panel.n_bars - 1)
    found = np.where(at + 1 < panel.n_bars, months[following], -1)
    first = np.concatenate([[True], np.diff(found) != 0])  # one formation has a month, not five
    return np.where(first, found, -1)
