"""Run folders back into runs, and lists of them; a damaged folder says what is wrong with it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.ambiguity import Bounds
from tradewind.engine.config import file as config_file
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, RunError
from tradewind.engine.records import Floats, Ints, Simulation
from tradewind.engine.report import prices, tables
from tradewind.engine.report.contents import EXPLANATION, FORMAT, PARQUETS, TEXTS, file_hash
from tradewind.engine.report.run import Run

LEADERBOARD = "leaderboard"  # kind of folder that compares forecasters
FRONT = "front"  # kind of folder that holds portfolios bred against each other
SWEEP = "sweep"  # kind of folder that holds the trials of a search
PAPER = "paper"  # kind of folder in which a run works while the market is open
RECORDED = ("orders", "fills", "events")
STAMP = re.compile(r"-(\d{8}-\d{6})-[0-9a-f]{6}(?:-(\d+))?$")


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list of runs.

    Attributes
    ----------
    name, strategy, first_date, last_date : str
    folder : Path
    n_symbols, n_trades : int
    metrics : mapping of str to float
        The strategy's numbers, empty where they cannot be read.
    damage : str
        What is wrong with the folder; empty for a sound one.
    """

    name: str
    folder: Path
    strategy: str = ""
    first_date: str = ""
    last_date: str = ""
    n_symbols: int = 0
    n_trades: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    damage: str = ""


def read(folder: Path) -> Run:
    """Run as it was written.

    Metrics and scores come back as JSON has them: None where there was no finite number.

    Raises
    ------
    RunError
        If a file is missing, was changed after the run, or cannot be read.
    """
    manifest = manifest_of(folder)
    if manifest.get("kind") == LEADERBOARD:
        raise RunError(
            f"{folder}: is a leaderboard of several forecasters, and this is for the run of one; "
            "'tradewind report' and 'tradewind reproduce' work on it"
        )
    if manifest.get("kind") == FRONT:
        raise RunError(
            f"{folder}: is a front of portfolios, and this is for the run of one; 'tradewind "
            f"evolve {folder.name} --choose knee' runs one of them"
        )
    if manifest.get("kind") == SWEEP:
        raise RunError(
            f"{folder}: is a sweep over many settings, and this is for the run of one; 'tradewind "
            f"backtest {folder}/best.yaml' runs the best of them"
        )
    check_files(folder, manifest["files"], (*PARQUETS, *TEXTS))
    said = manifest["run"]
    simulation, ts, benchmark, bounds = _simulation(folder, said["symbols"])
    measured = read_json(folder / "metrics.json")
    return Run(
        name=folder.resolve().name,
        config=_config(folder / "config.yaml"),
        panel=prices.read_panel(folder / "prices.parquet", ts, said),
        signals=prices.read_signals(folder / "signals.parquet", ts, said),
        first_bar=int(said["first_bar"]),
        simulation=simulation,
        trades=_records(folder, "trades", said["symbols"]),
        benchmark=benchmark,
        forecast_scores=measured.pop("forecast_scores", {}),
        ranked=measured.pop("ranked", {}),
        metrics=measured,
        notes=tuple(said["notes"]),
        manifest={k: v for k, v in manifest.items() if k not in ("run", "files")},
        log=tuple(read_lines(folder / "log.jsonl")),
        bounds=bounds,
        explanation=_explanation(folder, manifest["files"]),
    )


