"""A leaderboard as one HTML file in the style of a run's page, without a script."""

from markupsafe import Markup

from tradewind.engine.report import leaderboard_forecasts, leaderboard_ranks
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
    own = leaderboard_ranks if board.ranks else leaderboard_forecasts
    made = [*own.sections(board), _costs(board), _times(board)]
    if board.table["failed"]:
        made.append(_failed(board))
    made += [_notes(board), _setup(board)]
    return skeleton(board.name, render_head(board), made)


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
        label = f"Value of one unit of money after costs, traded on what each {board.one} said."
        picture = lines(board.dates, curves, named, label)
    html = render(
        "leaderboard_costs.html",
        rows=board.table["rows"],
        picture=picture,
        n=len(named),
        one=board.one,
        market=board.table.get("benchmark"),
    )
    return Section("costs", "The same strategy, after costs", html, "After costs")


def _times(board: Board) -> Section:
    html = render("leaderboard_times.html", rows=board.table["rows"], one=board.one)
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
