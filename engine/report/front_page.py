"""A front of portfolios as one HTML file in the style of a run's page, without a script."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from tradewind.engine.report.front import Front
from tradewind.engine.report.front_plot import plot
from tradewind.engine.report.lines import lines
from tradewind.engine.report.page import skeleton
from tradewind.engine.report.section import Section, render
from tradewind.engine.report.sections.notes import MAX_NOTES, folded
from tradewind.engine.report.sections.setup import MAX_CONFIG, MAX_ROWS, flat
from tradewind.engine.report.text import yaml_text
from tradewind.engine.report.words import number, percent, plural, signed_percent

PICKS = {"knee": "knee", "min_risk": "least risk", "max_return": "most return"}
RISKS = {
    "volatility": "Volatility a year",
    "max_drawdown": "Deepest drawdown",
    "cvar": "Mean loss on the worst bars (CVaR)",
}
EQUAL = "equal weight"
MAX_SHOWN = 200  # portfolios drawn and listed
MAX_NAMES = 60  # rows of the table of weights


def render_front(front: Front) -> str:
    """HTML of the page."""
    made = [_plot(front), _weights(front), _later(front), _all(front), _search(front)]
    made += [_notes(front), _setup(front)]
    return skeleton(front.name, render_head(front), made)


def render_head(front: Front) -> Markup:
    """What stands above the contents."""
    table, block, costs = front.table, front.values["evolve"], front.values["costs"]
    train, test = table["spans"]["train"], table["spans"]["test"]
    count = block["count"]
    held = (
        f"exactly {count['least']}"
        if count["least"] == count["most"]
        else f"{count['least']} to {count['most']}"
    )
    facts = [
        ("Data", f"{_source(front)}, {plural(table['n_symbols'], 'symbol')}"),
        ("Optimised on", f"{train['first_date']} to {train['last_date']}"),
        ("Shown on", f"{test['first_date']} to {test['last_date']}"),
        ("Names held", held),
        ("Weight of each", f"{percent(block['weight']['least'])} to "
                           f"{percent(block['weight']['most'])}"),
        ("Rebalanced", str(block["rebalance"]).replace("_", " ")),
        ("Tried", plural(table["evaluated"], "portfolio")),
        ("Costs", f"{number(costs['fee_bps'], 1)} bps fee, spread and slippage as configured"
         if costs.get("fee_bps") is not None else "as configured"),
    ]  # fmt: skip
    return render("front_head.html", front=front, facts=facts)


def _source(front: Front) -> str:
    data = front.values["data"]
    several = [str(one["source"]) for one in data.get("sources") or ()]
    return " and ".join(dict.fromkeys(several or [str(data["source"])]))


def _numbers(front: Front) -> dict[int, str]:
    """Number of each portfolio that stands out -> what it is called."""
    labels: dict[int, str] = {}
    for name, at in front.table["chosen"].items():
        labels[at] = f"{labels[at]}, {PICKS[name]}" if at in labels else PICKS[name]
    return labels


def _shown(front: Front) -> list[int]:
    """Rows that are drawn and listed: all, of a large front an even part and those chosen."""
    n = len(front.weights)
    even = np.unique(np.linspace(0, n - 1, min(n, MAX_SHOWN)).round().astype(int))
    return sorted({*even.tolist(), *(at - 1 for at in front.table["chosen"].values())})


def _plot(front: Front) -> Section:
    risk = front.table["objectives"][1]
    third = front.table["objectives"][2:]
    shown = _shown(front)
    points = {
        span: (np.asarray(found[risk])[shown], np.asarray(found["annual_return"])[shown])
        for span, found in front.numbers.items()
    }
    reference = {
        span: (_float(found[risk]), _float(found["annual_return"]))
        for span, found in front.table["reference"].items()
    }
    titles = {span: [_title(front, span, i) for i in shown] for span in points}
    picture = plot(
        points["train"],
        points["test"],
        reference,
        _numbers(front),
        titles,
        numbers=[i + 1 for i in shown],
        joined=not third,
        risk=RISKS[risk],
    )
    html = render(
        "front_pictures.html", picture=picture, sentences=front.table["sentences"],
        third=", ".join(third),
    )  # fmt: skip
    return Section("front", "What could be had, and what came of it", html, "Front")


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _title(front: Front, span: str, i: int) -> str:
    """What the pointer shows."""
    found = front.numbers[span]
    risk = front.table["objectives"][1]
    held = ", ".join(f"{name} {percent(w, 0)}" for name, w in list(front.held(i + 1).items())[:8])
    where = "in sample" if span == "train" else "out of sample"
    return (
        f"No. {i + 1}, {where}: {signed_percent(found['annual_return'][i])} a year, "
        f"{RISKS[risk].lower()} {percent(found[risk][i])}; {held}"
    )


def _weights(front: Front) -> Section:
    """The portfolios that stand out, name by name."""
    labels = sorted(_numbers(front).items())
    held = {at: front.held(at) for at, _ in labels}
    names = sorted(
        {name for one in held.values() for name in one},
        key=lambda name: -max(one.get(name, 0.0) for one in held.values()),
    )
    rows = [(name, [held[at].get(name) for at, _ in labels]) for name in names[:MAX_NAMES]]
    cash = [1.0 - sum(held[at].values()) for at, _ in labels]
    html = render(
        "front_weights.html",
        labels=labels,
        rows=rows,
        cash=cash if max(cash) > 5e-4 else [],
        more=max(0, len(names) - MAX_NAMES),
        spans=_spans(front, [at for at, _ in labels]),
        name=front.name,
    )
    return Section("weights", "The portfolios that stand out", html, "Weights")


def _spans(front: Front, numbers: list[int]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """(span in words, numbers of each portfolio on it), equal weight last."""
    said = {"train": "In sample", "test": "Out of sample"}
    return [
        (
            text,
            [
                *({k: float(v[at - 1]) for k, v in front.numbers[span].items()} for at in numbers),
                front.table["reference"][span],
            ],
        )
        for span, text in said.items()
    ]


def _later(front: Front) -> Section:
    """Curves out of sample."""
    labels = _numbers(front)
    curves = {str(i + 1): curve for i, curve in enumerate(front.equity[:-1])}
    named = {label: curves[str(at)] for at, label in labels.items()}
    rest = {key: curve for key, curve in curves.items() if int(key) not in labels}
    step = max(1, len(rest) // 30)
    few = dict(list(rest.items())[::step])
    drawn = {**few, **named, EQUAL: front.equity[-1]}
    picture = lines(
        front.dates,
        drawn,
        [*named, EQUAL],
        "Value of one unit of money out of sample, after costs.",
    )
    html = render("front_later.html", picture=picture)
    return Section("later", "Out of sample", html, "Later")


def _all(front: Front) -> Section:
    """Every portfolio of the front."""
    labels = _numbers(front)
    third = front.table["objectives"][2:]
    rows = [
        {
            "number": i + 1,
            "label": labels.get(i + 1, ""),
            "count": int((front.weights[i] > 0.0).sum()),
            "held": ", ".join(f"{name} {percent(w)}" for name, w in front.held(i + 1).items()),
            "spans": [
                {name: float(values[i]) for name, values in front.numbers[span].items()}
                for span in ("train", "test")
            ],
        }
        for i in _shown(front)
    ]
    risk = front.table["objectives"][1]
    left = len(front.weights) - len(rows)
    html = render("front_all.html", rows=rows, left=left, risk=risk, word=RISKS[risk], third=third)
    return Section("portfolios", "All portfolios of the front", html, "Portfolios")


def _search(front: Front) -> Section:
    grown = [(one["generation"], one["share"]) for one in front.table["hypervolume"]]
    html = render(
        "front_search.html",
        table=front.table,
        half=_first(grown, 0.9),
        most=_first(grown, 0.99),
        seed=front.values["seed"],
    )
    return Section("search", "The search", html)


def _first(grown: list[tuple[int, float]], share: float) -> int | None:
    """First generation remembered with that share of the hypervolume of the last."""
    return next((number for number, value in grown if value >= share), None)


def _notes(front: Front) -> Section:
    found = folded(front.notes)
    html = render("notes.html", notes=found[:MAX_NOTES], more=max(0, len(found) - MAX_NOTES))
    return Section("notes", "Notes on the data", html, "Data")


def _setup(front: Front) -> Section:
    text, rows = yaml_text(front.values), list(flat(front.manifest))
    html = render(
        "setup.html",
        config=text[:MAX_CONFIG],
        cut=len(text) > MAX_CONFIG,
        rows=rows[:MAX_ROWS],
        more=max(0, len(rows) - MAX_ROWS),
        name=front.name,
    )
    return Section("setup", "How to get this front again", html, "Config")
