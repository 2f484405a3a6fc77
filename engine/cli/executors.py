"""``--executor``: who simulates, and where forecasters are fitted."""

from collections.abc import Sequence
from typing import Annotated

import typer

from tradewind.engine.errors import ConfigError
from tradewind.engine.walkforward.where import LOCAL, SCHEME, Workers, cluster_at

SIMULATORS = ("kernel", "interpreted", "cerebro")
PLACE = f"{LOCAL}|{SCHEME}HOST:PORT"


def _place(text: str) -> str:
    """Text that says where to fit, as it is."""
    try:
        cluster_at(text)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    return text


def _executor(text: str) -> str:
    """Text that says who simulates or where to fit, as it is."""
    if text in SIMULATORS or text.startswith("dask"):
        return text if text in SIMULATORS else _place(text)
    if text != LOCAL:
        known = ", ".join(repr(name) for name in (*SIMULATORS, LOCAL))
        raise typer.BadParameter(f"{text!r} is not one of {known} or {SCHEME}HOST:PORT")
    return text


def _beginning(incomplete: str) -> list[str]:
    return [name for name in (*SIMULATORS, LOCAL, SCHEME) if name.startswith(incomplete)]


def _beginning_of_a_place(incomplete: str) -> list[str]:
    return [name for name in (LOCAL, SCHEME) if name.startswith(incomplete)]


ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        parser=_place,
        autocompletion=_beginning_of_a_place,
        metavar=PLACE,
        help="Fit forecasters on this machine, or on the workers of a Dask scheduler.",
    ),
]
ExecutorsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--executor",
        parser=_executor,
        autocompletion=_beginning,
        metavar=f"{'|'.join(SIMULATORS)}|{PLACE}",
        help="Simulate with this one, whatever the config says; or fit forecasters on this "
        "machine or on the workers of a Dask scheduler. May be given once for each.",
    ),
]


def told_apart(executors: Sequence[str] | None) -> tuple[str | None, str | None]:
    """(who simulates, where to fit), None where it was not said."""
    given = executors or []
    simulators = [name for name in given if name in SIMULATORS]
    places = [name for name in given if name not in SIMULATORS]
    for names in (simulators, places):
        if len(names) > 1:
            raise typer.BadParameter(f"--executor says both {names[0]} and {names[1]}; keep one")
    return next(iter(simulators), None), next(iter(places), None)


def hands(workers: int | None, place: str | None) -> Workers:
    """Who fits, by ``--workers`` and ``--executor``."""
    cluster = None if place is None else cluster_at(place)
    if cluster is None:
        return workers
    if workers is not None:
        raise typer.BadParameter(
            f"--workers counts processes of this machine, and {cluster} has workers of its own; "
            "leave one of the two out"
        )
    return cluster
