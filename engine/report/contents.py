"""What a run folder consists of: the one list that writing and reading share."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from tradewind.engine.report import prices, tables
from tradewind.engine.report.run import Run
from tradewind.engine.report.words import moment

PARQUETS: Mapping[str, Callable[[Run], Iterable[tables.Table]]] = {
    "equity.parquet": lambda run: [tables.equity_table(run)],
    "orders.parquet": lambda run: [tables.orders_table(run)],
    "fills.parquet": lambda run: [tables.fills_table(run)],
    "events.parquet": lambda run: [tables.events_table(run)],
    "trades.parquet": lambda run: [tables.trades_table(run)],
    "signals.parquet": lambda run: [prices.signals_table(run)],
    "prices.parquet": prices.prices_tables,
}
TEXTS = ("config.yaml", "metrics.json", "log.jsonl")
EXPLANATION = "explanation.json"  # where the strategy tells a run on pages of its own
FORMAT = 2  # of the folder; raised when an older reader would misread it


def facts(run: Run) -> dict[str, Any]:
    """What a list of runs and a reader need beside the run's own manifest."""
    dates = run.panel.dates[run.first_bar :]
    return {
        "format": FORMAT,
        "name": run.name,
        "strategy": run.config.strategy.kind,
        "forecaster": run.config.forecaster.kind if run.config.forecaster else None,
        "selector": run.config.selector.kind if run.config.selector else None,
        "first_bar": run.first_bar,
        "first_date": moment(dates[0]) if len(dates) else None,
        "last_date": moment(dates[-1]) if len(dates) else None,
        "n_bars": run.panel.n_bars,
        "n_trades": len(run.trades),
        **prices.facts(run),
        "notes": list(run.notes),
    }


def files(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of what has been written so far."""
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": file_hash(folder / name)}
        for name in names
    }


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        seal = sha256()
        while block := file.read(1 << 20):
            seal.update(block)
    return seal.hexdigest()
