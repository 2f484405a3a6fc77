"""``tradewind sweep``: try many settings out of sample, or open the hold-out of a sweep."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.engine.cli import sweep_workers
from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.executors import ExecutorOption, hands
from tradewind.engine.cli.failures import DONE, NO, Interrupted
from tradewind.engine.cli.options import (
    RESULTS,
    ConfigArgument,
    JsonOption,
    ResultsOption,
    SetOption,
    WorkersOption,
)
from tradewind.engine.cli.progress import watched
from tradewind.engine.cli.results import run_folder
from tradewind.engine.walkforward.where import Workers

if TYPE_CHECKING:
    from tradewind.engine.sweeping.run import Swept

DEFAULT = "sweep-sma"
NOTHING = "no trial was finished, and nothing was written"


def sweep(
    config: ConfigArgument = DEFAULT,
    assignments: SetOption = None,
    trials: Annotated[
        int | None,
        typer.Option("-n", "--trials", min=1, metavar="N", help="Settings to try, in all."),
    ] = None,
    opens: Annotated[
        bool,
        typer.Option(
            "--open-holdout",
            help="Show the best trial of a sweep on its hold-out, once; CONFIG then is the sweep's "
            "folder.",
        ),
    ] = False,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="Where the study is, for several workers: sqlite:///FILE, journal:FILE, "
            "postgresql://USER@HOST/DATABASE, grpc://HOST:PORT.",
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="NAME", help="Name of the study; default: sweep.name."),
    ] = None,
    port: Annotated[
        int,
        typer.Option("--port", min=1, max=65535, metavar="N", help="Of 'tradewind sweep proxy'."),
    ] = 13000,
    host: Annotated[
        str, typer.Option("--host", metavar="NAME", help="That the proxy listens on.")
    ] = "127.0.0.1",
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
) -> int:
    """Try many settings of a config, score each out of sample, and write the best as a config.

    What is varied, what for and on which bars is the config's 'sweep:' block. Ctrl-C keeps
    everything that was tried. Without CONFIG it runs the preset that ships with tradewind.

    'tradewind sweep worker --storage URL' takes trials of a study that was begun with --storage;
    'tradewind sweep proxy --storage URL' stands before a database for hundreds of workers.
    """
    fitting = hands(workers, executor)
    if config == "worker":
        sweep_workers.worker(storage, study, as_json, fitting)
        return DONE
    if config == "proxy":
        sweep_workers.proxy(storage, port, host)
        return DONE
    if opens:
        if assignments or trials is not None:
            raise typer.BadParameter(
                "--open-holdout shows what was found; it takes neither --set nor -n"
            )
        return _open(run_folder(config, results), as_json, fitting)
    with watched("sweep", NOTHING) as bars:
        from tradewind.engine.sweeping import run

        found = run.sweep(
            config, assignments or [], results=results, trials=trials, progress=bars,
            workers=fitting, storage=storage or "memory", study=study,
        )  # fmt: skip
        bars.finish("sweep")
        left = bars.left_open()
    if found.interrupted:
        if not as_json:
            show(found)
        raise Interrupted(left, f"everything that was tried is in {found.folder}")
    if as_json:
        out_json(summary(found))
    else:
        show(found)
    return DONE if found.table["best"] is not None else NO


def _open(folder: Path, as_json: bool, workers: Workers) -> int:
    """Open a hold-out, or say when it was opened."""
    with watched("sweep", "that the hold-out was asked for is written down") as bars:
        from tradewind.engine.sweeping import holdout

        opened = holdout.open_holdout(folder, progress=bars, workers=workers)
    if as_json:
        out_json({"run": folder.name, "opened_before": opened.before, **opened.record})
    else:
        _show_opened(folder, opened.record, opened.before)
    return NO if opened.before else DONE


def _show_opened(folder: Path, said: Mapping[str, Any], before: bool) -> None:
    values = ", ".join(f"{name} {_value(value)}" for name, value in said["values"].items())
    if before:
        out(
            f"{folder.name}: the hold-out was opened on {said['opened']} with trial "
            f"{said['trial']} ({values}); it is opened once"
        )
    if said["metrics"] is None:
        out("That opening did not come to an end, so there are no numbers of it.")
        return
    span = said["metrics"]["span"]
    if not before:
        out(f"Trial {said['trial']} ({values}) from {span['first_date']} to {span['last_date']}")
    rows = [
        (name, _value(said["search"][name]), _value(said["objectives"][name]))
        for name in said["search"]
    ]
    table("", ("", "search", "hold-out"), rows)


def summary(found: "Swept") -> dict[str, Any]:
    """What ``--json`` prints."""
    best = found.folder / "best.yaml"
    return {
        "run": found.name,
        "folder": str(found.folder),
        "report": str(found.folder / "report.html"),
        "best_config": str(best) if found.table["best"] is not None else None,
        **found.table,
    }


def show(found: "Swept") -> None:
    """Print what was tried and what was best."""
    said = found.table
    counts, span = said["trials"], said["spans"]["search"]
    told = ", ".join(
        f"{counts[state]:,} {state}"
        for state in ("undefined", "breached", "refused", "pruned")
        if counts[state]
    )
    out(
        f"{found.name}: {counts['all']:,} settings{f' ({told})' if told else ''} on "
        f"{span['first_date']} to {span['last_date']}"
    )
    if said["best"] is not None:
        _show_best(said)
    out(said["verdict"])
    if said["luck"]:
        out(said["luck"]["sentence"])
    if said["nested"] is not None:
        out(said["nested"]["verdict"])
    if said["stability"] is not None:
        out(said["stability"]["sentence"])
    speed = said["speed"]
    if speed["trials_per_second"] is not None:
        out(
            f"{speed['trials_per_second']:,.0f} trials a second: {speed['run_seconds']:.1f} s "
            f"simulating, {speed['ask_seconds'] + speed['tell_seconds']:.1f} s choosing"
        )
    if said["best"] is not None:
        out(f"Report: {found.folder / 'report.html'}")
        out(f"Best: tradewind backtest {found.folder / 'best.yaml'}")


def _show_best(said: Mapping[str, Any]) -> None:
    rows = [
        said["best"],
        *(one for one in said["front"] if one["number"] != said["best"]["number"]),
    ]
    names = list(said["objectives"])
    columns = ("trial", *said["params"], *names, *(f"{name}, whole" for name in names))
    shown = [
        (
            str(one["number"]),
            *(_value(one["values"].get(param)) for param in said["params"]),
            *(f"{one['scores'][name]:.4g}" for name in names),
            *(_value(one["whole"][name if "." in name else f"strategy.{name}"]) for name in names),
        )
        for one in rows[:12]
    ]
    table("", columns, shown)


def _value(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
