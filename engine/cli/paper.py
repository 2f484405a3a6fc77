"""``tradewind paper``: trade a config on a live or replayed feed, and look after such runs."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.engine.cli.console import err, out, out_json, table
from tradewind.engine.cli.failures import DONE, NO
from tradewind.engine.cli.options import (
    RESULTS,
    ConfigArgument,
    Group,
    JsonOption,
    ResultsOption,
    RunArgument,
    SetOption,
    WorkersOption,
)
from tradewind.engine.cli.paper_asking import (
    ask,
    asked_at_start,
    home_of,
    refuse_unknown,
    resume_at_work,
    works,
)
from tradewind.engine.cli.progress import watched
from tradewind.engine.cli.results import run_folder

if TYPE_CHECKING:
    from tradewind.engine.live.opening import Opened

DEFAULT = "sma-cross"


class PaperGroup(Group):
    """A group in which a config alone means ``start``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``start`` before what is no command of the group."""
        first = next((word for word in args if not word.startswith("-")), None)
        if first is not None and first not in self.commands and "--help" not in args:
            args = ["start", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=PaperGroup,
    help="Trade on paper, on a live or a replayed feed: 'tradewind paper CONFIG' begins.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
PageOption = Annotated[
    bool | None,
    typer.Option("--page/--no-page", help="Serve the page of the run; default: the config's."),
]


@app.command("start")
def start(
    config: ConfigArgument = DEFAULT,
    assignments: SetOption = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the run's folder.")
    ] = None,
    page: PageOption = None,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
    workers: WorkersOption = None,
) -> int:
    """Begin a run, and work until it is stopped or its feed ends.

    It trades the config that 'tradewind backtest' trades; the block 'paper:' says on which feed,
    within which limits. Ctrl-C stops it: nothing is lost, 'tradewind paper resume' goes on.
    """
    with ExitStack() as signals:
        with watched("paper", "nothing was begun") as bars:
            from tradewind.engine.config.file import load
            from tradewind.engine.live import asking, opening

            asks = signals.enter_context(asking.kill_heard())
            given, document = load(config, assignments or [])
            opened = opening.start(
                given, document, results=results, name=name, progress=bars, workers=workers,
                page=page,
            )  # fmt: skip
        opened.asks = asks
        return _work(opened, as_json, page)


@app.command("resume")
def resume(
    run: RunArgument,
    thaw: Annotated[
        bool, typer.Option("--thaw", help="Lift the kill switch and what a loss stop froze.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Lift the pause of one that was paused as well.")
    ] = False,
    page: PageOption = None,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
    workers: WorkersOption = None,
) -> int:
    """Go on with a run that was stopped or killed, or lift the pause of one that works.

    A run goes on as it was: one that 'pause' or 'flatten' paused stays paused, which --live lifts;
    one that the kill switch or a loss stop ended sends nothing that adds, which --thaw lifts.
    """
    folder = run_folder(run, results)
    if works(home_of(folder)):
        return ask(folder, "thaw", as_json) if thaw else resume_at_work(folder, as_json)
    with ExitStack() as signals:
        with watched("paper", "the run is as it was") as bars:
            from tradewind.engine.live import asking, opening

            asks = signals.enter_context(asking.kill_heard())
            opened = opening.resume(folder, progress=bars, workers=workers, page=page)
        asked_at_start(opened, thaw=thaw, live=live)
        asks[:0] = opened.asks  # whoever throws the switch meanwhile has the last word
        opened.asks = asks
        return _work(opened, as_json, page)


@app.command("pause")
def pause(run: RunArgument, results: ResultsOption = RESULTS, as_json: JsonOption = False) -> int:
    """Ask the strategy no more until 'resume'; what works on the market goes on working."""
    return ask(run_folder(run, results), "pause", as_json)


@app.command("flatten")
def flatten(run: RunArgument, results: ResultsOption = RESULTS, as_json: JsonOption = False) -> int:
    """Withdraw all orders, close all positions, and pause."""
    return ask(run_folder(run, results), "flatten", as_json)


@app.command("stop")
def stop(
    run: RunArgument,
    closes: Annotated[
        bool, typer.Option("--flatten", help="Close all positions first, at the next bar.")
    ] = False,
    kill: Annotated[
        bool,
        typer.Option("--kill", help="Throw the kill switch: nothing that adds, until --thaw."),
    ] = False,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Stop a run; it can be resumed. With --flatten it ends when everything is closed."""
    folder = run_folder(run, results)
    if kill:
        ask(folder, "kill", as_json=False, quiet=True, flatten=closes)
    return ask(folder, "stop", as_json, flatten=closes)


