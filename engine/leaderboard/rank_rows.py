"""From what came of each formation to the row of a selector: means, errors, costs and alpha."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.config.bench import FactorsConfig, SelectorBench
from tradewind.engine.config.costs import CostsConfig
from tradewind.engine.config.fees import PercentFeesConfig
from tradewind.engine.config.spread import ConstantSpreadConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.dated import Dated, read_dated
from tradewind.engine.feeds.portfolios import read_portfolios
from tradewind.engine.records import DAY_NS, Bools, Floats, Ints, Panel
from tradewind.engine.scoring.newey_west import newey_west_intercept
from tradewind.engine.scoring.rank_series import RankSeries
from tradewind.engine.scoring.ranking import known_mean, summary

BPS = 1e-4
WEEK = 7  # days; a file of factors may begin with the first session of a span


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


def side_bps(costs: CostsConfig) -> float | None:
    """Cost of one side of a trade where the config gives it as one number, basis points."""
    fees, spread, slippage = costs.fee_rule, costs.spread, costs.slippage_rule
    plain = isinstance(fees, PercentFeesConfig) and isinstance(spread, ConstantSpreadConfig)
    if not plain or slippage.fixed or slippage.ticks or slippage.impact:
        return None
    assert isinstance(fees, PercentFeesConfig) and isinstance(spread, ConstantSpreadConfig)
    return float(fees.taker_bps + spread.bps / 2.0 + slippage.bps)


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
        factors = _factors(bench.factors, days[at], days[np.minimum(ends, len(days) - 1)])
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
        monthly = _factors(bench.factors, _first_day(months) - 1, _first_day(months + 1) - 1)
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


def read_factors(given: FactorsConfig) -> Dated:
    """Daily returns of factors as their file has them; raises DataError."""
    file = read_dated(given.path, given.names, key="factors.path", zone="UTC")
    for name in given.names:
        wrong = np.isinf(file.values[name]) | (np.abs(file.values[name]) >= 1.0)
        if wrong.any():
            row = int(wrong.argmax())
            raise file.error(
                row,
                f"{file.values[name][row]:g} for {name} is no daily return as a fraction; divide "
                "percent by 100, and leave the cell empty where it is unknown",
            )
    return file


def _factors(given: FactorsConfig, begin: Ints, end: Ints) -> Floats:
    """Return of each factor over spans of days, shape (n_spans, n_factors).

    Parameters
    ----------
    given : FactorsConfig
    begin, end : ndarray of int64, shape (n_spans,)
        Days since 1970: the day before the first of a span, and its last.

    Returns
    -------
    ndarray of float64
        NaN where the file does not reach over a span or lacks a number inside it.
    """
    file = read_factors(given)
    values = np.column_stack([file.values[name] for name in given.names])
    days = np.asarray(file.ts // DAY_NS, np.int64)
    known = np.isfinite(values).all(axis=1, keepdims=True)
    growth = _cumulated(np.where(known, np.log1p(values), 0.0))
    gaps = _cumulated(np.where(known, 0.0, 1.0))[:, 0]
    first, last = np.searchsorted(days, begin, "right"), np.searchsorted(days, end, "right")
    found: Floats = np.expm1(growth[last] - growth[first])
    outside = np.asarray(days[-1] < end) | (days[0] > begin + WEEK) | (first >= last)
    found[np.asarray(outside | (gaps[last] > gaps[first]), np.bool_)] = np.nan
    if not np.isfinite(found).any():
        raise DataError(
            f"factors.path: {given.path}: has {', '.join(given.names)} for none of the "
            f"{len(begin)} formations ({_day(begin[0])} to {_day(end[-1])}); take a file that "
            "reaches over them, or fewer factors with factors.names"
        )
    return np.asarray(found)


def _cumulated(values: Floats) -> Floats:
    """Sum before each row, and after the last, shape (n_rows + 1, k)."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _day(days: np.int64) -> str:
    return str(np.datetime64(int(days), "D"))
