"""Rows of a comparison of selectors, as text."""

from collections.abc import Mapping
from typing import Any

NONE = "\N{EN DASH}"
COLUMNS = (
    "", "rank IC", "t", "right half", "top-bottom", "t", "after costs", "t", "vs base", "t",
    "turnover", "alpha", "t", "Sharpe", "train s",
)  # fmt: skip


def head(found: Mapping[str, Any]) -> str:
    """What the table is about."""
    from tradewind.engine.report.words import number

    return (
        f"{found['n_dates']} formations of {found['n_symbols']} symbols ({number(found['n'], 0)} "
        f"pairs), {found['first_date']} to {found['last_date']}, {found['horizon']} bars ahead; "
        f"base {found['base']}; returns in percent per formation"
    )


def rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One a selector, best first, and that of the reference portfolios."""
    made = [_row(name, row) for name, row in found["rows"].items()]
    reference = found["reference"]
    if reference:
        empty = dict.fromkeys(("rank_ic", "accuracy", "net", "against", "turnover"))
        made.append(_row(reference["name"], {**empty, **reference, "strategy": {}}))
    return made


def _row(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    from tradewind.engine.report.words import number, percent, plus_minus

    traded, right = row["strategy"], (row["accuracy"] or {}).get("value")
    known = traded.get("sharpe") is not None
    return (
        name,
        *_mean(row["rank_ic"], 1.0, 4),
        NONE if right is None else percent(right, 2),
        *_mean(row["spread"], 100.0, 2),
        *_mean(row["net"], 100.0, 2),
        *_mean(row["against"], 100.0, 2),
        NONE if row["turnover"] is None else percent(row["turnover"], 0),
        *_mean(row["alpha"], 100.0, 2),
        plus_minus(traded["sharpe"], traded["sharpe_se"]) if known else NONE,
        NONE if row.get("train_seconds") is None else number(row["train_seconds"], 1),
    )


def _mean(found: Mapping[str, Any] | None, scale: float, digits: int) -> tuple[str, str]:
    """A mean and its t."""
    from tradewind.engine.report.words import number, signed

    if not found or found["value"] is None:
        return NONE, NONE
    t = found["t"]
    return signed(scale * found["value"], digits), NONE if t is None else number(t, 2)
