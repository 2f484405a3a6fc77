"""Forecast against outcome: what the forecaster knows, and how honest its doubts are."""

from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.records import Floats, Ints
from tradewind.engine.report import packing
from tradewind.engine.report.hexagons import hexagons
from tradewind.engine.report.section import Chart, Context, Section, render
from tradewind.engine.report.words import (
    number,
    p_value,
    percent,
    signed,
    signed_percent,
    significant,
)
from tradewind.engine.scoring.evaluation import realised
from tradewind.engine.scoring.intervals import ratio_hac

Cell = tuple[str, str]
Shower = Callable[[Mapping[str, Any]], Cell]
N_BINS = 10  # deciles of the forecast
EDGE = 0.005  # share of pairs beyond the picture, at each end of each axis
LEVELS = np.linspace(0.1, 0.9, 9)


class Pairs(NamedTuple):
    """Forecasts with a known outcome, each array of shape (n_pairs,); log returns.

    ``bar`` is the row of the panel, ``horizon`` the bars ahead.
    """

    mean: Floats
    std: Floats
    outcome: Floats
    bar: Ints
    horizon: int


def forecasts(context: Context) -> Section | None:
    """Pictures over all pairs of bar and symbol, and the score table; None without forecasts."""
    pairs = known_pairs(context)
    if pairs is None:
        return None
    scores = context.run.forecast_scores
    charts = []
    if len(pairs.mean) >= N_BINS * 5 and np.ptp(pairs.mean) > 0:
        charts = [_cloud(pairs), _deciles(pairs), _coverage(pairs)]
    said = context.run.signals.forecasts
    html = render(
        "forecasts.html",
        charts=charts,
        n=len(pairs.mean),
        horizon=said.horizon if said else 0,
        verdict=scores.get("verdict") or "",
        table=score_table(scores, _name(context)),
        sentences=_sentences(scores),
        intervals=_held(scores),
        n_unknown=scores.get("n_unknown"),
    )
    return Section("forecasts", "Forecast against outcome", html, "Forecasts")


def _name(context: Context) -> str:
    forecaster = context.run.config.forecaster
    return forecaster.kind if forecaster else "forecaster"


def known_pairs(context: Context) -> Pairs | None:
    """Out-of-sample forecasts of the evaluation whose outcome lies inside the panel."""
    said = context.run.signals.forecasts
    if said is None:
        return None
    truth = realised(context.run.forecast, said.horizon)
    given = np.isfinite(said.mean) & np.isfinite(truth)
    given[: context.run.first_bar] = False
    bar = np.nonzero(given)[0]
    return Pairs(said.mean[given], said.std[given], truth[given], bar, said.horizon)


def _cloud(pairs: Pairs) -> Chart:
    x, y = pairs.mean, pairs.outcome
    low_x, high_x = np.quantile(x, [EDGE, 1 - EDGE]).tolist()
    low_y, high_y = np.quantile(y, [EDGE, 1 - EDGE]).tolist()
    inside = (x >= low_x) & (x <= high_x) & (y >= low_y) & (y <= high_y)
    cells = hexagons(x[inside], y[inside], (low_x, high_x), (low_y, high_y))
    link = float(np.corrcoef(x, y)[0, 1])
    data = {
        "x": packing.floats(cells.x),
        "y": packing.floats(cells.y),
        "count": packing.ints(cells.n),
        "halfWidth": cells.half_width,
        "radius": cells.radius,
        "xRange": [low_x, high_x],
        "yRange": [low_y, high_y],
        "correlation": link,
    }
    label = (
        f"{len(x):,} forecasts against their outcomes, as a cloud; correlation {number(link, 3)}."
    )
    return Chart("forecast-cloud", "cloud", data, label, 320)


def _deciles(pairs: Pairs) -> Chart:
    """Mean outcome by tenth of the forecast, with a standard error that knows they depend."""
    order = np.argsort(pairs.mean, kind="stable")
    groups = np.array_split(order, N_BINS)
    said = np.array([pairs.mean[g].mean() for g in groups])
    came = np.array([pairs.outcome[g].mean() for g in groups])
    error = np.array([_error(pairs, group) for group in groups])
    data = {
        "said": packing.floats(said),
        "came": packing.floats(came),
        "error": packing.floats(error),
    }
    label = (
        f"Mean outcome by tenth of the forecast: {percent(came[0], 2)} in the lowest, "
        f"{percent(came[-1], 2)} in the highest."
    )
    return Chart("forecast-deciles", "deciles", data, label, 320)


