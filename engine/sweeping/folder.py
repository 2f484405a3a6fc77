"""One sweep as a folder: what was tried, what was best, and the best as a config.

::

    results/NAME/
        config.yaml     as written; `tradewind sweep` on it goes on, or begins again
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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine import pipeline
from tradewind.engine.config.sweeping import FloatConfig, IntConfig
from tradewind.engine.errors import ConfigError, RunError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.pipeline import Diary
from tradewind.engine.report import tables
from tradewind.engine.report.contents import FORMAT, files
from tradewind.engine.report.folder import put, sync
from tradewind.engine.report.reading import SWEEP, check_files, manifest_of, read_json
from tradewind.engine.report.text import config_text, json_text, yaml_text
from tradewind.engine.sweeping import identity as identities
from tradewind.engine.sweeping import nested
from tradewind.engine.sweeping.evaluating import Outcome
from tradewind.engine.sweeping.found import Found, new_found
from tradewind.engine.sweeping.preparing import Plan
from tradewind.engine.sweeping.space import Param, label_of

NAMES = ("config.yaml", "sweep.json", "trials.parquet", "returns.npy", "bars.parquet", "log.jsonl")
BEST, HOLDOUT, NESTED = "best.yaml", "holdout.json", "nested.parquet"
BLOCK = 20_000  # trials that are written at once


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
    put(folder / "config.yaml", yaml_text(_absolute(plan)).encode())
    put(folder / "sweep.json", f"{json_text(table)}\n".encode())
    tables.write_tables(trials_tables(plan, found), folder / "trials.parquet")
    np.save(folder / "returns.npy", found.kept.rows)
    tables.write_tables([bars_table(plan, found)], folder / "bars.parquet")
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


def _absolute(plan: Plan) -> dict[str, Any]:
    """Values as written, files of the data by their absolute paths."""
    values = dict(plan.document.values)
    data = values.get("data")
    if isinstance(data, dict):
        own = plan.base.data.model_dump()
        values["data"] = {k: own[k] if k in ("path", "store") else v for k, v in data.items()}
    return values


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


def trials_tables(plan: Plan, found: Found) -> Iterator[Any]:
    """One row a trial, in blocks of trials."""
    content = identities.content_of(plan)
    kinds = {param.name: _kind(param) for param in plan.space.params}
    n = len(found.outcomes)
    for first in range(0, max(n, 1), BLOCK):
        yield _trials(plan, found.outcomes[first : first + BLOCK], content, kinds)


def _trials(plan: Plan, outcomes: Sequence[Outcome], content: str, kinds: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    columns: dict[str, Any] = {
        "number": pa.array([o.number for o in outcomes], pa.int64()),
        "state": pa.array([o.state for o in outcomes], pa.string()),
        "feasible": pa.array([o.feasible for o in outcomes], pa.bool_()),
    }
    for param in plan.space.params:
        values = [label_of(o.values.get(param.name)) for o in outcomes]
        if kinds[param.name] is None:
            values = [None if v is None else json_text(v, indent=None) for v in values]
        columns[param.name] = pa.array(values, kinds[param.name] or pa.string())
    for j, name in enumerate(plan.config.objectives):
        columns[f"score {name}"] = _numbers([_at(o.scores, j) for o in outcomes])
        for k in range(len(plan.folds)):
            columns[f"fold {k} {name}"] = _numbers(
                [float(o.folds[j, k]) if o.folds.size else np.nan for o in outcomes]
            )
    for j, name in enumerate(plan.wanted.whole):
        columns[f"whole {name}"] = _numbers([_at(o.whole, j) for o in outcomes])
    for j, text in enumerate(plan.config.constraints):
        columns[f"excess {text}"] = _numbers([_at(o.excess, j) for o in outcomes])
    columns["seconds"] = _numbers([o.seconds for o in outcomes])
    columns["error"] = pa.array([o.error for o in outcomes], pa.string())
    hashes = [identities.content_of_trial(content, plan.space.whole(o.values)) for o in outcomes]
    columns["content"] = pa.array(hashes, pa.string())
    return pa.table(columns)


def _kind(param: Param) -> Any:
    """Type of a parameter's column; None where its values are of several kinds."""
    import pyarrow as pa

    config = param.config
    if isinstance(config, IntConfig):
        return pa.int64()
    if isinstance(config, FloatConfig):
        return pa.float64()
    kinds = {type(label) for label in param.labels if label is not None}
    plain = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    return plain[kinds.pop()] if len(kinds) == 1 else None


def _at(numbers: Sequence[float], place: int) -> float:
    return numbers[place] if place < len(numbers) else np.nan


def _numbers(values: Sequence[float]) -> Any:
    import pyarrow as pa

    return pa.array(np.asarray(values, np.float64))


def bars_table(plan: Plan, found: Found) -> Any:
    """One row a bar: what the trials are measured beside, and where the folds lie."""
    import pyarrow as pa

    panel = plan.bars.history.panel
    fold = np.full(panel.n_bars, -1)
    if plan.config.validate_on.kind == "walk_forward":
        for one in plan.folds:
            for a, b in one.spans:
                fold[a:b] = one.number
    best = np.full(panel.n_bars, np.nan)
    if found.best_returns is not None:
        best[1:] = found.best_returns
    return pa.table(
        {
            "ts": tables.times(panel.ts),
            "benchmark_return": plan.benchmark,
            "best_return": best,
            "fold": fold,
        }
    )


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
    for outcome in read_outcomes(folder, plan):
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


def read_outcomes(folder: Path, plan: Plan) -> list[Outcome]:
    """Trials as they were, without their returns."""
    table = tables.read_table(folder / "trials.parquet").to_pylist()
    objectives = list(plan.config.objectives)
    n_folds = len(plan.folds)
    found = []
    for row in table:
        values: dict[str, Any] = {}
        for param in plan.space.params:
            label = row[param.name]
            values_so_far = {**plan.space.fixed, **values}
            if param.applies(values_so_far):
                values[param.name] = param.value_of(label)
        tested = row["state"] in ("complete", "undefined", "pruned")
        folds = [[row[f"fold {k} {name}"] for k in range(n_folds)] for name in objectives]
        found.append(
            Outcome(
                values=values,
                state=row["state"],
                scores=[row[f"score {name}"] for name in objectives] if tested else [],
                folds=np.array(folds) if tested else np.empty((0, 0)),
                whole=[row[f"whole {n}"] for n in plan.wanted.whole]
                if row["state"] != "refused"
                else [],
                excess=[row[f"excess {text}"] for text in plan.config.constraints]
                if row["state"] != "refused"
                else [],
                seconds=row["seconds"],
                error=row["error"],
                number=row["number"],
            )
        )
    return found


def mark(folder: Path, name: str, value: Mapping[str, Any]) -> None:
    """Put a JSON file into a folder that is there, whole or not at all."""
    partial = folder / f".{name}.{os.getpid()}"
    put(partial, f"{json_text(jsonable(value))}\n".encode())
    partial.rename(folder / name)
    sync(folder)
