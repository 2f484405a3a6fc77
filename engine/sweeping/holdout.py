"""The bars that no trial saw: opened once, for the best trial, and the opening written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine import pipeline, trading
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.config.file import Document, load, read_document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sweeping import sweep_config
from tradewind.engine.config.yaml import copied
from tradewind.engine.errors import DataError, RunError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.luck.recording import record
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.report.reading import read_json
from tradewind.engine.sweeping import folder as folders
from tradewind.engine.sweeping import measures, slicing
from tradewind.engine.walkforward.of_config import located
from tradewind.engine.walkforward.where import Workers

FEW = 3  # bars: a deviation needs two returns


@dataclass(frozen=True, slots=True)
class Opened:
    """What the hold-out showed, and whether it had been opened before."""

    record: Mapping[str, Any]
    before: bool


def open_holdout(folder: Path, *, progress: Progress = SILENT, workers: Workers = None) -> Opened:
    """Run the best trial of a sweep on into its hold-out, once.

    The asking is written into the folder before a bar of the hold-out is read, so that an opening
    which fails or is interrupted counts as one.

    Parameters
    ----------
    folder : Path
        Of a sweep.
    progress : Progress
    workers : int, Cluster or None

    Returns
    -------
    Opened
        Of a second asking what the first one wrote down; nothing is run again.

    Raises
    ------
    RunError
        If the folder is damaged, the sweep has no hold-out, or no best trial.
    """
    manifest = folders.read_manifest(folder)
    written = folder / folders.HOLDOUT
    if written.is_file():
        return Opened(read_json(written), True)
    document = read_document(folder / "config.yaml")
    config, _ = sweep_config(document)
    if config.holdout is None:
        raise RunError(
            f"{folder}: the sweep has no hold-out: it searched all bars; give sweep.holdout: "
            "{start: DAY} and sweep again"
        )
    table = folders.read_table(folder)
    if table["best"] is None or not (folder / folders.BEST).is_file():
        raise RunError(f"{folder}: the sweep has no best trial to show on the hold-out")
    asked: dict[str, Any] = {
        "opened": datetime.now(UTC).isoformat(timespec="seconds"),
        "start": str(config.holdout.start),
        "trial": table["best"]["number"],
        "values": table["best"]["values"],
        "tried": table["trials"]["all"],
        "search": {name: table["best"]["scores"][name] for name in table["objectives"]},
        "metrics": None,
    }
    folders.mark(folder, folders.HOLDOUT, asked)
    record(
        manifest["data_digest"], "holdout", folder.resolve().name, manifest["identity"], (), None
    )
    shown = _shown(folder, document, np.datetime64(config.holdout.start, "D"), progress, workers)
    asked["metrics"] = shown
    asked["objectives"] = {
        name: measures.at(shown, measures.short(name)) for name in table["objectives"]
    }
    folders.mark(folder, folders.HOLDOUT, asked)
    return Opened(jsonable(asked), False)


def _shown(
    folder: Path, document: Document, start: Any, progress: Progress, workers: Workers
) -> dict[str, Any]:
    """Metrics of the best trial on the bars from ``start`` on, the run begun where it was."""
    _, best = load(folder / folders.BEST)
    values = copied(best.values)
    end = document.values.get("data", {}).get("end")
    values["data"] = {key: value for key, value in values["data"].items() if key != "end"}
    if end is not None:
        values["data"]["end"] = end
    whole = Document(best.where, best.folder, values, best.positions)
    config, diary = validate(RunConfig, whole), Diary()
    parts = pipeline.resolve(config, whole)
    history = pipeline.read_history(config, whole, diary, progress)
    panel = history.panel
    with located(whole):
        outlook = outlook_of(
            parts, panel, diary, progress, workers=workers,
            cache=pipeline.forecast_cache(fresh=False),
        )  # fmt: skip
    traded = trading.simulate(parts, panel, outlook, diary, finer=history.finer, explains=False)
    first = int(np.searchsorted(panel.dates.astype("datetime64[D]"), start))
    if panel.n_bars - first < FEW:
        raise DataError(
            f"{folder}: the data has {panel.n_bars - first} bars from {start} on; wanted at least "
            f"{FEW}"
        )
    _, trades, benchmark = pipeline.measured(parts.config, panel, traded.simulation, traded.start)
    source = slicing.Source(traded.simulation, trades, panel, benchmark, bars_per_year(panel))
    tree = slicing.tree(source, max(first, 1), panel.n_bars)
    span = {"first_date": str(panel.dates[first]), "last_date": str(panel.dates[-1])}
    return {**tree, "span": {**span, "n_bars": panel.n_bars - first}}