def _error(pairs: Pairs, group: Ints) -> float:
    """Standard error of a mean outcome: a date is one observation, neighbouring dates overlap."""
    dates = np.unique(pairs.bar)
    at = np.searchsorted(dates, pairs.bar[group])
    total = np.zeros(len(dates))
    np.add.at(total, at, pairs.outcome[group])
    count = np.bincount(at, minlength=len(dates)).astype(np.float64)
    return ratio_hac(total, count, overlap=pairs.horizon - 1).se


def _coverage(pairs: Pairs) -> Chart:
    """Share of outcomes inside the central interval that a Gaussian forecast promises."""
    away = np.abs((pairs.outcome - pairs.mean) / pairs.std)
    reach = np.array([NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS])
    inside = (away[:, None] <= reach).mean(axis=0)
    data = {"promised": LEVELS.tolist(), "inside": inside.tolist()}
    middle = len(LEVELS) // 2
    label = (
        f"The interval that should hold {percent(LEVELS[middle], 0)} of outcomes held "
        f"{percent(inside[middle], 0)}, the one for {percent(LEVELS[-1], 0)} held "
        f"{percent(inside[-1], 0)}."
    )
    return Chart("forecast-coverage", "coverage", data, label, 320)


def score_table(scores: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Forecaster and rivals side by side; None where nothing was scored."""
    ours = scores.get("forecaster")
    if not isinstance(ours, Mapping):
        return None
    rivals = scores.get("rivals") or {}
    columns = [(name, ours), *rivals.items()]
    rows = [(label, note, [show(block) for _, block in columns]) for label, note, show in MEASURES]
    tests = [_test(block) for _, block in columns]
    if any(text for text, _ in tests):
        label = f"{name} against it"
        rows.append((label, "Diebold-Mariano on absolute errors, two-sided", tests))
    return {"columns": [column for column, _ in columns], "rows": rows}


def _test(block: Mapping[str, Any]) -> Cell:
    against = block.get("against")
    return (_chance(against), "") if against else ("", "")


def _sentences(scores: Mapping[str, Any]) -> list[str]:
    rivals = scores.get("rivals") or {}
    tests = [rival.get("against") or {} for rival in rivals.values()]
    return [test["verdict"] for test in tests if test.get("verdict")]


def _held(scores: Mapping[str, Any]) -> list[tuple[str, str, list[Cell]]]:
    """Per level what is promised, and coverage and width of both kinds of interval."""
    rows = []
    for found in (scores.get("conformal") or {}).values():
        cells = []
        for kind in ("own", "conformal"):
            share, beside = _interval(found[kind], percent)
            cells += [(share, beside), (percent(found[kind]["width"], 2), "")]
        rows.append((percent(found["promised"], 0), f"{found['n']:,} forecasts", cells))
    return rows


def _share(key: str) -> Shower:
    """Shower of a share with its 95 % interval."""
    return lambda block: _interval(block.get(key), percent)


def _correlation(block: Mapping[str, Any]) -> Cell:
    return _interval(block.get("rank_ic"), lambda value: signed(value, 3))


def _interval(found: Mapping[str, Any] | None, write: Callable[[Any], str]) -> Cell:
    known = found or {}
    low, high = known.get("low"), known.get("high")
    return write(known.get("value")), "" if low is None else f"{write(low)} to {write(high)}"


def _plain(key: str) -> Shower:
    return lambda block: (significant(block.get(key), 4), "")


def _skill(block: Mapping[str, Any]) -> Cell:
    found = block.get("direction") or {}
    return signed_percent(found.get("skill")), _chance(found) if found.get("p") is not None else ""


def _chance(found: Mapping[str, Any]) -> str:
    text = p_value(found.get("p"))
    return f"p {text}" if text.startswith("<") else f"p = {text}"


MEASURES: tuple[tuple[str, str, Shower], ...] = (
    ("Mean absolute error", "log return", _plain("mae")),
    ("Root mean squared error", "log return", _plain("rmse")),
    ("CRPS", "error of the whole distribution", _plain("crps")),
    ("Direction right", "95% interval", _share("direction")),
    ("Above chance", "over one that says up as often", _skill),
    ("Rank correlation", "across symbols, 95% interval", _correlation),
    ("Inside the 80% interval", "95% interval", _share("coverage_80")),
    ("Inside the 95% interval", "95% interval", _share("coverage_95")),
)
