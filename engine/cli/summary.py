"""What a run came to, as a screen of text."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tradewind.engine.cli.console import out, table
from tradewind.engine.report.run import Run
from tradewind.engine.report.words import is_number, number, percent, plural, reason
from tradewind.engine.types import Reason

NOTES_SHOWN = 5


def as_json(run: Run, folder: Path) -> dict[str, Any]:
    """The one JSON object of ``tradewind backtest --json``.

    Returns
    -------
    dict
        ``run``, ``folder``, ``metrics`` (as in metrics.json, ``ambiguity`` and ``rejections``
        among them), ``forecast_scores``, ``ranked``,
        ``report``, ``first_date`` and ``last_date`` of the evaluation, ``notes``.
    """
    dates = run.panel.dates
    return {
        "run": run.name,
        "folder": str(folder),
        "metrics": run.metrics,
        "forecast_scores": run.forecast_scores,
        "ranked": run.ranked,
        "report": str(folder / "report.html"),
        "first_date": str(dates[run.first_bar]),
        "last_date": str(dates[-1]),
        "notes": run.notes,
    }


def show(run: Run, folder: Path) -> None:
    """Print numbers beside the benchmark, what trading cost, what the forecasts were worth."""
    dates, n_bars = run.panel.dates, run.panel.n_bars - run.first_bar
    out(
        f"{run.name}: {plural(run.panel.n_symbols, 'symbol')}, {dates[run.first_bar]} to "
        f"{dates[-1]}, {plural(n_bars, 'bar')}, {run.config.executor} executor"
    )
    table("", ("", "strategy", run.config.benchmark), _rows(run))
    out(_costs(run.metrics["costs"]))
    if run.metrics.get("cuts", {}).get("total"):
        out(cut_wishes(run.metrics["cuts"]))
    if run.metrics["rejections"]["total"]:
        out(rejected(run.metrics["orders"], run.metrics["rejections"]["total"]))
    if run.metrics.get("ambiguity", {}).get("bars"):
        out(ambiguous(run.metrics["ambiguity"]))
    if run.forecast_scores.get("verdict"):
        out(f"Forecasts: {run.forecast_scores['verdict']}")
    if run.ranked.get("verdict"):
        out(f"Rankings: {run.ranked['verdict']}")
    for note in run.notes[:NOTES_SHOWN]:
        out(f"Note: {note}")
    if len(run.notes) > NOTES_SHOWN:
        out(f"... and {plural(len(run.notes) - NOTES_SHOWN, 'more note')} in the report")
    out(f"Report: {folder / 'report.html'}")


def _rows(run: Run) -> list[tuple[str, str, str]]:
    ours, theirs = run.metrics["strategy"], run.metrics["benchmark"]
    both: list[tuple[str, str, Callable[[Any], str]]] = [
        ("Annual return", "annual_return", percent),
        ("Annual volatility", "annual_volatility", percent),
        ("Sharpe ratio", "", str),
        ("Sortino ratio", "sortino", number),
        ("Calmar ratio", "calmar", number),
        ("Deepest drawdown", "max_drawdown", percent),
        ("Longest drawdown, bars", "longest_drawdown_bars", count),
    ]
    alone: list[tuple[str, str, Callable[[Any], str]]] = [
        ("Gross exposure", "gross_exposure", percent),
        ("Turnover a year", "turnover_annual", number),
        ("Closed trades", "n_trades", count),
        ("Hit rate", "hit_rate", percent),
        ("Profit factor", "profit_factor", number),
        ("Final equity", "final_equity", count),
    ]
    rows = [
        (title, shown(ours.get(key)), shown(theirs.get(key)))
        if key
        else (title, sharpe(ours), sharpe(theirs))
        for title, key, shown in both
    ]
    return rows + [(title, shown(ours.get(key)), "") for title, key, shown in alone]


def count(value: Any) -> str:
    """Whole number, thousands apart."""
    return number(value, 0)


def sharpe(metrics: Mapping[str, Any]) -> str:
    """Sharpe ratio with its standard error, the wider of the two estimates."""
    errors = [metrics.get("sharpe_se"), metrics.get("sharpe_se_hac")]
    known = [float(error) for error in errors if error is not None and is_number(error)]
    ratio = number(metrics.get("sharpe"))
    return f"{ratio} \N{PLUS-MINUS SIGN} {number(max(known))}" if known else ratio


def _costs(costs: dict[str, Any]) -> str:
    parts = ", ".join(
        f"{name} {number(costs.get(name), 0)}"
        for name in ("fee", "spread", "slippage", "borrow", "interest")
        if name != "interest" or costs.get(name)
    )
    annual = number(costs.get("total_bps_annual"), 1)
    return f"Costs: {number(costs.get('total'), 0)} ({parts}), {annual} bps of equity a year"


def cut_wishes(cuts: Mapping[str, int]) -> str:
    """How often the caps of the sizing lowered a wish, and which."""
    by = ", ".join(f"{name} {count(n)}" for name, n in cuts.items() if name != "total" and n)
    return f"Sizing: wishes lowered {plural(cuts['total'], 'time')} by its caps ({by})"


def rejected(orders: Mapping[str, int], total: int) -> str:
    """How many orders were refused, and why."""
    why = {code: orders[code.name.lower()] for code in Reason if code.name.startswith("REJECTED")}
    by = ", ".join(f"{reason(code)[0]} {count(n)}" for code, n in why.items() if n)
    return f"Orders rejected: {count(total)} of {count(orders['orders'])} ({by})"


def ambiguous(block: Mapping[str, Any]) -> str:
    """What the bars with an unknown path decided, and the run at its worst and best."""
    bars = f"Ambiguous: {plural(block['bars'], 'bar')}"
    worst, best = block["worst"], block["best"]
    if worst is None or best is None:
        return f"{bars}; without bounds, since the strategy did not do the same when asked again"
    return (
        f"{bars} decided {plural(block['trades_decided'], 'closed trade')}; at worst and at best a "
        f"final equity of {count(worst['final_equity'])} and {count(best['final_equity'])}, "
        f"a Sharpe ratio of {number(worst['sharpe'])} and {number(best['sharpe'])}"
    )
