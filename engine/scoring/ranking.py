"""What the rankings of a selector were worth, formation by formation.

A formation is a bar at which it ranks. Symbols move together, so a formation is one observation,
and errors allow for formations whose outcomes share bars.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.engine.scoring.intervals import Mean, mean_hac, ratio_hac
from tradewind.engine.scoring.newey_west import newey_west_intercept, newey_west_mean
from tradewind.engine.scoring.proper_scores import spearman
from tradewind.engine.scoring.rank_series import (
    MIN_RANKED,
    RankSeries,
    ends_of,
    formations_a_horizon,
    outcomes,
    rank_series,
)

GROUPS = 10
BPS = 1e-4
LEAST_IN_A_GROUP = 2  # symbols of a usual formation; with fewer there are fewer groups
LAGS = 6  # horizons that the decay looks ahead
SIGNIFICANT = 0.05


Factors = Callable[[Ints, Ints], Floats]


def measure(
    scores: Floats,
    panel: Panel,
    *,
    first_bar: int,
    horizon: int,
    delisting_return: float = 0.0,
    side_bps: float | None = None,
    factors: Factors | None = None,
) -> dict[str, Any]:
    """Measure the rankings of one selector.

    Parameters
    ----------
    scores : ndarray of float64, shape (n_bars, n_symbols)
        NaN = not ranked.
    panel : Panel
        Adjusted for splits and dividends.
    first_bar : int
        First bar whose ranking counts.
    horizon : int
        Bars that a ranking is about.
    delisting_return : float
        Lost or won between the last close of a symbol that ends and its sale.
    side_bps : float or None
        Cost of one side of a trade, basis points.
    factors : callable or None
        From the days before and at the end of spans, since 1970, to the return of each factor over
        them, shape (n_spans, n_factors).

    Returns
    -------
    dict
        ``horizon``, ``n_dates`` (formations), ``n`` (pairs), ``n_unknown`` (pairs whose outcome the
        data does not reach), ``first_date``, ``last_date``, ``n_groups``, ``n_too_few`` (formations
        with fewer symbols), what :func:`summary` returns, ``ic`` (Pearson's), ``net`` of costs with
        ``side_bps`` and ``break_even_bps``, ``market_alpha`` and ``alpha``, ``decay``: rank
        correlation with the outcome of each later horizon, and ``verdict``. Empty where nothing is
        known. Plain JSON values.
    """
    ranked = np.isfinite(scores)
    ranked[:first_bar] = False
    at = np.flatnonzero(ranked.any(axis=1))
    ends = ends_of(at, horizon)
    outcome = outcomes(panel, at, ends, delisting_return)
    judged = ranked[at] & np.isfinite(outcome)
    if not judged.any():
        return {}
    step = formations_a_horizon(at, horizon)
    per_date = judged.sum(axis=1)
    n_groups = _n_groups(float(np.median(per_date[per_date > 0])))
    said = np.where(judged, scores[at], np.nan)
    series = rank_series(said, outcome, n_groups, step)
    days = panel.dates[at[judged.any(axis=1)]]
    found = {
        "horizon": horizon,
        "n_dates": int(judged.any(axis=1).sum()),
        "n": int(judged.sum()),
        "n_unknown": int((ranked[at] & ~judged).sum()),
        "first_date": str(days[0]),
        "last_date": str(days[-1]),
        "n_groups": n_groups,
        "n_too_few": int(((per_date > 0) & (per_date < n_groups)).sum()),
        **summary(series, step),
        "ic": asdict(_pearson(said, outcome, step - 1)),
        **_beside(series, said, outcome, step - 1, side_bps),
        "alpha": _alpha(series, panel, at, ends, step - 1, factors),
        "decay": decay(np.where(ranked[at], scores[at], np.nan), outcome, step),
    }
    return jsonable({**found, "verdict": verdict(found)})  # type: ignore[no-any-return]


def _n_groups(usual: float) -> int:
    """Ten, or fewer where a usual formation has too few symbols for it."""
    return max(2, min(GROUPS, int(usual) // LEAST_IN_A_GROUP))


def summary(series: RankSeries, step: int) -> dict[str, Any]:
    """Means over the formations, with errors.

    Parameters
    ----------
    series : RankSeries
    step : int
        Formations within one horizon.

    Returns
    -------
    dict
        ``rank_ic`` and ``accuracy`` (share of symbols on the same side of both medians) as of
        :class:`tradewind.engine.scoring.intervals.Mean`; ``ic_ratio``: mean over standard deviation
        of the formations' rank correlations; ``spread``: top less bottom group, by Newey and West;
        ``turnover``: share of a side's value that a formation changes; ``groups``: mean return of
        each, lowest scores first.
    """
    overlap = step - 1
    ic, told = series.rank_ic[np.isfinite(series.rank_ic)], series.told > 0
    right = asdict(ratio_hac(series.hits[told], series.told[told], overlap=overlap))
    varies = len(ic) > 1 and float(ic.std(ddof=1)) > 0.0
    return {
        "rank_ic": asdict(mean_hac(ic, overlap=overlap)),
        "ic_ratio": float(ic.mean() / ic.std(ddof=1)) if varies else float("nan"),
        "accuracy": right if told.any() else None,
        "spread": known_mean(series.spread, overlap),
        "turnover": turnover(series, step),
        "groups": [
            float(x[np.isfinite(x)].mean()) if np.isfinite(x).any() else float("nan")
            for x in series.groups.T
        ],
    }


def _pearson(scores: Floats, outcome: Floats, overlap: int) -> Mean:
    """Correlation of score and return across symbols, averaged over formations."""
    values = []
    for said, came in zip(scores, outcome, strict=True):
        known = np.isfinite(said) & np.isfinite(came)
        if known.sum() >= MIN_RANKED and np.ptp(said[known]) > 0 and np.ptp(came[known]) > 0:
            values.append(float(np.corrcoef(said[known], came[known])[0, 1]))
    return mean_hac(np.array(values), overlap=overlap)


def _beside(
    series: RankSeries, scores: Floats, outcome: Floats, overlap: int, side_bps: float | None
) -> dict[str, Any]:
    """The spread after costs, and beside all that were ranked."""
    spread = series.spread
    known = np.isfinite(spread)
    ranked = np.isfinite(scores) & np.isfinite(outcome)
    n = ranked.sum(axis=1)
    market = np.where(ranked, outcome, 0.0).sum(axis=1) / np.maximum(n, 1)
    traded = float(series.traded[known].mean()) if known.any() else 0.0
    net = None
    if side_bps is not None:
        net = known_mean(spread - side_bps * BPS * series.traded, overlap)
    return {
        "side_bps": side_bps,
        "net": net,
        "break_even_bps": float(spread[known].mean()) / traded / BPS if traded else float("nan"),
        "market_alpha": newey_west_intercept(
            spread[known], market[known, None], overlap=overlap
        )._asdict(),
    }


def _alpha(
    series: RankSeries, panel: Panel, at: Ints, ends: Ints, overlap: int, factors: Factors | None
) -> dict[str, Any] | None:
    """What factors leave of the spread; None where no file of them is named."""
    if factors is None:
        return None
    days = panel.dates.astype("datetime64[D]").astype(np.int64)
    returns = factors(days[at], days[np.minimum(ends, panel.n_bars - 1)])
    known = np.isfinite(series.spread) & np.isfinite(returns).all(axis=1) & (ends < panel.n_bars)
    return newey_west_intercept(series.spread[known], returns[known], overlap=overlap)._asdict()


def known_mean(x: Floats, overlap: int) -> dict[str, Any]:
    """Mean of the formations that have a number, by Newey and West."""
    return newey_west_mean(x[np.isfinite(x)], overlap=overlap)._asdict()


def turnover(series: RankSeries, step: int) -> float:
    """Share of a side's value that is sold and bought again at a formation after the first."""
    later = series.traded[step:][np.isfinite(series.spread[step:])]
    return float(later.mean()) / 4.0 if later.size else float("nan")  # two sides; buys and sells


def decay(scores: Floats, outcome: Floats, step: int) -> list[dict[str, Any]]:
    """Rank correlation of a ranking with the outcome of each horizon after it.

    Parameters
    ----------
    scores, outcome : ndarray of float64, shape (n_formations, n_symbols)
    step : int
        Formations within one horizon.

    Returns
    -------
    list of dict
        ``lag`` in horizons, 0 for the one the ranking is about, and its mean as in
        :func:`summary`. Lags that the data does not hold are left out.
    """
    found = []
    for lag in range(LAGS):
        later = outcome[lag * step :]
        values = []
        for said, came in zip(scores[: len(later)], later, strict=True):
            known = np.isfinite(said) & np.isfinite(came)
            if known.sum() >= MIN_RANKED:
                values.append(spearman(said[known], came[known]))
        ic = np.array([value for value in values if np.isfinite(value)])
        if ic.size:
            found.append({"lag": lag, **asdict(mean_hac(ic, overlap=step - 1))})
    return found


def verdict(found: Mapping[str, Any]) -> str:
    """One sentence: whether the ranking knows anything."""
    ic, spread = found["rank_ic"], found["spread"]
    if not np.isfinite(ic["value"]):
        return f"The scores of {found['n_dates']} formations are all alike: nobody is ranked."
    known = np.isfinite(ic["p"])
    sure = known and ic["p"] < SIGNIFICANT
    side = "" if not known else f" (t = {ic['t']:.1f}{'' if sure else ', which can be chance'})"
    told = f"rank correlation {ic['value']:+.3f}{side} over {found['n_dates']} formations"
    if not np.isfinite(spread["value"]):
        return f"{told}."
    t = f" (t = {spread['t']:.1f})" if np.isfinite(spread["t"]) else ""
    return (
        f"{told}; the top of {found['n_groups']} groups earns {100 * spread['value']:+.2f} % more "
        f"per formation than the bottom{t}, before costs."
    )
