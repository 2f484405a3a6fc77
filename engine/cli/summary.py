"""What a run came to, as a screen of text."""

from pathlib import Path
from typing import Any

from tradewind.engine.cli.console import out, table
from tradewind.engine.report.run import Run
from tradewind.engine.report.words import is_number, number, percent, plural

NOTES_SHOWN = 5


def as_json(run: Run, folder: Path) -> dict[str, Any]:
    """The one JSON object of ``tradewind backtest --json``.

    Returns
    -------
    dict
        ``run``, ``folder``, ``metrics`` (as in metrics.json), ``forecast_scores``, ``report``,
        ``first_date`` and ``last_date`` of the evaluation, ``notes``.
    """
    dates = run.panel.dates
    return {
        "run": run.name,
        "folder": str(folder),
        "metrics": run.metrics,
        "forecast_scores": run.forecast_scores,
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
    if run.forecast_scores.get("verdict"):
        out(f"Forecasts: {run.forecast_scores['verdict']}")
    for note in run.notes[:NOTES_SHOWN]:
        out(f"Note: {note}")
    if len(run.notes) > NOTES_SHOWN:
        out(f"... and {plural(len(run.notes) - NOTES_SHOWN, 'more note')} in the report")
    out(f"Report: {folder / 'report.html'}")


def _rows(run: Run) -> list[tuple[str, str, str]]:
    both = (run.metrics["strategy"], run.metrics["benchmark"])
    rows = [
        ("Annual return", *(percent(m.get("annual_return")) for m in both)),
        ("Annual volatility", *(percent(m.get("annual_volatility")) for m in both)),
        ("Sharpe ratio", *(_sharpe(m) for m in both)),
        ("Sortino ratio", *(number(m.get("sortino")) for m in both)),
        ("Calmar ratio", *(number(m.get("calmar")) for m in both)),
        ("Deepest drawdown", *(percent(m.get("max_drawdown")) for m in both)),
        ("Longest drawdown, bars", *(number(m.get("longest_drawdown_bars"), 0) for m in both)),
    ]
    ours = both[0]
    alone = [
        ("Gross exposure", percent(ours.get("gross_exposure"))),
        ("Turnover a year", number(ours.get("turnover_annual"))),
        ("Closed trades", number(ours.get("n_trades"), 0)),
        ("Hit rate", percent(ours.get("hit_rate"))),
        ("Profit factor", number(ours.get("profit_factor"))),
        ("Final equity", number(ours.get("final_equity"), 0)),
    ]
    return [*rows, *((name, value, "") for name, value in alone)]


def _sharpe(metrics: dict[str, Any]) -> str:
    """Ratio with its standard error, the wider of the two estimates."""
    errors = [metrics.get(name) for name in ("sharpe_se", "sharpe_se_hac")]
    known = [error for error in errors if is_number(error)]
    ratio = number(metrics.get("sharpe"))
    return f"{ratio} \N{PLUS-MINUS SIGN} {number(max(known))}" if known else ratio


def _costs(costs: dict[str, Any]) -> str:
    parts = ", ".join(
        f"{name} {number(costs.get(name), 0)}" for name in ("fee", "spread", "slippage", "borrow")
    )
    annual = number(costs.get("total_bps_annual"), 1)
    return f"Costs: {number(costs.get('total'), 0)} ({parts}), {annual} bps of equity a year"
