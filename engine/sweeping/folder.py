"""One sweep as a folder: what was tried, what was best, and the best as a config.

::

    results/NAME/
        config.yaml     as written; `tradewind sweep` on it goes on, or begins again
        report.html     the page; made from the files below
        sweep.json      what the page says
        trials.parquet  a row a trial: values, scores, folds, constraints, state, seconds, hash
        returns.npy     returns of every bar of the trials that are kept, a row each
        bars.parquet    the bars of the search: time, benchmark, best trial, number of the fold
        best.yaml       `tradewind backtest` on it gives the best trial's numbers
        nested.parquet  with mode nested: equity of who re-optimised, bar by bar
        manifest.json   versions, seed, identity, timings; SHA-256 of every file above
        log.jsonl       events
        holdout.json    there once the hold-out was opened: when, and what it showed

A folder is written under a name that starts with a dot and renamed when complete.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine import pipeline
from tradewind.engine.errors import ConfigError, RunError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.pipeline import Diary
from tradewind.engine.report import tables
from tradewind.engine.report.contents import FORMAT, files
from tradewind.engine.report.folder import put, sync
from tradewind.engine.report.reading import SWEEP, check_files, manifest_of, read_json
from tradewind.engine.report.text import config_text, json_text, yaml_text
from tradewind.engine.sweeping import columns, nested
from tradewind.engine.sweeping import identity as identities
from tradewind.engine.sweeping.found import Found, new_found
from tradewind.engine.sweeping.preparing import Plan

NAMES = ("config.yaml", "sweep.json", "trials.parquet", "returns.npy", "bars.parquet", "log.jsonl")
BEST, HOLDOUT, NESTED = "best.yaml", "holdout.json", "nested.parquet"


def write(plan: Plan, found: Found, table: Mapping[str, Any], diary: Diary, folder: Path) -> Path:
    """Write a sweep's folder; one of the same name, which it went on from, is replaced.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        _fill(plan, found, table, diary, partial)
        if (folder / HOLDOUT).is_file():  # what was seen once stays seen
            shutil.copy2(folder / HOLDOUT, partial / HOLDOUT)
        sync(partial)
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        sync(folder.parent)
    except OSError as error:
        if isinstance(error, RunError):
            raise
        raise RunError(
            f"{folder}: the sweep cannot be written: {error.strerror or error}; make room or name "
            "another folder with --out"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _fill(plan: Plan, found: Found, table: Mapping[str, Any], diary: Diary, folder: Path) -> None:
    put(folder / "config.yaml", yaml_text(identities.portable(plan)).encode())
    put(folder / "sweep.json", f"{json_text(table)}\n".encode())
    tables.write_tables(columns.trials_tables(plan, found), folder / "trials.parquet")
    np.save(folder / "returns.npy", found.kept.rows)
    tables.write_tables([columns.bars_table(plan, found)], folder / "bars.parquet")
    lines = [f"{json_text(event, indent=None)}\n" for event in diary.events]
    put(folder / "log.jsonl", "".join(lines).encode())
    names = list(NAMES)
    if found.blocks:
        tables.write_tables([nested.curves_table(plan, found.blocks)], folder / NESTED)
        names.append(NESTED)
    if found.best is not None:
        best = identities.config_of(plan, found.outcomes[found.best].values)
        put(folder / BEST, config_text(best).encode())
        names.append(BEST)
    manifest = {
        "versions": {**pipeline.versions(), **_versions()},
        "seed": plan.base.seed,
        "data_digest": plan.bars.history.panel.digest(),
        "identity": identities.identity(plan),
        "kept": {"numbers": found.kept.numbers, "seen": found.kept.seen},
        "seconds": dict(diary.seconds),
        "kind": SWEEP,
        "run": _facts(plan, found),
        "files": files(folder, names),
    }
    put(folder / "manifest.json", f"{json_text(manifest)}\n".encode())


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"optuna": version("optuna")}


def _facts(plan: Plan, found: Found) -> dict[str, Any]:
    """What a list of runs needs to know."""
    panel = plan.bars.history.panel
    return {
        "format": FORMAT,
        "name": plan.base.name,
        "strategy": f"sweep of {len(found.outcomes):,} settings",
        "forecaster": None,
        "first_date": str(panel.dates[0]),
        "last_date": str(panel.dates[-1]),
        "n_bars": panel.n_bars,
        "n_trades": 0,
        "n_symbols": panel.n_symbols,
        "symbols": list(panel.symbols),
        "notes": list(pipeline.notes(plan.bars.history, (), panel)),
    }


def earlier(folder: Path, plan: Plan) -> Found | None:
    """What an earlier session of the same study found; None where there is none.

    Raises
    ------
    ConfigError
        If a study of that name is another one, with what differs.
    RunError
        If the folder is damaged.
    """
    if not folder.exists():
        return None
    manifest = read_manifest(folder)
    differ = identities.differences(identities.identity(plan), manifest.get("identity"))
    if differ:
        shown = "\n  ".join(differ[:20])
        raise ConfigError(
            f"{plan.document.at(('sweep', 'name'))}sweep.name: {plan.config.name!r} is the name of "
            f"another study, in {folder}; what differs:\n  {shown}\nGive this one a name of its "
            "own, or go on with the other one's config"
        )
    found = new_found(plan)
    for outcome in columns.read_outcomes(folder, plan):
        found.outcomes.append(outcome)
    rows = np.load(folder / "returns.npy", allow_pickle=False)
    kept = manifest["kept"]
    found.kept.restore(rows, [int(n) for n in kept["numbers"]], int(kept["seen"]))
    _find_best(found, plan, folder)
    return found


def _find_best(found: Found, plan: Plan, folder: Path) -> None:
    sign = plan.wanted.signs[0]
    for outcome in found.outcomes:
        if not outcome.feasible:
            continue
        ahead = None if found.best is None else found.outcomes[found.best].scores[0]
        if ahead is None or sign * outcome.scores[0] > sign * ahead:
            found.best = outcome.number
    path = folder / "bars.parquet"
    if found.best is not None:
        found.best_returns = tables.floats(tables.read_table(path), "best_return", path)[1:]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Manifest of a sweep whose files are as they were written; raises RunError."""
    manifest = manifest_of(folder)
    if manifest.get("kind") != SWEEP:
        raise RunError(f"{folder}: holds no sweep; 'tradewind sweep' makes one")
    check_files(folder, manifest["files"], tuple(manifest["files"]))
    return manifest


def read_table(folder: Path) -> dict[str, Any]:
    """``sweep.json``."""
    return dict(read_json(folder / "sweep.json"))


def mark(folder: Path, name: str, value: Mapping[str, Any]) -> None:
    """Put a JSON file into a folder that is there, whole or not at all."""
    partial = folder / f".{name}.{os.getpid()}"
    put(partial, f"{json_text(jsonable(value))}\n".encode())
    partial.rename(folder / name)
    sync(folder)
