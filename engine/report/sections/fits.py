"""How the forecasts were made, fold by fold: on what, with what, warm or from scratch."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.words import number, plural, signed_percent, significant
from tradewind.engine.walkforward.learning_curve import told
from tradewind.engine.walkforward.notes import written

LISTED = 300  # folds in the table; the manifest has them all
Row = tuple[str, ...]


def fits(context: Context) -> Section | None:
    """One row a fold; None where nothing was fitted."""
    folds = [event for event in context.run.log if event.get("event") == "fold"]
    forecaster = context.run.config.forecaster
    if not folds or forecaster is None or "train_dates" not in folds[0]:
        return None
    columns, rows = table_of(folds[-LISTED:])
    html = render(
        "fits.html",
        sentence=sentence(forecaster.walk_forward, folds),
        columns=columns,
        rows=rows,
        remarks=remarks(folds),
        left_out=max(0, len(folds) - LISTED),
        candidates=_candidates(folds),
    )
    return Section("fits", "How the forecasts were made", html, "Fits")


def sentence(walk: Any, folds: Sequence[Mapping[str, Any]]) -> str:
    """Schedule and number of fits in words."""
    by_bars = isinstance(walk.refit, int)
    every = f"every {plural(walk.refit, 'bar') if by_bars else walk.refit}"
    past = {
        "expanding": "on everything before its block",
        "rolling": f"on the last {plural(walk.train, 'bar')} before its block",
        "anchored": f"on everything from {walk.anchor} to its block",
    }[walk.mode]
    fits_made = sum(fold.get("fits", 1) for fold in folds)
    several = f", {plural(fits_made, 'fit')} in all" if fits_made > len(folds) else ""
    mixed = f"; forecasts are mixtures of {walk.seeds} fits" if walk.seeds > 1 else ""
    return f"{plural(len(folds), 'fold')}{several}: a fit {every}, {past}{mixed}."


def table_of(folds: Sequence[Mapping[str, Any]]) -> tuple[Row, list[Row]]:
    """Names of the columns and a row for each fold; what is empty all the way down is left out."""
    names = (
        "Fold", "Trained on", "Predicts", "Chosen", "Began", "Against from scratch", "Samples",
        "Loss", "Seconds",
    )  # fmt: skip
    rows = [
        (
            str(fold["fold"]),
            " to ".join(fold["train_dates"]),
            " to ".join(fold["test_dates"]),
            written(fold["choice"]["params"]) if fold.get("choice") else "",
            "from the fold before" if fold.get("warm") else "",
            _against(fold.get("control")),
            "" if fold.get("samples") is None else number(fold["samples"], 0),
            told(fold.get("history", ())),
            "from the cache" if fold.get("from_cache") else number(fold["seconds"], 1),
        )
        for fold in folds
    ]
    kept = [k for k in range(len(names)) if any(row[k] for row in rows)]
    return tuple(names[k] for k in kept), [tuple(row[k] for k in kept) for row in rows]


def remarks(folds: Sequence[Mapping[str, Any]]) -> list[str]:
    """What folds have to note, each thing once with the folds that do."""
    said: dict[str, list[str]] = {}
    for fold in folds:
        if fold.get("note"):
            said.setdefault(fold["note"], []).append(str(fold["fold"]))
    return [
        f"{'Every fold' if len(whose) == len(folds) else 'Fold ' + ', '.join(whose)}: {note}."
        for note, whose in said.items()
    ]


def _against(control: Mapping[str, Any] | None) -> str:
    """Error and loss of a warm fold, relative to the same fold from scratch."""
    if not control:
        return ""
    parts = []
    for label, key in (("error", "mae"), ("CRPS", "crps"), ("loss", "loss")):
        warm, cold = control.get(f"warm_{key}"), control.get(key)
        if warm is not None and cold:
            parts.append(f"{label} {signed_percent((warm - cold) / abs(cold), 2)}")
    return ", ".join(parts)


def _candidates(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Scores of all candidates in each fold, where parameters were chosen."""
    choices = [(fold["fold"], fold["choice"]) for fold in folds if fold.get("choice")]
    if not choices:
        return None
    offered = [written(one["params"]) for one in choices[0][1]["candidates"]]
    rows = [
        (
            str(number_),
            [
                (significant(one["score"], 4), one["params"] == choice["params"])
                for one in choice["candidates"]
            ],
        )
        for number_, choice in choices[-LISTED:]
    ]
    return {"score": choices[0][1]["score"], "offered": offered, "rows": rows}