def _explanation(folder: Path, listed: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the strategy told, None where the run has nothing of the kind."""
    if EXPLANATION not in listed:
        return None
    check_files(folder, listed, (EXPLANATION,))
    found: Mapping[str, Any] = read_json(folder / EXPLANATION)
    return found


def manifest_of(folder: Path) -> dict[str, Any]:
    """Manifest with the parts every reader relies on."""
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; 'tradewind runs' lists what there is")
    found = read_json(folder / "manifest.json")
    if isinstance(found, dict) and found.get("kind") == PAPER:
        raise RunError(
            f"{folder}: is a paper run; 'tradewind paper status {folder.name}' says how it is, and "
            f"'tradewind report {folder.name}' tells it as an ordinary run"
        )
    run = found.get("run") if isinstance(found, dict) else None
    if not isinstance(run, dict) or not isinstance(found.get("files"), dict):
        raise RunError(f"{folder}: manifest.json is not one of a run; run the config again")
    if run.get("format") != FORMAT:
        raise RunError(
            f"{folder}: written in format {run.get('format')}, this version reads {FORMAT}; "
            f"'tradewind backtest {folder / 'config.yaml'}' makes the run again"
        )
    return dict(found)


def check_files(folder: Path, files: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse a folder that lacks a file or holds another than the one written."""
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise RunError(f"{folder}: incomplete, lacks {', '.join(missing)}; run the config again")
    for name in names:
        wanted = files.get(name, {}).get("sha256")
        if file_hash(folder / name) != wanted:
            raise RunError(
                f"{folder / name}: is not the file the run wrote (its SHA-256 differs from "
                "manifest.json); put the original back or run the config again"
            )


def _simulation(folder: Path, symbols: list[str]) -> tuple[Simulation, Ints, Floats, Bounds | None]:
    path = folder / "equity.parquet"
    table = tables.read_table(path)
    ts = np.asarray(tables.column(table, "ts", path).cast("int64"))
    equity, cash, gross, borrow, benchmark = (
        tables.floats(table, name, path)
        for name in ("equity", "cash", "gross", "borrow", "benchmark_return")
    )
    orders, fills, events = (_records(folder, name, symbols) for name in RECORDED)
    found = Simulation.with_curves(equity, cash, gross, borrow, orders, fills, events)
    bounds = None
    if "equity_worst" in table.column_names:  # where a bar was ambiguous
        bounds = Bounds(*(tables.floats(table, f"equity_{name}", path) for name in Bounds._fields))
    return found, ts, benchmark, bounds


def _records(folder: Path, name: str, symbols: list[str]) -> Any:
    return tables.read_records(folder / f"{name}.parquet", tables.RECORDS[name], symbols)


def _config(path: Path) -> RunConfig:
    try:
        return config_file.load(path)[0]
    except ConfigError as error:
        raise RunError(f"{path}: this version cannot use the run's config:\n{error}") from None


def read_json(path: Path) -> Any:
    """Content of a JSON file of a run folder; raises RunError."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{path.parent}: incomplete, lacks {path.name}; run the config again"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {error}; run the config again") from None


def read_lines(path: Path) -> list[Mapping[str, Any]]:
    """Events of a log; raises RunError."""
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {error}; run the config again") from None


def summaries(results: Path) -> list[Summary]:
    """Every run below ``results``, newest last; damaged ones say so and raise nothing."""
    if not results.is_dir():
        return []
    folders = sorted(path for path in results.iterdir() if _is_run(path))
    return sorted(map(_summary, folders), key=lambda summary: _when(summary.name))


def _is_run(path: Path) -> bool:
    marks = ("manifest.json", "config.yaml", "metrics.json", "equity.parquet")
    if path.name.startswith(".") or not path.is_dir() or (path / "journal.sqlite").exists():
        return False  # what works while the market is open has a list of its own
    return any((path / mark).exists() for mark in marks)


def _when(name: str) -> tuple[str, int, str]:
    """Order of making, by the time in a run's name: a folder's own time changes when copied."""
    found = STAMP.search(name)
    return (found[1], int(found[2] or 0), name) if found else ("", 0, name)


def _summary(folder: Path) -> Summary:
    try:
        manifest = manifest_of(folder)
        said, board = manifest["run"], manifest.get("kind") in (LEADERBOARD, FRONT, SWEEP)
        wanted = tuple(manifest["files"]) if board else (*PARQUETS, *TEXTS)
        missing = [name for name in wanted if not (folder / name).is_file()]
        metrics = {} if board else read_json(folder / "metrics.json").get("strategy", {})
        return Summary(
            name=folder.name,
            folder=folder,
            strategy=str(said["strategy"]),
            first_date=str(said["first_date"]),
            last_date=str(said["last_date"]),
            n_symbols=len(said["symbols"]),
            n_trades=int(said["n_trades"]),
            metrics=metrics,
            damage=f"lacks {', '.join(missing)}" if missing else "",
        )
    except RunError as error:
        return Summary(folder.name, folder, damage=str(error).partition(": ")[2])
    except (KeyError, TypeError, AttributeError) as error:
        return Summary(folder.name, folder, damage=f"manifest.json or metrics.json: {error!r}")
