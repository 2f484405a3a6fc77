"""A leaderboard as a screen of text; ``tradewind train`` makes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.engine.cli import ranks
from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.failures import Interrupted
from tradewind.engine.cli.progress import watched
from tradewind.engine.walkforward.where import Workers

if TYPE_CHECKING:
    from tradewind.engine.leaderboard.run import Compared

FITS_KEPT = "fits that were finished are kept in the cache, so the same command goes on from there"
SCORE_COLUMNS = (
    "", "rank IC", "t", "right sign", "95 % interval", "by chance", "p", "Sharpe",
    "train s", "ms/bar",
)  # fmt: skip
NONE = "\N{EN DASH}"


def leaderboard(
    config: str,
    assignments: list[str],
    *,
    results: Path,
    fresh: bool,
    workers: Workers,
    as_json: bool,
) -> None:
    """Compare a config's forecasters or selectors, write the folder, print the board.

    Raises
    ------
    Interrupted
        After Ctrl-C, once those that were done have been written and printed.
    """
    with watched("train", FITS_KEPT) as bars:
        # After the config: a fault in it is told at once.
        from tradewind.engine.leaderboard import run as bench

        compared = bench.bench(
            config, assignments, results=results, progress=bars, fresh=fresh, workers=workers
        )
        left = bars.left_open()
    if compared.interrupted:
        if not as_json:
            show(compared)
        raise Interrupted(left, f"those that were done are in {compared.folder}; {FITS_KEPT}")
    if as_json:
        out_json(_as_json(compared))
    else:
        show(compared)


def _as_json(compared: "Compared") -> dict[str, Any]:
    folder = compared.folder
    return {
        "run": compared.board.name,
        "folder": str(folder),
        "leaderboard": compared.board.table,
        "report": None if folder is None else str(folder / "report.html"),
        "notes": compared.board.notes,
    }


def show(compared: "Compared") -> None:
    """Print the board and what it comes to."""
    found = compared.board.table
    if compared.board.ranks:
        out(f"{compared.board.name}: {ranks.head(found)}")
        table("", ranks.COLUMNS, ranks.rows(found))
    else:
        _show_errors(compared.board.name, found)
    for one in found["failed"]:
        out(f"Not compared: {one['name']}: {one['error']}")
    out(found["verdict"])
    for sentence in found["sentences"]:
        out(sentence)
    if compared.folder is not None:
        out(f"Report: {compared.folder / 'report.html'}")


def _show_errors(name: str, found: Mapping[str, Any]) -> None:
    """Print the errors of forecasters, and of those who give scores the rest."""
    from tradewind.engine.report.words import number

    out(
        f"{name}: {number(found['n'], 0)} pairs on {found['n_dates']} dates of "
        f"{found['n_symbols']} symbols, {found['first_date']} to {found['last_date']}, "
        f"{found['horizon']} bars ahead; errors in percent"
    )
    reference = found["reference"]
    columns = (
        "", "MAE", f"gain on {reference}" if reference else "gain", "RMSE", "pinball", "CRPS",
        "right sign", "95 % interval", "rank IC", "t", "in 80 %", "in 95 %", "in set", "Sharpe",
        "train s", "ms/bar",
    )  # fmt: skip
    apart = [name for name, row in found["rows"].items() if not row.get("mean_is_return", True)]
    rows = [(name, row) for name, row in found["rows"].items() if name not in apart]
    if rows:
        table("", columns, [_row(name, row) for name, row in rows])
    if apart:
        out("Scores, not returns: no errors to compare")
        table("", SCORE_COLUMNS, [_score_row(name, found["rows"][name]) for name in apart])


def _score_row(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Line of a forecaster whose mean is a score and no return."""
    from tradewind.engine.report.words import p_value, percent

    signs = row["direction"]
    by_chance = (percent(signs["by_chance"]), p_value(signs["p"])) if signs["n"] else (NONE, NONE)
    return (name, *_ranks(row), *_signs(row), *by_chance, *_traded(row))


def _ranks(row: Mapping[str, Any]) -> tuple[str, str]:
    from tradewind.engine.report.words import number

    ranks = row["rank_ic"]
    return (
        number(ranks["value"], 4) if ranks["value"] is not None else NONE,
        number(ranks["t"], 1) if ranks["t"] is not None else NONE,
    )


def _signs(row: Mapping[str, Any]) -> tuple[str, str]:
    from tradewind.engine.report.words import percent

    signs = row["direction"]
    if not signs["n"]:
        return NONE, NONE
    return percent(signs["value"]), f"{percent(signs['low'])} to {percent(signs['high'])}"


def _traded(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Sharpe ratio after costs, and what it takes."""
    from tradewind.engine.report.words import number, plus_minus

    traded = row["strategy"]
    known = traded.get("sharpe") is not None
    return (
        plus_minus(traded["sharpe"], traded["sharpe_se"]) if known else NONE,
        number(row["train_seconds"], 1),
        number(row["ms_per_bar"], 2) if row["ms_per_bar"] is not None else NONE,
    )


def _row(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    from tradewind.engine.report.words import number, percent, signed_percent

    against, chance = row["against"], row["confidence_set"] or {}
    inside = "/".join(
        f"{'yes' if one['inside'] else 'no'}"
        for one in (chance.get("mae"), chance.get("crps"))
        if one
    )
    return (
        name,
        number(_times_100(row["mae"]), 4),
        signed_percent(against["gain"], 2) if against else NONE,
        number(_times_100(row["rmse"]), 3),
        number(_times_100(row["pinball"]), 4),
        number(_times_100(row["crps"]), 4),
        *_signs(row),
        *_ranks(row),
        percent(row["coverage_80"]["value"]),
        percent(row["coverage_95"]["value"]),
        inside or NONE,
        *_traded(row),
    )


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100.0 * value
