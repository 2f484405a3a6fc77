"""What a comparison of selectors shows of its own: ranks, groups, and what is left of them."""

from collections.abc import Mapping
from typing import Any

from tradewind.engine.report.bars import bars
from tradewind.engine.report.forest import Estimate, forest
from tradewind.engine.report.leaderboard_board import Board
from tradewind.engine.report.leaderboard_forecasts import around
from tradewind.engine.report.section import Section, render
from tradewind.engine.report.words import is_number


def sections(board: Board) -> list[Section]:
    """Pictures, the table of ranks, and that of groups."""
    made = [_pictures(board), _ranks(board), _groups(board), _pairs(board)]
    return [*made, _periods(board)] if board.table["periods"] else made


def _pictures(board: Board) -> Section:
    rows: Mapping[str, Any] = board.table["rows"]
    base = board.table["base"]
    wanted = (
        ("rank_ic", "Rank correlation", "", 1.0,
         "Spearman correlation of score and return across symbols, averaged over formations."),
        ("spread", "Top less bottom group", "%", 100.0,
         "Mean return of the top group less that of the bottom one, per formation, before costs."),
        ("against", f"Top less bottom, less {base}'s", "%", 100.0,
         f"The same formations, formation by formation: each one's difference less {base}'s."),
    )  # fmt: skip
    trio = []
    for key, title, unit, scale, note in wanted:
        found = [
            Estimate(name, row[key]["value"], row[key]["low"], row[key]["high"])
            for name, row in rows.items()
            if (row[key] or {}).get("value") is not None
        ]
        if found:
            picture = forest(found, f"{title}.", unit=unit, scale=scale)
            trio.append((title, picture, f"{note} With 95 % intervals."))
    sharpes = [
        Estimate(name, one["sharpe"], *around(one["sharpe"], one["sharpe_se"]))
        for name, one in ((name, row["strategy"]) for name, row in rows.items())
        if one.get("sharpe") is not None
    ]
    if sharpes:
        note = "The same strategy on each one's scores, after costs; two standard errors each side."
        trio.append(("Sharpe ratio after costs", forest(sharpes, "Sharpe ratios.", unit=""), note))
    html = render("leaderboard_pictures.html", trio=trio, sentences=board.table["sentences"])
    return Section("figures", "Who is better, and by how much", html, "Pictures")


def _ranks(board: Board) -> Section:
    html = render("leaderboard_ranks.html", table=board.table, rows=board.table["rows"])
    return Section("ranks", "Rankings", html)


def _groups(board: Board) -> Section:
    """Mean return of each group: a drawing for each selector to one scale, and a table."""
    rows: Mapping[str, Any] = board.table["rows"]
    known = {
        name: row["groups"] for name, row in rows.items() if any(map(is_number, row["groups"]))
    }
    reach = max((abs(v) for g in known.values() for v in g if is_number(v)), default=0.0) or 1.0
    n = board.table["n_groups"]
    names = [str(k + 1) for k in range(n)]
    drawn = [
        (name, bars(groups, names, f"Mean return of {n} groups of {name}.", reach=reach))
        for name, groups in known.items()
    ]
    html = render(
        "leaderboard_groups.html", rows=rows, drawn=drawn, n=n, reference=board.table["reference"]
    )
    return Section("groups", "Groups from the lowest score to the highest", html, "Groups")


def _pairs(board: Board) -> Section:
    rows: Mapping[str, Any] = board.table["rows"]
    told = [name for name, row in rows.items() if any(map(is_number, row["groups"]))]
    html = render("leaderboard_pairs.html", rows={name: rows[name] for name in told})
    return Section("pairs", "Each less each other", html, "Pairs")


def _periods(board: Board) -> Section:
    html = render("leaderboard_periods.html", periods=board.table["periods"])
    return Section("periods", "Period by period", html, "Periods")
