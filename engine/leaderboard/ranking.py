"""How selectors are judged: by what came of their rankings at the bars at which all rank."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.config.bench import BenchConfig, SelectorBench
from tradewind.engine.errors import ForecastError
from tradewind.engine.feeds.factors import read_factors
from tradewind.engine.feeds.portfolios import read_portfolios
from tradewind.engine.jsonable import jsonable
from tradewind.engine.leaderboard import ranking_words
from tradewind.engine.leaderboard.entrants import Entrant
from tradewind.engine.leaderboard.judge import Terms
from tradewind.engine.leaderboard.rank_rows import Beside, beside_of, row_of
from tradewind.engine.leaderboard.table import LEAST_SHARE
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Bools, Floats, Ints, Panel
from tradewind.engine.scoring.rank_series import (
    RankSeries,
    ends_of,
    formations_a_horizon,
    outcomes,
    rank_series,
)


def check(bench: BenchConfig) -> None:
    """Read the files of factors and published portfolios once before any fit; raises DataError."""
    assert isinstance(bench, SelectorBench)
    if bench.factors is not None:
        read_factors(bench.factors)
    if bench.reference is not None:
        read_portfolios(bench.reference, key="reference")


def common(said: Mapping[str, Floats], first_bar: int) -> tuple[Bools, dict[str, str]]:
    """Pairs of bar and symbol that everybody scored, and who is left out for scoring too few.

    A bar counts at which more than half of them rank. Who ranks at fewer than half of those bars,
    or scores fewer than half of the symbols that most do, would take the rest out of the
    comparison.

    Parameters
    ----------
    said : mapping of str to ndarray of float64, shape (n_bars, n_symbols)
        NaN = not ranked.
    first_bar : int

    Returns
    -------
    given : ndarray of bool, shape (n_bars, n_symbols)
    left_out : mapping of str to str
        Name -> why.
    """
    known = {name: np.isfinite(scores) for name, scores in said.items()}
    for marks in known.values():
        marks[:first_bar] = False
    ranks = {name: marks.any(axis=1) for name, marks in known.items()}
    wanted = 2 * np.sum(list(ranks.values()), axis=0) > len(ranks)
    left_out = {}
    for name, bars in ranks.items():
        n = int((bars & wanted).sum())
        if n < LEAST_SHARE * int(wanted.sum()):
            left_out[name] = (
                f"ranks at {n:,} of the {int(wanted.sum()):,} bars at which most of them rank; "
                "give all the same formation"
            )
    at = wanted.copy()
    for name in known.keys() - left_out.keys():
        at &= ranks[name]
    counts = {name: int(marks[at].sum()) for name, marks in known.items() if name not in left_out}
    usual = float(np.median(list(counts.values()))) if counts else 0.0
    left_out |= {
        name: f"scores {n:,} pairs of bar and symbol where most score {usual:,.0f}"
        for name, n in counts.items()
        if n < LEAST_SHARE * usual
    }
    given = np.repeat(at[:, None], next(iter(known.values())).shape[1], axis=1)
    for name, marks in known.items():
        if name not in left_out:
            given &= marks
    return given, left_out


def signals(one: Entrant, given: Bools) -> Signals:
    """Scores of the common pairs alone."""
    return Signals(scores=np.where(given, _scores(one), np.nan))


def n_said(one: Entrant, first_bar: int) -> int:
    """Scores given out of sample."""
    return int(np.isfinite(_scores(one)[first_bar:]).sum())


def _scores(one: Entrant) -> Floats:
    assert isinstance(one.said, np.ndarray)
    return one.said


def compare(
    entrants: Sequence[Entrant],
    panel: Panel,
    given: Bools,
    terms: Terms,
) -> dict[str, Any]:
    """What came of each selector's rankings of the same pairs.

    Returns
    -------
    dict
        ``horizon``, ``n`` (pairs), ``n_dates`` (formations), ``n_unknown`` (pairs whose outcome the
        data does not reach), ``n_groups``, ``n_too_few`` (formations with fewer symbols), ``base``,
        ``side_bps``, ``factors``, ``reference``, ``periods`` and ``rows`` -> name -> ``rank_ic``,
        ``accuracy``, ``spread`` (top less bottom group), ``net`` of costs, ``less`` (its spread
        less that of each other one), ``against`` (of these the base), ``alpha``, ``turnover``,
        ``groups``: the largest spread first. Plain JSON values.

    Raises
    ------
    ForecastError
        If there is no bar at which all rank, or none whose outcome the data reaches.
    """
    bench, config = terms.bench, terms.config
    assert isinstance(bench, SelectorBench)
    horizon = next(one.horizon for one in entrants if one.horizon is not None)
    at = np.flatnonzero(given.any(axis=1))
    ends = ends_of(at, horizon)
    outcome = outcomes(panel, at, ends, config.data.delisting_return)
    judged = given[at] & np.isfinite(outcome)
    _refuse_nothing(at, judged, panel, horizon)
    n_ranked = judged.sum(axis=1)
    _refuse_few(n_ranked, bench.groups)
    step = formations_a_horizon(at, horizon)
    said = {one.name: np.where(judged, _scores(one)[at], np.nan) for one in entrants}
    field = Field(
        {name: rank_series(its, outcome, bench.groups, step) for name, its in said.items()},
        str(bench.own()["base"]),
        beside_of(bench, panel, at, ends, step),
        config.costs.side_bps,
        step,
    )
    found: dict[str, Any] = {
        "horizon": horizon,
        "n": int(judged.sum()),
        "n_dates": int(judged.any(axis=1).sum()),
        "n_unknown": int((given[at] & ~judged).sum()),
        "n_groups": bench.groups,
        "n_too_few": int(((n_ranked > 0) & (n_ranked < bench.groups)).sum()),
        "base": field.base,
        "side_bps": field.cost,
        "factors": list(bench.factors.names) if bench.factors else None,
        "reference": field.beside.reference,
        "rows": field.rows(),
        "periods": [
            {
                "first_date": str(panel.dates[at[mask][0]]),
                "last_date": str(panel.dates[at[mask][-1]]),
                "n_dates": int(judged[mask].any(axis=1).sum()),
                "rows": field.take(mask).rows(),
            }
            for mask in _periods(panel, at, bench.periods)
        ],
    }
    for one in found["periods"]:  # everybody stands where it stands in the whole
        one["rows"] = {name: one["rows"][name] for name in found["rows"]}
    return jsonable(found)  # type: ignore[no-any-return]


class Field(NamedTuple):
    """What came of each entrant's formations, and what it is compared with.

    Attributes
    ----------
    series : mapping of str to RankSeries
    base : str
        Whose spread is taken from the others'.
    beside : Beside
    cost : float or None
        Of one side of a trade, basis points.
    step : int
        Formations within one horizon.
    """

    series: Mapping[str, RankSeries]
    base: str
    beside: Beside
    cost: float | None
    step: int

    def take(self, formations: Bools) -> "Field":
        """The same on those formations that a mask names."""
        series = {name: one.take(formations) for name, one in self.series.items()}
        return self._replace(series=series, beside=self.beside.take(formations))

    def rows(self) -> dict[str, dict[str, Any]]:
        """Row of each, compared with each other one and so with the base; largest spread first."""
        rows = {}
        for name, one in self.series.items():
            others = {other: its for other, its in self.series.items() if other != name}
            rows[name] = row_of(one, others, self.beside, self.cost, self.step)
            rows[name]["against"] = rows[name]["less"].get(self.base)
        order = sorted(rows, key=lambda name: _place(rows[name]["spread"]["value"]))
        return {name: rows[name] for name in order}


def _periods(panel: Panel, at: Ints, cuts: Sequence[date]) -> list[Bools]:
    """Formations of each period, shape (n_formations,) each; none where nothing is cut."""
    if not cuts:
        return []
    days = panel.dates[at].astype("datetime64[D]")
    number = np.searchsorted(np.array(cuts, "datetime64[D]"), days, "right")
    masks = [np.asarray(number == k) for k in range(len(cuts) + 1)]
    return [mask for mask in masks if mask.any()]


def _refuse_nothing(at: Ints, judged: Bools, panel: Panel, horizon: int) -> None:
    if not at.size:
        raise ForecastError(
            "there is no bar at which all selectors rank the same symbols; give all the same "
            "formation, or more data"
        )
    if not judged.any():
        raise ForecastError(
            f"all selectors rank at {at.size} bars, the first {panel.dates[at[0]]}, and the "
            f"data ends {panel.dates[-1]}, before {horizon} bars have passed; give more data"
        )


def _refuse_few(n_ranked: Ints, n_groups: int) -> None:
    most = int(n_ranked.max())
    if most < n_groups:
        raise ForecastError(
            f"at no formation are more than {most} symbols ranked by all, and {n_groups} groups "
            f"need as many: lower 'groups' to {max(most // 2, 2)}, or give more symbols"
        )


def _place(value: float) -> float:
    """Largest first, the unknown last."""
    return -value if np.isfinite(value) else np.inf


def told(board: Mapping[str, Any], entrants: Sequence[Entrant]) -> tuple[str, list[str]]:
    """(verdict, further sentences) on a board; ``entrants`` add nothing to it."""
    return ranking_words.verdict(board), ranking_words.sentences(board)
