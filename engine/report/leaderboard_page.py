"""A leaderboard as one HTML file in the style of a run's page, without a script."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from tradewind.engine.report.forest import Estimate, forest
from tradewind.engine.report.leaderboard_board import Board
from tradewind.engine.report.lines import lines
from tradewind.engine.report.page import skeleton
from tradewind.engine.report.section import Section, render
from tradewind.engine.report.sections.notes import MAX_NOTES, folded
from tradewind.engine.report.sections.setup import MAX_CONFIG, MAX_ROWS, flat
from tradewind.engine.report.text import yaml_text
from tradewind.engine.report.words import number, plural

NAMED_CURVES = 3  # more names would overlap


def render_head(board: Board) -> Markup:
    """What stands above the contents."""
    table, values = board.table, board.values
    walk, costs = values["walk_forward"], values["costs"]
    facts = [
        ("Data", f"{values['data']['source']}, {plural(table['n_symbols'], 'symbol')}"),
        ("Compared from", f"{table['first_date']} to {table['last_date']}"),
        ("Looks ahead", plural(table["horizon"], "bar")),
        ("Walk-forward", f"{walk['mode']}: {walk['train']} bars, refit every {walk['refit']}"),
        ("Traded by", str(values["strategy"]["kind"])),
        ("Costs", f"{number(costs['fee_bps'], 1)} bps fee, spread and slippage as configured"
         if "fee_bps" in costs else "as configured"),
    ]  # fmt: skip
    evidence = (
        f"All on the same {number(table['n'], 0)} pairs of bar and symbol, on "
        f"{plural(table['n_dates'], 'date')}."
    )
    return render("leaderboard_head.html", board=board, facts=facts, evidence=evidence)


def render_board(board: Board) -> str:
    """HTML of the page."""
    made = [_pictures(board), _accuracy(board), _costs(board), _times(board)]
    if board.table["failed"]:
        made.append(_failed(board))
    made += [_notes(board), _setup(board)]
    return skeleton(board.name, render_head(board), made)


def _pictures(board: Board) -> Section:
    rows: Mapping[str, Any] = board.table["rows"]
    reference = board.table["reference"]
    trio = []
    gains = [
        Estimate(name, _of(row, "against", "gain"), _of(row, "against", "low"),
                 _of(row, "against", "high"), _inside(row, "mae"))
        for name, row in rows.items()
        if row["against"]
    ]  # fmt: skip
    if gains:
        title = f"Smaller errors than {reference}"
        note = (
            "Mean absolute error, percent of the reference's, with its 95 % interval. Filled: "
            "inside the model confidence set."
        )
        trio.append((title, forest(gains, f"{title}, percent.", unit="%", scale=100.0), note))
    ranks = [
        Estimate(
            name,
            _of(row, "rank_ic", "value"),
            _of(row, "rank_ic", "low"),
            _of(row, "rank_ic", "high"),
        )
        for name, row in rows.items()
        if _of(row, "rank_ic", "value") is not None
    ]
    if ranks:
        note = "Spearman correlation across symbols, averaged over dates, with its 95 % interval."
        trio.append(("Rank correlation", forest(ranks, "Rank correlations.", unit=""), note))
    sharpes = [
        Estimate(name, one["sharpe"], *_around(one["sharpe"], one["sharpe_se"]))
        for name, one in ((name, row["strategy"]) for name, row in rows.items())
        if one.get("sharpe") is not None
    ]
    if sharpes:
        note = (
            "The same strategy on each one's forecasts, after costs; two standard errors on each "
            "side."
        )
        trio.append(("Sharpe ratio after costs", forest(sharpes, "Sharpe ratios.", unit=""), note))
    html = render("leaderboard_pictures.html", trio=trio, sentences=board.table["sentences"])
    return Section("figures", "Who is better, and by how much", html, "Pictures")


def _around(value: float, error: float | None) -> tuple[float | None, float | None]:
    return (None, None) if error is None else (value - 2 * error, value + 2 * error)


def _accuracy(board: Board) -> Section:
    rows: Mapping[str, Any] = board.table["rows"]
    apart = {name: row for name, row in rows.items() if not row.get("mean_is_return", True)}
    html = render(
        "leaderboard_accuracy.html",
        rows={name: row for name, row in rows.items() if name not in apart},
        scores=apart,
        reference=board.table["reference"],
        horizon=board.table["horizon"],
        n=board.table["n"],
        size=1 - board.table["confidence_set_size"],
        note=board.table["confidence_set_note"],
        n_unknown=board.table["n_unknown"],
    )
    return Section("accuracy", "Accuracy", html)


def _costs(board: Board) -> Section:
    ranked = sorted(
        (row["strategy"]["sharpe"], name)
        for name, row in board.table["rows"].items()
        if row["strategy"].get("sharpe") is not None
    )[::-1]
    curves = {name: curve for name, curve in board.equity.items() if len(curve) > 1}
    named = [name for _, name in ranked[:NAMED_CURVES]]
    picture = None
    if curves:
        label = "Value of one unit of money after costs, traded on each forecaster's forecasts."
        picture = lines(board.dates, curves, named, label)
    html = render(
        "leaderboard_costs.html",
        rows=board.table["rows"],
        picture=picture,
        n=len(named),
        market=board.table.get("benchmark"),
    )
    return Section("costs", "The same strategy, after costs", html, "After costs")


def _times(board: Board) -> Section:
    html = render("leaderboard_times.html", rows=board.table["rows"])
    return Section("times", "What it takes", html, "Time")


def _failed(board: Board) -> Section:
    html = render("leaderboard_failed.html", failed=board.table["failed"])
    return Section("failed", "Not compared", html)


def _notes(board: Board) -> Section:
    found = folded(board.notes)
    html = render("notes.html", notes=found[:MAX_NOTES], more=max(0, len(found) - MAX_NOTES))
    return Section("notes", "Notes on the data", html, "Data")


def _setup(board: Board) -> Section:
    text, rows = yaml_text(board.values), list(flat(board.manifest))
    html = render(
        "setup.html",
        config=text[:MAX_CONFIG],
        cut=len(text) > MAX_CONFIG,
        rows=rows[:MAX_ROWS],
        more=max(0, len(rows) - MAX_ROWS),
        name=board.name,
    )
    return Section("setup", "How to get this leaderboard again", html, "Config")


def _of(row: Mapping[str, Any], block: str, key: str) -> float | None:
    found = row.get(block) or {}
    value = found.get(key)
    return None if value is None else float(value)


def _inside(row: Mapping[str, Any], loss: str) -> bool:
    return bool(((row["confidence_set"] or {}).get(loss) or {}).get("inside", True))
