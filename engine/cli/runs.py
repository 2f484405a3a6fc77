"""``tradewind runs``, ``compare`` and ``report``: what was run before."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.options import (
    RESULTS,
    JsonOption,
    ResultsOption,
    RunArgument,
    RunArguments,
)
from tradewind.engine.cli.progress import watched
from tradewind.engine.cli.results import run_folder

if TYPE_CHECKING:
    from tradewind.engine.report.compare import Comparison
    from tradewind.engine.report.reading import Summary


def runs(results: ResultsOption = RESULTS, as_json: JsonOption = False) -> None:
    """List the runs below the results folder, newest last; paper runs have 'paper status'."""
    from tradewind.engine.report.reading import summaries

    found = summaries(results)
    if as_json:
        out_json({"results": str(results), "runs": [asdict(summary) for summary in found]})
    elif not found:
        out(f"{results}: holds no runs yet; tradewind backtest makes one")
    else:
        columns = ("run", "strategy", "symbols", "from", "to", "trades", "annual", "Sharpe", "fall")
        table("", (*columns, "damage"), [_row(summary) for summary in found])
    papers = 0 if as_json else len(list(results.glob("*/journal.sqlite")))
    if papers:
        out(f"paper runs: {papers}; 'tradewind paper status' lists them")


def _row(summary: "Summary") -> tuple[str, ...]:
    from tradewind.engine.report.words import number, percent

    metrics = summary.metrics
    return (
        summary.name,
        summary.strategy,
        str(summary.n_symbols),
        summary.first_date,
        summary.last_date,
        f"{summary.n_trades:,}",
        percent(metrics.get("annual_return")),
        number(metrics.get("sharpe")),
        percent(metrics.get("max_drawdown")),
        summary.damage,
    )


def report(run: RunArgument, results: ResultsOption = RESULTS, as_json: JsonOption = False) -> None:
    """Build the page of a run again from its folder.

    A paper run is told as an ordinary run, in a folder beside its own, as far as it has come.
    """
    from tradewind.engine.report import folder as run_folders
    from tradewind.engine.report import front_folder, leaderboard_folder, sweep_data, sweep_page

    folder = run_folder(run, results)
    from tradewind.engine.live.home import Home, is_paper

    if is_paper(folder):
        with watched("report", "nothing was written"):
            from tradewind.engine.live.told import told

            folder = told(Home(folder))
        _say_report(folder, folder / "report.html", as_json)
        return
    with watched("report", "the page is as it was"):
        rebuild = run_folders.rebuild
        if leaderboard_folder.is_leaderboard(folder):
            rebuild = leaderboard_folder.rebuild
        elif front_folder.is_front(folder):
            rebuild = front_folder.rebuild
        elif sweep_data.is_sweep(folder):
            rebuild = sweep_page.rebuild
        page = rebuild(folder)
    _say_report(folder, page, as_json)


def _say_report(folder: Path, page: Path, as_json: bool) -> None:
    if as_json:
        out_json({"run": folder.name, "folder": str(folder), "report": str(page)})
    else:
        out(f"Report: {page}")


def compare(
    runs: RunArguments, results: ResultsOption = RESULTS, as_json: JsonOption = False
) -> None:
    """Put runs side by side: their numbers, and what differs in their configs.

    A paper run, alone or with a backtest behind it, is compared with what the backtest says of the
    same days: the difference in money, by data, timing, price, fee and
    intervention.
    """
    folders = [run_folder(run, results) for run in runs]
    from tradewind.engine.live.home import is_paper

    if is_paper(folders[0]):
        from tradewind.engine.cli.departures import show_departure

        show_departure(folders, as_json)
        return
    from tradewind.engine.report.compare import compare as compared
    from tradewind.engine.report.folder import read

    found = compared([read(folder) for folder in folders])
    if as_json:
        out_json(found.as_dict())
    else:
        _show(found)


def _show(found: "Comparison") -> None:
    """Print runs as columns A, B ..., because their names are too long for one line."""
    letters = [_letter(i) for i in range(len(found.names))]
    for letter, name, period in zip(letters, found.names, found.periods, strict=True):
        out(f"{letter}  {name}  {period}")
    table("", ("", *letters), [(row.label, *row.texts) for row in found.metrics])
    if found.config:
        rows = [(row.key, *(_value(value) for value in row.values)) for row in found.config]
        table("What differs in their configs", ("key", *letters), rows)
    for pair in found.sharpe:
        out(pair.sentence)


def _letter(i: int) -> str:
    return chr(ord("A") + i) if i < 26 else str(i + 1)


def _value(value: Any) -> str:
    return "" if value is None else str(value)
