"""One front of portfolios as a folder among the runs, written whole or not at all.

::

    results/pareto-front-20261126-101500-3f9a1c/
        config.yaml     resolved: `tradewind evolve` on it makes the same front again
        manifest.json   versions, seed, data hashes, timings; SHA-256 of every file below
        front.json      what the page says
        front.parquet   a row a portfolio: its number, its numbers on both spans, its weights
        equity.parquet  account value on the test span of each portfolio, equal weight last
        log.jsonl       events
        report.html     the page; opens offline
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.yaml import parse
from tradewind.engine.errors import ConfigError, RunError
from tradewind.engine.report import front_page, tables
from tradewind.engine.report.contents import FORMAT, files
from tradewind.engine.report.folder import publish, put, replace_page
from tradewind.engine.report.front import Front
from tradewind.engine.report.reading import (
    FRONT,
    check_files,
    manifest_of,
    read_json,
    read_lines,
)
from tradewind.engine.report.text import json_text, yaml_text

NAMES = ("config.yaml", "front.json", "front.parquet", "equity.parquet", "log.jsonl")
SPANS = ("train", "test")
WEIGHT = "weight "  # before a symbol, in the name of a column
EQUAL = "equal weight"


def is_front(folder: Path) -> bool:
    """Whether a folder holds a front; raises RunError where it is no run folder at all."""
    return manifest_of(folder).get("kind") == FRONT


def write(front: Front, results: Path) -> Path:
    """Write a front below ``results`` and return its folder.

    Raises
    ------
    RunError
        If the folder cannot be written, or it was written but its page could not be made.
    """
    from dataclasses import replace

    return publish(
        front.name, results, lambda name, folder: _fill(replace(front, name=name), folder)
    )


def _fill(front: Front, folder: Path) -> Exception | None:
    """Write every file; returns what kept the page from being made, if anything."""
    tables.write_tables([_front_table(front)], folder / "front.parquet")
    tables.write_tables([_equity_table(front)], folder / "equity.parquet")
    put(folder / "config.yaml", yaml_text(front.values).encode())
    put(folder / "front.json", f"{json_text(front.table)}\n".encode())
    lines = [f"{json_text(event, indent=None)}\n" for event in front.log]
    put(folder / "log.jsonl", "".join(lines).encode())
    manifest = {
        **front.manifest,
        "kind": FRONT,
        "run": _facts(front),
        "files": files(folder, NAMES),
    }
    put(folder / "manifest.json", f"{json_text(manifest)}\n".encode())
    try:
        put(folder / "report.html", front_page.render_front(front).encode())
    except OSError:
        raise
    except Exception as fault:
        return fault
    return None


def _facts(front: Front) -> dict[str, Any]:
    """What a list of runs needs to know."""
    train, test = (front.table["spans"][name] for name in SPANS)
    return {
        "format": FORMAT,
        "name": front.name,
        "strategy": f"front of {len(front.weights)} portfolios",
        "forecaster": None,
        "first_date": train["first_date"],
        "last_date": test["last_date"],
        "n_bars": train["n_bars"] + test["n_bars"],
        "n_trades": 0,
        "n_symbols": len(front.symbols),
        "symbols": list(front.symbols),
        "notes": list(front.notes),
    }


def _front_table(front: Front) -> Any:
    import pyarrow as pa

    columns: dict[str, Any] = {"number": np.arange(1, len(front.weights) + 1)}
    for span in SPANS:
        columns |= {f"{span} {name}": values for name, values in front.numbers[span].items()}
    columns |= {f"{WEIGHT}{s}": front.weights[:, k] for k, s in enumerate(front.symbols)}
    return pa.table(columns)


def _equity_table(front: Front) -> Any:
    import pyarrow as pa

    names = [*map(str, range(1, len(front.weights) + 1)), EQUAL]
    dates = pa.array(front.dates.astype("datetime64[ns]"))
    return pa.table({"date": dates, **dict(zip(names, front.equity, strict=True))})


def read(folder: Path) -> Front:
    """Front as it was written.

    Raises
    ------
    RunError
        If a file is missing, was changed, or cannot be read, or the folder is of another kind.
    """
    manifest = manifest_of(folder)
    if manifest.get("kind") != FRONT:
        raise RunError(f"{folder}: holds no front of portfolios; 'tradewind evolve' makes one")
    check_files(folder, manifest["files"], NAMES)
    path, curves = folder / "front.parquet", folder / "equity.parquet"
    found, equity = tables.read_table(path), tables.read_table(curves)
    symbols = [n.removeprefix(WEIGHT) for n in found.column_names if n.startswith(WEIGHT)]
    names = [name for name in equity.column_names if name != "date"]
    return Front(
        name=folder.resolve().name,
        values=_values(folder / "config.yaml"),
        table=read_json(folder / "front.json"),
        symbols=tuple(symbols),
        weights=np.column_stack([tables.floats(found, f"{WEIGHT}{s}", path) for s in symbols]),
        numbers={
            span: {
                name.removeprefix(f"{span} "): tables.floats(found, name, path)
                for name in found.column_names
                if name.startswith(f"{span} ")
            }
            for span in SPANS
        },
        dates=np.asarray(equity["date"].cast("int64")).astype("datetime64[ns]"),
        equity=np.stack([tables.floats(equity, name, curves) for name in names]),
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
    return replace_page(folder, front_page.render_front(read(folder)))
