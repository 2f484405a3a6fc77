"""``tradewind evolve``: breed portfolios, or run one of a front that was bred before."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.failures import Interrupted
from tradewind.engine.cli.options import (
    RESULTS,
    ConfigArgument,
    JsonOption,
    ResultsOption,
    SetOption,
)
from tradewind.engine.cli.progress import watched
from tradewind.engine.cli.results import run_folder

if TYPE_CHECKING:
    from tradewind.engine.evolving.run import Evolved

DEFAULT = "pareto-front"
NOTHING = "nothing was written"


class Span(StrEnum):
    """Which bars a chosen portfolio is run on."""

    train = "train"
    test = "test"


def evolve(
    config: ConfigArgument = DEFAULT,
    assignments: SetOption = None,
    choose: Annotated[
        str | None,
        typer.Option(
            "--choose",
            metavar="WHICH",
            help="Backtest one portfolio of a front: its number, knee, min-risk or max-return; "
            "CONFIG then is the run with the front.",
        ),
    ] = None,
    span: Annotated[
        Span, typer.Option("--span", help="With --choose: the bars to run it on.")
    ] = Span.test,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="With --choose: write the portfolio's config there and run nothing.",
        ),
    ] = None,
    threads: Annotated[
        int,
        typer.Option(
            "--threads",
            min=1,
            max=256,
            metavar="N",
            help="Threads that hold portfolios; the front is the same. More than one pay where the "
            "history is long.",
        ),
    ] = 1,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
) -> None:
    """Breed portfolios against the engine after costs and write their Pareto front.

    They are optimised on evolve.train and shown on evolve.test. Ctrl-C keeps the front so far.
    Without CONFIG it runs the preset that ships with tradewind.
    """  # fmt: skip
    if choose is not None:
        _choose(run_folder(config, results), choose, span, export, assignments, results, as_json)
        return
    if export is not None:
        raise typer.BadParameter("--export writes a portfolio that is chosen; add --choose knee")
    with watched("evolve", NOTHING) as bars:
        from tradewind.engine.evolving import run

        found = run.evolve(
            config, assignments or [], results=results, progress=bars, threads=threads
        )
        bars.finish("evolve")
        left = bars.left_open()
    if found.interrupted:
        if not as_json:
            show(found)
        raise Interrupted(left, f"the front so far is in {found.folder}")
    if as_json:
        out_json(summary(found))
    else:
        show(found)


def _choose(
    folder: Path,
    which: str,
    span: Span,
    export: Path | None,
    assignments: list[str] | None,
    results: Path,
    as_json: bool,
) -> None:
    """Run one portfolio of a front, or write its config."""
    from tradewind.engine.evolving import again

    if assignments:
        raise typer.BadParameter(
            "--set would make another portfolio of the one chosen; --export its config and change "
            "that"
        )
    config, document, front, number = again.choice(folder, which, span.value)
    if export is not None:
        _export(export, document.values, as_json, number)
        return
    with watched("evolve"):
        from tradewind.engine import runner

        run = runner.backtest(config, document, results=results)
    from tradewind.engine.cli import summary as summaries

    of = {"front": front.name, "number": number}
    if as_json:
        out_json(summaries.as_json(run, results / run.name) | of)
    else:
        out(f"Portfolio {number} of {front.name}, on its {span.value} span")
        summaries.show(run, results / run.name)


def _export(path: Path, values: dict[str, Any], as_json: bool, number: int) -> None:
    from tradewind.engine.errors import RunError
    from tradewind.engine.report.text import yaml_text

    if path.exists():
        raise RunError(f"{path}: is there already; name another file with --export")
    path.write_text(yaml_text(values), "utf-8")
    if as_json:
        out_json({"number": number, "config": str(path)})
    else:
        out(f"Config: {path}; 'tradewind backtest {path}' runs it")


def summary(found: "Evolved") -> dict[str, Any]:
    """What ``--json`` prints."""
    front, folder = found.front, found.folder
    return {
        "run": front.name,
        "folder": str(folder),
        "report": None if folder is None else str(folder / "report.html"),
        "portfolios": [
            {
                "number": i + 1,
                "weights": front.held(i + 1),
                **{
                    span: {name: float(values[i]) for name, values in numbers.items()}
                    for span, numbers in front.numbers.items()
                },
            }
            for i in range(len(front.weights))
        ],
        **front.table,
        "notes": front.notes,
    }


def show(found: "Evolved") -> None:
    """Print the portfolios that stand out and what the front comes to."""
    front = found.front
    facts = front.table["spans"]
    out(
        f"{front.name}: {len(front.weights)} portfolios of {front.table['evaluated']:,} tried, "
        f"optimised on {facts['train']['first_date']} to {facts['train']['last_date']}, shown on "
        f"{facts['test']['first_date']} to {facts['test']['last_date']}"
    )
    columns = (
        "", "no.", "names", "return", "later", "volatility", "later", "fall", "later", "Sharpe",
        "later", "turnover",
    )  # fmt: skip
    rows = [_row(found, name, at) for name, at in front.table["chosen"].items()]
    table("", columns, [*rows, _row(found, "equal weight", 0)])
    out(front.table["verdict"])
    for sentence in front.table["sentences"]:
        out(sentence)
    if found.folder is not None:
        out(f"Report: {found.folder / 'report.html'}")
        out(f"Choose: tradewind evolve {front.name} --choose knee")


def _row(found: "Evolved", name: str, at: int) -> tuple[str, ...]:
    from tradewind.engine.report.words import number, percent

    front = found.front
    train, test = (
        {key: values[at - 1] for key, values in front.numbers[span].items()}
        if at
        else front.table["reference"][span]
        for span in ("train", "test")
    )
    pairs = [
        percent(one[key])
        for key in ("annual_return", "volatility", "max_drawdown")
        for one in (train, test)
    ]
    count = len(front.held(at)) if at else front.table["n_symbols"]
    return (
        name.replace("_", " "),
        str(at or ""),
        str(count),
        *pairs,
        number(train["sharpe"]),
        number(test["sharpe"]),
        number(train["turnover"]),
    )
