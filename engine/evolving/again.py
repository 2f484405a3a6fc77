"""A front's folder once more: made again bit for bit, or one of its portfolios as a run."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np

from tradewind.engine.config.evolving import evolve_config, run_document, spans
from tradewind.engine.config.file import Document, read_document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import RunError
from tradewind.engine.evolving.front import CHOSEN
from tradewind.engine.evolving.run import compute
from tradewind.engine.jsonable import jsonable
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Floats
from tradewind.engine.report import front_folder
from tradewind.engine.report.front import Front
from tradewind.engine.runner import Reproduction

SpanName = Literal["train", "test"]


def reproduce(
    folder: Path, *, progress: Progress = SILENT, workers: int | None = None
) -> Reproduction:
    """Breed a front again and compare everything bit for bit.

    Raises
    ------
    RunError
        If the folder is damaged.
    """
    old = front_folder.read(folder)
    document = read_document(folder / "config.yaml")
    new, _ = compute(document, progress=progress, threads=max(workers or 1, 1))
    found = [
        f"{what}: not as it was"
        for what in ("data_digest", "versions")
        if old.manifest.get(what) != jsonable(new.manifest[what])
    ]
    found += _unequal("weights", old.weights, new.weights)
    found += _unequal("equity", old.equity, new.equity)
    for span, numbers in old.numbers.items():
        for name, values in numbers.items():
            found += _unequal(f"{span} {name}", values, new.numbers[span][name])
    if old.table != jsonable(new.table):
        found.append("front.json: not as it was")
    return Reproduction(not found, tuple(found))


def _unequal(what: str, old: Floats, new: Floats) -> list[str]:
    if old.shape != new.shape:
        return [f"{what}: shape {old.shape} then, {new.shape} now"]
    off = int(np.sum(~((old == new) | (np.isnan(old) & np.isnan(new)))))
    return [f"{what}: {off:,} values differ"] if off else []


def number_of(front: Front, which: str) -> int:
    """Number of a portfolio by what it is called or by itself.

    Raises
    ------
    RunError
        If the front has none of that name or number.
    """
    named: Mapping[str, int] = front.table["chosen"]
    name = which.replace("-", "_")
    if name in named:
        return int(named[name])
    n = len(front.weights)
    if which.isascii() and which.isdigit() and 1 <= int(which) <= n:
        return int(which)
    known = ", ".join(one.replace("_", "-") for one in CHOSEN)
    raise RunError(f"{front.name}: has no portfolio {which!r}; wanted 1 to {n}, or {known}")


def choice(folder: Path, which: str, span: SpanName) -> tuple[RunConfig, Document, Front, int]:
    """A front's portfolio as the config of a run.

    Parameters
    ----------
    folder : Path
    which : str
        A number, ``knee``, ``min-risk`` or ``max-return``.
    span : str
        ``train`` or ``test``: the bars of the run.

    Returns
    -------
    config : RunConfig
    document : Document
    front : Front
    number : int

    Raises
    ------
    RunError
        If the folder is damaged or has no such portfolio.
    """
    front = front_folder.read(folder)
    number = number_of(front, which)
    document = read_document(folder / "config.yaml")
    found, _ = evolve_config(document)
    days: dict[str, tuple[date | None, date | None]] = dict(
        zip(("train", "test"), spans(found), strict=True)
    )
    start, end = days[span]
    alone = run_document(
        document, front.held(number), found.rebalance, start=start, end=end, symbols=front.symbols
    )
    alone.values["name"] = f"{front.title}-{number}"[:64]
    return validate(RunConfig, alone), alone, front, number
