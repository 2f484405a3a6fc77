"""One leaderboard as a folder among the runs, written whole or not at all.

::

    results/forecast-bench-20261124-101500-3f9a1c/
        config.yaml       resolved: `tradewind train` on it makes the comparison again
        manifest.json     versions, seed, data hash, code, timings; SHA-256 of every file below
        leaderboard.json  every number of the page
        equity.parquet    account value after costs of each that was traded, a column each
        log.jsonl         events, learning curves among them
        report.html       the page; opens offline
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.yaml import parse
from tradewind.engine.errors import ConfigError, RunError
from tradewind.engine.report import leaderboard_page, tables
from tradewind.engine.report.contents import FORMAT, files
from tradewind.engine.report.folder import publish, put, replace_page
from tradewind.engine.report.leaderboard_board import Board
from tradewind.engine.report.reading import (
    LEADERBOARD,
    check_files,
    manifest_of,
    read_json,
    read_lines,
)
from tradewind.engine.report.text import json_text, yaml_text

NAMES = ("config.yaml", "leaderboard.json", "equity.parquet", "log.jsonl")


def is_leaderboard(folder: Path) -> bool:
    """Whether a folder holds a leaderboard; raises RunError where it is no run folder at all."""
    return manifest_of(folder).get("kind") == LEADERBOARD


def write(board: Board, results: Path) -> Path:
    """Write a leaderboard below ``results`` and return its folder.

    Raises
    ------
    RunError
        If the folder cannot be written, or it was written but its page could not be made.
    """
    from dataclasses import replace

    return publish(
        board.name, results, lambda name, folder: _fill(replace(board, name=name), folder)
    )


def _fill(board: Board, folder: Path) -> Exception | None:
    """Write every file; returns what kept the page from being made, if anything."""
    tables.write_tables([_equity_table(board)], folder / "equity.parquet")
    put(folder / "config.yaml", yaml_text(board.values).encode())
    put(folder / "leaderboard.json", f"{json_text(board.table)}\n".encode())
    lines = [f"{json_text(event, indent=None)}\n" for event in board.log]
    put(folder / "log.jsonl", "".join(lines).encode())
    manifest = {
        **board.manifest,
        "kind": LEADERBOARD,
        "run": _facts(board),
        "files": files(folder, NAMES),
    }
    put(folder / "manifest.json", f"{json_text(manifest)}\n".encode())
    try:
        put(folder / "report.html", leaderboard_page.render_board(board).encode())
    except OSError:
        raise
    except Exception as fault:
        return fault
    return None


def _facts(board: Board) -> dict[str, Any]:
    """What a list of runs needs to know."""
    table = board.table
    return {
        "format": FORMAT,
        "name": board.name,
        "strategy": f"leaderboard of {len(table['rows'])}, {board.values['strategy']['kind']}",
        "forecaster": list(table["rows"]),  # who was compared, forecasters or selectors
        "first_date": table["first_date"],
        "last_date": table["last_date"],
        "n_bars": len(board.dates),
        "n_trades": 0,
        "n_symbols": table["n_symbols"],
        "symbols": [],
        "notes": list(board.notes),
    }


def _equity_table(board: Board) -> Any:
    import pyarrow as pa

    dates = pa.array(board.dates.astype("datetime64[ns]"))
    return pa.table({"date": dates, **{f"equity {k}": v for k, v in board.equity.items()}})


def read(folder: Path) -> Board:
    """Leaderboard as it was written.

    Raises
    ------
    RunError
        If a file is missing, was changed, or cannot be read, or the folder is of another kind.
    """
    manifest = manifest_of(folder)
    if manifest.get("kind") != LEADERBOARD:
        raise RunError(f"{folder}: is the run of one config, no leaderboard")
    check_files(folder, manifest["files"], NAMES)
    path = folder / "equity.parquet"
    table = tables.read_table(path)
    equity = {
        name.removeprefix("equity "): tables.floats(table, name, path)
        for name in table.column_names
        if name.startswith("equity ")
    }
    return Board(
        name=folder.resolve().name,
        values=_values(folder / "config.yaml"),
        table=read_json(folder / "leaderboard.json"),
        dates=np.asarray(table["date"].cast("int64")).astype("datetime64[ns]"),
        equity=equity,
        notes=tuple(manifest["run"].get("notes", ())),
        manifest={k: v for k, v in manifest.items() if k not in ("run", "files", "kind")},
        log=tuple(read_lines(folder / "log.jsonl")),
    )


def _values(path: Path) -> Mapping[str, Any]:
    try:
        return parse(path.read_text("utf-8"), where=str(path), folder=path.parent).values
    except (OSError, ConfigError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None


def rebuild(folder: Path) -> Path:
    """Make the page again from the folder; returns the page, raises RunError."""
    return replace_page(folder, leaderboard_page.render_board(read(folder)))
