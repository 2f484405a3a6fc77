"""The ``tradewind`` command: puts the commands together and turns every ending into an exit code.

Nothing heavy is imported here or at the top of a command's file, so that ``tradewind --help`` stays
quick; a command imports what it needs when it runs.
"""

import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tradewind.engine.cli import (
    audit,
    backtest,
    data,
    evolve,
    init,
    ledger,
    paper,
    reproduce,
    runs,
    sweep,
    train,
    verify,
)
from tradewind.engine.cli.console import out, prepare_streams
from tradewind.engine.cli.failures import DONE, INTERRUPTED, report
from tradewind.engine.cli.options import Group

ASSIGNMENT = re.compile(r"[A-Za-z_][\w.]*=")

app = typer.Typer(
    name="tradewind",
    cls=Group,
    help="Algorithmic trading and backtesting with deep forecasting.",
    epilog="Exit codes: 0 done, 1 a check said no, 2 wrong input, 3 network or disk failed (safe "
    "to retry), 130 interrupted. Documentation: docs/cli.md.",
    no_args_is_help=True,
    # Plain help: laying it out with rich takes twice as long as everything else together.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("backtest")(backtest.backtest)
app.command("verify")(verify.verify)
app.command("reproduce")(reproduce.reproduce)
app.command("train")(train.train)
app.command("audit")(audit.audit)
app.command("evolve")(evolve.evolve)
app.command("sweep")(sweep.sweep)
app.add_typer(paper.app, name="paper")
app.add_typer(data.app, name="data")
app.add_typer(ledger.app, name="ledger")
app.command("runs")(runs.runs)
app.command("compare")(runs.compare)
app.command("report")(runs.report)
app.command("init")(init.init)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        out(f"tradewind {version('tradewind')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    del version


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments after the program's name; None takes them from the command line.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 a check said no, 2 wrong input, 3 outside failed, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    try:
        code = app(separate_assignments(arguments), prog_name="tradewind", standalone_mode=False)
        if code == INTERRUPTED:  # Ctrl-C outside any work: typer has already caught it
            raise KeyboardInterrupt
    except (Exception, KeyboardInterrupt) as error:
        code = report(error, arguments, as_json="--json" in arguments)
    sys.exit(code or DONE)


def separate_assignments(argv: Sequence[str]) -> list[str]:
    """``--set a=1 b=2`` as ``--set a=1 --set b=2``, which is all the parser knows.

    Parameters
    ----------
    argv : sequence of str
    """
    separated: list[str] = []
    after_set = False  # the words before this one are --set and its assignments
    for word in argv:
        if separated[-1:] != ["--set"]:
            if after_set and ASSIGNMENT.match(word):
                separated.append("--set")
            else:
                after_set = word == "--set" or word.startswith("--set=")
        separated.append(word)
    return separated
