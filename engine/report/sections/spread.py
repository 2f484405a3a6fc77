"""What was paid for the spread, what the bars say it was, and how wide it may become."""

from collections.abc import Mapping
from typing import Any

from tradewind.engine.config.spread import EstimatedSpreadConfig, SpreadConfig
from tradewind.engine.report.section import Chart, Context, Section, render
from tradewind.engine.report.words import TIMES, is_number, number, percent, plural

MAX_ROWS = 20  # symbols in the table, the most traded first
SAYS = {
    "quotes_bps": "Quotes",
    "edge_bps": "EDGE",
    "corwin_schultz_bps": "Corwin-Schultz",
    "abdi_ranaldo_bps": "Abdi-Ranaldo",
}


def spread(context: Context) -> Section | None:
    """Spread paid beside spread estimated; None where nothing was filled."""
    block = context.block("spread")
    total = block.get("total", {})
    if not total.get("n_fills"):
        return None
    curve = block.get("break_even")
    by_symbol = list(block["by_symbol"].items())
    html = render(
        "spread.html",
        chart=_curve(curve) if curve else None,
        sentence=sentence(curve) if curve else "",
        columns=[SAYS[key] for key in SAYS if _said(block, key)],
        rows=[_row(name, row, block) for name, row in [("All", total), *by_symbol[:MAX_ROWS]]],
        rest=plural(len(by_symbol) - MAX_ROWS, "symbol") if len(by_symbol) > MAX_ROWS else "",
        window=block["window"],
        charged=_charged(context.run.config.costs.spread, context.run.log),
    )
    return Section("spread", "Spread paid and estimated", html, "Spread")


def sentence(curve: Mapping[str, Any]) -> str:
    """Break-even multiple in words.

    Parameters
    ----------
    curve : mapping
        From :func:`tradewind.engine.books.break_even.break_even`.
    """
    at, sharpe, widest = curve["multiple"], curve["sharpe"], number(curve["scale"][-1], 0)
    if at is None:
        left = f"its Sharpe ratio is then {number(sharpe[-1])}"
        return f"The strategy still earns something at {widest} times its spread: {left}."
    if at == 0:
        return "The strategy earns nothing even without any spread: the spread is not its problem."
    verdict = "less than it pays now" if at < 1 else "that is the room it has"
    where = f"{number(at, 2)} times the spread"
    return f"The Sharpe ratio after costs falls to zero at {where}: {verdict}."


def _said(block: Mapping[str, Any], key: str) -> bool:
    return any(is_number(row[key]) for row in [block["total"], *block["by_symbol"].values()])


def _row(name: str, row: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "n_fills": row["n_fills"],
        "value": row["value"],
        "paid": row["paid_bps"],
        "says": [row[key] for key in SAYS if _said(block, key)],
        "total": name == "All" and row is block["total"],
    }


def _charged(config: SpreadConfig, log: tuple[Mapping[str, Any], ...]) -> str:
    """How often an estimated spread was no estimate."""
    if not isinstance(config, EstimatedSpreadConfig):
        return ""
    told = [event for event in log if event.get("event") == "spread" and event.get("n_bars")]
    if not told:
        return ""
    n_bars = told[-1]["n_bars"]
    fallback, floor = (told[-1][name] / n_bars for name in ("n_fallback", "n_floor"))
    return (
        f"Charged: the {config.estimator.replace('_', '-')} estimate of the {config.window} bars "
        f"before each; the fallback of {config.fallback_bps:g} bps on {percent(fallback)} of all "
        f"bars, the floor of {config.floor_bps:g} bps on {percent(floor)}."
    )


def _curve(curve: Mapping[str, Any]) -> Chart:
    at = curve["multiple"]
    return Chart(
        "spread-break-even",
        "multiples",
        {
            "x": curve["scale"],
            "sharpe": curve["sharpe"],
            "equity": curve["final_equity"],
            "mark": at if at else None,
            "markLabel": f"{number(at, 2)}{TIMES}" if at else "",
        },
        f"Sharpe ratio after costs as the spread grows from zero to five times. {sentence(curve)}",
        260,
    )
