"""What a comparison of forecasters shows of its own: errors, ranks, and who may be the best."""

from collections.abc import Mapping
from typing import Any

from tradewind.engine.report.forest import Estimate, forest
from tradewind.engine.report.leaderboard_board import Board
from tradewind.engine.report.section import Section, render


def sections(board: Board) -> list[Section]:
    """Pictures, and the table of errors."""
    return [_pictures(board), _accuracy(board)]


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
        Estimate(name, one["sharpe"], *around(one["sharpe"], one["sharpe_se"]))
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


def around(value: float, error: float | None) -> tuple[float | None, float | None]:
    """Two standard errors on each side."""
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


def _of(row: Mapping[str, Any], block: str, key: str) -> float | None:
    found = row.get(block) or {}
    value = found.get(key)
    return None if value is None else float(value)


def _inside(row: Mapping[str, Any], loss: str) -> bool:
    return bool(((row["confidence_set"] or {}).get(loss) or {}).get("inside", True))