@app.command("halt")
def halt(
    run: RunArgument,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="As the config writes it.")],
    lift: Annotated[bool, typer.Option("--lift", help="Let orders through again.")] = False,
    delisted: Annotated[
        bool, typer.Option("--delisted", help="It trades no more: close it at its last price.")
    ] = False,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Send no order for a symbol, or again; or close one that was delisted."""
    name = "unhalt" if lift else "delist" if delisted else "halt"
    folder = run_folder(run, results)
    refuse_unknown(folder, symbol)
    return ask(folder, name, as_json, symbol=symbol)


@app.command("daily")
def daily(
    run: RunArgument,
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="Such as 2017-11-10; none: the last.")
    ] = None,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Write the report of a day: gains by symbol, fills, refusals, how the feed was."""
    folder = run_folder(run, results)
    with watched("daily", "nothing was written"):
        from tradewind.engine.live.daily import write_day
        from tradewind.engine.live.home import Home
        from tradewind.engine.live.running import folder_of

        found, page = write_day(Home(folder_of(folder)), day)
    if as_json:
        out_json({"run": folder.name, "day": found.day, "page": str(page), "pnl": found.pnl,
                  "equity": found.after, "fills": len(found.fills),
                  "refused": len(found.refused)})  # fmt: skip
    else:
        out(found.sentence)
        out(f"Report: {page}")
    return DONE


@app.command("reconcile")
def reconcile(
    run: RunArgument, results: ResultsOption = RESULTS, as_json: JsonOption = False
) -> int:
    """Hold the books of a run to those of the broker outside that fills its orders.

    A run that our own rule book fills has nobody to be held to.
    """
    folder = run_folder(run, results)
    with watched("reconcile", "nothing was changed"):
        from tradewind.engine.live.reconciling import reconciled

        found = reconciled(folder)
    if as_json:
        out_json({"run": folder.name, "identical": not found.differences, **found.as_dict()})
    else:
        for line in found.differences:
            out(line)
        out(f"{folder.name}: {found.sentence}")
    return NO if found.differences else DONE


@app.command("salvage")
def salvage(run: RunArgument, results: ResultsOption = RESULTS, as_json: JsonOption = False) -> int:
    """Take what is good out of a damaged journal, so that 'resume' goes on; the rest is told.

    The damaged journal is kept beside the new one. A journal without a fault is left as it is.
    """
    folder = run_folder(run, results)
    with watched("salvage", "the journal is as it was"):
        from tradewind.engine.live.home import Home
        from tradewind.engine.live.salvaging import salvaged

        found = salvaged(Home(folder))
    if as_json:
        out_json(found.as_dict())
    else:
        out(f"{found.run}: {found.sentence}")
        out(
            f"The damaged journal is {found.damaged}; 'tradewind paper resume {found.run}' goes on."
        )
    return DONE


@app.command("status")
def status(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="One run; none: all.")] = None,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Tell how paper runs are: who works, what is held, how the last one ended."""
    from tradewind.engine.live import status as statuses

    folders = [run_folder(run, results)] if run else statuses.folders(results)
    found = [statuses.status_of(folder) for folder in folders]
    if as_json:
        out_json({"runs": [one.as_dict() for one in found]})
    elif not found:
        out(f"{results}: no paper run there; 'tradewind paper start' begins one")
    else:
        columns = ("run", "state", "process", "bars", "last bar", "equity", "positions", "orders",
                   "refused", "feed", "why")  # fmt: skip
        table("", columns, [one.cells() for one in found])
    return NO if any(one.damage for one in found) else DONE


def _work(opened: "Opened", as_json: bool, page: bool | None) -> int:
    """Work on a run until it ends, and tell what came of it."""
    from tradewind.engine.live import running
    from tradewind.engine.live import status as statuses

    wanted = opened.config.dashboard.enabled if page is None else page
    err(f"{opened.home.run}: {opened.home.folder}")
    why = running.work(opened, page=wanted, say=err)
    found = statuses.status_of(opened.home.folder)
    if as_json:
        out_json({**found.as_dict(), "folder": str(opened.home.folder), "ended": why})
    else:
        worth = "no bar was taken" if found.equity is None else f"equity {found.equity:,.2f}"
        out(
            f"{found.run}: {why}; {found.bars} bars, {worth}, {found.fills} fills, "
            f"{found.positions} positions held"
        )
    return DONE
