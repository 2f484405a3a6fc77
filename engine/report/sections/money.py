"""Where the money went: from what the positions made to what was kept."""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.report.run import Run
from tradewind.engine.report.section import Chart, Context, Section, render
from tradewind.engine.report.words import money as as_money
from tradewind.engine.report.words import plural
from tradewind.engine.scoring.metrics import costs_paid, traded_value

MAX_BARS = 30  # symbols in the picture: the best and the worst half of them


class Split(NamedTuple):
    """Profit over the whole run, account currency.

    ``net`` is gross and dividends less all the others; interest is below zero where it was earned.
    """

    gross: float
    fee: float
    spread: float
    slippage: float
    borrow: float
    interest: float
    dividends: float
    net: float


def split(run: Run) -> Split:
    """Costs as fills and events hold them; gross is what price moves alone would have left."""
    paid = costs_paid(run.simulation, 0, 0.0)
    net = float(run.simulation.equity[-1]) - run.config.account.cash
    names = ("fee", "spread", "slippage", "borrow", "interest", "dividends")
    parts = {name: float(paid[name]) for name in names}
    return Split(gross=net + paid["total"] - parts["dividends"], net=net, **parts)


def money(context: Context) -> Section | None:
    """Gross profit, what each cost took of it, and profit by symbol; None without a fill."""
    run = context.run
    if len(run.simulation.fills) == 0:
        return None
    parts = split(run)
    traded = traded_value(run.simulation.fills)
    symbols, rest = _by_symbol(run)
    html = render(
        "money.html",
        charts=[_waterfall(parts), *([_bars(symbols)] if len(symbols) > 1 else [])],
        rows=_rows(parts, context.years, traded, run.config.account.cash),
        most=max(abs(parts.gross), abs(parts.net)),
        rest=rest,
        traded=traded,
        orders=len(run.simulation.fills),
        currency=run.config.account.currency,
    )
    return Section("money", "Where the money went", html, "Costs")


def _steps(parts: Split) -> list[tuple[str, float, bool]]:
    """From before costs to after: name, change, and whether it grows with what is traded."""
    steps = [
        ("Commission", -parts.fee, True),
        ("Half-spread", -parts.spread, True),
        ("Slippage", -parts.slippage, True),
        ("Borrow", -parts.borrow, False),
        ("Interest", -parts.interest, False),
        ("Dividends", parts.dividends, False),
    ]
    rare = ("Interest", "Dividends")  # left out where the run could have none
    return [step for step in steps if step[0] not in rare or step[1] != 0.0]


def _rows(parts: Split, years: float, traded: float, cash: float) -> list[dict[str, Any]]:
    """Table beside the picture; costs as shares of what was traded where that means something."""
    first, last = ("Before costs", parts.gross, False), ("After costs", parts.net, False)
    return [
        {
            "name": name,
            "value": value,
            "bps": -value / traded * 1e4 if per_trade and traded else None,
            "yearly": value / cash / years if years > 0 else None,
            "total": name.endswith("costs"),
        }
        for name, value, per_trade in (first, *_steps(parts), last)
    ]


def _waterfall(parts: Split) -> Chart:
    steps = [
        {"name": "Before costs", "value": parts.gross, "total": True},
        *({"name": name, "value": value} for name, value, _ in _steps(parts)),
        {"name": "After costs", "value": parts.net, "total": True},
    ]
    label = f"Profit before costs {as_money(parts.gross)}, after costs {as_money(parts.net)}."
    return Chart(
        "money-waterfall",
        "waterfall",
        {"steps": steps, "whole": max(abs(parts.gross), abs(parts.net)) >= 1_000},
        label,
        300,
    )


def _by_symbol(run: Run) -> tuple[list[dict[str, Any]], str]:
    """Profit of each symbol, largest first, and what is said of those left out."""
    profit = np.bincount(
        run.trades["symbol"], weights=run.trades["pnl"], minlength=run.panel.n_symbols
    )
    traded = np.unique(run.trades["symbol"])
    order = traded[np.argsort(-profit[traded], kind="stable")].tolist()
    kept, rest = order, ""
    if len(order) > MAX_BARS:
        half = MAX_BARS // 2
        middle = order[half:-half]
        kept = order[:half] + order[-half:]
        total = as_money(float(profit[middle].sum()))
        rest = f"{plural(len(middle), 'symbol')} between them are left out: {total} together."
    return [{"name": run.panel.symbols[k], "value": float(profit[k])} for k in kept], rest


def _bars(symbols: list[dict[str, Any]]) -> Chart:
    best, worst = symbols[0], symbols[-1]
    label = (
        "Profit by symbol, before borrow and interest: "
        f"most from {best['name']} ({as_money(best['value'])}), "
        f"least from {worst['name']} ({as_money(worst['value'])})."
    )
    height = 60 + 20 * len(symbols)
    return Chart("money-symbols", "bars", {"bars": symbols, "unit": "Profit"}, label, height)
