"""``tradewind sweep worker`` and ``tradewind sweep proxy``: hands and doors of a shared study."""

import typer

from tradewind.engine.cli.console import out, out_json
from tradewind.engine.cli.progress import watched
from tradewind.engine.walkforward.where import Workers

KEPT = "what was told to the storage is kept; trials of this worker go to the others"


def worker(storage: str | None, study: str | None, as_json: bool, workers: Workers) -> None:
    """Take trials of a study until there are none left."""
    if storage is None:
        raise typer.BadParameter(
            "a worker needs --storage, the one that 'tradewind sweep' was given"
        )
    with watched("worker", KEPT) as bars:
        from tradewind.engine.sweeping import sharing

        plan, name = sharing.plan_of_study(storage, study, bars, workers)
        queue = sharing.queue_of(plan, sharing.open_study(plan, storage, name), bars)
        sharing.work(plan, queue, bars, waits=False)
        done, others = queue.left()
    if as_json:
        out_json({"study": name, "worker": queue.name, "done": done, "with_others": others})
    else:
        out(f"{name}: {done:,} trials are done, {others:,} are with other workers")


def proxy(storage: str | None, port: int, host: str) -> None:
    """Stand before a storage until the process is ended, for hundreds of workers."""
    if storage is None:
        raise typer.BadParameter("a proxy needs --storage, the database that it stands before")
    from tradewind.engine.sweeping.storage import serve, shown

    out(f"Serving {shown(storage)} on grpc://{host}:{port}; Ctrl-C ends it")
    serve(storage, host, port)
