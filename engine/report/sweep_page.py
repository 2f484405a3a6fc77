"""A sweep as one HTML file: what was tried, what matters, what was best, how much is luck."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.records import Bools, Floats, Ints
from tradewind.engine.report import packing
from tradewind.engine.report.folder import replace_page
from tradewind.engine.report.page import SCRIPTS, skeleton
from tradewind.engine.report.section import Chart, Section, render
from tradewind.engine.report.series import thin
from tradewind.engine.report.sweep_data import SweepData, read_sweep
from tradewind.engine.report.words import number, percent

OWN_SCRIPTS = (*SCRIPTS[:-1], "assets/charts-sweep.js", SCRIPTS[-1])
MOST_POINTS = 3_000
MOST_LINES = 120
CELLS = 28
MOST_ROWS = 900
LISTED = 25
BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)


def render_sweep(data: SweepData) -> str:
    """HTML of the page, below two million bytes."""
    head = render("sweep_head.html", data=data, facts=_facts(data))
    made = (_luck, _history, _matters, _surface, _parallel, _front, _fan, _folds, _nested, _listed)
    sections = [section for make in made if (section := make(data)) is not None]
    sections.append(_setup(data))
    return skeleton(data.name, head, sections, OWN_SCRIPTS)


def rebuild(folder: Path) -> Path:
    """Make the page of a sweep again from its folder; raises RunError."""
    return replace_page(folder, render_sweep(read_sweep(folder)))


def _facts(data: SweepData) -> list[tuple[str, str]]:
    table = data.table
    counts, span = table["trials"], table["spans"]["search"]
    told = ", ".join(f"{n:,} {name}" for name, n in counts.items()
                     if n and name not in ("all", "complete", "feasible", "earlier"))  # fmt: skip
    validate = table["validate"]
    holdout = table["spans"]["holdout"]
    return [
        ("Searched on", f"{span['first_date']} to {span['last_date']}, {span['n_bars']:,} bars"),
        ("Hold-out", f"from {holdout['start']}, locked" if holdout else "none"),
        ("Settings", f"{counts['all']:,}" + (f" ({told})" if told else "")),
        ("Sampler", str(table["sampler"]["kind"])),
        ("Scored on", {"walk_forward": f"{validate['folds']} test blocks in time",
                       "cpcv": f"{validate['test']} of {validate['groups']} blocks held out",
                       "none": "all bars: nothing is out of sample"}[validate["kind"]]),
        ("For", ", ".join(f"{n} ({way})" for n, way in table["objectives"].items())),
        ("Under", ", ".join(table["constraints"]) or "no constraint"),
    ]  # fmt: skip


def _chosen(mask: Bools, most: int) -> Ints:
    """Rows of a mask, an even part where there are too many."""
    rows: Ints = np.flatnonzero(mask)
    if len(rows) <= most:
        return rows
    even: Ints = rows[np.unique(np.linspace(0, len(rows) - 1, most).round().astype(int))]
    return even


def _luck(data: SweepData) -> Section | None:
    """The statement, and the two pictures behind it."""
    found = data.table["luck"]
    if not found:
        return None
    charts = []
    over = found.get("overfitting")
    if over:
        centres = [(a + b) / 2 for a, b in zip(over["logit_edges"], over["logit_edges"][1:],
                                               strict=False)]  # fmt: skip
        charts.append(
            (
                Chart(
                    "logits", "histogram",
                    {"x": centres, "count": over["logit_counts"], "mark": 0.0,
                     "name": "logit of the out-of-sample rank"},
                    f"Ranks out of sample of the best in sample over {over['splits']:,} splits; "
                    f"{percent(over['probability'], 0)} lie below the median.", 260,
                ),
                "How the best of one half ranks in the other",
                f"Left of 0 the choice was overfitting: {percent(over['probability'], 0)} of "
                f"{over['splits']:,} ways to halve {over['blocks']} blocks of time.",
            )
        )  # fmt: skip
    html = render("sweep_luck.html", luck=found, charts=charts)
    return Section("luck", "How much of it is luck", html, "Luck")


def _history(data: SweepData) -> Section | None:
    """Scores in the order of the trials, and the best so far."""
    score, ok = data.score, np.isfinite(data.score)
    if not ok.any():
        return None
    rows = _chosen(ok, MOST_POINTS)
    best = np.where(data.feasible & ok, data.sign * score, -np.inf)
    ahead = np.maximum.accumulate(best)
    line = np.where(np.isfinite(ahead), data.sign * ahead, np.nan)
    chart = Chart(
        "history", "points",
        {"x": packing.floats(rows.astype(float)), "y": packing.floats(score[rows]),
         "line": packing.floats(line[rows]), "xName": "trial", "yName": data.objectives[0],
         "shade": packing.floats(data.feasible[rows].astype(float))},
        f"{data.objectives[0]} of {int(ok.sum()):,} trials in their order, and the best so far.",
    )  # fmt: skip
    note = "Pale points break a constraint. The line is the best so far that keeps to all."
    html = render("sweep_charts.html", charts=[(chart, "", note)], sentences=[])
    return Section("history", "Search", html, "Search")


def _matters(data: SweepData) -> Section | None:
    """Importance of each parameter, and how the score falls around the winner."""
    shares = data.importances
    if not shares:
        return None
    chart = Chart(
        "importance", "shares",
        {"names": list(shares), "shares": list(shares.values())},
        "; ".join(f"{name} {percent(share, 0)}" for name, share in shares.items()),
        80 + 28 * len(shares),
    )  # fmt: skip
    note = "Share of the scores' variance that a parameter explains by itself, with no other."
    stable = data.table.get("stability")
    told = [stable["sentence"]] if stable else []
    html = render("sweep_charts.html", charts=[(chart, "", note)], sentences=told)
    return Section("matters", "What matters", html, "What matters")


def _surface(data: SweepData) -> Section | None:
    """Score over the two numbers that matter most."""
    shares = data.importances
    ranked = sorted(data.params, key=lambda name: -shares.get(name, 0.0))
    pair = [name for name in ranked if data.is_numeric(name)][:2]
    if len(pair) < 2:
        return None
    ok = np.isfinite(data.score)
    x, y = data.column(pair[0])[ok], data.column(pair[1])[ok]
    known = ~(np.isnan(x) | np.isnan(y))
    x, y, score = x[known], y[known], data.score[ok][known]
    if len(score) < 10:
        return None
    edges = [_edges(values) for values in (x, y)]
    at = [np.clip(np.searchsorted(e, v, "right") - 1, 0, len(e) - 2)
          for e, v in zip(edges, (x, y), strict=True)]  # fmt: skip
    shape = (len(edges[1]) - 1, len(edges[0]) - 1)
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, (at[1], at[0]), score)
    np.add.at(count, (at[1], at[0]), 1.0)
    with np.errstate(invalid="ignore"):
        mean = total / count
    labels = [[f"{v:.4g}" for v in (e[:-1] if _few(v2) else (e[:-1] + e[1:]) / 2)]
              for e, v2 in zip(edges, (x, y), strict=True)]  # fmt: skip
    best = data.table["best"]["values"] if data.table["best"] else {}
    chart = Chart(
        "surface", "surface",
        {"x": labels[0], "y": labels[1], "values": packing.floats(mean.ravel()),
         "sign": data.sign, "xName": pair[0], "yName": pair[1], "unit": data.objectives[0]},
        f"Mean {data.objectives[0]} over {pair[0]} and {pair[1]}; the best is at "
        f"{best.get(pair[0])}, {best.get(pair[1])}.", 420,
    )  # fmt: skip
    note = "Stronger cells are better; each is the mean of the settings in it, whatever the others."
    html = render("sweep_charts.html", charts=[(chart, "", note)], sentences=[])
    return Section("surface", "Score over the two that matter most", html, "Surface")


def _few(values: Floats) -> bool:
    return len(np.unique(values)) <= CELLS


def _edges(values: Floats) -> Floats:
    """Borders of the cells: the values themselves where they are few."""
    own = np.unique(values)
    if len(own) <= CELLS:
        return np.append(own, own[-1] + 1.0)
    low, high = own[0], own[-1]
    if low > 0.0 and high / low > 100.0:
        return np.asarray(np.geomspace(low, high, CELLS + 1))
    return np.linspace(low, high, CELLS + 1)


def _parallel(data: SweepData) -> Section | None:
    """The best tenth across all parameters."""
    ok = np.flatnonzero(data.feasible & np.isfinite(data.score))
    if len(ok) < 5 or len(data.params) < 2:
        return None
    order = ok[np.argsort(-data.sign * data.score[ok], kind="stable")]
    rows = order[: max(5, min(MOST_LINES, len(ok) // 10))]
    axes = []
    for name in data.params:
        values = data.values(name)
        if data.is_numeric(name):
            column = data.column(name)
            low, high = float(np.nanmin(column)), float(np.nanmax(column))
            width = high - low if high > low else 1.0
            axes.append({"name": name, "low": f"{low:.4g}", "high": f"{high:.4g}",
                         "at": [_none((v - low) / width) for v in column[rows]]})  # fmt: skip
        else:
            words = sorted({str(v) for v in values if v is not None})
            step = max(len(words) - 1, 1)
            axes.append({"name": name, "low": words[0] if words else "",
                         "high": words[-1] if words else "",
                         "at": [None if values[i] is None else words.index(str(values[i])) / step
                                for i in rows]})  # fmt: skip
    chart = Chart(
        "parallel", "parallel",
        {"axes": axes, "score": [float(v) for v in data.score[rows]]},
        f"Parameters of the best {len(rows)} settings.",
    )  # fmt: skip
    note = f"The best {len(rows)} settings; the strongest line is the best."
    html = render("sweep_charts.html", charts=[(chart, "", note)], sentences=[])
    return Section("parallel", "The best tenth", html, "Best tenth")


def _none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _front(data: SweepData) -> Section | None:
    """Several objectives against each other."""
    if len(data.objectives) < 2:
        return None
    a, b = data.objectives[:2]
    x, y = data.column(f"score {a}"), data.column(f"score {b}")
    rows = _chosen(np.isfinite(x) & np.isfinite(y), MOST_POINTS)
    on = {one["number"] for one in data.table["front"]}
    chart = Chart(
        "front", "points",
        {"x": packing.floats(x[rows]), "y": packing.floats(y[rows]),
         "shade": packing.floats(np.array([float(i in on) for i in rows])), "xName": a,
         "yName": b},
        f"{len(on)} settings that no other beats in both {a} and {b}.", 380,
    )  # fmt: skip
    note = "Strong points are on the front: no other setting is better in every objective."
    html = render("sweep_charts.html", charts=[(chart, "", note)], sentences=[])
    return Section("front", "Pareto front", html, "Front")


def _fan(data: SweepData) -> Section | None:
    """Equity of the best tenth of what was kept."""
    if not len(data.kept) or not np.isfinite(data.best).any():
        return None
    score = data.sign * data.score[data.kept]
    some = np.flatnonzero(np.isfinite(score))
    order = some[np.argsort(-score[some], kind="stable")][: max(5, len(some) // 10)]
    returns = np.asarray(data.returns[order], np.float64)
    curves = np.cumprod(1.0 + np.nan_to_num(returns), axis=1)
    curves = np.concatenate([np.ones((len(curves), 1)), curves], axis=1)
    low, under, middle, over, high = np.quantile(curves, BANDS, axis=0)
    best = _grown(data.best)
    market = _grown(data.benchmark)
    rows = thin([best, np.asarray(middle, np.float64), market], MOST_ROWS)
    lines: list[dict[str, Any]] = [
        {"name": "best", "role": "strategy", "values": packing.floats(best[rows])},
        {"name": "best tenth, median", "values": packing.floats(middle[rows]),
         "low": packing.floats(under[rows]), "high": packing.floats(over[rows])},
        {"name": "benchmark", "role": "benchmark", "values": packing.floats(market[rows])},
        {"name": "best tenth, 5 to 95 %", "values": packing.floats(middle[rows]),
         "low": packing.floats(low[rows]), "high": packing.floats(high[rows])},
    ]  # fmt: skip
    chart = Chart(
        "fan", "lines",
        {"time": packing.times(data.ts[rows]), "lines": lines, "format": "number"},
        f"Value of one unit of money in the best setting, in the best tenth of {len(some):,} kept "
        "settings, and in the benchmark.", 360,
    )  # fmt: skip
    note = (
        "Bands hold half and nine tenths of the best tenth. In sample: they were chosen for this."
    )
    html = render("sweep_charts.html", charts=[(chart, "", note)], sentences=[])
    return Section("fan", "Equity of the best tenth", html, "Equity")


def _grown(returns: Floats) -> Floats:
    return np.cumprod(1.0 + np.nan_to_num(returns)).astype(np.float64)


def _folds(data: SweepData) -> Section | None:
    """Score on earlier folds against the last one."""
    folds = data.folds
    if not folds.size or folds.shape[1] < 2:
        return None
    ok: Bools = np.asarray(np.isfinite(folds).all(axis=1), np.bool_)
    before, last = folds[:, :-1].mean(axis=1), folds[:, -1]
    rows = _chosen(ok, MOST_POINTS)
    if len(rows) < 5:
        return None
    with np.errstate(invalid="ignore"):
        alike = float(np.corrcoef(before[ok], last[ok])[0, 1])
    chart = Chart(
        "folds", "points",
        {"x": packing.floats(before[rows]), "y": packing.floats(last[rows]),
         "shade": packing.floats(data.feasible[rows].astype(float)),
         "xName": "mean of earlier blocks", "yName": "last block"},
        f"{data.objectives[0]} on earlier test blocks against the last one; correlation "
        f"{number(alike)}.", 380,
    )  # fmt: skip
    note = (
        f"Correlation {number(alike)}: what was good before "
        f"{'tells' if alike > 0.3 else 'tells little of'} what is good in the last block."
    )
    html = render("sweep_charts.html", charts=[(chart, "", note)], sentences=[])
    return Section("folds", "In sample against out of sample", html, "In and out")


def _nested(data: SweepData) -> Section | None:
    found = data.table.get("nested")
    if not found:
        return None
    html = render("sweep_nested.html", nested=found)
    return Section("nested", "Re-optimised before every block", html, "Nested")


def _listed(data: SweepData) -> Section:
    """The best settings, and how many ended how."""
    ok = np.flatnonzero(data.feasible & np.isfinite(data.score))
    order = ok[np.argsort(-data.sign * data.score[ok], kind="stable")][:LISTED]
    rows = [_row(data, int(i)) for i in order]
    html = render(
        "sweep_listed.html", params=data.params, objectives=data.objectives, rows=rows,
        counts=data.table["trials"], refusal=data.table["first_refusal"],
        speed=data.table["speed"],
    )  # fmt: skip
    return Section("trials", "The best settings", html, "Settings")


def _row(data: SweepData, i: int) -> tuple[int, Sequence[str], Sequence[str]]:
    values = ["" if (v := data.values(n)[i]) is None else f"{v:.6g}" if isinstance(v, float)
              else str(v) for n in data.params]  # fmt: skip
    scores = [number(data.column(f"score {n}")[i], 3) for n in data.objectives]
    return i, values, scores


def _setup(data: SweepData) -> Section:
    html = render("sweep_setup.html", config=data.config, name=data.name)
    return Section("setup", "How to get this sweep again", html, "Config")
