"""The folder of a paper run: everything that is needed to go on with it, or to tell it.

::

    results/lstm-timing-paper-20261127-093000-3f9a1c/
        config.yaml      resolved
        manifest.json    kind: paper; versions, data hash, code
        history/         bars before the first live one, and what was said of them
        journal.sqlite   everything since; the one file that matters
        log.jsonl        for people
        control/         commands from other processes, taken away when they are obeyed
        daily/           a report for each day
        report-.../      the run as an ordinary run folder, when it is told
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.file import Document, load
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, DiskError, JournalError, RunError, is_of_a_disk
from tradewind.engine.jsonable import jsonable
from tradewind.engine.live import packing
from tradewind.engine.live.control import JOURNAL
from tradewind.engine.pipeline import Parts, strategy_code, versions
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import Panel
from tradewind.engine.report.folder import config_hash, config_text, publish, put
from tradewind.engine.report.reading import PAPER, read_json
from tradewind.engine.report.text import json_text
from tradewind.engine.shared_panel import map_panel, write_panel

SIGNALS, CONTROL, HISTORY = "signals.npz", "control", "history"


@dataclass(frozen=True, slots=True)
class Home:
    """Folder of a paper run.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    @property
    def run(self) -> str:
        """Name of the run."""
        return self.folder.resolve().name

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / JOURNAL

    @property
    def control(self) -> Path:
        """Where commands are dropped."""
        return self.folder / CONTROL

    def manifest(self) -> Mapping[str, Any]:
        """What the run began with."""
        manifest: Mapping[str, Any] = read_json(self.folder / "manifest.json")
        return manifest

    def config(self) -> tuple[RunConfig, Document]:
        """Config of the run, as it was resolved when it began."""
        return load(self.folder / "config.yaml")

    def history(self) -> Panel:
        """Bars before the first live one.

        Raises
        ------
        RunError
            If they are not those the run began with.
        """
        try:
            panel = map_panel(self.folder / HISTORY)
        except (OSError, ValueError) as error:
            raise _unread(self.folder / HISTORY, error) from None
        if panel.digest() != self.manifest().get("history_digest"):
            raise RunError(
                f"{self.folder / HISTORY}: is not the history the run began with; restore the "
                "folder from a copy, or begin a new run"
            )
        return panel

    def signals(self, panel: Panel) -> tuple[Signals, int]:
        """(what was said of the history, first bar that had all of it)."""
        try:
            facts, arrays = packing.unpacked((self.folder / HISTORY / SIGNALS).read_bytes())
        except (OSError, JournalError) as error:
            raise _unread(self.folder / HISTORY / SIGNALS, error) from None
        forecasts = None
        if facts["horizon"]:
            levels = tuple(facts["levels"])
            quantiles = arrays["quantiles"] if levels else np.empty((0, 0, 0))
            forecasts = Forecasts(
                arrays["mean"], arrays["std"], facts["horizon"], levels, quantiles
            )
        return Signals(forecasts, arrays.get("scores")), int(facts["first_bar"])


def _unread(path: Path, error: Exception) -> RunError:
    passes = isinstance(error, OSError) and is_of_a_disk(error)
    return (DiskError if passes else RunError)(f"{path}: cannot be read: {error}")


def refuse_taken(results: Path, name: str | None) -> None:
    """Refuse a name that a folder has, before anything is read or written.

    Raises
    ------
    ConfigError
        Saying what to do instead.
    """
    if name is None or not (results / name).exists():
        return
    way = (
        f"'tradewind paper resume {name}' goes on with that run"
        if is_paper(results / name)
        else "it is no paper run; remove it"
    )
    raise ConfigError(f"--name {name}: {results / name} is there already; {way}, or give another")


def is_paper(folder: Path) -> bool:
    """Whether a folder is that of a paper run."""
    return (folder / JOURNAL).is_file()


def new_name(config: RunConfig, now: datetime) -> str:
    """Name of a paper run: like that of a backtest, with ``paper`` in it."""
    return f"{config.name}-{PAPER}-{now:%Y%m%d-%H%M%S}-{config_hash(config)[:6]}"


def found(
    parts: Parts,
    history: Panel,
    signals: Signals,
    first_bar: int,
    results: Path,
    *,
    name: str | None = None,
) -> Home:
    """Make the folder of a new run, all of it but the journal.

    Parameters
    ----------
    parts : Parts
    history : Panel
    signals : Signals
        What was said of it; without series of its own.
    first_bar : int
    results : Path
    name : str, optional

    Raises
    ------
    RunError
        If it cannot be written.
    """
    now = datetime.now(UTC)
    manifest = {
        "kind": PAPER, "versions": versions(), "seed": parts.config.seed,
        "history_digest": history.digest(), "code": {"strategy": strategy_code(parts)},
        "begun": now.isoformat(timespec="seconds"),
    }  # fmt: skip

    def fill(made: str, folder: Path) -> None:
        put(folder / "config.yaml", config_text(parts.config).encode())
        (folder / CONTROL).mkdir()
        (folder / HISTORY).mkdir()
        write_panel(history, folder / HISTORY)
        put(folder / HISTORY / SIGNALS, packing.packed(*_signals(signals, first_bar)))
        put(folder / "manifest.json", f"{json_text(jsonable(manifest))}\n".encode())

    wanted = name or new_name(parts.config, now)
    return Home(publish(wanted, results, fill, numbered=name is None))


def _signals(signals: Signals, first_bar: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    forecasts, arrays = signals.forecasts, {}
    facts: dict[str, Any] = {"horizon": 0, "levels": [], "first_bar": first_bar}
    if forecasts is not None and signals.series is None:
        facts |= {"horizon": forecasts.horizon, "levels": list(forecasts.levels)}
        arrays = {"mean": forecasts.mean, "std": forecasts.std}
        if forecasts.levels:
            arrays["quantiles"] = forecasts.quantiles
    if signals.scores is not None:
        arrays["scores"] = signals.scores
    return facts, arrays
